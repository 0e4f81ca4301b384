"""
Seismic noise between the low and the high noise model (Peterson 1993, USGS open-file report 93-322).

Each trace has its own level and tilt, and its amplitude wanders with time.
"""

import numpy as np
from numpy.typing import NDArray
from obspy.signal.spectral_estimation import get_nhnm, get_nlnm
from scipy import fft


def model_levels_db(frequencies_hz: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Power spectral density of acceleration of the low and the high noise model, dB of (m/s^2)^2/Hz, at each frequency."""
    levels = []
    for periods, decibels in (get_nlnm(), get_nhnm()):
        order = np.argsort(periods)
        levels.append(np.interp(np.log(1 / frequencies_hz), np.log(periods[order]), decibels[order]))
    return levels[0], levels[1]


def spectrum_db(frequencies_hz: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """A random noise spectrum between the models: level beta-distributed toward the low one, smooth tilt across periods."""
    low, high = model_levels_db(frequencies_hz)
    level = random.beta(1.5, 4.0)
    tilt = np.interp(np.log(frequencies_hz), np.log([0.004, 0.02, 0.06, 0.2]), random.normal(0, 0.12, 4))
    return np.asarray(low + np.clip(level + tilt, 0.0, 1.1) * (high - low))


def displacement(count: int, samples: int, step_s: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Noise displacement [count, samples] in meters, each trace with its own spectrum, its level wandering by a few dB."""
    frequencies = fft.rfftfreq(samples, step_s)
    positive = np.maximum(frequencies, frequencies[1])
    decibels = np.stack([spectrum_db(positive, random) for _ in range(count)])
    # One-sided density P of a record of N samples: |X|^2 = P N / (2 dt) on average, split between two normal parts.
    amplitude = np.sqrt(10 ** (decibels / 10) * samples / (4 * step_s)) / (2 * np.pi * positive) ** 2
    amplitude[:, frequencies < 0.003] = 0.0
    parts = random.normal(size=(2, *amplitude.shape))
    noise = fft.irfft(amplitude * (parts[0] + 1j * parts[1]), samples)
    nodes = random.normal(0, 0.25, (count, 6))
    wander = np.stack([np.interp(np.linspace(0, 5, samples), np.arange(6), row) for row in nodes])
    return np.asarray(noise * np.exp(wander))
