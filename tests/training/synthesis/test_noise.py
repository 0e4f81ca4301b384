"""Noise against the models of Peterson (1993), and against the recorded windows that give its shape."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch

from training.synthesis.noise import (
    SHAPE_PERIODS_S,
    NoiseCharacter,
    draw_noise_displacement,
    draw_noise_spectrum_db,
    interpolate_noise_models_db,
    measure_noise_character,
)

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
STEP_S, SAMPLES = 2.0, 8192
PEAKED = NoiseCharacter(np.array([[0.0, 15.0, 0.0, -5.0, -5.0, -5.0, 0.0, 0.0, 0.0]]), np.array([[4.0, 0.5]]))


def levels_db(noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies [m] in hertz and densities of acceleration [traces, m] in dB."""
    frequencies, power = welch(noise, 1 / STEP_S, nperseg=1024)
    used = (frequencies > 1 / 100) & (frequencies < 1 / 6)
    return frequencies[used], 10 * np.log10(power[:, used] * (2 * np.pi * frequencies[used]) ** 4)


@pytest.mark.parametrize("shape_db", [None, PEAKED.shapes_db[0]])
def test_drawn_spectra_are_between_the_noise_models(shape_db):
    frequencies = np.geomspace(0.004, 0.24, 200)
    low, high = interpolate_noise_models_db(frequencies)
    drawn = np.array([draw_noise_spectrum_db(frequencies, np.random.default_rng(seed), shape_db) for seed in range(300)])
    assert (drawn >= low - 1e-9).all()
    assert (drawn <= high + 1e-9).all()
    fraction = (drawn.mean(axis=1) - low.mean()) / (high - low).mean()
    assert fraction.min() < 0.12
    assert fraction.max() > 0.55


@pytest.mark.parametrize("character", [None, PEAKED])
def test_synthesized_noise_is_between_the_noise_models(character):
    frequencies, levels = levels_db(draw_noise_displacement(40, SAMPLES, STEP_S, np.random.default_rng(3), character))
    low, high = interpolate_noise_models_db(frequencies)
    assert np.mean((levels > low - 4) & (levels < high + 8)) > 0.97
    assert np.ptp(levels.mean(axis=1)) > 10, "stations of low and high noise"


def test_the_microseism_peak_is_present():
    frequencies, levels = levels_db(draw_noise_displacement(60, SAMPLES, STEP_S, np.random.default_rng(4)))
    median = np.median(levels, axis=0)
    assert np.interp(1 / 7, frequencies, median) > np.interp(1 / 30, frequencies, median) + 15


def test_noise_has_the_given_shape_and_variability():
    noise = draw_noise_displacement(60, SAMPLES, STEP_S, np.random.default_rng(5), PEAKED)
    frequencies, levels = levels_db(noise)
    above = np.median(levels - levels.mean(axis=1, keepdims=True) - interpolate_noise_models_db(frequencies)[0], axis=0)
    assert np.interp(1 / 8, frequencies, above) > np.interp(1 / 20, frequencies, above) + 12
    spread = []
    for longest, shortest in ((100, 40), (20, 8)):
        spectrum = np.fft.rfft(noise)
        frequency = np.fft.rfftfreq(SAMPLES, STEP_S)
        spectrum[:, (frequency < 1 / longest) | (frequency > 1 / shortest)] = 0
        pieces = np.fft.irfft(spectrum, SAMPLES).reshape(len(noise), 8, -1).std(axis=2)
        spread.append(np.median(np.std(20 * np.log10(pieces), axis=1)))
    assert spread[0] > 1.5 * spread[1]


def test_without_recorded_windows_there_is_no_noise_character(tmp_path):
    assert measure_noise_character(None) is None
    assert measure_noise_character(tmp_path) is None


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
def test_recorded_windows_have_shapes_near_the_models_and_vary_most_at_long_periods():
    found = measure_noise_character(SHARED)
    assert found.shapes_db.shape[1] == len(SHAPE_PERIODS_S)
    assert len(found.shapes_db) >= 25
    assert np.abs(np.median(found.shapes_db, axis=0)).max() < 8
    long, short = np.median(found.wander_db, axis=0)
    assert 1 < long < 4
    assert short < long
