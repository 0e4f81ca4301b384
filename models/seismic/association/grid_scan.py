"""
Stacks at trial sources: what all traces say of places, depths and origin times, below `association`.

Traces vote for arrival times (`candidates`), votes are stacked along travel times (`stacking`); a trace that saw nothing where an
arrival should be counts against a source, by a bounded amount.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats, Floats32
from models.parallel import thread_map, threads
from models.seismic.association.candidates import GROUP_VELOCITIES_KM_S, MAX_LEAD_S, Candidates, phase_llr, rayleigh_llr
from models.seismic.association.phase_stack import interpolate_curve
from models.seismic.association.stack import stack_along_curves
from models.seismic.earth.maximum_depth import maximum_depth_km
from models.seismic.earth.travel_time_errors import DETECTION_PROBABILITY
from models.seismic.earth.travel_times import DISTANCES_DEG, PHASES, travel_time_curve
from models.seismic.geodesy import KM_PER_DEGREE

# Arrivals move by less than so many seconds from depth to depth, and for each degree from node to node.
CROP_S, CROP_S_A_DEGREE = 150.0, 45.0
Clock = tuple[float, NDArray[np.int64], int]

SURFACE_SLOWNESS: Final[Floats] = KM_PER_DEGREE / np.array(GROUP_VELOCITIES_KM_S)
NO_SLOWNESS: Final[Floats] = np.zeros(0)
MIN_NODES: Final = 20  # worth a thread
# Shallow events are the rule: an exponential of 60 km, and a tenth spread evenly down to where earthquakes are known beneath the
# place and 50 km on. Deeper than that and than 100 km one in ten million: no catalog holds a deep earthquake off a slab.
_DEPTH_SCALE_KM, _DEEP_SHARE, _DEEPEST_KM, _BEYOND_KM, _CRUST_KM, _UNKNOWN_SHARE = 60.0, 0.1, 700.0, 50.0, 100.0, 1e-7
# Phases that would be one onset with an earlier one, or lost in its coda, at less than this many seconds.
_SEPARATE: Final = (
    ("PKPbc", "PKP", 4.0),
    ("PKPab", "PKPbc", 4.0),
    ("PKPab", "PKP", 4.0),
    ("S", "P", 3.0),
    ("pP", "P", 20.0),
    ("sP", "P", 20.0),
    ("sP", "pP", 8.0),
)


@dataclass(frozen=True)
class TrialSource:
    """A trial source: geocentric unit vector, depth, origin time in seconds after the candidates' clock, and its score."""

    point: Floats
    depth_km: float
    time_s: float
    score: float


@cache
def detection_probability() -> Floats32:
    """How likely a network hears each phase at all [phases, distances]."""
    table = np.stack([np.interp(DISTANCES_DEG, *DETECTION_PROBABILITY.get(phase, ((0.0,), (1.0,)))) for phase in PHASES]).astype(np.float32)
    table.setflags(write=False)
    return table


@cache
def phase_curves(depth_km: float) -> Floats32:
    """Travel times [phases, distances] from a depth, without phases that another of them hides."""
    curves = np.stack([travel_time_curve(phase, depth_km) for phase in PHASES]).astype(np.float32)
    for later, earlier, apart_s in _SEPARATE:
        row = PHASES.index(later)
        hidden = curves[row] - curves[PHASES.index(earlier)] < apart_s
        curves[row, hidden] = np.nan
    curves.setflags(write=False)
    return curves


def log_depth_prior(depths_km: Floats, points: Floats) -> Floats:
    """Logarithm of a density of depth per kilometer [depths, m] beneath unit vectors [m, 3]."""
    shallow = (1.0 - _DEEP_SHARE) / _DEPTH_SCALE_KM * np.exp(-depths_km / _DEPTH_SCALE_KM)
    known_km = maximum_depth_km(points) + _BEYOND_KM
    usual = np.where(depths_km[:, None] <= np.maximum(known_km, _CRUST_KM), shallow[:, None], 0.0)
    deep = np.where(depths_km[:, None] <= known_km, _DEEP_SHARE / known_km, 0.0)
    return np.asarray(np.log(usual + deep + _UNKNOWN_SHARE / _DEEPEST_KM))


@dataclass(frozen=True)
class GridScan:
    """Stacks at depths and nodes [d, m]: the best over origin times, that time, the logarithm of the integral over times."""

    max_llr: Floats
    origin_times_s: Floats
    marginal_llr: Floats


