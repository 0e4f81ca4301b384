"""
Dispersion correction of Rayleigh waves (30 to 110 s), and a detection statistic from the corrected envelopes.

For each distance of a grid, the phase delay of Rayleigh waves relative to 3.8 km/s is removed, which compresses a wave train from that
distance into a pulse of about 40 s. The squared envelope is then rank-transformed within its record, so that in noise the statistic is
exponential with mean 1, and no record, however large its amplitudes, contributes more than the logarithm of its number of samples.
Ekstrom 2006, doi:10.1785/0120050175, stacks amplitudes instead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Complexes, Flags, Floats, Floats32
from models.seismic.earth.rayleigh_dispersion import phase_slowness_s_km
from models.seismic.geodesy import KM_PER_DEGREE, geocentric_latitude_deg, unit_vectors
from models.seismic.signal.filters import cosine_bandpass_gain
from models.seismic.waveforms import Gather

MIN_PERIOD_S: Final = 30.0
MAX_PERIOD_S: Final = 110.0
FLANK: Final = 1.2  # factor by which the cosine flanks extend beyond, and into, the band
FLANK_OCTAVES: Final = float(np.log2(FLANK**2))
STEP_S: Final = 10.0
DISTANCE_GRID_DEG: Final[Floats] = np.arange(2.0, 180.0, 4.0)
SLOWNESS_S_DEG: Final = KM_PER_DEGREE / 3.8  # reference: the delay that is left in
MIN_RECORD_S: Final = 1800.0
WHITENING_HZ: Final = 0.004  # the spectrum is divided by its own, smoothed over this bandwidth
EDGE_S: Final = 60.0  # of a record or a gap: distorted by the filter
PADDING_S: Final = 1500.0
RANK_STRIDE: Final = 3  # ranks are taken among every third distance, which is enough


@dataclass(frozen=True)
class CorrectedEnvelopes:
    """
    Dispersion-corrected envelopes of n traces as detection statistics.

    `detection_statistic` [n, distances, samples]: minus the logarithm of the fraction of the record's samples with larger envelopes.
    `live` [n, samples]: where it is known. Sample j is the arrival at POSIX time `start_s` + j `STEP_S` of a wave with the slowness
    `SLOWNESS_S_DEG`. `stations` [n, 3]: unit vectors at geocentric latitudes.
    """

    start_s: float
    stations: Floats
    detection_statistic: Floats32
    live: Flags


def correct_dispersion(gather: Gather) -> CorrectedEnvelopes | None:
    """
    Remove the Rayleigh-wave dispersion of every distance of the grid from each trace, and return the envelopes.

    Traces without coordinates or with less than half an hour of data are left out; None if none remains.
    """
    enough = np.isfinite(gather.samples).sum(axis=1) >= MIN_RECORD_S * gather.sampling_rate_hz
    usable = np.flatnonzero(enough & np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg))
    found = [(index, *detection_statistic(gather.samples[index], gather.sampling_rate_hz)) for index in usable]
    good = [(index, statistic, live) for index, statistic, live in found if live.any()]
    if not good:
        return None
    chosen = [index for index, _, _ in good]
    stations = unit_vectors(geocentric_latitude_deg(gather.latitudes_deg[chosen]), gather.longitudes_deg[chosen])
    statistics, live = np.stack([one for _, one, _ in good]), np.stack([one for _, _, one in good])
    return CorrectedEnvelopes(gather.start_time_s, stations, statistics, live)


def detection_statistic(samples: Floats32, rate_hz: float) -> tuple[Floats32, Flags]:
    """Compute the statistic [distances, samples] of one trace, and where it is known: nowhere for a constant trace."""
    known = np.isfinite(samples)
    count = int(len(samples) / (rate_hz * STEP_S)) + 1
    live = _live_samples(known, rate_hz, count)
    if not live.any():
        return np.zeros((len(DISTANCE_GRID_DEG), count), np.float32), live
    power = corrected_power(np.where(known, samples, np.float32(0.0)), rate_hz, count)
    ordered = np.sort(power[::RANK_STRIDE, live], axis=None)
    if ordered[len(ordered) // 2] <= 0.0:
        return np.zeros_like(power), np.zeros_like(live)
    fraction_below = (np.searchsorted(ordered, power) + 0.5) / (len(ordered) + 1.0)
    return np.asarray(-np.log1p(-fraction_below), np.float32), live


def corrected_power(samples: Floats32, rate_hz: float, count: int) -> Floats32:
    """
    Compute squared envelopes [distances, count], every 10 s, of the whitened record [n] with the dispersion of each distance removed.

    The band is shifted down to zero frequency, which leaves the envelope as it is and makes few samples enough.
    """
    length = scipy.fft.next_fast_len(count + round(PADDING_S / STEP_S))
    span_s = length * STEP_S
    spectrum = scipy.fft.rfft(samples, round(span_s * rate_hz))
    frequencies = np.arange(len(spectrum)) / span_s
    first, last = np.searchsorted(frequencies, (1.0 / (FLANK * MAX_PERIOD_S), FLANK / MIN_PERIOD_S)).tolist()
    inside = frequencies[first:last]
    gain = cosine_bandpass_gain(np.minimum(np.log2(inside * MAX_PERIOD_S), -np.log2(inside * MIN_PERIOD_S)), FLANK_OCTAVES)
    band = gain * _whiten(spectrum, first, last, max(1, round(0.5 * WHITENING_HZ * span_s)))
    delays = (phase_slowness_s_km(inside) * KM_PER_DEGREE - SLOWNESS_S_DEG) * DISTANCE_GRID_DEG[:, None]
    shifted = np.zeros((len(DISTANCE_GRID_DEG), length), np.complex64)
    shifted[:, : last - first] = band * np.exp(2j * np.pi * inside * delays)
    return np.asarray(np.abs(scipy.fft.ifft(shifted, axis=1, overwrite_x=True)[:, :count]) ** 2)


def _whiten(spectrum: NDArray[np.complex64], first: int, last: int, half: int) -> Complexes:
    """Divide a spectrum between two bins by its root mean square amplitude over `half` bins on either side."""
    low = max(0, first - half)
    cumulative = np.concatenate(([0.0], np.cumsum(np.abs(spectrum[low : last + half]).astype(np.float64) ** 2)))
    bins = np.arange(first, last) - low
    starts, ends = np.maximum(bins - half, 0), np.minimum(bins + half + 1, len(cumulative) - 1)
    smooth = (cumulative[ends] - cumulative[starts]) / (ends - starts)
    return np.asarray(spectrum[first:last] / np.sqrt(np.maximum(smooth, 1e-300)))


def _live_samples(known: Flags, rate_hz: float, count: int) -> Flags:
    """Samples [count], every 10 s, with record for a minute on either side."""
    missing = np.concatenate(([0], np.cumsum(~known)))
    positions = np.arange(count) * STEP_S * rate_hz
    low, high = (np.round(positions + edge * rate_hz).astype(np.int64) for edge in (-EDGE_S, EDGE_S))
    inside = (low >= 0) & (high <= len(known))
    low, high = np.clip(low, 0, len(known)), np.clip(high, 0, len(known))
    return np.asarray(inside & (missing[high] == missing[low]))
