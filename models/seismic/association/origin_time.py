"""
Origin time of associated arrivals by generalized least squares, with the errors that stations share.

The stack takes the errors of stations for independent, so that many distant stations outvote a few near ones, whose travel times are
short and better known. Here the residuals have their full covariance (as in Bondar & Storchak 2011, doi:10.1111/j.1365-246X.2011.05107.x):
where the crust is slower than ak135 everywhere, arrivals are late in proportion to their paths, and the stations nearby determine the
origin time. Epicenter and origin time are fitted at a given depth. Depth phases and PP are left out, and S near the source, where waves
that the crust guides are taken for it: phases that are taken for one another are wrong by many seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.array_types import Floats, Integers
from models.seismic.association.arrivals import MAX_CERTAIN_GAP_DEG, Arrival, find_gap_deg
from models.seismic.association.candidates import Candidates
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.grid_scan import TrialSource
from models.seismic.earth.travel_time_errors import (
    COMMON_ERROR_FRACTION,
    FIRST_PHASES,
    GUIDED_PHASES,
    STATION_ERROR_S,
    path_error_s,
    shared_path_deg,
)
from models.seismic.earth.travel_times import (
    DISTANCES_DEG,
    MAX_CRUSTAL_DEG,
    MAX_CRUSTAL_DEPTH_KM,
    PHASES,
    near_time_factors,
    travel_time_curve,
)
from models.seismic.location.sphere_grid import points_at_offsets

PATH_FACTORS: Final = {"PKPbc": 1.2, "PKPab": 1.5, "S": 1.9}
"""Error of a phase along its path over that of P, which it shares; 1 for others."""
S_OWN_FACTOR: Final = 0.8
"""Error that S has besides, of varying Vp/Vs, over that of P."""
PRIOR_VARIANCE_FACTOR: Final = 4.0
"""Variance of the epicenter before the fit over that of its region, which has used the same arrivals already."""
MIN_PRIOR_VARIANCE_DEG2: Final = 2.5e-3
STACK_PROBABILITY: Final = 0.5
"""
Probability that the stack's origin time and variance hold instead: the fit takes the phases of its arrivals for certain, and errors of
picks and paths for normal. Nothing in the data favors either; the variance is that of the mixture about the fit.
"""
MIN_ARRIVALS: Final = 5
MAX_RESIDUAL_DEVIATIONS: Final = 3.0
ITERATIONS: Final = 4
MAX_STEP_DEG: Final = 1.0
DEPTH_STEPS_KM: Final = (5.0, 30.0)
"""Smallest and largest depth difference over which the origin time's change with depth is taken."""


@dataclass(frozen=True)
class ErrorModel:
    """
    What stations share of the errors of arrivals.

    `common_path`: fraction of the variance of the path error that all stations share; the rest correlates between neighbors if this is
    above 0. `common_delay`: fraction of the variance of pick delays that all picks of an event share: a slow source delays all.
    `crustal`: standard deviation of the velocity of waves guided by the crust, common to all stations, as a fraction of it.
    """

    common_path: float
    common_delay: float
    crustal: Mapping[str, float]


SHARED_ERRORS: Final = ErrorModel(COMMON_ERROR_FRACTION, 0.5, {"Pg": 0.025})
"""The velocity of Pg scatters by 0.15 km/s (Storchak, Schweitzer & Bormann 2003, doi:10.1785/gssrl.74.6.761)."""


@dataclass(frozen=True)
class FittedArrivals:
    """Arrivals of n phases: rows of their traces in the candidates, phases, times after the clock and errors of picks in seconds [n]."""

    rows: Integers
    phases: tuple[str, ...]
    times_s: Floats
    pick_errors_s: Floats

    def values(self, by_phase: Mapping[str, float], default: float) -> Floats:
        """Return the value of each arrival's phase [n]."""
        return np.array([by_phase.get(phase, default) for phase in self.phases], np.float64)

    def subset(self, used: Integers) -> "FittedArrivals":
        """Return some of the arrivals, by index."""
        phases = tuple(self.phases[index] for index in used)
        return FittedArrivals(self.rows[used], phases, self.times_s[used], self.pick_errors_s[used])