def scan_grid(
    data: Candidates,
    nodes: Floats,
    depths_km: Sequence[float],
    times_s: tuple[float, float, float],
    blur_s: Floats,
    *,
    distances_deg: Floats,
    phases: Sequence[str] = PHASES,
    rayleigh: bool = True,
    correlated_errors: bool = False,
    anchor: TrialSource | None = None,
) -> GridScan:
    """
    Stack at nodes [m, 3] and depths, for origin times (from, to, step), sources being at about `distances_deg` [n] degrees.

    With an anchor, origin times are after its own, which moves from node to node as the mean travel time does, and the traces
    are looked at only around its arrivals, as far as nodes and depths move these.
    """
    low, high, step = times_s
    chosen = [PHASES.index(phase) for phase in phases]
    shift = np.zeros(len(nodes)) if anchor is None else anchor.time_s + _earlier_s(data, anchor, nodes)
    begins, count = np.round((low + shift) / step).astype(np.int64), max(2, round((high - low) / step))
    window = None if anchor is None else _window(anchor, nodes, low, high)
    clock = _clock(data, distances_deg, float(np.median(depths_km)), step, window)
    rows = phase_llr(data, distances_deg, float(np.median(depths_km)), blur_s, clock, correlated_errors=correlated_errors)[chosen]
    slowness = SURFACE_SLOWNESS if rayleigh else NO_SLOWNESS
    wave_clock = _wave_clock(data, distances_deg, step, window) if rayleigh else (step, np.zeros(len(distances_deg), np.int64), 2)
    waves = (rayleigh_llr(data, distances_deg, blur_s, wave_clock), wave_clock[1])
    curves = np.stack([phase_curves(depth)[chosen] for depth in depths_km])
    told = (detection_probability()[chosen], data.independent_weights(distances_deg), rows, clock[1][chosen])
    origin = data.origin_time_log_prior(step)

    def stacked(part: slice) -> tuple[Floats, NDArray[np.int64], Floats]:
        return stack_along_curves(
            nodes[part], data.stations, curves, *told, *waves, slowness, step, begins[part], count, *origin, correlated_errors
        )

    pieces = zip(*thread_map(stacked, _parts(len(nodes))), strict=True)
    best, where, total = (np.concatenate(piece, axis=1) for piece in pieces)
    return GridScan(best, np.asarray((begins + where) * step, np.float64), total)


def _parts(count: int) -> list[slice]:
    """The nodes in as many parts as there are threads, none of few nodes."""
    edges = np.linspace(0, count, max(1, min(threads(), count // MIN_NODES)) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _window(anchor: TrialSource, nodes: Floats, low: float, high: float) -> tuple[float, float]:
    """From when to when after the clock an origin would have to lie for arrivals at its nodes and depths, at the anchor's distances."""
    extent_deg = float(np.degrees(np.arccos(np.clip((nodes @ anchor.point).min(), -1.0, 1.0))))
    crop_s = CROP_S + CROP_S_A_DEGREE * extent_deg
    return anchor.time_s + low - crop_s, anchor.time_s + high + crop_s


def _clock(data: Candidates, distances_deg: Floats, depth_km: float, step: float, window: tuple[float, float] | None) -> Clock:
    """Step, first sample [phases, n] and number of samples: the whole clock, or around the arrivals of sources in a window."""
    if window is None:
        return step, np.zeros((len(PHASES), len(distances_deg)), np.int64), round(data.record_ends.max() / step) + 2
    table = phase_curves(depth_km).astype(np.float64)
    expected = np.nan_to_num(np.array([np.interp(distances_deg, DISTANCES_DEG, row) for row in table]))
    return step, np.floor((window[0] + expected) / step).astype(np.int64), math.ceil((window[1] - window[0]) / step)


def _wave_clock(data: Candidates, distances_deg: Floats, step: float, window: tuple[float, float] | None) -> Clock:
    """The same for surface waves, at any of their velocities; first sample [n]."""
    if window is None:
        return step, np.zeros(len(distances_deg), np.int64), round(data.record_ends.max() / step) + 2
    starts = np.floor((window[0] + distances_deg * SURFACE_SLOWNESS.min()) / step).astype(np.int64)
    longest_s = window[1] - window[0] + float(distances_deg.max()) * float(np.ptp(SURFACE_SLOWNESS))
    return step, starts, math.ceil(longest_s / step)


def _earlier_s(data: Candidates, anchor: TrialSource, nodes: Floats) -> Floats:
    """By how much [m] the origin is later for the same arrivals, where a node is nearer than the anchor."""
    table = phase_curves(anchor.depth_km)
    first = np.where(np.isfinite(table[0]), table[0], table[1]).astype(np.float64)
    usual = np.interp(data.distances_deg(anchor.point), DISTANCES_DEG, first)
    distances_deg = np.degrees(np.arccos(np.clip(nodes @ data.stations.T, -1.0, 1.0)))
    change = (usual - np.interp(distances_deg, DISTANCES_DEG, first)) * data.p_detected
    return np.asarray(np.nan_to_num(change).sum(axis=1) / max(float(data.p_detected.sum()), 1e-9))


def origin_span(data: Candidates) -> tuple[float, float]:
    """Between which times after the clock an origin may lie."""
    return -MAX_LEAD_S, float(data.record_ends.max())


def grid_error_s(distances_deg: Floats, depth_km: float, off_deg: float) -> Floats:
    """By how much the P time changes over `off_deg`, at distances [n]."""
    table = phase_curves(depth_km)
    first = np.where(np.isfinite(table[0]), table[0], table[1])
    ends = (np.maximum(distances_deg - off_deg, 0.0), np.minimum(distances_deg + off_deg, 180.0))
    near, far = (np.array([interpolate_curve(first, at) for at in end]) for end in ends)
    return np.asarray(np.nan_to_num(np.abs(far - near) / 2.0, nan=2.0 * off_deg))
