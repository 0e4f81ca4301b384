"""
Collect what the association works on: the picks and Rayleigh-wave envelope peaks of all traces of an event, on one clock.

Each pick is a candidate of every phase: it has a weight for each phase it may be, and a phase is among a trace's picks with a detection
probability that grows with the strongest pick. From these follow log-likelihood ratios (LLR) of each phase's arrival (`phase_llr`,
`rayleigh_llr`). The probabilities here are chosen, not fitted; tests check what follows from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from models.array_types import Flags, Floats, Floats32, Integers, PickIndices
from models.seismic.association.pick_likelihood import PickMixture, TimeGrid, write_arrival_llr, write_nearest_picks
from models.seismic.earth.travel_time_errors import (
    FIRST_PHASES,
    GUIDED_PHASES,
    PICK_PROBABILITY,
    SHEAR_PHASES,
    correlated_slowness_error,
    effective_neighbor_count,
    independent_fraction,
    phase_error_s,
    shared_path_deg,
)
from models.seismic.earth.travel_times import PHASES
from models.seismic.geodesy import KM_PER_DEGREE, geocentric_latitude_deg, unit_vectors
from models.seismic.location.origin_time_prior import MAX_LEAD_S, USUAL_LEAD_S, OriginPrior, estimate_llr, origin_time_density
from models.seismic.signal.pick_delay import delay_deviation_s, expected_delay_s
from models.seismic.signal.picker import BANDS_HZ, MIN_STRENGTH, Picks, short_window_s
from models.seismic.signal.rayleigh_envelope import MIN_PEAK_RATIO, EnvelopePeaks

PLANE_WAVE_PARAMETERS: Final = 3.0
"""Time and two components of slowness."""
LONG_PERIOD_BAND: Final = 3
"""Index in `BANDS_HZ` of the picker's band of 10 to 33 s."""
SURFACE_WAVE_WINDOW_S: Final = (150.0, 60.0)
"""Before and after the largest Rayleigh-wave peak: picks of the long-period band there belong to the surface waves."""
LATER_PICK_FACTOR: Final = 0.7
"""Factor on the weight of a pick as the first arrival, for each comparable pick before it."""
COMPARABLE_STRENGTH: Final = 0.6
"""A pick is comparable with another one from this fraction of its strength on."""
LEADING_PHASES: Final = ("P", "PKP")
"""Phases before which nothing of an event arrives; other branches of PKP follow within seconds."""
LOOKBACK_S: Final = 30.0
"""Ruptures that begin slowly reach their largest moment rate within so many seconds, up to magnitude 8..."""
MAX_SAME_ONSET: Final = 2.0
"""...and picks that differ by fewer standard deviations may be of one onset."""
DISTURBED_PROBABILITY: Final = 0.05
"""Probability that a strong pick is of a disturbance or of another event, as `models.analysis.detection` has it for records."""
SHORT_PERIOD_HZ: Final = 0.3
"""Lower corner of short-period bands: long-period channels, of one sample per second, record nothing above 0.4 Hz."""
SHORT_PERIOD_BANDS: Final[Flags] = np.array([low_hz >= SHORT_PERIOD_HZ for low_hz, _ in BANDS_HZ])

RAYLEIGH_DEVIATION_S: Final = 12.0
"""Standard deviation of an envelope peak's time: a third of a dominant period."""
RAYLEIGH_PATH_ERROR: Final = 0.04
"""Standard deviation of the group travel time from path to path, as a fraction of it."""
RAYLEIGH_COMMON_ERROR: Final = 0.015
"""The same for all paths together: what the steps between trial group velocities leave."""
RAYLEIGH_VELOCITY_KM_S: Final = 3.3
"""Typical group velocity, for the errors above."""
RAYLEIGH_SHARING_DEG: Final = 60.0
"""Distance at which path sharing of Rayleigh waves is evaluated."""
GROUP_VELOCITIES_KM_S: Final = tuple(float(velocity) for velocity in np.arange(2.6, 4.11, 0.125).round(3))
"""Trial group velocities of the largest Rayleigh waves of 20 to 50 s, from continents to oceans; one for all paths of an event."""


