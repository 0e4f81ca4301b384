"""A dispersed wave train becomes a pulse, and noise stays noise."""

import numpy as np
import pytest

from models.seismic.earth.rayleigh_dispersion import phase_slowness_s_km
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.surface_waves.dispersion_correction import (
    DISTANCE_GRID_DEG,
    SLOWNESS_S_DEG,
    STEP_S,
    corrected_power,
    detection_statistic,
)

SECONDS = 6000
COUNT = int(SECONDS / STEP_S) + 1


def dispersed_wave(distance_deg: float, origin_s: float) -> np.ndarray:
    """A pulse at 15 to 200 s that has traveled as a Rayleigh wave, 1 sample per second."""
    frequencies = np.fft.rfftfreq(2 * SECONDS)
    band = (frequencies > 1.0 / 200.0) & (frequencies < 1.0 / 15.0)
    delay_s = origin_s + phase_slowness_s_km(frequencies) * KM_PER_DEGREE * distance_deg
    return np.fft.irfft(band * np.exp(-2j * np.pi * frequencies * delay_s))[:SECONDS].astype(np.float32)


@pytest.mark.parametrize("row", [5, 15, 30])
def test_the_correction_for_its_distance_compresses_a_wave_train_to_a_pulse_at_its_arrival(row):
    distance = float(DISTANCE_GRID_DEG[row])
    power = corrected_power(dispersed_wave(distance, 500.0), 1.0, COUNT)
    arrival = round((500.0 + SLOWNESS_S_DEG * distance) / STEP_S)
    assert abs(int(np.argmax(power[row])) - arrival) <= 1
    assert np.count_nonzero(power[row] > 0.5 * power[row].max()) <= 6
    compactness = (power**2).sum(axis=1) / power.sum(axis=1) ** 2  # highest for the shortest pulse
    assert int(np.argmax(compactness)) == pytest.approx(row, abs=1)
    assert abs(int(np.argmax(power[(row + 22) % len(DISTANCE_GRID_DEG)])) - arrival) > 1


def test_the_statistic_of_noise_is_exponential_with_mean_one_whatever_its_amplitude():
    noise = np.random.default_rng(1).normal(size=4 * SECONDS).astype(np.float32)
    statistic, live = detection_statistic(noise, 1.0)
    known = statistic[:, live]
    assert known.mean() == pytest.approx(1.0, abs=0.1)
    assert np.mean(known > np.log(10.0)) == pytest.approx(0.1, abs=0.02)
    np.testing.assert_allclose(detection_statistic(1000.0 * noise, 1.0)[0], statistic, atol=0.01)


def test_samples_near_gaps_and_ends_are_unknown_and_a_constant_trace_is_unknown_throughout():
    noise = np.random.default_rng(2).normal(size=SECONDS).astype(np.float32)
    noise[3000:3100] = np.nan
    _, live = detection_statistic(noise, 1.0)
    times = np.arange(len(live)) * STEP_S
    assert not live[(times < 60.0) | (times > SECONDS - 60.0) | ((times > 2940.0) & (times < 3160.0))].any()
    assert live[(times >= 60.0) & (times <= 2930.0)].all()
    assert not detection_statistic(np.zeros(SECONDS, np.float32), 1.0)[1].any()
