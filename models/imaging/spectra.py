"""Zero-phase pass-bands, and wiggles of several bands out of one transform a trace."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.imaging.style import Band

# pocketfft computes several rows at once in vector registers and what is left over one by one, with other roundings:
# blocks of one fixed size keep a trace's picture independent of how many other traces there are.
BLOCK = 16
SAMPLES_A_PERIOD = 4


def pass_band(frequencies_hz: NDArray[np.floating], shortest_period_s: float, longest_period_s: float) -> NDArray[np.float64]:
    """
    Amplitude response of a zero-phase band-pass, same shape as `frequencies_hz`.

    Each flank is half a cosine in log frequency, one octave wide, centered on the corner, where the response is a half.
    """
    with np.errstate(divide="ignore"):
        octaves = np.log2(frequencies_hz)
    above = np.clip(octaves + math.log2(longest_period_s) + 0.5, 0.0, 1.0)
    below = np.clip(octaves + math.log2(shortest_period_s) + 0.5, 0.0, 1.0)
    return (0.25 * (1.0 - np.cos(np.pi * above)) * (1.0 + np.cos(np.pi * below))).astype(np.float64)


def wiggle_step(samples: int, sampling_rate_hz: float, band: Band) -> int:
    """The widest spacing of a band's wiggle in samples: a divisor of `samples`, at least four a period at the flank's end."""
    widest = band.shortest_period_s / math.sqrt(2.0) * sampling_rate_hz / SAMPLES_A_PERIOD
    return max(step for step in range(1, max(2, int(widest) + 1)) if samples % step == 0)


def band_wiggles(traces: NDArray[np.float32], sampling_rate_hz: float, bands: Sequence[Band]) -> list[NDArray[np.float32]]:
    """
    Each band's share of `traces` [at most BLOCK, samples], circularly filtered.

    Returns an array [traces, samples / step] a band, where step is that of `wiggle_step`.
    """
    count, samples = traces.shape
    block = traces
    if count < BLOCK:
        block = np.zeros((BLOCK, samples), np.float32)
        block[:count] = traces
    spectra = scipy.fft.rfft(block, axis=1)
    return [_one_band(spectra, samples, sampling_rate_hz, band)[:count] for band in bands]


def _one_band(spectra: NDArray[np.complex64], samples: int, sampling_rate_hz: float, band: Band) -> NDArray[np.float32]:
    coarse = samples // wiggle_step(samples, sampling_rate_hz, band)
    frequencies_hz = np.arange(coarse // 2 + 1, dtype=np.float64) * (sampling_rate_hz / samples)
    gain = pass_band(frequencies_hz, band.shortest_period_s, band.longest_period_s) * (coarse / samples)
    filtered = spectra[:, : len(gain)] * gain.astype(np.float32)
    wiggles: NDArray[np.float32] = scipy.fft.irfft(filtered, n=coarse, axis=1, overwrite_x=True)
    return wiggles
