"""Energy rises at the onsets of waves in coda, measured from the rise of P."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.depth_phases.rises import BANDS_HZ, WINDOWS_S, Onset, measure_record, measure_rises, window_energies
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_HZ = 5.0
P_S, LATER_S = 200.0, 60.0
HIGH, WINDOW_S = BANDS_HZ[1], WINDOWS_S[1]
LAGS_S = np.arange(0.0, 120.0, 0.5)


def make_record(seed: int = 1, later: float = 1.0, rate_hz: float = RATE_HZ) -> Record:
    """Noise, P with a decaying coda, and another wave of so much of its amplitude 60 s after it."""
    random = np.random.default_rng(seed)
    seconds = np.arange(round(500.0 * rate_hz)) / rate_hz
    after, again = seconds - P_S, seconds - P_S - LATER_S
    envelope = np.exp(-after / 15.0) * (after > 0.0) + later * np.exp(-again / 15.0) * (again > 0.0)
    samples = random.normal(size=len(seconds)) * (0.02 + envelope)
    return Record(TraceId("XX", "A", "", "BHZ"), 1000.0, rate_hz, samples.astype(np.float32), 0.0, 0.0)


def test_a_later_wave_makes_the_largest_rise_at_its_lag_after_p():
    rises = measure_record(make_record(), Onset(1000.0 + P_S + 1.0, "P"), HIGH, WINDOW_S, LAGS_S)
    assert rises is not None
    later = LAGS_S > 2.0 * WINDOW_S
    assert LAGS_S[later][np.argmax(rises[later])] == pytest.approx(LATER_S, abs=2.0)
    assert rises[later].max() > 1.5
    assert np.median(np.abs(rises[later])) < 0.7


def test_the_lag_does_not_depend_on_how_late_p_was_picked():
    early, late = (measure_record(make_record(), Onset(1000.0 + P_S + error, "P"), HIGH, WINDOW_S, LAGS_S) for error in (-3.0, 3.0))
    assert np.argmax(early[LAGS_S > 10.0]) == pytest.approx(np.argmax(late[LAGS_S > 10.0]), abs=1)


def test_a_record_without_p_has_no_rises():
    noise = replace(make_record(), samples=np.random.default_rng(2).normal(size=2500).astype(np.float32))
    assert measure_record(noise, Onset(1000.0 + P_S, "P"), HIGH, WINDOW_S, LAGS_S) is None
    assert measure_record(make_record(), Onset(1000.0 - 500.0, "P"), HIGH, WINDOW_S, LAGS_S) is None
    assert measure_record(replace(make_record(), samples=np.zeros(2500, np.float32)), Onset(1200.0, "P"), HIGH, WINDOW_S, LAGS_S) is None


def test_a_gap_has_no_rises_and_leaves_the_others():
    record = make_record()
    record.samples[round((P_S + 20.0) * RATE_HZ) : round((P_S + 30.0) * RATE_HZ)] = np.nan
    rises = measure_record(record, Onset(1000.0 + P_S, "P"), HIGH, WINDOW_S, LAGS_S)
    assert rises is not None
    assert np.isnan(rises[(LAGS_S > 20.0) & (LAGS_S < 29.0)]).all()
    assert np.isfinite(rises[(LAGS_S > 40.0) & (LAGS_S < 100.0)]).all()


def test_records_of_low_rate_have_the_long_band_alone():
    bands = measure_rises([make_record(rate_hz=1.0), make_record(seed=3, rate_hz=1.0)], {0: Onset(1200.0, "P"), 1: Onset(1200.0, "P")})
    assert [band.window_s for band in bands] in ([], [WINDOWS_S[0]])
    both = measure_rises([make_record(), make_record(seed=3)], {1: Onset(1200.0, "P")})
    assert [band.trace_indices for band in both][-1] == (1,)


def test_energies_are_those_of_the_windows_on_either_side():
    samples = np.concatenate((np.full(10, 1.0), np.full(10, 2.0)))
    before, after = window_energies(samples, np.ones(20, np.bool_), 4)
    assert (before[10], after[10]) == (1.0, 4.0)
    assert np.isnan(before[:4]).all()
    assert np.isnan(after[17:]).all()
