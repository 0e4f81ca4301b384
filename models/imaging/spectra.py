"""Zero-phase band-pass filters, and the waveforms of several bands from one Fourier transform per trace."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Floats, Floats32
from models.imaging.style import Band

BLOCK = 16
"""
Traces transformed at once. pocketfft transforms several rows at once in vector registers and the remaining ones singly, with different
rounding: blocks of one fixed size keep the picture of a trace independent of the number of traces.
"""
SAMPLES_PER_PERIOD = 4


def bandpass_gain(frequencies_hz: NDArray[np.floating], shortest_period_s: float, longest_period_s: float) -> Floats:
    """
    Compute the amplitude response of a zero-phase band-pass at frequencies of any shape.

    Each flank is half a cosine in log frequency, one octave wide, centered on the corner, where the response is one half.
    """
    with np.errstate(divide="ignore"):
        octaves = np.log2(frequencies_hz)
    above = np.clip(octaves + math.log2(longest_period_s) + 0.5, 0.0, 1.0)
    below = np.clip(octaves + math.log2(shortest_period_s) + 0.5, 0.0, 1.0)
    return (0.25 * (1.0 - np.cos(np.pi * above)) * (1.0 + np.cos(np.pi * below))).astype(np.float64)


def wiggle_step(samples: int, sampling_rate_hz: float, band: Band) -> int:
    """Return the largest decimation of a band, a divisor of `samples`, that leaves four samples per period at the end of the flank."""
    widest = band.shortest_period_s / math.sqrt(2.0) * sampling_rate_hz / SAMPLES_PER_PERIOD
    return max(step for step in range(1, max(2, int(widest) + 1)) if samples % step == 0)


def band_wiggles(traces: Floats32, sampling_rate_hz: float, bands: Sequence[Band]) -> list[Floats32]:
    """
    Filter `traces` [at most BLOCK, samples] circularly into bands, and decimate.

    Returns an array [traces, samples / step] for each band, where step is that of `wiggle_step`.
    """
    count, samples = traces.shape
    block = traces
    if count < BLOCK:
        block = np.zeros((BLOCK, samples), np.float32)
        block[:count] = traces
    spectra = scipy.fft.rfft(block, axis=1)
    return [_filter_band(spectra, samples, sampling_rate_hz, band)[:count] for band in bands]


def _filter_band(spectra: NDArray[np.complex64], samples: int, sampling_rate_hz: float, band: Band) -> Floats32:
    coarse = samples // wiggle_step(samples, sampling_rate_hz, band)
    frequencies_hz = np.arange(coarse // 2 + 1, dtype=np.float64) * (sampling_rate_hz / samples)
    gain = bandpass_gain(frequencies_hz, band.shortest_period_s, band.longest_period_s) * (coarse / samples)
    filtered = spectra[:, : len(gain)] * gain.astype(np.float32)
    wiggles: Floats32 = scipy.fft.irfft(filtered, n=coarse, axis=1, overwrite_x=True)
    return wiggles