@dataclass(frozen=True)
class Candidates:
    """
    Picks and Rayleigh-wave envelope peaks of n traces with known stations, in seconds after `clock_s`; unused ones have weight 0.

    Attributes
    ----------
    clock_s : float
        Reference time, POSIX seconds.
    stations : [n, 3]
        Unit vectors at geocentric latitudes.
    trace_indices : [n]
        Index of each trace in its gather.
    record_starts, record_ends : [n]
        Where a pick could be made on each trace.
    pick_times, pick_deviations : [n, k]
        Time of the onset of each pick, the picker's expected delay taken off, and its standard deviation.
    first_weights, leading_weights, later_weights, s_weights : [n, k]
        Weight of each pick as the first arrival, as one that no other pick of the event precedes by seconds, as a later P phase, and as S;
        each row sums to 1. Picks on horizontal components are candidates of S only.
    p_detected, s_detected, rayleigh_detected : [n]
        Probability that P, S and the Rayleigh-wave peak are among a trace's candidates.
    short_period : [n, k]
        Whether a pick was made in a band above `SHORT_PERIOD_HZ`.
    rayleigh_times, rayleigh_weights : [n, l]
        Time and weight of each Rayleigh-wave envelope peak; weights sum to 1.
    station_spacing_deg : [n]
        Median distance of a station to the others.
    interstation_deg : [n, n]
        Distances between stations.
    origin_estimate : (float, float), optional
        Mean and standard deviation in seconds of an independent estimate of the origin time.
    crustal : bool
        Whether picks may be of waves guided by the crust, and first arrivals are weighted by `leading_weights`: for sources that first
        arrivals hold already. In a search of the whole sphere both would only be ambiguous.
    usual_lead_s : float
        Origins up to this long before the first sample are as probable as later ones; `MAX_LEAD_S` where records are cut about arrivals.
    slowness_ratio : float
        Slowness of the crust and upper mantle around the source relative to ak135, of all phases (`near_time_factors`).

    """

    clock_s: float
    stations: Floats
    trace_indices: Integers
    record_starts: Floats
    record_ends: Floats
    pick_times: Floats
    pick_deviations: Floats
    first_weights: Floats
    leading_weights: Floats
    later_weights: Floats
    s_weights: Floats
    p_detected: Floats
    s_detected: Floats
    short_period: Flags
    rayleigh_times: Floats
    rayleigh_weights: Floats
    rayleigh_detected: Floats
    station_spacing_deg: Floats
    interstation_deg: Floats
    origin_estimate: tuple[float, float] | None = None
    usual_lead_s: float = USUAL_LEAD_S
    crustal: bool = False
    slowness_ratio: float = 1.0

    def distances_deg(self, point: Floats) -> Floats:
        """Return the epicentral distances [n] of the stations from a unit vector at geocentric latitude."""
        return np.asarray(np.degrees(np.arccos(np.clip(self.stations @ point, -1.0, 1.0))))

    def independent_weights(self, distances_deg: Floats) -> Floats:
        """
        Return the weight [n], 0 to 1, of each trace in the stack of all phases but one, for sources at about those distances.

        Misidentified phases are correlated between neighbors, so n stations count as the sum of 1 / (number sharing the path)
        independent ones, but for no fewer than three: a plane wave has three parameters, time and two slowness components.
        """
        weights = 1.0 / self.effective_neighbor_counts(distances_deg)
        return np.asarray(np.minimum(1.0, weights * (1.0 + (PLANE_WAVE_PARAMETERS - 1.0) / weights.sum())))

    def effective_neighbor_counts(self, distances_deg: Floats) -> Floats:
        """Count the traces [n] that share most of their path with each trace, itself included, for sources at about those distances."""
        return effective_neighbor_count(self.interstation_deg, shared_path_deg(distances_deg)[:, None])

    def subset(self, rows: Integers) -> "Candidates":
        """Return the candidates of some traces, given as indices into these arrays (not as trace indices of the gather)."""
        arrays: dict[str, Any] = {name: value[rows] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **{**arrays, "interstation_deg": self.interstation_deg[np.ix_(rows, rows)]})

    def origin_time_log_prior(self, step_s: float) -> OriginPrior:
        """
        Return the log prior of the origin time, float32, at multiples of `step_s` seconds; outside them it is zero.

        Origins more than `usual_lead_s` before the first sample are less probable (`origin_time_density`); an independent estimate of
        the origin time enters as a Gaussian mixed with outliers (`estimate_llr`).
        """
        record_start = float(self.record_starts.min())
        mean, deviation = self.origin_estimate or (record_start - self.usual_lead_s, 0.0)
        begin = round((min(-MAX_LEAD_S, mean - 4.0 * deviation) - 2.0 * step_s) / step_s)
        end = round(max(record_start - self.usual_lead_s, mean + 4.0 * deviation) / step_s)
        times = np.arange(begin, end, dtype=np.float64) * step_s
        log_prior: Floats = np.log(origin_time_density(times, record_start, self.usual_lead_s))
        if self.origin_estimate is not None and deviation > 0.0:
            span_s = float(self.record_ends.max() - self.record_starts.min()) + MAX_LEAD_S
            log_prior += estimate_llr(times, (mean, deviation), span_s)
        return OriginPrior(log_prior.astype(np.float32), begin)


