"""
Plane waves across an array: slowness vectors of what is coherent from station to station, with honest covariances.

A front is looked for as the window and slowness whose delayed traces look most alike (semblance; Neidell & Taner 1971,
doi:10.1190/1.1440186), its delays are then measured trace by trace against the sum of the others (after VanDecar & Crosson 1990,
doi:10.1785/BSSA0800010150) and fitted by a plane. Which wave it is, is not decided here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Floats, Integers
from models.seismic.arrays.semblance import WINDOW_PERIODS, detect_coherent_windows, energy_detection, window_hop
from models.seismic.earth.travel_time_errors import SHARED_PATH_DEG, STATION_ERROR_S
from models.seismic.geodesy import azimuth_deg, distance_deg, geocentric_latitude_deg, unit_vectors
from models.seismic.signal.filters import cosine_bandpass_gain
from models.seismic.waveforms import Gather

MIN_STATIONS: Final = 4
MAX_APERTURE_DEG: Final = 5.0  # of an array, from one of its stations: a front bends by about a second there
APART_DEG: Final = 0.05  # stations closer than this are one
BODY_S: Final = (8.0, 20.0)
SURFACE_S: Final = (20.0, 50.0)
"""Shortest and longest period of the bands: body waves before the surface waves, and all that there is at longer periods."""
MAX_SLOWNESS_S_DEG: Final = 42.0  # slowness looked for, seconds a degree
MAX_BODY_SLOWNESS_S_DEG: Final = 21.0
MIN_CORRELATION: Final = 0.5  # correlation of a trace with the sum of the others
MAX_PLANE_MISFIT_PERIODS: Final = 0.1  # of a period: delays that leave a plane by more are no plane wave's
USUAL_MISFIT: Final = 0.04  # of a period, worth USUAL_COUNT stations
USUAL_COUNT: Final = 4.0
PATH_ERROR_S: Final = 1.4  # shared by neighbors, as of teleseismic P
SURFACE_ERROR: Final = 0.1  # of the slowness, across: surface waves leave the great circle by some 6 degrees
SURFACE_SLOWNESS: Final = (25.0, 39.0)


@dataclass(frozen=True)
class PlaneWave:
    """
    A plane wave at an array whose middle is `center` (geocentric unit vector), as one of k slownesses that its window allows.

    `slownesses` [k, 2] east and north in seconds a degree, pointing where the wave goes, the likeliest first, `covariances`
    [k, 2, 2] and `weights` [k] that sum to one; `time_s` POSIX at the middle; `radius_deg` of the array.
    """

    center: Floats
    slownesses: Floats
    covariances: Floats
    weights: Floats
    time_s: float
    radius_deg: float


@dataclass(frozen=True)
class _Array:
    """Stations close together: their rows in the gather, the middle (geocentric degrees), and places [n, 2] east and north of it."""

    rows: Integers
    center: tuple[float, float]
    places: Floats


def detect_plane_waves(gather: Gather) -> tuple[PlaneWave, ...]:
    """Fronts of every array of the gather, none where four stations never stand within a few degrees."""
    found: list[PlaneWave] = []
    for array in group_arrays(gather):
        found += _distinct(_in_band(gather, array, SURFACE_S, np.inf))
        body = _in_band(gather, array, BODY_S, _loudest_s(gather, array))
        found += _distinct([front for front in body if np.hypot(*front.slownesses[0]) < MAX_BODY_SLOWNESS_S_DEG])
    return tuple(found)


def _loudest_s(gather: Gather, array: _Array) -> float:
    """POSIX time of the largest amplitude at long periods, the median over the array."""
    traces = np.stack([_filtered(row, SURFACE_S, gather.sampling_rate_hz) for row in gather.samples[array.rows]])
    return gather.start_time_s + float(np.median(np.abs(traces).argmax(axis=1))) / gather.sampling_rate_hz


def group_arrays(gather: Gather) -> list[_Array]:
    """Groups of at least four stations within a few degrees of one of them, the largest first, each station in one at most."""
    latitudes, longitudes = geocentric_latitude_deg(gather.latitudes_deg), gather.longitudes_deg
    live = (
        np.isfinite(latitudes) & np.isfinite(longitudes) & np.array([np.nanmax(np.abs(row), initial=0.0) > 0.0 for row in gather.samples])
    )
    left = np.flatnonzero(live)
    found = []
    while len(left) >= MIN_STATIONS:
        apart = distance_deg(latitudes[left, None], longitudes[left, None], latitudes[left], longitudes[left])
        near = apart <= MAX_APERTURE_DEG
        chosen = near[int(np.argmax(near.sum(axis=1)))]
        rows = left[chosen]
        left = left[~chosen]
        places = np.unique(np.round(unit_vectors(latitudes[rows], longitudes[rows]) / np.radians(APART_DEG)), axis=0)
        if len(places) < MIN_STATIONS:
            if chosen.sum() < MIN_STATIONS:
                break
            continue
        middle = unit_vectors(latitudes[rows], longitudes[rows]).mean(axis=0)
        center = (float(np.degrees(np.arctan2(middle[2], np.hypot(*middle[:2])))), float(np.degrees(np.arctan2(middle[1], middle[0]))))
        reach, turn = (
            distance_deg(*center, latitudes[rows], longitudes[rows]),
            np.radians(azimuth_deg(*center, latitudes[rows], longitudes[rows])),
        )
        found.append(_Array(rows, center, np.stack((reach * np.sin(turn), reach * np.cos(turn)), axis=1)))
    return found


def _in_band(gather: Gather, array: _Array, band_s: tuple[float, float], until_s: float) -> list[PlaneWave]:
    """The most coherent windows of a band that stand out and end before an instant (POSIX), measured closely."""
    rate_hz, period_s = gather.sampling_rate_hz, float(np.sqrt(band_s[0] * band_s[1]))
    traces = np.stack([_filtered(row, band_s, rate_hz) for row in gather.samples[array.rows]])
    live = np.flatnonzero(np.abs(traces).max(axis=1) > 0.0)
    if len(live) < MIN_STATIONS or traces.shape[1] < 4.0 * WINDOW_PERIODS * period_s * rate_hz:
        return []
    array = _Array(array.rows[live], array.center, array.places[live])
    leveled = _leveled(traces[live], round(4.0 * WINDOW_PERIODS * period_s * rate_hz))
    width = round(WINDOW_PERIODS * period_s * rate_hz)
    heard = energy_detection(traces[live], width)
    heard &= gather.start_time_s + (np.arange(len(heard)) * window_hop(width) + width) / rate_hz < until_s
    return [
        PlaneWave(unit_vectors(*array.center), *told, _radius(array))
        for first, trials in detect_coherent_windows(leveled, array.places, rate_hz, width, (MAX_SLOWNESS_S_DEG, 0.25 * period_s), heard)
        if (told := _told(leveled, array, (first, width, rate_hz, gather.start_time_s), trials, period_s)) is not None
    ]


def _told(
    traces: Floats, array: _Array, window: tuple[int, int, float, float], trials: list[tuple[float, Floats]], period_s: float
) -> tuple[Floats, Floats, Floats, float] | None:
    """Slownesses, covariances, shares and time of a front, each trial (logarithm of its likelihood, slowness) measured."""
    rows: list[tuple[float, tuple[Floats, Floats, float]]] = []
    for likely, slowness in trials:
        found = _measured(traces, array, window, slowness, period_s)
        if (
            found is not None
            and np.hypot(*found[0]) < SURFACE_SLOWNESS[1]
            and all(np.hypot(*(found[0] - other[0])) > 1.0 for _, other in rows)
        ):
            rows.append((likely, found))
    if not rows:
        return None
    shares = np.exp([likely - rows[0][0] for likely, _ in rows])
    slownesses, covariances = (np.stack([found[k] for _, found in rows]) for k in (0, 1))
    return slownesses, covariances, shares / shares.sum(), rows[0][1][2]


def _radius(array: _Array) -> float:
    return float(np.hypot(*array.places.T).max())


def _distinct(fronts: Sequence[PlaneWave]) -> list[PlaneWave]:
    """Without those that say again what a more coherent one has said: codas go the way of their wave."""
    kept: list[PlaneWave] = []
    for front in fronts:
        if all(np.hypot(*(front.slownesses[0] - other.slownesses[0])) > 3.0 for other in kept):
            kept.append(front)
    return kept


def _filtered(row: NDArray[np.float32], band_s: tuple[float, float], rate_hz: float) -> Floats:
    """Zero-phase between two periods, flanks a quarter octave wide; zero where there is no data."""
    live = np.isfinite(row)
    length = scipy.fft.next_fast_len(len(row) + round(4.0 * band_s[1] * rate_hz), real=True)
    octaves = np.log2(np.maximum(scipy.fft.rfftfreq(length, 1.0 / rate_hz), 1e-12) * band_s[1])
    inside = np.minimum(octaves, np.log2(band_s[1] / band_s[0]) - octaves)
    gain = cosine_bandpass_gain(inside)
    samples = scipy.fft.irfft(gain * scipy.fft.rfft(np.where(live, row, 0.0), length), length)[: len(row)]
    return np.where(live, samples, 0.0)


def _leveled(traces: Floats, width: int) -> Floats:
    """Each trace over its running root mean square, so that none outshouts the others; silence stays silent."""
    power = np.cumsum(np.pad(traces**2, ((0, 0), (width // 2 + 1, width - width // 2))), axis=1)
    level = np.sqrt((power[:, width:] - power[:, :-width])[:, : traces.shape[1]] / width)
    return np.asarray(traces / np.maximum(level, 1e-3 * level.max(axis=1, keepdims=True) + 1e-300))


def _measured(
    traces: Floats, array: _Array, window: tuple[int, int, float, float], slowness: Floats, period_s: float
) -> tuple[Floats, Floats, float] | None:
    """Slowness, its covariance and POSIX time of a front; None where too few traces are alike, or their delays leave a plane."""
    first, width, rate_hz, start_s = window
    for _ in range(3):
        delays, alike = _delays(traces, array.places @ slowness, (first, width, rate_hz), period_s)
        good = alike >= MIN_CORRELATION
        design = np.column_stack((array.places, np.ones(len(good))))[good]
        if good.sum() < MIN_STATIONS or np.linalg.matrix_rank(design, tol=0.1) < 3:
            return None
        inverse = np.linalg.pinv(design)
        fitted = inverse @ delays[good]
        slowness = fitted[:2]
    off = delays[good] - design @ fitted
    misfit = float(off @ off + USUAL_COUNT * (USUAL_MISFIT * period_s) ** 2) / (len(off) - 3 + USUAL_COUNT)
    if np.sqrt(np.mean(off**2)) > MAX_PLANE_MISFIT_PERIODS * period_s:
        return None
    between = np.hypot(*(array.places[good, None] - array.places[good]).T)
    errors = (misfit + STATION_ERROR_S**2) * np.eye(len(off)) + PATH_ERROR_S**2 * np.exp(-between / SHARED_PATH_DEG)
    covariance = (inverse @ errors @ inverse.T)[:2, :2]
    size = float(np.hypot(*slowness))
    if size > SURFACE_SLOWNESS[0]:
        covariance = covariance + (SURFACE_ERROR * size) ** 2 * np.eye(2)
    return slowness, covariance, start_s + (first + 0.5 * width) / rate_hz + float(fitted[2])


def _delays(traces: Floats, predicted_s: Floats, window: tuple[int, int, float], period_s: float) -> tuple[Floats, Floats]:
    """Delays [n] in seconds after the window, and how alike [n] each trace is to the sum of the others there."""
    first, width, rate_hz = window
    shifts = np.rint(predicted_s * rate_hz).astype(np.int64)
    reach = max(2, int(0.4 * period_s * rate_hz))
    padded = np.pad(traces, ((0, 0), (traces.shape[1],) * 2))
    begin = first + traces.shape[1] + shifts
    aligned = np.stack([row[at - reach : at + width + reach] for row, at in zip(padded, begin.tolist(), strict=True)])
    taper = np.hanning(width + 2)[1:-1]
    total = aligned[:, reach : reach + width].sum(axis=0)
    delays, alike = np.zeros(len(traces)), np.zeros(len(traces))
    for i, row in enumerate(aligned):
        model = (total - row[reach : reach + width]) * taper
        windows = np.lib.stride_tricks.sliding_window_view(row, width) * taper
        size = np.linalg.norm(windows, axis=1) * np.linalg.norm(model) + 1e-300
        likeness = windows @ model / size
        top = int(np.argmax(likeness))
        delays[i] = (shifts[i] + top - reach + _vertex(likeness, top)) / rate_hz
        alike[i] = likeness[top]
    return delays, alike


def _vertex(values: Floats, top: int) -> float:
    """How far beside the highest sample its parabola is highest."""
    if not 0 < top < len(values) - 1:
        return 0.0
    left, middle, right = values[top - 1 : top + 2]
    return float(0.5 * (left - right) / min(left - 2.0 * middle + right, -1e-12))
