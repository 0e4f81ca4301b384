"""Detection of events: noise, events, disturbed traces, and what is said where nothing is found."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from scipy.stats import binom

from models.analysis import detection
from models.analysis.detection import (
    DISTURBED_PROBABILITY,
    DISTURBED_READING_PROBABILITY,
    DISTURBED_SINGLE_PROBABILITY,
    DISTURBED_TRAIN_PROBABILITY,
    MAX_FALSE_ALARM_PROBABILITY,
    MAX_RECORDS_READ,
    MAX_SHORT_READING_PROBABILITY,
    MAX_TRANSIENT_PROBABILITY,
    MIN_FALSE_ALARM_PROBABILITY,
    RATE_FACTOR,
    READING_LEAD_S,
    SHORT_RATE_FACTOR,
    Law,
    Readings,
    combine_evidence,
    detect_event,
    exceedance_probability,
    network_probability,
    read_noise_table,
    read_trains,
    readings_probability,
)
from models.analysis.distances import distance_entropies
from models.errors import NoUsableTrace
from models.imaging.conditioning import condition
from models.registry.store import open_store
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.offset import BINS, OFFSET
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings

RATE_HZ = 5.0


def make_records(count, seconds=1200, heights=None, seed=4):
    """Noise at stations some degrees apart, with a burst of 1 to 20 s of so many times its amplitude in the middle."""
    random, times = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    burst = np.exp(-np.maximum(times - 0.5 * seconds, 0.0) / 40.0) * (times > 0.5 * seconds)
    records = []
    for number, height in enumerate(heights or [0.0] * count):
        noise, wave = random.normal(size=(2, len(times)))
        samples = noise + height * burst * (wave + np.sin(2 * np.pi * times / 12.0))
        place = (10.0 + 7.0 * (number // 4), 20.0 + 7.0 * (number % 4))
        records.append(Record(TraceId("XX", f"S{number}", "", "BHZ"), 1.6e9, RATE_HZ, samples.astype(np.float32), *place))
    return records


def detect(records):
    return detect_event(records, condition(records, CONDITIONING), None)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_noise_is_no_event_at_any_number_of_stations(count):
    found = detect(make_records(count))
    assert not found.detected
    assert found.false_alarm_probability > MAX_FALSE_ALARM_PROBABILITY


def test_noise_that_rises_with_frequency_at_all_stations_is_no_event():
    """Its windowed energies vary more than those of white noise, at each of 22 stations by as little."""
    records = make_records(22, seconds=4800)
    frequencies_hz = np.fft.rfftfreq(len(records[0].samples), 1.0 / RATE_HZ)
    steep = [
        replace(record, samples=np.fft.irfft(np.fft.rfft(record.samples) * np.minimum(frequencies_hz, 0.13) ** 3).astype(np.float32))
        for record in records
    ]
    assert not detect(steep).detected


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_an_event_is_detected_at_any_number_of_stations(count):
    found = detect(make_records(count, heights=[30.0] * count))
    assert found.detected
    assert found.false_alarm_probability < MAX_FALSE_ALARM_PROBABILITY


def test_a_weak_event_needs_many_stations_of_a_network():
    assert not detect(make_records(16, heights=[1.4] + [0.0] * 15)).detected
    assert detect(make_records(16, heights=[1.4] * 16)).detected


def test_one_disturbed_trace_of_several_is_no_event():
    assert not detect(make_records(8, heights=[1000.0] + [0.0] * 7)).detected
    assert not detect(make_records(2, heights=[1000.0, 0.0])).detected


@pytest.mark.parametrize(("corner_hz", "stacked"), [(None, True), (0.5, False)])
def test_records_without_long_periods_are_not_stacked(monkeypatch, corner_hz, stacked):
    """What leaks from short periods is no surface wave."""
    asked = []
    monkeypatch.setattr(detection, "detect_surface_waves", asked.append)
    records = make_records(8, 2400)
    if corner_hz is not None:
        sections = butter(4, corner_hz, "highpass", fs=records[0].sampling_rate_hz, output="sos")
        records = [replace(one, samples=sosfilt(sections, one.samples).astype(np.float32)) for one in records]
    detect(records)
    assert bool(asked) is stacked


def test_evidence_grows_with_the_number_of_traces_that_agree():
    found = [network_probability(np.array([[0.01]] * k + [[0.5]] * (10 - k))) for k in range(1, 5)]
    assert found == sorted(found, reverse=True)
    assert network_probability(np.full((3, 1), 0.005)) == pytest.approx(DISTURBED_PROBABILITY**3)
    assert network_probability(np.full((20, 1), MAX_TRANSIENT_PROBABILITY * 1.01)) == pytest.approx(1.0)


def test_traces_that_agree_do_so_in_one_band():
    agreeing, scattered = np.full((4, 4), 0.5), np.full((4, 4), 0.5)
    agreeing[:, 1] = 0.01
    np.fill_diagonal(scattered, 0.01)
    assert network_probability(agreeing) < 0.01
    assert network_probability(scattered) > 0.3


def test_a_band_that_no_trace_holds_does_not_count():
    wide = np.full((3, 6), np.nan)
    wide[:, 2] = 0.01
    assert network_probability(wide) == pytest.approx(max((0.01 * RATE_FACTOR) ** 3, DISTURBED_PROBABILITY**3))


def test_no_trace_is_better_evidence_than_a_disturbance():
    assert network_probability(np.array([[1e-12, 1e-9]])) == pytest.approx(DISTURBED_SINGLE_PROBABILITY)
    assert network_probability(np.array([[1e-12], [1e-12]])) == pytest.approx(DISTURBED_PROBABILITY**2)
    assert network_probability(np.array([[0.009]])) == pytest.approx(RATE_FACTOR * 0.009)
    assert detect(make_records(1, heights=[1e4])).statistic == pytest.approx(-np.log10(DISTURBED_SINGLE_PROBABILITY))


def test_a_wave_train_is_rarer_among_disturbances_than_a_transient():
    """Its probability stands after those of the bands."""
    unmeasured = np.full((4, 7), np.nan)
    transients, trains = unmeasured.copy(), unmeasured.copy()
    transients[:, 2], trains[:, 6] = (1e-9, 1e-9, 0.9, 0.9), (1e-9, 1e-9, 0.9, 0.9)
    assert network_probability(transients) == pytest.approx(binom.sf(1, 4, DISTURBED_PROBABILITY))
    assert network_probability(trains) == pytest.approx(binom.sf(1, 4, DISTURBED_TRAIN_PROBABILITY))


def test_wave_trains_of_two_traces_of_eight_are_an_event_and_glitches_are_none():
    quiet, waves = make_records(8), make_records(8, heights=[8.0, 8.0] + [0.0] * 6)
    times = np.arange(len(quiet[0].samples)) / RATE_HZ - 600.0
    glitch = np.where(times >= 0, 300.0 * np.exp(-np.maximum(times, 0.0) / 80.0), 0.0).astype(np.float32)
    glitches = [replace(record, samples=record.samples + glitch) if number < 2 else record for number, record in enumerate(quiet)]
    assert detect(waves).detected
    assert not detect(glitches).detected


def test_a_contrast_is_the_more_probable_in_noise_the_more_trials_there_are():
    probabilities = exceedance_probability(np.array([3.0, 3.0, 4.0]), np.array([10.0, 100.0, 100.0]), Law(1.0, 0.3, 0.3, 0.5))
    assert probabilities[1] > probabilities[0]
    assert probabilities[1] > probabilities[2]
    assert exceedance_probability(np.array(-9.0), np.array(100.0), Law(1.0, 0.3, 0.3, 0.5)) == pytest.approx(1.0, abs=1e-3)


def test_the_false_alarm_probability_falls_with_the_statistic_and_is_bounded():
    table = read_noise_table()
    for kinds in (1, 3):
        found = [table.false_alarm_probability(statistic, kinds) for statistic in (0.0, 1.0, 2.0, 4.0, 300.0)]
        assert found == sorted(found, reverse=True)
        assert found[-1] == MIN_FALSE_ALARM_PROBABILITY
    assert table.networks >= 200


def test_the_description_says_what_was_looked_for():
    found = detect(make_records(8, seconds=3000))
    text = found.describe()
    assert "0.3 to 2 Hz" not in text
    assert "8 traces" in text
    assert f"{found.false_alarm_probability:.2g}" in text
    assert len(found.evidence) >= 2


def test_one_strong_kind_of_evidence_decides_and_two_weak_ones_do_together():
    table = read_noise_table()
    strong, weak = combine_evidence([("one", 0.9), ("other", 1e-9)], 3, table), combine_evidence([("one", 0.04), ("other", 0.03)], 3, table)
    assert strong.statistic == pytest.approx(-np.log10(3e-9))
    assert weak.statistic == pytest.approx(-np.log10(0.0012 * (1.0 - np.log(0.0012))))
    assert weak.statistic > combine_evidence([("other", 0.03)], 3, table).statistic


def test_records_too_short_for_every_band_are_an_error():
    records = make_records(3, seconds=20)
    with pytest.raises(NoUsableTrace, match="20 s"):
        detect_event(records, condition(records, CONDITIONING), None)


def stub_readings(monkeypatch, width_deg):
    """Let every trace be read with an equal probability over so many degrees; returns the list of the gathers that are read."""
    read = []

    def read_distances(_reader, gather):
        probabilities = np.zeros((len(gather.trace_ids), BINS))
        probabilities[:, :width_deg] = 1.0 / width_deg
        read.append(gather)
        return SimpleNamespace(probabilities=probabilities, has_distance=np.ones(len(gather.trace_ids), np.bool_))

    monkeypatch.setattr(detection, "read_distances", read_distances)
    return read


@pytest.mark.parametrize(("width_deg", "is_event"), [(3, True), (120, False)])
def test_one_wave_train_of_nine_is_an_event_where_its_distance_is_read_with_certainty(monkeypatch, width_deg, is_event):
    read, records = stub_readings(monkeypatch, width_deg), make_records(9, heights=[8.0] + [0.0] * 8)
    assert not detect(records).detected
    assert detect_event(records, condition(records, CONDITIONING), object()).detected == is_event
    assert [len(gather.trace_ids) for gather in read] == [1]


def test_wave_trains_that_are_strong_enough_are_read_and_not_more_than_eight(monkeypatch):
    read, records = stub_readings(monkeypatch, 1), make_records(11)
    trains = np.array([np.nan, 0.5, *np.linspace(0.05, 0.001, 9)])
    readings = read_trains(condition(records, CONDITIONING), trains, np.full(11, 1.6e9), object())
    np.testing.assert_allclose(readings.entropies, np.zeros(MAX_RECORDS_READ), atol=1e-9)
    assert not readings.is_short.any()
    assert read[0].trace_ids == tuple(record.trace_id for record in records[3:])


def test_of_short_records_strong_wave_trains_alone_are_read_and_have_a_law_of_their_own(monkeypatch):
    read, records = stub_readings(monkeypatch, 3), [*make_records(3, seconds=400), *make_records(4)[3:]]
    trains = np.array([2.0, 0.5, 1e-3, 40.0]) * MAX_SHORT_READING_PROBABILITY
    readings = read_trains(condition(records, CONDITIONING), trains, np.full(4, 1.6e9), object())
    assert [gather.trace_ids for gather in read] == [tuple(record.trace_id for record in records[1:])]
    assert readings.is_short.tolist() == [True, True, False]
    probabilities = read_noise_table().reading_probability(readings)
    assert probabilities[0] == probabilities[1] > probabilities[2]


def test_one_wave_train_of_nine_short_records_is_an_event_where_its_distance_is_read_with_certainty(monkeypatch):
    records = make_records(9, seconds=400, heights=[300.0] + [0.0] * 8)
    for width_deg, is_event in ((3, True), (120, False)):
        stub_readings(monkeypatch, width_deg)
        assert detect_event(records, condition(records, CONDITIONING), object()).detected == is_event
    assert not detect(records).detected


def test_a_record_is_read_from_ten_minutes_before_its_wave_train_on(monkeypatch):
    read, gather = stub_readings(monkeypatch, 1), condition(make_records(2, seconds=3000), CONDITIONING)
    read_trains(gather, np.array([0.01, 0.01]), gather.start_time_s + np.array([100.0, 2000.0]), object())
    first = np.isfinite(read[0].samples).argmax(axis=1) / gather.sampling_rate_hz
    np.testing.assert_allclose(first, [0.0, 2000.0 - READING_LEAD_S], atol=1.0)


def test_no_reading_is_better_evidence_than_a_disturbance_and_two_are_better_than_one():
    table = read_noise_table()

    def evaluate(*entropies, is_short=False):
        return readings_probability(Readings(np.array(entropies), np.full(len(entropies), is_short)), 9, table)

    assert evaluate(0.1) == pytest.approx(binom.sf(0, 9, DISTURBED_READING_PROBABILITY))
    assert evaluate(0.1, 0.1) == pytest.approx(binom.sf(1, 9, DISTURBED_READING_PROBABILITY))
    assert evaluate(3.4) > evaluate(2.9)
    rate = float(table.reading_probability(Readings(np.array([2.9]), np.array([True])))[0])
    assert evaluate(2.9, is_short=True) == pytest.approx(binom.sf(0, 9, SHORT_RATE_FACTOR * rate))
    assert evaluate(*np.full(9, 3.6)) == 1.0
    assert evaluate() == 1.0


def test_the_entropy_of_an_even_distribution_is_the_logarithm_of_its_width():
    probabilities = np.zeros((2, BINS))
    probabilities[0, 7], probabilities[1, 20:28] = 1.0, 0.125
    np.testing.assert_allclose(distance_entropies(probabilities), [0.0, np.log(8.0)], atol=1e-9)


def test_readings_are_calibrated_with_the_distance_network_that_ships():
    """After another version: `python -m training experiment detection-table`."""
    assert read_noise_table().reader == open_store(TrainingSettings().artifacts_dir).verify(OFFSET).version
