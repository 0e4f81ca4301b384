"""
Long-period records with the dispersion of Rayleigh waves taken out, for a ladder of distances, and where they stand out of themselves.

What has come that far as a wave train is a pulse again, some 40 s long, whatever the source; noise stays noise. How far a sample
stands out is its rank among all of its record: neither a strong event nor a glitch or a changing level of noise can make more of
itself than one place in so many. After Ekstrom 2006, doi:10.1785/0120050175, who stacks amplitudes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Flags, Floats, Floats32
from models.seismic.earth.rayleigh_dispersion import phase_slowness_s_km
from models.seismic.geodesy import KM_PER_DEGREE, geocentric_latitude_deg, unit_vectors
from models.seismic.waveforms import Gather

MIN_PERIOD_S: Final = 30.0
MAX_PERIOD_S: Final = 110.0
FLANK: Final = 1.2  # the band's cosine flanks reach that much farther
STEP_S: Final = 10.0
DISTANCE_GRID_DEG: Final[Floats] = np.arange(2.0, 180.0, 4.0)
SLOWNESS_S_DEG: Final = KM_PER_DEGREE / 3.8  # what is taken out is the dispersion about it
MIN_RECORD_S: Final = 1800.0  # of live record
WHITENED_HZ: Final = 0.004  # the spectrum is divided by its own, so much smoothed
EDGE_S: Final = 60.0  # of a record or a gap: not looked at
PADDING_S: Final = 1500.0
RANK_STRIDE: Final = 3  # one in so many of the ladder's distances is enough to rank by


@dataclass(frozen=True)
class CorrectedEnvelopes:
    """
    Of n traces: how far samples stand out [n, ladder, samples], and which samples are known [n, samples].

    Standing out is minus the logarithm of the share of a record's samples that are larger: one on average. Sample j is an arrival
    `STEP_S` j after `start_s` (POSIX) of waves as slow as `SLOWNESS_S_DEG`. `stations` [n, 3] unit vectors at geocentric latitudes.
    """

    start_s: float
    stations: Floats
    standing: Floats32
    live: Flags


def correct_dispersion(gather: Gather) -> CorrectedEnvelopes | None:
    """Of the traces with coordinates and half an hour of record; None where there are none."""
    enough = np.isfinite(gather.samples).sum(axis=1) >= MIN_RECORD_S * gather.sampling_rate_hz
    places = np.flatnonzero(enough & np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg))
    found = [(place, *_of_one(gather.samples[place], gather.sampling_rate_hz)) for place in places]
    good = [(place, standing, live) for place, standing, live in found if live.any()]
    if not good:
        return None
    chosen = [place for place, _, _ in good]
    stations = unit_vectors(geocentric_latitude_deg(gather.latitudes_deg[chosen]), gather.longitudes_deg[chosen])
    return CorrectedEnvelopes(gather.start_time_s, stations, np.stack([one for _, one, _ in good]), np.stack([one for _, _, one in good]))


def _of_one(samples: Floats32, rate_hz: float) -> tuple[Floats32, Flags]:
    """How far samples stand out [ladder, samples], and which are known: none of a dead trace."""
    known = np.isfinite(samples)
    count = int(len(samples) / (rate_hz * STEP_S)) + 1
    live = _live(known, rate_hz, count)
    if not live.any():
        return np.zeros((len(DISTANCE_GRID_DEG), count), np.float32), live
    power = _power(np.where(known, samples, np.float32(0.0)), rate_hz, count)
    usual = np.sort(power[::RANK_STRIDE, live], axis=None)
    if usual[len(usual) // 2] <= 0.0:
        return np.zeros_like(power), np.zeros_like(live)
    rank = (np.searchsorted(usual, power) + 0.5) / (len(usual) + 1.0)
    return np.asarray(-np.log1p(-rank), np.float32), live


def _power(samples: Floats32, rate_hz: float, count: int) -> Floats32:
    """Squared envelopes [ladder, count] of the whitened record, the dispersion of each distance taken out."""
    length = scipy.fft.next_fast_len(count + round(PADDING_S / STEP_S))
    span_s = length * STEP_S
    spectrum = scipy.fft.rfft(samples, round(span_s * rate_hz))
    frequencies = np.arange(len(spectrum)) / span_s
    first, last = np.searchsorted(frequencies, (1.0 / (FLANK * MAX_PERIOD_S), FLANK / MIN_PERIOD_S)).tolist()
    inside = frequencies[first:last]
    octaves = np.minimum(np.log2(inside * MAX_PERIOD_S), -np.log2(inside * MIN_PERIOD_S)) / np.log2(FLANK**2)
    gain = 0.5 - 0.5 * np.cos(np.pi * np.clip(0.5 + octaves, 0.0, 1.0))
    band = gain * _whitened(spectrum, first, last, max(1, round(0.5 * WHITENED_HZ * span_s)))
    delays = (phase_slowness_s_km(inside) * KM_PER_DEGREE - SLOWNESS_S_DEG) * DISTANCE_GRID_DEG[:, None]
    shifted = np.zeros((len(DISTANCE_GRID_DEG), length), np.complex64)  # down to zero frequency, which leaves the envelope as it is
    shifted[:, : last - first] = band * np.exp(2j * np.pi * inside * delays)
    return np.asarray(np.abs(scipy.fft.ifft(shifted, axis=1, overwrite_x=True)[:, :count]) ** 2)


def _whitened(spectrum: NDArray[np.complex64], first: int, last: int, half: int) -> NDArray[np.complex128]:
    """The spectrum between two bins over its own amplitude, smoothed over `half` bins on either side."""
    low = max(0, first - half)
    summed = np.concatenate(([0.0], np.cumsum(np.abs(spectrum[low : last + half]).astype(np.float64) ** 2)))
    at = np.arange(first, last) - low
    begins, ends = np.maximum(at - half, 0), np.minimum(at + half + 1, len(summed) - 1)
    smooth = (summed[ends] - summed[begins]) / (ends - begins)
    return np.asarray(spectrum[first:last] / np.sqrt(np.maximum(smooth, 1e-300)))


def _live(known: Flags, rate_hz: float, count: int) -> Flags:
    """Samples [count] of the longer step with record all around."""
    missing = np.concatenate(([0], np.cumsum(~known)))
    at = np.arange(count) * STEP_S * rate_hz
    low, high = (np.round(at + edge * rate_hz).astype(np.int64) for edge in (-EDGE_S, EDGE_S))
    inside = (low >= 0) & (high <= len(known))
    low, high = np.clip(low, 0, len(known)), np.clip(high, 0, len(known))
    return np.asarray(inside & (missing[high] == missing[low]))
