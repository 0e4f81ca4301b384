"""Laws of noise fitted to samples of known laws, and the table that is written."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import detection
from models.analysis.detection import Law
from models.seismic.signal.transients import TRANSIENT_BANDS_HZ
from training.config import TrainingSettings
from training.experiments.detection import calibrate
from training.experiments.detection.calibrate import (
    MAX_DECAY,
    NoiseSamples,
    combine_laws,
    draw_noise_networks,
    fit_false_alarms,
    fit_law,
    fit_laws,
    fit_readings,
    measure_entropies,
    write_noise_table,
)
from training.synthesis.instrument_defects import GLITCH_PROBABILITY

LAW = Law(1.5, 0.4, 0.6, 0.6)


def draw_samples(law, trials, count=3000, seed=2):
    """Largest values of a law for so many trials."""
    uniform = np.random.default_rng(seed).uniform(size=count)
    values = law.location + law.growth * np.log(trials) - law.scale * np.log(-np.log(uniform))
    return np.column_stack((values, np.full(count, float(trials))))


def test_a_law_is_recovered_from_its_own_samples_at_two_numbers_of_trials():
    fitted = fit_law(np.vstack((draw_samples(LAW, 30), draw_samples(LAW, 900, seed=3))))
    np.testing.assert_allclose(fitted, LAW, atol=0.15)


def test_a_minimum_tail_scale_changes_the_tail_alone():
    samples = draw_samples(LAW, 100)
    narrow, wide = fit_law(samples, 0.4), fit_law(samples, 0.4, 1.0)
    assert wide == (*narrow[:3], 1.0)
    contrasts = np.array([np.quantile(samples[:, 0], 0.7), np.quantile(samples[:, 0], 0.95), samples[:, 0].max()])
    thin, thick = (detection.exceedance_probability(contrasts, np.full(3, 100.0), law) for law in (narrow, wide))
    np.testing.assert_allclose(thin[:2], (0.3, 0.05), rtol=0.02)
    np.testing.assert_allclose(thick[:2], thin[:2], rtol=0.02)
    assert thick[2] > 2.0 * thin[2]


def test_of_two_laws_the_one_that_noise_reaches_higher_by_is_chosen():
    low, growing, wide = Law(1.0, 0.2, 0.2, 0.2), Law(0.0, 0.5, 0.2, 0.2), Law(0.8, 0.2, 0.2, 1.0)
    assert combine_laws([low, growing], 1000.0) == growing
    assert combine_laws([low, growing], 1.0) == low
    assert combine_laws([low, wide], 1.0) == wide


def test_the_false_alarm_probability_is_that_of_the_statistics_of_noise():
    statistics = np.random.default_rng(1).exponential(1.0 / np.log(10.0), 20_000)
    start, decay = fit_false_alarms(statistics)
    assert decay == pytest.approx(1.0, abs=0.05)
    assert 10.0 ** (-decay * (np.quantile(statistics, 0.95) - start)) == pytest.approx(0.05, rel=0.01)
    assert fit_false_alarms(0.01 * statistics)[1] == MAX_DECAY


def test_the_law_of_readings_meets_the_shares_of_noise_and_of_glitches_weighted_by_their_probability():
    """Glitches are read at entropies from 2 on, ever more often by a factor of ten a nat; other noise above 4 only."""
    entropies = 3.0 + np.log10(np.arange(1, 2001) / 200.0)
    start, growth = fit_readings((np.full(3, 4.5), 5000), (entropies, 16_000))
    assert growth == pytest.approx(1.0, abs=0.05)
    assert 10.0 ** (growth * (3.0 - start)) == pytest.approx(GLITCH_PROBABILITY * 200 / 16_000, rel=0.05)
    assert fit_readings((np.full(30, 4.5), 5000), (entropies, 16_000))[1] == pytest.approx(growth, abs=0.05)


def test_wave_trains_of_noise_are_counted_apart_for_short_records(monkeypatch):
    """Each of the records is read with an entropy of its length in units of 1,000 s."""

    def read_trains(gather, trains, _times_s, _reader):
        chosen = np.flatnonzero(np.isfinite(trains))
        durations_s = np.isfinite(gather.samples).sum(axis=1) / gather.sampling_rate_hz
        return detection.Readings(durations_s[chosen] / 1000.0, detection.find_short_records(gather)[chosen])

    monkeypatch.setattr(calibrate, "read_trains", read_trains)
    settings = TrainingSettings().model_copy(update={"data_dir": None})
    networks = [
        *draw_noise_networks(settings, 2, defects=(), seconds=(400.0, 500.0)),
        *draw_noise_networks(settings, 2, seconds=(700.0, 900.0)),
    ]
    (long, long_count), (short, short_count) = measure_entropies(networks, detection.read_noise_table(), None)
    assert long_count == len(long) > 0
    assert short_count == len(short) > 0
    assert short.max() < detection.SHORT_READING_S / 1000.0 <= long.min()


def test_the_table_that_is_written_is_read_again(tmp_path, monkeypatch):
    kinds = [draw_samples(LAW, 50)] * 6
    samples = NoiseSamples([*kinds, kinds[0]], kinds[:2], draw_samples(Law(-0.5, 0.0, 0.3, 0.3), 1))
    table = replace(fit_laws(samples, samples), networks=300, readings=((6.5, 0.9), (4.5, 0.6)), reader="12")
    monkeypatch.setattr(detection, "TABLE_PATH", write_noise_table(table, tmp_path / "table.json"))
    read = detection.read_noise_table.__wrapped__()
    assert (read.networks, read.readings, read.reader) == (300, ((6.5, 0.9), (4.5, 0.6)), "12")
    np.testing.assert_allclose(read.transients, table.transients, rtol=1e-3)
    np.testing.assert_allclose(read.stack, table.stack, rtol=1e-3)
    assert len(read.transients) == len(TRANSIENT_BANDS_HZ) + 1
    assert len(read.beams) == 2