def collect_candidates(
    picks: Sequence[Picks], peaks: Sequence[EnvelopePeaks], latitudes_deg: ArrayLike, longitudes_deg: ArrayLike
) -> Candidates | None:
    """
    Collect the traces that have coordinates and any pick or envelope peak; None if there are none.

    The clock begins with the earliest record.

    Parameters
    ----------
    picks, peaks : n each
        Picks and Rayleigh-wave envelope peaks of each trace of a gather.
    latitudes_deg, longitudes_deg : [n]
        Geographic coordinates of the stations, NaN where unknown.

    """
    latitudes, longitudes = np.asarray(latitudes_deg, np.float64), np.asarray(longitudes_deg, np.float64)
    known = np.isfinite(latitudes) & np.isfinite(longitudes)
    rows = [i for i in range(len(picks)) if known[i] and len(picks[i].times_s) + len(peaks[i].times_s)]
    if not rows:
        return None
    kept, kept_peaks = [drop_surface_wave_picks(picks[i], peaks[i]) for i in rows], [peaks[i] for i in rows]
    onsets_s = [pick.times_s - expected_delay_s(pick.bands, pick.strengths) for pick in kept]
    deviations_s = [np.maximum(pick.uncertainties_s, delay_deviation_s(pick.bands, pick.strengths)) for pick in kept]
    clock_s = min(pick.start_s for pick in kept)
    stations = unit_vectors(geocentric_latitude_deg(latitudes[rows]), longitudes[rows])
    interstation = np.degrees(np.arccos(np.clip(stations @ stations.T, -1.0, 1.0)))
    return Candidates(
        clock_s=clock_s,
        stations=stations,
        trace_indices=np.array(rows, np.int64),
        record_starts=np.array([pick.start_s - clock_s for pick in kept]),
        record_ends=np.array([pick.end_s - clock_s for pick in kept]),
        pick_times=_pad_rows([onsets - clock_s for onsets in onsets_s]),
        pick_deviations=_pad_rows(deviations_s, 1.0),
        **_weigh_picks(kept),
        short_period=_pad_rows([SHORT_PERIOD_BANDS[pick.bands].astype(np.float64) for pick in kept]) > 0.0,
        rayleigh_times=_pad_rows([peak.times_s - clock_s for peak in kept_peaks]),
        rayleigh_weights=_normalize_rows([peak.strengths**2 for peak in kept_peaks]),
        rayleigh_detected=_peak_detection_probabilities(kept_peaks),
        station_spacing_deg=np.array([np.median(np.delete(row, i)) if len(rows) > 1 else 0.0 for i, row in enumerate(interstation)]),
        interstation_deg=np.asarray(interstation),
    )


def _weigh_picks(picks: Sequence[Picks]) -> dict[str, Any]:
    """Return arrays of body waves by field of `Candidates`: weights [n, k] of the picks of each trace, and detection probabilities [n]."""
    first = [pick.strengths * ~pick.horizontal * _first_arrival_factors(pick) for pick in picks]
    return {
        "first_weights": _normalize_rows(first),
        "leading_weights": _normalize_rows([weights * _leading_factors(pick) for weights, pick in zip(first, picks, strict=True)]),
        "later_weights": _normalize_rows([pick.strengths * ~pick.horizontal for pick in picks]),
        "s_weights": _normalize_rows([pick.strengths for pick in picks]),
        "p_detected": _detection_probabilities([pick.strengths[~pick.horizontal] for pick in picks]),
        "s_detected": _detection_probabilities([pick.strengths for pick in picks]),
    }


