"""
Long-period records prepared for a source inversion: windows of body, Rayleigh and Love waves, their spectra, whitened by noise.

A window is fixed on the record, so that no trial source gains by fitting less data. Windows are compared by their shape, so that unknown
gains do no harm; what known gains say is in `amplitudes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Complexes, Floats, Floats32
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg, geocentric_latitude_deg
from models.seismic.waveforms import Gather

SHORTEST_PERIOD_S: Final = 28.0
LONGEST_PERIOD_S: Final = 150.0
SPLIT_KM_S: Final = 4.4  # group velocity between body and Rayleigh waves
SLOWEST_KM_S: Final = 3.1
LOVE_KM_S: Final = (4.7, 3.4)  # group velocities of the window of Love waves
MIN_SPLIT_DEG: Final = 12.0  # nearer stations have one window
MAX_DISTANCE_DEG: Final = 159.0
TAPER_S: Final = 60.0
SIGNAL_FRACTION: Final = 0.08  # of the signal's spectrum, added to that of noise before whitening
MIN_LEVEL: Final = 0.01  # of the largest density of the signal: what is weaker is not whitened
NOISE_SEGMENT_S: Final = 640.0
SMOOTHING_HZ: Final = 0.004
RAYLEIGH_KM_S: Final = 3.75
MIN_LIVE_FRACTION: Final = 0.9  # of the samples of a window


@dataclass(frozen=True)
class Guess:
    """A trial source to place windows by: geographic epicenter in degrees, origin time in POSIX seconds."""

    latitude_deg: float
    longitude_deg: float
    time_s: float


@dataclass(frozen=True)
class Spectrum:
    """
    One whitened window of a record.

    `frequencies_hz` [bins] of transforms of `length_s`; `data` [bins] whitened spectrum of samples every second from `begin_s` (after the
    origin time of the guess) on; `gain` [bins] whitening; `energy` of the data, of which noise leaves the `signal_fraction` to explain;
    `degrees_of_freedom` of the window.
    """

    frequencies_hz: Floats
    data: Complexes
    gain: Floats
    length_s: float
    begin_s: float
    energy: float
    degrees_of_freedom: float
    signal_fraction: float


@dataclass(frozen=True)
class Observation:
    """
    The windows of one station.

    `spectra`: body waves (None where they are not separate, or without data), Rayleigh waves, and Love waves on the transverse component
    (None without horizontals).
    """

    trace_index: int
    latitude_deg: float
    longitude_deg: float
    distance_deg: float
    spectra: tuple[Spectrum | None, Spectrum | None, Spectrum | None]


def window_bounds_s(distance: float) -> tuple[tuple[float, float] | None, tuple[float, float]]:
    """Return begin and end of the windows of body waves and of Rayleigh waves at a distance, in seconds after the origin time."""
    first = float(np.interp(distance, *_first_arrivals())) - TAPER_S
    kilometers = distance * KM_PER_DEGREE
    split, last = kilometers / SPLIT_KM_S, kilometers / SLOWEST_KM_S + TAPER_S
    return (None, (first, last)) if distance < MIN_SPLIT_DEG else ((first, split), (split, last))


@cache
def _first_arrivals() -> tuple[Floats, Floats]:
    """Distances in degrees, and the travel time in seconds of the first wave of a source at 680 km there; do not write to them."""
    distances = np.arange(0.0, 180.01, 0.25)
    return distances, np.fmin.reduce([travel_time_s(phase, distances, 680.0) for phase in ("P", "PKP", "PP")])


def love_bounds_s(distance: float) -> tuple[float, float]:
    """Return begin and end of the window of Love waves at a distance, in seconds after the origin time."""
    fastest, slowest = (distance * KM_PER_DEGREE / velocity for velocity in LOVE_KM_S)
    return max(0.0, fastest - TAPER_S), slowest + TAPER_S


def observe_records(
    gather: Gather,
    guess: Guess,
    traces: Sequence[int],
    margin_s: float,
    padding_s: float,
    phase_error: float,
    horizontals: Floats32 | None = None,
) -> list[Observation]:
    """
    Prepare records for an inversion.

    Parameters
    ----------
    gather : Gather
        Conditioned records.
    guess : Guess
        Source that the windows are placed by.
    traces : sequence of int
        Traces to use; those without coordinates, beyond 159 degrees, or without data in the Rayleigh window are left out.
    margin_s : float
        Windows are longer by this at both ends.
    padding_s : float
        Zeros after a window: the largest delay that it will be correlated over.
    phase_error : float
        Part of the Rayleigh travel time: frequencies whose phase it makes uncertain lose weight.
    horizontals : float32 [traces, 2, samples], optional
        Motion to the north and east of all traces of the gather, on its clock; NaN where there is none.

    """
    latitude = float(geocentric_latitude_deg(guess.latitude_deg))
    places = geocentric_latitude_deg(gather.latitudes_deg), gather.longitudes_deg
    distances = distance_deg(latitude, guess.longitude_deg, *places)
    found = []
    for trace in traces:
        if not 0.5 <= distances[trace] <= MAX_DISTANCE_DEG:
            continue
        distance = float(distances[trace])
        phase_error_s = phase_error * distance * KM_PER_DEGREE / RAYLEIGH_KM_S
        one = _observe(gather, trace, distance, guess.time_s, margin_s, padding_s, phase_error_s)
        if one is not None and horizontals is not None:
            back_azimuth = float(azimuth_deg(places[0][trace], places[1][trace], latitude, guess.longitude_deg))
            transverse = rotate_to_transverse(horizontals[trace], back_azimuth)
            love = _observe_love(transverse, gather, distance, guess.time_s, margin_s, padding_s, phase_error_s)
            one = replace(one, spectra=(*one.spectra[:2], love))
        if one is not None:
            found.append(one)
    return found


def rotate_to_transverse(north_east: Floats32, back_azimuth_deg: float) -> Floats32:
    """Rotate motion to north and east [2, samples] to the transverse: 90 degrees clockwise from the direction away from the source."""
    angle = np.radians(back_azimuth_deg)
    return np.asarray(np.sin(angle) * north_east[0] - np.cos(angle) * north_east[1], np.float32)


def _observe_love(
    transverse: Floats32, gather: Gather, distance: float, origin_s: float, margin_s: float, padding_s: float, phase_error_s: float
) -> Spectrum | None:
    """Prepare the window of Love waves of a transverse record."""
    rate_hz, clock_s = gather.sampling_rate_hz, gather.start_time_s - origin_s
    noise = _noise_density(transverse, rate_hz, clock_s, _span_windows_s(distance, margin_s))
    begin, end = love_bounds_s(distance)
    return _transform(transverse, rate_hz, clock_s, (begin - margin_s, end + margin_s), padding_s, noise, phase_error_s)


def _span_windows_s(distance: float, margin_s: float) -> tuple[float, float]:
    """Begin of the first and end of the last window, in seconds after the origin time."""
    body, rayleigh = window_bounds_s(distance)
    return (body or rayleigh)[0] - margin_s, rayleigh[1] + margin_s


def _observe(
    gather: Gather, trace: int, distance: float, origin_s: float, margin_s: float, padding_s: float, phase_error_s: float
) -> Observation | None:
    """Prepare the windows of body and Rayleigh waves of a vertical record; None without data in the latter."""
    samples, rate_hz, clock_s = gather.samples[trace], gather.sampling_rate_hz, gather.start_time_s - origin_s
    noise = _noise_density(samples, rate_hz, clock_s, _span_windows_s(distance, margin_s))
    spectra = [
        None
        if bound is None
        else _transform(samples, rate_hz, clock_s, (bound[0] - margin_s, bound[1] + margin_s), padding_s, noise, phase_error_s)
        for bound in window_bounds_s(distance)
    ]
    if spectra[1] is None:
        return None
    latitude = float(geocentric_latitude_deg(gather.latitudes_deg[trace]))
    return Observation(trace, latitude, float(gather.longitudes_deg[trace]), distance, (spectra[0], spectra[1], None))


def _noise_density(samples: Floats32, rate_hz: float, clock_s: float, windows_s: tuple[float, float]) -> tuple[Floats, Floats] | None:
    """
    Frequencies and power density of a record outside of its windows: mean over segments of 640 s; None where there is none.

    The record begins at `clock_s`, and the windows extend from and to `windows_s`, in seconds after the origin time.
    """
    first, last = (max(0, int((time_s - clock_s) * rate_hz)) for time_s in windows_s)
    quiet, length = np.isfinite(samples), round(NOISE_SEGMENT_S * rate_hz)
    quiet[first:last] = False
    unusable = np.concatenate(([0], np.cumsum(~quiet)))
    starts = [start for start in range(0, len(samples) - length + 1, length // 2) if unusable[start + length] == unusable[start]]
    if not starts:
        return None
    taper = np.hanning(length)
    segments = np.stack([samples[start : start + length] for start in starts]) * taper
    power = (np.abs(scipy.fft.rfft(segments, axis=1)) ** 2).mean(axis=0) / (taper**2).sum()
    return scipy.fft.rfftfreq(length, 1.0 / rate_hz), np.asarray(power, np.float64)


def _transform(
    samples: Floats32,
    rate_hz: float,
    clock_s: float,
    bounds_s: tuple[float, float],
    padding_s: float,
    noise: tuple[Floats, Floats] | None,
    phase_error_s: float,
) -> Spectrum | None:
    """Cut, taper, transform and whiten one window; None where samples are missing or all zero."""
    first = round((bounds_s[0] - clock_s) * rate_hz)
    count = round((bounds_s[1] - bounds_s[0]) * rate_hz)
    inside = samples[max(first, 0) : max(first + count, 0)]
    if np.isfinite(inside).sum() < MIN_LIVE_FRACTION * count or not np.nan_to_num(inside).any():
        return None
    cut = np.zeros(count)
    cut[max(-first, 0) : max(-first, 0) + len(inside)] = np.nan_to_num(inside)
    cut *= cosine_taper(count, round(TAPER_S * rate_hz))
    length_s = 10.0 * scipy.fft.next_fast_len(int(np.ceil((count / rate_hz + padding_s) / 10.0)), real=True)
    low, high = np.ceil(length_s / LONGEST_PERIOD_S), np.floor(length_s / SHORTEST_PERIOD_S)
    bins = np.arange(int(low), int(high) + 1)
    frequencies = bins / length_s
    spectrum = scipy.fft.rfft(cut, round(length_s * rate_hz))[bins]
    density = smooth_bins(np.abs(spectrum) ** 2, round(SMOOTHING_HZ * length_s)) / count
    level = SIGNAL_FRACTION * density + MIN_LEVEL * density.max()
    if noise is not None:
        level = level + np.interp(frequencies, *noise)
    weight = 1.0 / (1.0 + (2.0 * np.pi * frequencies * phase_error_s) ** 2)
    gain = np.sqrt(weight / np.maximum(level, 1e-300))
    data = spectrum * gain
    power = smooth_bins(np.abs(data) ** 2, round(SMOOTHING_HZ * length_s))
    independent = 2.0 * power.sum() ** 2 / (power**2).sum() * count / rate_hz / length_s
    energy = float((np.abs(data) ** 2).sum())
    explained = 0.0 if noise is None else float((np.interp(frequencies, *noise) * gain**2).sum()) * count / energy
    return Spectrum(frequencies, data, gain, length_s, clock_s + first / rate_hz, energy, float(independent), max(0.0, 1.0 - explained))


@lru_cache(maxsize=512)
def cosine_taper(count: int, flank: int) -> Floats:
    """Return a window [count] with cosine flanks of `flank` samples, at most half of it; do not write to it."""
    flank = min(flank, count // 2)
    window = np.ones(count)
    window[:flank] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(flank) + 0.5) / max(flank, 1))
    window[count - flank :] = window[:flank][::-1]
    window.setflags(write=False)
    return window


def smooth_bins(values: Floats, width: int) -> Floats:
    """Average values [bins] over `width` bins around each."""
    half = max(width // 2, 1)
    total = np.concatenate(([0.0], np.cumsum(values)))
    bins = np.arange(len(values))
    low, high = np.maximum(bins - half, 0), np.minimum(bins + half + 1, len(values))
    return np.asarray((total[high] - total[low]) / (high - low))


def weigh_stations(observations: Sequence[Observation]) -> Floats:
    """
    Weigh stations [n] that stand together as one: the inverse number of stations that share a path.

    The kernel is 0.3 degrees and 0.12 of the epicentral distance wide, because paths to neighbors separate with distance.
    """
    places = np.array([(one.latitude_deg, one.longitude_deg) for one in observations])
    apart = distance_deg(places[:, None, 0], places[:, None, 1], places[None, :, 0], places[None, :, 1])
    widths = 0.3 + 0.12 * np.array([one.distance_deg for one in observations])
    return np.asarray(1.0 / np.exp(-0.5 * (apart / widths[:, None]) ** 2).sum(axis=1))
