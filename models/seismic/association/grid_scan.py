"""
Scan trial sources: stack the arrivals of all traces over a grid of epicenters, depths and origin times.

The candidates' log-likelihood ratios (`candidates`) are stacked along travel-time curves by the compiled kernel (`stack`). A trace
without a pick where an arrival should be counts against a source, by a bounded amount.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.parallel import thread_map, threads
from models.seismic.association.candidates import GROUP_VELOCITIES_KM_S, Candidates, find_nearest_picks, mix_picks, phase_llr, rayleigh_llr
from models.seismic.association.pick_likelihood import TimeGrid
from models.seismic.association.stack import PhaseLlr, PhaseTables, RayleighLlr, stack_along_curves
from models.seismic.earth.earthquake_depths import maximum_depth_km
from models.seismic.earth.travel_time_errors import CRUSTAL_ALTERNATIVES, DETECTION_PROBABILITY, GUIDED_PHASES
from models.seismic.earth.travel_times import (
    DISTANCES_DEG,
    MAX_CRUSTAL_DEG,
    PHASES,
    interpolate_curve,
    interpolate_curves,
    near_time_factors,
    travel_time_curve,
)
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.location.origin_time_prior import MAX_LEAD_S, OriginPrior

CROP_S: Final = 150.0
"""Arrivals move by less than this from depth to depth..."""
CROP_S_PER_DEGREE: Final = 45.0
"""...and by less than this for each degree from node to node."""
GROUP_SLOWNESSES_S_DEG: Final[Floats] = KM_PER_DEGREE / np.array(GROUP_VELOCITIES_KM_S)
MIN_NODES_PER_THREAD: Final = 20

DEPTH_SCALE_KM: Final = 60.0
"""Scale of the exponential depth prior: shallow events are the rule."""
DEEP_PROBABILITY: Final = 0.1
"""Probability of the uniform component of the depth prior, from the surface to the maximum known depth and `DEPTH_MARGIN_KM` on."""
DEPTH_MARGIN_KM: Final = 50.0
EXPONENTIAL_DEPTH_KM: Final = 100.0
"""Depth to which the exponential component reaches everywhere, however shallow the known events are."""
UNKNOWN_DEEP_PROBABILITY: Final = 1e-7
"""Probability of a source deeper than all of that: no catalog holds a deep earthquake far from a slab."""
MAX_SOURCE_DEPTH_KM: Final = 700.0

HIDDEN_PHASES: Final = (
    ("PKPbc", "PKP", 4.0),
    ("PKPab", "PKPbc", 4.0),
    ("PKPab", "PKP", 4.0),
    ("S", "P", 3.0),
    ("pP", "P", 20.0),
    ("sP", "P", 20.0),
    ("sP", "pP", 8.0),
    ("Pg", "P", 1.0),
    ("Sg", "S", 2.0),
)
"""Phases that within so many seconds of an earlier one would be the same pick, or lost in its coda."""


@dataclass(frozen=True)
class TrialSource:
    """
    A trial source: epicenter, depth, origin time and score.

    `point` [3] is a unit vector at geocentric latitude, `time_s` the origin time in seconds after the candidates' clock, `score` the
    stacked log-likelihood ratio plus the log priors that whoever made it has added.
    """

    point: Floats
    depth_km: float
    time_s: float
    score: float


@dataclass(frozen=True)
class TrialGrid:
    """
    Trial sources: every combination of a node, a depth and an origin time.

    Attributes
    ----------
    nodes : [m, 3]
        Epicenters as unit vectors at geocentric latitudes.
    depths_km : [d]
        Depths.
    origin_times_s : (first, last, step)
        In seconds after the candidates' clock, or after the anchor's origin time.
    anchor : TrialSource, optional
        Source that the nodes surround. Arrivals are then searched for only around its own, as far as nodes and depths move these, and
        origin times are shifted from node to node so that the arrivals stay where they are on average.

    """

    nodes: Floats
    depths_km: Sequence[float]
    origin_times_s: tuple[float, float, float]
    anchor: TrialSource | None = None


@dataclass(frozen=True)
class GridScan:
    """
    Stacked log-likelihood ratios at depths and nodes [d, m].

    `max_llr` is the maximum over origin times and `origin_times_s` where it is, in seconds after the clock; `marginal_llr` is the log
    of the integral over origin times, NaN unless the scan was made with correlated errors.
    """

    max_llr: Floats
    origin_times_s: Floats
    marginal_llr: Floats


@cache
def detection_probability() -> Floats32:
    """Return the probability [phases, distances] that a network detects each phase at all, at `DISTANCES_DEG`; read-only."""
    table = np.stack([np.interp(DISTANCES_DEG, *DETECTION_PROBABILITY.get(phase, ((0.0,), (1.0,)))) for phase in PHASES]).astype(np.float32)
    table.setflags(write=False)
    return table


@cache
def phase_curves(depth_km: float, slowness_ratio: float = 1.0) -> Floats32:
    """
    Return the travel times in seconds [phases, distances] from a depth, NaN where a phase does not arrive or is hidden; read-only.

    `slowness_ratio` is that of `near_time_factors`.
    """
    curves = (near_time_factors(slowness_ratio) * [travel_time_curve(phase, depth_km) for phase in PHASES]).astype(np.float32)
    for later, earlier, hidden_s in HIDDEN_PHASES:
        row = PHASES.index(later)
        hidden = curves[row] - curves[PHASES.index(earlier)] < hidden_s
        curves[row, hidden] = np.nan
    curves.setflags(write=False)
    return curves


def log_depth_prior(depths_km: Floats, points: Floats) -> Floats:
    """
    Return the log prior density of depth, per kilometer, [depths, m] beneath unit vectors [m, 3].

    A mixture of an exponential density and, down to where earthquakes are known beneath the point, a uniform one. Deeper than known
    events and than 100 km a source is possible but very improbable.
    """
    exponential = (1.0 - DEEP_PROBABILITY) / DEPTH_SCALE_KM * np.exp(-depths_km / DEPTH_SCALE_KM)
    known_km = maximum_depth_km(points) + DEPTH_MARGIN_KM
    shallow = np.where(depths_km[:, None] <= np.maximum(known_km, EXPONENTIAL_DEPTH_KM), exponential[:, None], 0.0)
    deep = np.where(depths_km[:, None] <= known_km, DEEP_PROBABILITY / known_km, 0.0)
    return np.asarray(np.log(shallow + deep + UNKNOWN_DEEP_PROBABILITY / MAX_SOURCE_DEPTH_KM))


def scan_grid(
    data: Candidates,
    grid: TrialGrid,
    distances_deg: Floats,
    grid_error_s: Floats,
    *,
    phases: Sequence[str] = PHASES,
    rayleigh: bool = True,
    correlated_errors: bool = False,
) -> GridScan:
    """
    Stack the arrivals of all traces for each trial source of a grid.

    Parameters
    ----------
    data, grid : Candidates, TrialGrid
        Candidates of n traces, and the trial sources.
    distances_deg : [n]
        Approximate distances of the sources from the stations, for errors and weights.
    grid_error_s : [n]
        Travel-time error due to the spacing of the nodes.
    phases, rayleigh : names of `PHASES`, bool
        Phases to stack, and whether to stack Rayleigh-wave peaks as well.
    correlated_errors : bool
        Whether errors include the bias from spatial correlation and the integral over origin times is computed, for posteriors.

    """
    phases = _select_phases(phases, distances_deg, crustal=data.crustal)
    chosen, step, depth_km = [PHASES.index(phase) for phase in phases], grid.origin_times_s[2], float(np.median(grid.depths_km))
    origins, window = _origin_time_grid(data, grid), _origin_window(grid)
    times = _phase_time_grid(data, distances_deg, grid.depths_km, step, window)
    times = times._replace(starts=times.starts[chosen])
    mixtures = mix_picks(data, distances_deg, depth_km, grid_error_s, correlated_errors=correlated_errors, phases=phases)
    alternatives = _find_alternatives(phases)
    shares_picks = bool(np.any(alternatives < 0))
    nearest = find_nearest_picks(mixtures, times) if shares_picks else np.zeros((0, len(distances_deg), times.sample_count), np.int8)
    arrivals = PhaseLlr(phase_llr(mixtures, times), times.starts, data.independent_weights(distances_deg), nearest)
    waves = RayleighLlr(np.zeros((len(distances_deg), 1), np.float32), np.zeros(len(distances_deg), np.int64), np.zeros(0))
    if rayleigh:
        rayleigh_times, counts = _rayleigh_time_grid(data, distances_deg, step, window)
        llr = rayleigh_llr(data, distances_deg, grid_error_s, rayleigh_times, counts)
        waves = RayleighLlr(llr, rayleigh_times.starts, GROUP_SLOWNESSES_S_DEG)
    curves = np.stack([phase_curves(depth, data.slowness_ratio)[chosen] for depth in grid.depths_km])
    tables = PhaseTables(curves, detection_probability()[chosen], alternatives)
    inputs = (data.stations, tables, arrivals, waves)
    return _stack_in_threads(grid.nodes, inputs, origins, data.origin_time_log_prior(step), integrated=correlated_errors)


def _select_phases(phases: Sequence[str], distances_deg: Floats, *, crustal: bool) -> tuple[str, ...]:
    """Leave out waves guided by the crust where they are not asked for, or no station is near enough to record them."""
    near = crustal and bool(np.min(distances_deg, initial=np.inf) <= MAX_CRUSTAL_DEG)
    return tuple(phase for phase in phases if near or phase not in GUIDED_PHASES)


def _find_alternatives(phases: Sequence[str]) -> Integers:
    """Return the index [phases] of the alternative of each phase, as `PhaseTables` has them."""
    found = np.arange(len(phases))
    for phase, other in CRUSTAL_ALTERNATIVES.items():
        if phase in phases and other in phases:
            found[phases.index(phase)], found[phases.index(other)] = phases.index(other), -1
    return np.asarray(found, np.int64)


def _stack_in_threads(
    nodes: Floats,
    inputs: tuple[Floats, PhaseTables, PhaseLlr, RayleighLlr],
    origins: TimeGrid,
    prior: OriginPrior,
    *,
    integrated: bool,
) -> GridScan:
    """Stack along travel-time curves for a subset of the nodes in each thread; the parameters are those of `stack_along_curves`."""

    def stack_nodes(subset: slice) -> tuple[Floats, Integers, Floats]:
        times = TimeGrid(origins.step_s, origins.starts[subset], origins.sample_count)
        return stack_along_curves(nodes[subset], *inputs, times, prior, integrated)

    stacks = zip(*thread_map(stack_nodes, _split_nodes(len(nodes))), strict=True)
    max_llr, index, marginal = (np.concatenate(stack, axis=1) for stack in stacks)
    return GridScan(max_llr, np.asarray((origins.starts + index) * origins.step_s, np.float64), marginal)


def _split_nodes(count: int) -> list[slice]:
    """Split the nodes evenly into one slice for each thread, fewer where a slice would have few nodes."""
    edges = np.linspace(0, count, max(1, min(threads(), count // MIN_NODES_PER_THREAD)) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _origin_time_grid(data: Candidates, grid: TrialGrid) -> TimeGrid:
    """Return the sampling of the origin times after the clock, with starts [m]: for each node its own."""
    first, last, step = grid.origin_times_s
    shift = np.zeros(len(grid.nodes)) if grid.anchor is None else grid.anchor.time_s + _origin_shift_s(data, grid.anchor, grid.nodes)
    return TimeGrid(step, np.round((first + shift) / step).astype(np.int64), max(2, round((last - first) / step)))


def _origin_window(grid: TrialGrid) -> tuple[float, float] | None:
    """
    Return the window of origin times that covers all arrivals, in seconds after the clock; None without an anchor.

    The grid's origin times after the anchor's, widened by how much arrivals from other nodes and depths differ from those at the
    anchor's distances.
    """
    if grid.anchor is None:
        return None
    first, last, _ = grid.origin_times_s
    extent_deg = float(np.degrees(np.arccos(np.clip((grid.nodes @ grid.anchor.point).min(), -1.0, 1.0))))
    crop_s = CROP_S + CROP_S_PER_DEGREE * extent_deg
    return grid.anchor.time_s + first - crop_s, grid.anchor.time_s + last + crop_s


def _phase_time_grid(
    data: Candidates, distances_deg: Floats, depths_km: Sequence[float], step_s: float, window: tuple[float, float] | None
) -> TimeGrid:
    """Return the sampling, with starts [phases, n], of the whole records, or of the arrivals from sources in a window of origin times."""
    if window is None:
        starts = np.zeros((len(PHASES), len(distances_deg)), np.int64)
        return TimeGrid(step_s, starts, round(data.record_ends.max() / step_s) + 2)
    starts = np.floor((window[0] + _expected_times_s(distances_deg, depths_km)) / step_s).astype(np.int64)
    return TimeGrid(step_s, starts, math.ceil((window[1] - window[0]) / step_s))


def _expected_times_s(distances_deg: Floats, depths_km: Sequence[float]) -> Floats:
    """Return the travel times [phases, n] from the depth nearest to the median of those from which a phase arrives; 0 if from none."""
    median_km, expected = float(np.median(depths_km)), np.full((len(PHASES), len(distances_deg)), np.nan)
    for depth_km in sorted(depths_km, key=lambda depth: abs(depth - median_km)):
        times = interpolate_curves(phase_curves(depth_km), distances_deg)
        expected = np.where(np.isnan(expected), times, expected)
        if not np.isnan(expected).any():
            break
    return np.asarray(np.nan_to_num(expected))


def _rayleigh_time_grid(
    data: Candidates, distances_deg: Floats, step_s: float, window: tuple[float, float] | None
) -> tuple[TimeGrid, Integers]:
    """
    Return the sampling, with starts [n], of the whole records, or of Rayleigh waves of all trial velocities from sources in a window.

    And how many samples [n] of each trace these waves may arrive in: fewer at near stations.
    """
    if window is None:
        count = round(data.record_ends.max() / step_s) + 2
        return TimeGrid(step_s, np.zeros(len(distances_deg), np.int64), count), np.full(len(distances_deg), count)
    starts = np.floor((window[0] + distances_deg * GROUP_SLOWNESSES_S_DEG.min()) / step_s).astype(np.int64)
    counts = np.ceil((window[1] - window[0] + distances_deg * float(np.ptp(GROUP_SLOWNESSES_S_DEG))) / step_s).astype(np.int64)
    return TimeGrid(step_s, starts, int(counts.max())), counts


def _first_arrival_curve(depth_km: float, slowness_ratio: float = 1.0) -> Floats32:
    """Return the travel times in seconds [distances] of P, or of PKP where P does not arrive."""
    curves = phase_curves(depth_km, slowness_ratio)
    return np.asarray(np.where(np.isfinite(curves[0]), curves[0], curves[1]))


def _origin_shift_s(data: Candidates, anchor: TrialSource, nodes: Floats) -> Floats:
    """
    Return by how much [m] the origin is later at each node than at the anchor for the same mean first-arrival time.

    Positive where a node is nearer to the stations; traces are weighted by their detection probability of P.
    """
    curve = _first_arrival_curve(anchor.depth_km, data.slowness_ratio).astype(np.float64)
    at_anchor = np.interp(data.distances_deg(anchor.point), DISTANCES_DEG, curve)
    distances = np.degrees(np.arccos(np.clip(nodes @ data.stations.T, -1.0, 1.0)))
    change = (at_anchor - np.interp(distances, DISTANCES_DEG, curve)) * data.p_detected
    return np.asarray(np.nan_to_num(change).sum(axis=1) / max(float(data.p_detected.sum()), 1e-9))


def origin_span(data: Candidates) -> tuple[float, float]:
    """Return the earliest and the latest possible origin time in seconds after the clock."""
    return -MAX_LEAD_S, float(data.record_ends.max())


def grid_error_s(distances_deg: Floats, depth_km: float, offset_deg: float) -> Floats:
    """
    Return the travel-time error [n] of first arrivals at those distances for a source `offset_deg` off the nearest node.

    Half the change of the travel time between `offset_deg` nearer and farther; 2 s per degree of the offset without a first arrival.
    """
    curve = _first_arrival_curve(depth_km)
    ends = (np.maximum(distances_deg - offset_deg, 0.0), np.minimum(distances_deg + offset_deg, 180.0))
    near, far = (np.array([interpolate_curve(curve, distance) for distance in end]) for end in ends)
    return np.asarray(np.nan_to_num(np.abs(far - near) / 2.0, nan=2.0 * offset_deg))
