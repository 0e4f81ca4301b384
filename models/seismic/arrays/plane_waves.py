"""
Plane waves across an array: slowness vectors of coherent arrivals, with covariances.

A plane wave is detected as the time window and slowness vector of the highest semblance (Neidell & Taner 1971,
doi:10.1190/1.1440186). Its delays are then measured trace by trace against the stack of the others (after VanDecar & Crosson 1990,
doi:10.1785/BSSA0800010150) and fitted by a plane. Which phase it is, is left to the likelihood.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.seismic.arrays.semblance import WINDOW_PERIODS, CoherentWindow, detect_coherent_windows, energy_detection, window_hop
from models.seismic.earth.travel_time_errors import SHARED_PATH_DEG, STATION_ERROR_S
from models.seismic.geodesy import distance_deg, geocentric_latitude_deg, latitude_longitude_deg, offsets_deg, unit_vectors
from models.seismic.signal.filters import PeriodBand, bandpass_zero_phase
from models.seismic.waveforms import Gather

MIN_STATIONS: Final = 4
MAX_APERTURE_DEG: Final = 5.0  # of an array, from one of its stations: curved wavefronts are late by about a second there
MIN_SPACING_DEG: Final = 0.05  # stations closer than this count as one
BODY_BAND: Final = PeriodBand(8.0, 20.0)  # before the surface waves
SURFACE_BAND: Final = PeriodBand(20.0, 50.0)  # all waves at longer periods
MAX_SLOWNESS_S_DEG: Final = 42.0  # of the search
MAX_BODY_SLOWNESS_S_DEG: Final = 21.0
MIN_SURFACE_SLOWNESS_S_DEG, MAX_SURFACE_SLOWNESS_S_DEG = 25.0, 39.0
MIN_DIFFERENCE_S_DEG: Final = 3.0  # between plane waves of one band: codas travel like the wave before them
MIN_ALTERNATIVE_DIFFERENCE_S_DEG: Final = 1.0  # between the slowness vectors of one window
MIN_CORRELATION: Final = 0.5  # of a trace with the stack of the others
MAX_PLANE_MISFIT_PERIODS: Final = 0.1  # root mean square of delays about a plane, in periods
PRIOR_MISFIT_PERIODS: Final = 0.04  # expected misfit, which counts as much as PRIOR_COUNT measured delays
PRIOR_COUNT: Final = 4.0
PATH_ERROR_S: Final = 1.4  # of teleseismic P, correlated between neighbors
SURFACE_WAVE_ERROR: Final = 0.1  # of the slowness, across: surface waves leave the great circle by some 6 degrees
SILENCE: Final = 1e-3  # of the largest level, below which a trace is not amplified


@dataclass(frozen=True)
class PlaneWave:
    """
    A plane wave at an array, as one of k alternative slowness vectors that its time window allows.

    `center`: geocentric unit vector of the array's center. `slownesses` [k, 2] east and north in s/deg, pointing where the wave travels,
    most probable first; `covariances` [k, 2, 2] in (s/deg)²; `weights` [k] sum to one. `time_s`: POSIX time at the center.
    `radius_deg`: distance of the outermost station from the center.
    """

    center: Floats
    slownesses: Floats
    covariances: Floats
    weights: Floats
    time_s: float
    radius_deg: float


@dataclass(frozen=True)
class StationGroup:
    """
    Stations close enough for plane waves.

    `trace_indices` [n] in the gather; `center_deg`: geocentric latitude and longitude; `offsets_deg` [n, 2] east and north of the center.
    """

    trace_indices: Integers
    center_deg: tuple[float, float]
    offsets_deg: Floats

    @property
    def radius_deg(self) -> float:
        """Distance of the outermost station from the center."""
        return float(np.hypot(*self.offsets_deg.T).max())


@dataclass(frozen=True)
class _Window:
    """A time window of leveled traces: first sample (at the center of the array), samples, rate, POSIX time of sample 0."""

    first: int
    width: int
    rate_hz: float
    start_s: float


def detect_plane_waves(gather: Gather) -> tuple[PlaneWave, ...]:
    """
    Detect plane waves at every array of a gather, in the surface-wave and the body-wave band.

    An array has four stations or more within five degrees.
    """
    found: list[PlaneWave] = []
    for group in group_arrays(gather):
        found += _suppress_duplicates(_detect_in_band(gather, group, SURFACE_BAND, np.inf))
        body = _detect_in_band(gather, group, BODY_BAND, _largest_amplitude_time_s(gather, group))
        found += _suppress_duplicates([wave for wave in body if np.hypot(*wave.slownesses[0]) < MAX_BODY_SLOWNESS_S_DEG])
    return tuple(found)


def group_arrays(gather: Gather) -> list[StationGroup]:
    """Group live stations within 5 degrees of one of them, largest group first; each group has four sites or more."""
    latitudes, longitudes = geocentric_latitude_deg(gather.latitudes_deg), gather.longitudes_deg
    live = np.array([np.nanmax(np.abs(samples), initial=0.0) > 0.0 for samples in gather.samples])
    left = np.flatnonzero(np.isfinite(latitudes) & np.isfinite(longitudes) & live)
    groups = []
    while len(left) >= MIN_STATIONS:
        near = distance_deg(latitudes[left, None], longitudes[left, None], latitudes[left], longitudes[left]) <= MAX_APERTURE_DEG
        chosen = near[int(np.argmax(near.sum(axis=1)))]
        indices = left[chosen]
        left = left[~chosen]
        vectors = unit_vectors(latitudes[indices], longitudes[indices])
        if len(np.unique(np.round(vectors / np.radians(MIN_SPACING_DEG)), axis=0)) < MIN_STATIONS:
            if chosen.sum() < MIN_STATIONS:
                break
            continue
        center = latitude_longitude_deg(vectors.mean(axis=0))
        groups.append(StationGroup(indices, center, offsets_deg(*center, latitudes[indices], longitudes[indices])))
    return groups


def _largest_amplitude_time_s(gather: Gather, group: StationGroup) -> float:
    """POSIX time of the largest amplitude in the surface-wave band, the median over the array."""
    traces = _filter_traces(gather, group, SURFACE_BAND)
    return gather.start_time_s + float(np.median(np.abs(traces).argmax(axis=1))) / gather.sampling_rate_hz


def _filter_traces(gather: Gather, group: StationGroup, band: PeriodBand) -> Floats:
    """Band-pass the traces [n, samples] of an array; zero where there is no data."""
    return np.stack([_filter_trace(samples, gather.sampling_rate_hz, band) for samples in gather.samples[group.trace_indices]])


def _filter_trace(samples: Floats32, rate_hz: float, band: PeriodBand) -> Floats:
    live = np.isfinite(samples)
    return np.where(live, bandpass_zero_phase(np.where(live, samples, 0.0), rate_hz, band), 0.0)


def _detect_in_band(gather: Gather, group: StationGroup, band: PeriodBand, end_s: float) -> list[PlaneWave]:
    """Detect the most coherent windows of a band that end before a POSIX time, and fit plane waves to them."""
    rate_hz, period_s = gather.sampling_rate_hz, float(np.sqrt(band.min_period_s * band.max_period_s))
    traces = _filter_traces(gather, group, band)
    live = np.flatnonzero(np.abs(traces).max(axis=1) > 0.0)
    if len(live) < MIN_STATIONS or traces.shape[1] < 4.0 * WINDOW_PERIODS * period_s * rate_hz:
        return []
    group = StationGroup(group.trace_indices[live], group.center_deg, group.offsets_deg[live])
    leveled = _normalize_amplitude(traces[live], round(4.0 * WINDOW_PERIODS * period_s * rate_hz))
    width = round(WINDOW_PERIODS * period_s * rate_hz)
    detected = energy_detection(traces[live], width)
    detected &= gather.start_time_s + (np.arange(len(detected)) * window_hop(width) + width) / rate_hz < end_s
    windows = detect_coherent_windows(leveled, group.offsets_deg, rate_hz, width, (MAX_SLOWNESS_S_DEG, 0.25 * period_s), detected)
    fitted = [
        _fit_alternatives(leveled, group, window, _Window(window.first, width, rate_hz, gather.start_time_s), period_s)
        for window in windows
    ]
    return [wave for wave in fitted if wave is not None]


def _normalize_amplitude(traces: Floats, width: int) -> Floats:
    """Divide each trace by its running root mean square over `width` samples, so that all count alike; silence stays silent."""
    power = np.cumsum(np.pad(traces**2, ((0, 0), (width // 2 + 1, width - width // 2))), axis=1)
    level = np.sqrt((power[:, width:] - power[:, :-width])[:, : traces.shape[1]] / width)
    return np.asarray(traces / np.maximum(level, SILENCE * level.max(axis=1, keepdims=True) + 1e-300))


def _suppress_duplicates(waves: Sequence[PlaneWave]) -> list[PlaneWave]:
    """Drop waves with nearly the slowness vector of a more coherent one: its coda."""
    kept: list[PlaneWave] = []
    for wave in waves:
        if all(np.hypot(*(wave.slownesses[0] - other.slownesses[0])) > MIN_DIFFERENCE_S_DEG for other in kept):
            kept.append(wave)
    return kept


def _fit_alternatives(traces: Floats, group: StationGroup, coherent: CoherentWindow, window: _Window, period_s: float) -> PlaneWave | None:
    """Fit a plane wave to a window from each slowness vector of its semblance maxima; None where none of them fits."""
    found: list[tuple[float, tuple[Floats, Floats, float]]] = []
    for log_likelihood, slowness in coherent.maxima:
        fitted = _fit_plane_wave(traces, group, window, slowness, period_s)
        if (
            fitted is not None
            and np.hypot(*fitted[0]) < MAX_SURFACE_SLOWNESS_S_DEG
            and all(np.hypot(*(fitted[0] - other[0])) > MIN_ALTERNATIVE_DIFFERENCE_S_DEG for _, other in found)
        ):
            found.append((log_likelihood, fitted))
    if not found:
        return None
    weights = np.exp([log_likelihood - found[0][0] for log_likelihood, _ in found])
    slownesses, covariances = (np.stack([fitted[k] for _, fitted in found]) for k in (0, 1))
    center = unit_vectors(*group.center_deg)
    return PlaneWave(center, slownesses, covariances, weights / weights.sum(), found[0][1][2], group.radius_deg)


def _fit_plane_wave(
    traces: Floats, group: StationGroup, window: _Window, slowness: Floats, period_s: float
) -> tuple[Floats, Floats, float] | None:
    """
    Fit slowness vector [2], its covariance [2, 2] and POSIX time at the center to measured delays.

    None where fewer than four traces are correlated, where they lie on a line, or where their delays leave a plane. Errors: measured
    misfit, station terms, and path errors that neighbors share.
    """
    for _ in range(3):
        delays, correlation = _measure_delays(traces, group.offsets_deg @ slowness, window, period_s)
        good = correlation >= MIN_CORRELATION
        design = np.column_stack((group.offsets_deg, np.ones(len(good))))[good]
        if good.sum() < MIN_STATIONS or np.linalg.matrix_rank(design, tol=0.1) < 3:
            return None
        inverse = np.linalg.pinv(design)
        fitted = inverse @ delays[good]
        slowness = fitted[:2]
    residuals = delays[good] - design @ fitted
    misfit = float(residuals @ residuals + PRIOR_COUNT * (PRIOR_MISFIT_PERIODS * period_s) ** 2) / (len(residuals) - 3 + PRIOR_COUNT)
    if np.sqrt(np.mean(residuals**2)) > MAX_PLANE_MISFIT_PERIODS * period_s:
        return None
    between = np.hypot(*(group.offsets_deg[good, None] - group.offsets_deg[good]).T)
    errors = (misfit + STATION_ERROR_S**2) * np.eye(len(residuals)) + PATH_ERROR_S**2 * np.exp(-between / SHARED_PATH_DEG)
    covariance = (inverse @ errors @ inverse.T)[:2, :2]
    size = float(np.hypot(*slowness))
    if size > MIN_SURFACE_SLOWNESS_S_DEG:
        covariance = covariance + (SURFACE_WAVE_ERROR * size) ** 2 * np.eye(2)
    return slowness, covariance, window.start_s + (window.first + 0.5 * window.width) / window.rate_hz + float(fitted[2])


def _measure_delays(traces: Floats, predicted_s: Floats, window: _Window, period_s: float) -> tuple[Floats, Floats]:
    """Delays [n] in seconds by cross-correlation with the stack of the other traces, around predicted ones, and correlations [n]."""
    width, rate_hz = window.width, window.rate_hz
    shifts = np.rint(predicted_s * rate_hz).astype(np.int64)
    max_lag = max(2, int(0.4 * period_s * rate_hz))
    padded = np.pad(traces, ((0, 0), (traces.shape[1],) * 2))
    starts = window.first + traces.shape[1] + shifts
    aligned = np.stack([trace[at - max_lag : at + width + max_lag] for trace, at in zip(padded, starts.tolist(), strict=True)])
    taper = np.hanning(width + 2)[1:-1]
    stack = aligned[:, max_lag : max_lag + width].sum(axis=0)
    delays, correlations = np.zeros(len(traces)), np.zeros(len(traces))
    for i, trace in enumerate(aligned):
        model = (stack - trace[max_lag : max_lag + width]) * taper
        lagged = np.lib.stride_tricks.sliding_window_view(trace, width) * taper
        norm = np.linalg.norm(lagged, axis=1) * np.linalg.norm(model) + 1e-300
        correlation = lagged @ model / norm
        top = int(np.argmax(correlation))
        delays[i] = (shifts[i] + top - max_lag + _parabola_vertex(correlation, top)) / rate_hz
        correlations[i] = correlation[top]
    return delays, correlations


def _parabola_vertex(values: Floats, top: int) -> float:
    """Position of the maximum relative to the highest sample, by the parabola through it and its neighbors."""
    if not 0 < top < len(values) - 1:
        return 0.0
    left, middle, right = values[top - 1 : top + 2]
    return float(0.5 * (left - right) / min(left - 2.0 * middle + right, -1e-12))
