"""Energy contrasts of single records."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfiltfilt

from models.seismic.signal.transients import TRANSIENT_BANDS_HZ, measure_transients
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

LONG_PERIOD_P, SHORT_PERIOD, TRAIN = 2, 4, 6
"""Bands of 8 to 20 s and of 0.8 to 2 Hz; wave trains."""


@pytest.fixture
def noise() -> Record:
    samples = np.random.default_rng(3).normal(size=12_000).astype(np.float32)
    return Record(TraceId("XX", "A", "", "BHZ"), 1.6e9, 5.0, samples, None, None)


def contrasts(record: Record):
    return measure_transients([record]).contrasts[0]


def add(record: Record, frequency_hz: float, seconds: float, height: float) -> Record:
    times = np.arange(len(record.samples)) / record.sampling_rate_hz - 1000.0
    wave = np.where((times >= 0) & (times < seconds), height * np.sin(2 * np.pi * frequency_hz * times), 0.0)
    return replace(record, samples=record.samples + wave.astype(np.float32))


def test_a_burst_raises_the_contrast_of_its_band_alone(noise):
    change = contrasts(add(noise, 1.2, 30.0, 10.0)) - contrasts(noise)
    assert change[SHORT_PERIOD] > 3.0
    assert abs(change[LONG_PERIOD_P]) < 0.5


def test_a_long_period_wave_raises_the_contrast_of_its_band_alone(noise):
    change = contrasts(add(noise, 1 / 12, 120.0, 5.0)) - contrasts(noise)
    assert change[LONG_PERIOD_P] > 3.0
    assert abs(change[SHORT_PERIOD]) < 0.1


def test_an_impulse_shorter_than_two_windows_is_no_transient(noise):
    long, short = add(noise, 1.2, 12.0, 10.0), add(noise, 1.2, 1.0, 10.0)
    assert contrasts(long)[SHORT_PERIOD] - contrasts(noise)[SHORT_PERIOD] > 3.0
    assert contrasts(short)[SHORT_PERIOD] - contrasts(noise)[SHORT_PERIOD] < 2.0


def test_large_glitches_are_no_wave_train(noise):
    """A step that decays over 20 to 300 s, three hundred times as large as the noise, leaves the band of wave trains in half a minute."""
    times = np.arange(len(noise.samples)) / noise.sampling_rate_hz - 1000.0
    for decay_s in (1.0, 20.0, 80.0, 300.0):
        glitch = np.where(times >= 0, 300.0 * np.exp(-np.maximum(times, 0.0) / decay_s), 0.0)
        disturbed = replace(noise, samples=(noise.samples + glitch).astype(np.float32))
        assert contrasts(disturbed)[LONG_PERIOD_P] - contrasts(noise)[LONG_PERIOD_P] > 1.0
        assert contrasts(disturbed)[TRAIN] - contrasts(noise)[TRAIN] < 0.5


def test_waves_that_last_for_minutes_are_a_wave_train_and_two_cycles_are_none(noise):
    long, short = add(noise, 1 / 12, 120.0, 3.0), add(noise, 1 / 12, 24.0, 3.0)
    assert contrasts(long)[TRAIN] - contrasts(noise)[TRAIN] > 2.0
    assert contrasts(short)[TRAIN] - contrasts(noise)[TRAIN] < 0.5


def test_the_time_of_a_wave_train_is_its_beginning(noise):
    dead = replace(noise, samples=np.zeros_like(noise.samples))
    times_s = measure_transients([add(noise, 1 / 12, 80.0, 5.0), dead]).train_times_s
    assert times_s[0] == pytest.approx(1000.0, abs=20.0)
    assert np.isnan(times_s[1])


def test_contrasts_do_not_depend_on_the_gain(noise):
    np.testing.assert_allclose(contrasts(replace(noise, samples=1e4 * noise.samples)), contrasts(noise), rtol=1e-3)


def test_windows_in_a_gap_do_not_count(noise):
    gapped = noise.samples.copy()
    gapped[4000:8000] = np.nan
    whole, rest = measure_transients([noise, replace(noise, samples=gapped)]).windows
    np.testing.assert_allclose(rest[LONG_PERIOD_P], whole[LONG_PERIOD_P] - 800.0 / 20.0, atol=2.5)
    assert contrasts(replace(noise, samples=gapped))[LONG_PERIOD_P] < contrasts(noise)[LONG_PERIOD_P] + 0.5


def test_a_record_has_no_contrast_in_bands_that_it_does_not_hold(noise):
    short = measure_transients([replace(noise, samples=noise.samples[:400]), replace(noise, sampling_rate_hz=1.0)])
    assert np.isfinite(short.contrasts).tolist() == [
        [*(low >= 0.3 and high <= 2.0 for low, high in TRANSIENT_BANDS_HZ), False],
        [*(high <= 0.8 for _, high in TRANSIENT_BANDS_HZ), True],
    ]
    assert (short.windows > 0).tolist() == np.isfinite(short.contrasts).tolist()


def test_a_constant_record_and_one_of_gaps_have_no_contrast(noise):
    dead = replace(noise, samples=np.zeros_like(noise.samples))
    empty = replace(noise, samples=np.full_like(noise.samples, np.nan))
    assert not np.isfinite(measure_transients([dead, empty]).contrasts).any()


FILTERS = {"low-pass": ("lowpass", 0.04), "long periods": ("bandpass", (0.01, 0.05)), "short periods": ("bandpass", (1.0, 2.2))}


def filter_record(record: Record, name: str, *, zero_phase: bool) -> Record:
    kind, corners_hz = FILTERS[name]
    sections = butter(4, corners_hz, kind, fs=record.sampling_rate_hz, output="sos")
    filtered = (sosfiltfilt if zero_phase else sosfilt)(sections, record.samples.astype(np.float64))
    return replace(record, samples=filtered.astype(np.float32))


@pytest.mark.parametrize("zero_phase", [False, True])
@pytest.mark.parametrize("name", FILTERS)
def test_noise_that_was_filtered_before_has_no_larger_contrasts(noise, name, zero_phase):
    """Before, what leaked from the passband at the ends of the record was a contrast of 10 and more."""
    red = replace(noise, samples=(noise.samples + 0.2 * np.cumsum(noise.samples[::-1])).astype(np.float32))
    filtered = measure_transients([filter_record(red, name, zero_phase=zero_phase)])
    assert np.nanmax(filtered.contrasts[0] - contrasts(red)) < 1.0
    assert filtered.filtered[0].any()
    assert not measure_transients([red]).filtered.any()


def test_a_wave_in_the_passband_is_a_transient_of_filtered_records_too(noise):
    waves = filter_record(add(noise, 1 / 35, 300.0, 3.0), "long periods", zero_phase=True)
    assert contrasts(waves)[1] - contrasts(noise)[1] > 3.0


def test_bands_two_beyond_a_gentle_filter_do_not_count(noise):
    """Each band holds more than three millionths of the next one within, but less than a hundred millionth of the strongest."""
    gentle = measure_transients([filter_record(replace(noise, sampling_rate_hz=10.0), "low-pass", zero_phase=False)])
    assert (gentle.contrasts[0, 4:6] == 0.0).all()


def test_a_filter_of_most_records_is_that_of_all(noise):
    """A step within a record, as after a gap, raises what is beyond the filter."""
    sent = [filter_record(noise, "short periods", zero_phase=True)] * 2
    steps = replace(sent[0], samples=sent[0].samples + 0.05 * (np.arange(len(noise.samples)) // 500 % 2).astype(np.float32))
    alone, together = measure_transients([steps]), measure_transients([*sent, steps])
    assert not alone.filtered[0, 1:3].all()
    assert together.filtered[2, 1:3].all()
    assert (together.contrasts[2] <= alone.contrasts[0] + 1e-9)[np.isfinite(alone.contrasts[0])].all()