def drop_surface_wave_picks(pick: Picks, peak: EnvelopePeaks) -> Picks:
    """
    Drop the long-period picks of a trace around its largest Rayleigh-wave peak.

    The peak itself is a candidate already; taken for body waves, these picks would look like S of a nearby source.
    """
    if not len(peak.times_s):
        return pick
    before_s = peak.times_s[0] - pick.times_s
    keep = (pick.bands != LONG_PERIOD_BAND) | (before_s < -SURFACE_WAVE_WINDOW_S[1]) | (before_s > SURFACE_WAVE_WINDOW_S[0])
    return replace(pick, **{name: getattr(pick, name)[keep] for name in ("times_s", "uncertainties_s", "strengths", "bands", "horizontal")})


def _first_arrival_factors(pick: Picks) -> Floats:
    """Return the factor [k] on each pick's weight as the first arrival: lower, the more comparable picks of its band precede it."""
    earlier = (pick.bands[:, None] == pick.bands) & (pick.times_s[:, None] > pick.times_s) & ~pick.horizontal
    comparable = earlier & (pick.strengths > COMPARABLE_STRENGTH * pick.strengths[:, None])
    return np.asarray(LATER_PICK_FACTOR ** comparable.sum(axis=1))


def _leading_factors(pick: Picks) -> Floats:
    """
    Return the probability [k] that no pick of the event precedes each pick by a few seconds.

    Nothing of an event arrives before its first arrival: a pick that a short-period pick precedes by up to `LOOKBACK_S` is the first one
    only with the probability that noise or a disturbance made the earlier one.
    """
    short = SHORT_PERIOD_BANDS[pick.bands] & ~pick.horizontal
    errors_s = np.maximum(pick.uncertainties_s, delay_deviation_s(pick.bands, pick.strengths))
    onsets_s = pick.times_s - expected_delay_s(pick.bands, pick.strengths)
    later_s, distinct_s = onsets_s[:, None] - onsets_s, MAX_SAME_ONSET * np.hypot(errors_s[:, None], errors_s)
    precedes = (short[:, None] & short) & (later_s > distinct_s) & (later_s <= LOOKBACK_S)
    windows = LOOKBACK_S / np.array([short_window_s(*BANDS_HZ[band]) for band in pick.bands])
    by_noise = np.clip(DISTURBED_PROBABILITY + windows * ndtr(-pick.strengths), 0.0, 1.0)
    return np.asarray(np.min(np.where(precedes, by_noise, 1.0), axis=1, initial=1.0))


def _detection_probabilities(strengths: Sequence[Floats]) -> Floats:
    """Return the probability [n] that a phase is among each trace's picks: 0.2 to 0.9 by the strength of the strongest, 0 if none."""
    strongest = np.array([row.max(initial=0.0) for row in strengths])
    return np.where(strongest > 0.0, np.clip(0.2 + 0.2 * (strongest - MIN_STRENGTH), 0.2, 0.9), 0.0)


def _peak_detection_probabilities(peaks: Sequence[EnvelopePeaks]) -> Floats:
    """Return the probability [n] that the Rayleigh waves are among each trace's peaks: 0.3 to 0.9 by the largest strength, 0 if none."""
    heights = np.array([peak.strengths.max(initial=0.0) for peak in peaks])
    return np.where(heights > 0.0, np.clip(0.3 + 0.6 * (heights - np.log(MIN_PEAK_RATIO)), 0.3, 0.9), 0.0)


def _pad_rows(rows: Sequence[Floats], value: float = 0.0) -> Floats:
    """Stack rows of different lengths, filled up with a value."""
    width = max(1, *(len(row) for row in rows))
    return np.array([np.pad(row, (0, width - len(row)), constant_values=value) for row in rows])


def _normalize_rows(rows: Sequence[Floats]) -> Floats:
    """Stack rows of weights, each divided by its sum; a row of zeros stays zero."""
    weights = _pad_rows(rows)
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12))