def fit_origin_time(
    data: Candidates,
    source: TrialSource,
    arrivals: Sequence[Arrival],
    covariance_deg2: Floats,
    joint: DepthTime,
    model: ErrorModel = SHARED_ERRORS,
) -> DepthTime | None:
    """
    Fit the origin time to first arrivals and distant S, given a depth with its uncertainty; None with fewer than five that fit.

    None as well where the stations do not surround the source: the fit is then worse than the stack, which has S and the distances too.
    Arrivals whose residual exceeds three standard deviations are left out once. The variance is that of a mixture with the stack's
    (`STACK_PROBABILITY`) and, along the change of the origin time with depth, of the depth.

    Parameters
    ----------
    data : Candidates
        Candidates that the arrivals are associated from.
    source : TrialSource
        The source that they are associated with, whose epicenter and origin time the fit starts from.
    arrivals : sequence of Arrival
        Associated arrivals of any phase.
    covariance_deg2 : [2, 2]
        Of the epicenter, in square degrees east and north.
    joint : DepthTime
        Depth and origin time of the stack; depth and its variance are kept.
    model : ErrorModel
        What stations share of the errors.

    """
    fitted = _select_arrivals(data, source, arrivals)
    if len(fitted.rows) < MIN_ARRIVALS or find_gap_deg(data, source, fitted.rows) > MAX_CERTAIN_GAP_DEG:
        return None
    errors = arrival_covariance_s2(data, replace(source, depth_km=joint.depth_km), fitted, model)
    precision = np.linalg.inv(PRIOR_VARIANCE_FACTOR * covariance_deg2 + MIN_PRIOR_VARIANCE_DEG2 * np.eye(2))
    used = np.arange(len(fitted.rows))
    for _ in range(2):
        if len(used) < MIN_ARRIVALS:
            return None
        kept, weights = fitted.subset(used), np.linalg.inv(errors[np.ix_(used, used)])
        time_s, variance_s2, residuals = _fit_at_depth(data, source, kept, weights, precision, joint.depth_km)
        used = used[np.abs(residuals) < MAX_RESIDUAL_DEVIATIONS * np.sqrt(np.diag(errors)[used])]
    slope = _measure_slope(lambda depth_km: _fit_at_depth(data, source, kept, weights, precision, depth_km)[0], joint)
    return _mix_with_stack(joint, time_s, variance_s2, slope)


def _measure_slope(fit_time_s: Callable[[float], float], joint: DepthTime) -> float:
    """Return the change of a fitted origin time with depth about that of the stack, in seconds per kilometer; 0 where it is unknown."""
    step_km = float(np.clip(0.5 * joint.depth_uncertainty_km, *DEPTH_STEPS_KM))
    shallow_km, deep_km = max(joint.depth_km - step_km, 0.0), joint.depth_km + step_km
    return float(np.nan_to_num((fit_time_s(deep_km) - fit_time_s(shallow_km)) / (deep_km - shallow_km)))


def _mix_with_stack(joint: DepthTime, time_s: float, variance_s2: float, slope: float) -> DepthTime:
    """
    Return depth and origin time of a fit, with the variance of its mixture with the stack `joint` and of the depth.

    `variance_s2` of the fitted `time_s` at the depth of the stack; `slope` of the origin time with depth, in seconds per kilometer.
    """
    covariance = slope * joint.depth_variance_km2
    stacked_s2 = max(joint.time_variance_s2 - joint.slope_s_per_km * joint.covariance_km_s, 0.0) + (joint.time_s - time_s) ** 2
    given_depth_s2 = (1.0 - STACK_PROBABILITY) * variance_s2 + STACK_PROBABILITY * stacked_s2
    return DepthTime(joint.depth_km, time_s, joint.depth_variance_km2, given_depth_s2 + slope * covariance, covariance)


def arrival_covariance_s2(data: Candidates, source: TrialSource, fitted: FittedArrivals, model: ErrorModel) -> Floats:
    """
    Return the covariance [n, n] of the residuals of arrivals in square seconds.

    Errors of paths grow with the path; all stations share a part of them, and neighbors share the rest. Besides there are the velocities of
    waves guided by the crust, the delay that a slowly growing source causes everywhere, and each station's and pick's own error.
    """
    distances = data.distances_deg(source.point)[fitted.rows]
    path = path_error_s(distances, source.depth_km)
    length_deg = shared_path_deg(np.atleast_1d(np.median(distances)))
    neighbors = np.exp(-data.interstation_deg[np.ix_(fitted.rows, fitted.rows)] / length_deg)
    shared = model.common_path + (1.0 - model.common_path) * neighbors if model.common_path > 0.0 else np.eye(len(path))
    is_guided = fitted.values(dict.fromkeys(GUIDED_PHASES, 1.0), 0.0) > 0.0
    guided = np.nan_to_num(
        fitted.values(model.crustal, 0.0) * _travel_times(fitted.phases, distances, source.depth_km, data.slowness_ratio)[0]
    )
    along = path * np.where(is_guided, 0.0 if model.crustal else 1.0, fitted.values(PATH_FACTORS, 1.0))
    own = path * fitted.values({"S": S_OWN_FACTOR}, 0.0)
    picks = np.sqrt(model.common_delay) * fitted.pick_errors_s
    total = (np.outer(along, along) + np.outer(own, own)) * shared + np.outer(guided, guided) + np.outer(picks, picks)
    return np.asarray(total + np.diag((1.0 - model.common_delay) * fitted.pick_errors_s**2 + STATION_ERROR_S**2))


