"""Comparing synthetic with observed records: responses, bands, lags."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.experiments.realism.compare import (
    STEP_S,
    ButterworthBand,
    correlate_separately,
    find_best_lag,
    is_clipped,
    read_published_solution,
    read_sac_responses,
    restore_displacement,
)

SAC = """** FILE made up
* Network   (KNETWK): XX
* Station   (KSTNM) : AAA
* Component (KCMPNM): LHZ
* Location  (KHOLE) : 00
* **********
ZEROS 3
POLES 2
-0.037  -0.037
-0.037  0.037
CONSTANT 2.0e9
"""
BAND = ButterworthBand(100.0, 50.0)


def pulse(at_s: float) -> np.ndarray:
    clock = np.arange(1500) * STEP_S
    return np.exp(-(((clock - at_s) / 40) ** 2)) * np.cos(2 * np.pi * (clock - at_s) / 70)


def record_of(samples: np.ndarray) -> Record:
    return Record(TraceId("XX", "AAA", "00", "LHZ"), 0.0, 1 / STEP_S, samples.astype(np.float32), 0.0, 0.0)


def test_zeros_that_are_not_written_out_lie_at_the_origin():
    response = read_sac_responses(SAC)["XX", "AAA", "00", "LHZ"]
    s = 2j * np.pi * response.frequencies_hz
    np.testing.assert_allclose(response.velocity_response, 2e9 * s**2 / ((s + 0.037) ** 2 + 0.037**2), rtol=1e-9)


def test_ground_motion_comes_back_from_under_the_instrument():
    response = read_sac_responses(SAC)["XX", "AAA", "00", "LHZ"]
    ground, frequencies = 1e-4 * pulse(1500), np.fft.rfftfreq(3000, STEP_S)
    s = 2j * np.pi * frequencies
    counts = np.fft.irfft(np.fft.rfft(ground, 3000) * s * 2e9 * s**2 / ((s + 0.037) ** 2 + 0.037**2))[:1500]
    expected = np.fft.irfft(np.fft.rfft(ground, 3000) * BAND.weight(frequencies))[:1500]
    found = restore_displacement(replace(record_of(counts), response=response), BAND, np.arange(1500) * STEP_S)
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_a_flat_top_is_clipping():
    assert is_clipped(record_of(np.clip(pulse(1500), -0.5, 0.5)))
    assert not is_clipped(record_of(pulse(1500)))


def test_the_lag_is_how_much_later_the_observed_is():
    correlation, lag = find_best_lag(pulse(1520), pulse(1500))
    assert (correlation, lag) == (pytest.approx(1.0, abs=1e-6), 20.0)


def test_two_lags_mend_what_one_cannot():
    observed, synthetic = pulse(610) + pulse(1970), pulse(600) + pulse(2000)
    assert find_best_lag(observed, synthetic)[0] < 0.8
    assert correlate_separately(observed, synthetic, int(1300 / STEP_S)) > 0.99


def test_a_listed_solution_has_its_published_moment():
    noto = read_published_solution("eq_20240101_noto")
    assert noto is not None
    diagonal, off = np.array(noto.tensor[:3]), np.array(noto.tensor[3:])
    assert np.sqrt((diagonal**2).sum() / 2 + (off**2).sum()) == pytest.approx(2.45e20, rel=0.03)
    assert read_published_solution("none") is None
