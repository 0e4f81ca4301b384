"""
Long-period records with the dispersion of Rayleigh waves taken out, for a ladder of distances: power in units of each trace's noise.

What has come that far as one wave train is a pulse again, 40 s long, wherever the source; noise stays noise. After Ekstrom 2006,
doi:10.1785/0120050175.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.seismic.geodesy import KM_PER_DEGREE, geocentric_latitude_deg, unit_vectors
from models.seismic.rayleigh import phase_slowness_s_km
from models.seismic.waveforms import Gather

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

SHORTEST_S: Final = 30.0
LONGEST_S: Final = 110.0
STEP_S: Final = 10.0
LADDER_DEG: Final[Floats] = np.arange(2.0, 180.0, 4.0)
SLOWNESS_S_DEG: Final = KM_PER_DEGREE / 3.8  # a wave train's: what is taken out is the dispersion about it
LEAST_S: Final = 1800.0  # of live record
WHITENED_HZ: Final = 0.004  # the spectrum is divided by its own, so much smoothed
EDGE_S: Final = 60.0  # of a record or a gap: not looked at
PADDING_S: Final = 1500.0


@dataclass(frozen=True)
class Wavetrains:
    """
    Of n traces: power [n, ladder, samples], one on average in noise; where it is known [n, samples].

    Sample j is an arrival `STEP_S` j after `start_s` (POSIX), of waves as slow as `SLOWNESS_S_DEG`. `stations` [n, 3] unit vectors
    at geocentric latitudes, `places` [n] the traces' numbers in the gather.
    """

    start_s: float
    stations: Floats
    places: NDArray[np.int64]
    power: Singles
    live: NDArray[np.bool_]


def wavetrains(gather: Gather) -> Wavetrains | None:
    """Of the traces with coordinates and half an hour of record; None where there are none."""
    enough = np.isfinite(gather.samples).sum(axis=1) >= LEAST_S * gather.sampling_rate_hz
    places = np.flatnonzero(enough & np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg))
    found = [(place, *_of_one(gather.samples[place], gather.sampling_rate_hz)) for place in places]
    good = [(place, power, live) for place, power, live in found if live.any()]
    if not good:
        return None
    chosen = np.array([place for place, _, _ in good], np.int64)
    stations = unit_vectors(geocentric_latitude_deg(gather.latitudes_deg[chosen]), gather.longitudes_deg[chosen])
    power, live = (np.stack(part) for part in ([one for _, one, _ in good], [one for _, _, one in good]))
    return Wavetrains(gather.start_time_s, stations, chosen, power, live)


def _of_one(samples: Singles, rate_hz: float) -> tuple[Singles, NDArray[np.bool_]]:
    """Power [ladder, samples] and where it is known; nowhere on a dead trace."""
    known = np.isfinite(samples)
    count = int(len(samples) / (rate_hz * STEP_S)) + 1
    length = scipy.fft.next_fast_len(count + round(PADDING_S / STEP_S))
    spectrum = scipy.fft.rfft(np.where(known, samples, 0.0), round(length * STEP_S * rate_hz))
    frequencies = np.arange(len(spectrum)) / (length * STEP_S)
    first, last = np.searchsorted(frequencies, (1.0 / LONGEST_S / 1.2, 1.2 / SHORTEST_S))
    band, inside = _whitened(spectrum, first, last, length * STEP_S), frequencies[first:last]
    octaves = np.minimum(np.log2(inside * LONGEST_S), -np.log2(inside * SHORTEST_S))
    band = band * (0.5 - 0.5 * np.cos(np.pi * np.clip(0.5 + 3.0 * octaves, 0.0, 1.0)))
    delay = (phase_slowness_s_km(inside) * KM_PER_DEGREE - SLOWNESS_S_DEG)[None] * LADDER_DEG[:, None]
    turned = np.zeros((len(LADDER_DEG), length), np.complex64)
    turned[:, : last - first] = band * np.exp(2j * np.pi * inside * delay)
    power = np.abs(scipy.fft.ifft(turned, axis=1, overwrite_x=True)[:, :count]) ** 2
    live = _live(known, rate_hz, count)
    if live.any():
        noise = np.median(power[:, live], axis=1) / np.log(2.0)
        if noise.min() > 0.0:
            return np.asarray(power / noise[:, None], np.float32), live
    return np.zeros_like(power), np.zeros(count, np.bool_)


def _whitened(spectrum: NDArray[np.complex64], first: int, last: int, span_s: float) -> NDArray[np.complex128]:
    """The spectrum between two bins over its smoothed amplitude."""
    half = max(1, round(0.5 * WHITENED_HZ * span_s))
    low = max(0, first - half)
    summed = np.concatenate(([0.0], np.cumsum(np.abs(spectrum[low : last + half]).astype(np.float64) ** 2)))
    at = np.arange(first, last) - low
    low_end, high_end = np.maximum(at - half, 0), np.minimum(at + half + 1, len(summed) - 1)
    smooth = (summed[high_end] - summed[low_end]) / (high_end - low_end)
    return np.asarray(spectrum[first:last] / np.sqrt(np.maximum(smooth, 1e-300)))


def _live(known: NDArray[np.bool_], rate_hz: float, count: int) -> NDArray[np.bool_]:
    """Samples [count] of the longer step with record all around."""
    missing = np.concatenate(([0], np.cumsum(~np.concatenate((known, np.zeros(1, np.bool_))))))
    at = np.arange(count) * STEP_S * rate_hz
    low = np.round(at - EDGE_S * rate_hz).astype(np.int64)
    high = np.round(at + EDGE_S * rate_hz).astype(np.int64)
    inside = (low >= 0) & (high < len(known))
    low, high = np.clip(low, 0, len(known)), np.clip(high, 0, len(known))
    return np.asarray(inside & (missing[high] == missing[low]))