def _select_arrivals(data: Candidates, source: TrialSource, arrivals: Sequence[Arrival]) -> FittedArrivals:
    """Select first arrivals, and S where no guided wave is taken for it."""
    distances = dict(zip(data.trace_indices.tolist(), data.distances_deg(source.point).tolist(), strict=True))
    first = [arrival for arrival in arrivals if arrival.phase in FIRST_PHASES]
    shear = [arrival for arrival in arrivals if arrival.phase == "S" and distances[arrival.trace_index] > MAX_CRUSTAL_DEG]
    chosen = [*first, *shear]
    rows = np.searchsorted(data.trace_indices, [arrival.trace_index for arrival in chosen])
    times_s = np.array([arrival.time_s - data.clock_s for arrival in chosen])
    errors_s = np.array([arrival.pick_uncertainty_s for arrival in chosen])
    return FittedArrivals(rows, tuple(arrival.phase for arrival in chosen), times_s, errors_s)


def _fit_at_depth(
    data: Candidates, source: TrialSource, fitted: FittedArrivals, weights: Floats, precision: Floats, depth_km: float
) -> tuple[float, float, Floats]:
    """
    Fit epicenter and origin time at a depth by Gauss-Newton steps; return the time, its variance, and the residuals [n].

    `weights` [n, n] and `precision` [2, 2] are the inverse covariances of residuals and of the epicenter. Phases that do not arrive are
    left out.
    """
    prior, model = np.zeros((3, 3)), np.array([0.0, 0.0, source.time_s])
    prior[:2, :2] = precision
    for _ in range(ITERATIONS):
        point = points_at_offsets(source.point, model[:1], model[1:2])[0]
        times, design = linearize_times(data, fitted, point, depth_km)
        residuals = np.nan_to_num(fitted.times_s - times - model[2])
        normal = design.T @ weights @ design + prior
        step = np.linalg.solve(normal, design.T @ (weights @ residuals) - prior @ (model * (1.0, 1.0, 0.0)))
        model = model + step * min(1.0, MAX_STEP_DEG / max(float(np.hypot(step[0], step[1])), 1e-9))
    return float(model[2]), float(np.linalg.inv(normal)[2, 2]), np.asarray(residuals - design @ step)


def linearize_times(data: Candidates, fitted: FittedArrivals, point: Floats, depth_km: float) -> tuple[Floats, Floats]:
    """
    Return travel times [n] from a point [3] at a depth, and their derivatives [n, 3] by degrees east and north and by origin time.

    NaN, and derivatives of zero, where a phase does not arrive.
    """
    stations = data.stations[fitted.rows]
    cosines = np.clip(stations @ point, -1.0, 1.0)
    times, slownesses = _travel_times(fitted.phases, np.degrees(np.arccos(cosines)), depth_km, data.slowness_ratio)
    east = np.array([-point[1], point[0], 0.0]) / max(float(np.hypot(point[0], point[1])), 1e-9)
    toward = stations @ np.column_stack((east, np.cross(point, east))) / np.maximum(np.sqrt(1.0 - cosines**2), 1e-6)[:, None]
    design = np.column_stack((-slownesses[:, None] * toward, np.ones(len(times))))
    return times, np.where(np.isfinite(times)[:, None], design, 0.0)


def _travel_times(phases: Sequence[str], distances_deg: Floats, depth_km: float, slowness_ratio: float) -> tuple[Floats, Floats]:
    """
    Look up travel times and slownesses in seconds per degree of phases at distances [n]; NaN where a phase does not arrive.

    Waves guided by the crust are those of the deepest source that has any, where it is deeper.
    """
    times, slownesses = np.full(len(phases), np.nan), np.full(len(phases), np.nan)
    for phase in set(phases) & set(PHASES):
        rows = np.flatnonzero([one == phase for one in phases])
        depth = min(depth_km, MAX_CRUSTAL_DEPTH_KM) if phase in GUIDED_PHASES else depth_km
        curve = near_time_factors(slowness_ratio) * travel_time_curve(phase, depth)
        right = np.clip(np.searchsorted(DISTANCES_DEG, distances_deg[rows]), 1, len(DISTANCES_DEG) - 1)
        slownesses[rows] = (curve[right] - curve[right - 1]) / (DISTANCES_DEG[right] - DISTANCES_DEG[right - 1])
        times[rows] = curve[right - 1] + slownesses[rows] * (distances_deg[rows] - DISTANCES_DEG[right - 1])
    return times, slownesses