def mix_picks(
    data: Candidates,
    distances_deg: Floats,
    depth_km: float,
    grid_error_s: Floats,
    *,
    correlated_errors: bool,
    phases: Sequence[str] = PHASES,
) -> list[PickMixture]:
    """
    Describe the arrival of each phase on each trace by a mixture of the picks.

    Parameters
    ----------
    data : Candidates
        Picks of n traces.
    distances_deg, depth_km : [n], float
        Approximate distances and depth of the trial sources, for travel-time errors.
    grid_error_s : [n]
        Discretization error of travel times, added in quadrature to the other errors.
    correlated_errors : bool
        Whether errors of first arrivals include the bias from spatial correlation, as posterior densities need.
    phases : sequence of str
        Phases to describe.

    """
    slowness_error = correlated_slowness_error(data.stations, data.interstation_deg, distances_deg) if correlated_errors else None
    mixtures = []
    for phase in phases:
        error = phase_error_s(phase, data.station_spacing_deg, distances_deg, depth_km, slowness_error)
        sigma = np.sqrt(data.pick_deviations**2 + (error**2 + grid_error_s**2)[:, None])
        probabilities = (data.s_detected if phase in SHEAR_PHASES else data.p_detected) * PICK_PROBABILITY[phase]
        weights = data.later_weights
        if phase in SHEAR_PHASES:
            weights = data.s_weights
        elif phase in LEADING_PHASES and data.crustal:
            weights = data.leading_weights
        elif phase in FIRST_PHASES and phase != "Pg":
            weights = data.first_weights
        if phase in GUIDED_PHASES:
            weights = weights * data.short_period
        mixtures.append(PickMixture(data.pick_times, sigma, weights, probabilities, data.record_starts, data.record_ends))
    return mixtures


def phase_llr(mixtures: Sequence[PickMixture], grid: TimeGrid) -> Floats32:
    """Compute the LLR [phases, n, samples] of each phase's arrival on each trace; `grid` has starts [phases, n]."""
    llr = np.empty((*grid.starts.shape, grid.sample_count), np.float32)
    for index, mixture in enumerate(mixtures):
        counts = np.full(grid.starts.shape[1], grid.sample_count)
        write_arrival_llr(mixture, TimeGrid(grid.step_s, grid.starts[index], grid.sample_count), counts, llr[index])
    return llr


def find_nearest_picks(mixtures: Sequence[PickMixture], grid: TimeGrid) -> PickIndices:
    """Find the pick [phases, n, samples] that each sample of the LLR of a phase is due to, by index; -1 for none."""
    nearest = np.empty((*grid.starts.shape, grid.sample_count), np.int8)
    for index, mixture in enumerate(mixtures):
        write_nearest_picks(mixture, TimeGrid(grid.step_s, grid.starts[index], grid.sample_count), nearest[index])
    return nearest


def rayleigh_llr(data: Candidates, distances_deg: Floats, grid_error_s: Floats, grid: TimeGrid, counts: Integers) -> Floats32:
    """
    Compute the LLR [n, samples] of the largest Rayleigh-wave amplitude on each trace; `grid` has starts [n].

    Only the first `counts` [n] samples of each trace are computed; the others are zero and must not be used.
    LLRs are divided by the square root of the number of stations sharing a path. Path sharing is evaluated at a fixed 60 degrees,
    whatever the trial distance; otherwise near sources, for which stations share less, would get larger weights and win.
    """
    seconds = distances_deg * KM_PER_DEGREE / RAYLEIGH_VELOCITY_KM_S
    path = np.hypot(RAYLEIGH_PATH_ERROR * independent_fraction(distances_deg, data.station_spacing_deg), RAYLEIGH_COMMON_ERROR) * seconds
    sigma = np.sqrt(RAYLEIGH_DEVIATION_S**2 + path**2 + grid_error_s**2)
    deviations = np.repeat(sigma[:, None], data.rayleigh_times.shape[1], axis=1)
    spans = (data.record_starts, data.record_ends)
    llr = np.empty((len(distances_deg), grid.sample_count), np.float32)
    picks = PickMixture(data.rayleigh_times, deviations, data.rayleigh_weights, data.rayleigh_detected, *spans)
    write_arrival_llr(picks, grid, counts, llr)
    llr /= np.sqrt(data.effective_neighbor_counts(np.full(len(distances_deg), RAYLEIGH_SHARING_DEG)))[:, None].astype(np.float32)
    return llr
