"""
Search for the source that explains most traces' picks: over the whole sphere, depth and origin time, from coarse to fine.

Migration-style association (`stack`): no pick needs to be identified beforehand, and a wrong pick costs a bounded amount.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.association.candidates import Candidates
from models.seismic.association.grid_scan import GridScan, TrialGrid, TrialSource, grid_error_s, log_depth_prior, origin_span, scan_grid
from models.seismic.earth.travel_times import DEPTHS_KM, FINE_RANGE_DEG
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.sphere_grid import fibonacci_sphere, points_at_offsets

FIRST_ARRIVAL_GROUPS: Final = (("P",), ("PKP", "PKPbc", "PKPab"))
"""First arrivals that are searched for separately, so that the many sources of one group do not crowd out those of the other."""
COARSE_DEPTHS_KM: Final = (15.0, 200.0, 550.0)
FIRST_DEPTHS_KM: Final = (5.0, 15.0, 35.0, 70.0, 140.0, 250.0, 400.0, 575.0)
MAX_COARSE_TRACES: Final = 30
COARSE_DISTANCE_DEG: Final = 60.0
"""Distance at which travel-time errors are taken in searches of the whole sphere."""
SPHERE_STEP_DEG: Final = 2.0
SPHERE_GRID_ERROR_S: Final = 5.0
MAX_COARSE_NODES: Final = 250
"""Nodes at most that the search by first arrivals leaves..."""
MAX_COARSE_LOG_DROP: Final = 10.0
"""...and how far below the best one, in log likelihood."""
NETWORK_STEP_DEG: Final = 0.5
MAX_NETWORK_RADIUS_DEG: Final = 20.0
NETWORK_DEPTHS_KM: Final = (10.0, 100.0)
MAX_REFINED_SOURCES: Final = 4
MIN_SEPARATION_DEG: Final = 2.0
MAX_STEPS_PER_LEVEL: Final = 4
SLOWNESS_DEVIATION: Final = 0.03
"""
Standard deviation of the slowness of crust and upper mantle against ak135, as a fraction of it: mean P velocities of continental crust
scatter by 0.23 around 6.45 km/s (Christensen & Mooney 1995, doi:10.1029/95JB00259).
"""
SLOWNESS_STEPS: Final = (0.04, 0.02)
"""Steps of the search for the slowness."""


@dataclass(frozen=True)
class GridLevel:
    """A level of the grid search: node spacing in degrees, half the window of origin times and its step in seconds."""

    spacing_deg: float
    half_window_s: float
    step_s: float


WIDE_LEVEL: Final = GridLevel(2.0, 120.0, 2.0)
LEVELS: Final = (
    GridLevel(0.8, 50.0, 1.0),
    GridLevel(0.4, 30.0, 1.0),
    GridLevel(0.2, 15.0, 0.5),
    GridLevel(0.1, 10.0, 0.5),
    GridLevel(0.05, 6.0, 0.5),
    GridLevel(0.02, 5.0, 0.25),
)


def uniform_prior(nodes: Floats) -> Floats:
    """Return the log density [m] of the uniform prior over the sphere: zero."""
    return np.zeros(len(nodes))


def search_near(data: Candidates, prior: LogPrior, starts: Sequence[Floats]) -> list[TrialSource]:
    """Return the best source within about 6 degrees of each start (unit vectors at geocentric latitudes), best first, not refined."""
    sources = [grid_search_step(data, best_source_at(data, point, prior), prior, WIDE_LEVEL, FIRST_DEPTHS_KM) for point in starts]
    return sorted(sources, key=lambda source: -source.score)


def search_sources(data: Candidates, prior: LogPrior, near: Sequence[TrialSource] = ()) -> list[TrialSource]:
    """
    Return local maxima of the score, best first, none within 2 degrees of a better one.

    Coarse sources come from a search of the whole sphere by first arrivals and by Rayleigh waves, from one around the network by P and
    S, and from `near`, sources found otherwise; the best four are refined.
    """
    coarse = [*_search_sphere(data), *_search_by_rayleigh_waves(data), *_search_near_network(data), *near]
    found: list[TrialSource] = []
    first = sorted((_first_step(data, source, prior) for source in coarse), key=lambda source: -source.score)
    for source in first[:MAX_REFINED_SOURCES]:
        refined = _refine(data, source, prior)
        if all(float(refined.point @ other.point) < np.cos(np.radians(MIN_SEPARATION_DEG)) for other in found):
            found.append(refined)
    return sorted(found, key=lambda source: -source.score)


def select_coarse_traces(data: Candidates, count: int = MAX_COARSE_TRACES) -> Candidates:
    """Select so many traces: the one most likely to have P, then each time one that combines this with distance from those selected."""
    if len(data.p_detected) <= count:
        return data
    chosen = [int(np.argmax(data.p_detected))]
    nearness = data.stations @ data.stations[chosen[0]]
    for _ in range(count - 1):
        merit = (data.p_detected + 0.1) * np.sqrt(np.maximum(1.0 - nearness, 1e-9))
        merit[chosen] = -1.0
        chosen.append(int(np.argmax(merit)))
        nearness = np.maximum(nearness, data.stations @ data.stations[chosen[-1]])
    return data.subset(np.array(sorted(chosen)))


def _search_sphere(data: Candidates) -> list[TrialSource]:
    """Search the sphere by first arrivals, then the best nodes by all phases, which separate the many sources a small network allows."""
    few = select_coarse_traces(data)
    nodes = fibonacci_sphere(SPHERE_STEP_DEG)
    times = (*origin_span(few), 4.0)
    distances, error = np.full(len(few.p_detected), COARSE_DISTANCE_DEG), np.full(len(few.p_detected), SPHERE_GRID_ERROR_S)
    sources: list[TrialSource] = []
    for phases in FIRST_ARRIVAL_GROUPS:
        scan = scan_grid(few, TrialGrid(nodes, COARSE_DEPTHS_KM, times), distances, error, phases=phases, rayleigh=False)
        score = scan.max_llr.max(axis=0)
        order = np.argsort(-score)[:MAX_COARSE_NODES]
        kept = nodes[order[score[order] > max(0.0, score.max() - MAX_COARSE_LOG_DROP)]]
        if len(kept):
            scan = scan_grid(few, TrialGrid(kept, FIRST_DEPTHS_KM, times), distances, error)
            sources += _suppress_non_maxima(kept, FIRST_DEPTHS_KM, scan, 6.0, 6)
    return sources


def _search_by_rayleigh_waves(data: Candidates) -> list[TrialSource]:
    """Search the sphere by Rayleigh-wave peaks alone."""
    few = select_coarse_traces(data)
    nodes = fibonacci_sphere(2.0 * SPHERE_STEP_DEG)
    first, last = origin_span(few)
    distances, error = np.full(len(few.p_detected), COARSE_DISTANCE_DEG), np.full(len(few.p_detected), 15.0)
    scan = scan_grid(few, TrialGrid(nodes, (15.0,), (first - 1200.0, last, 10.0)), distances, error, phases=())
    return _suppress_non_maxima(nodes, (15.0,), scan, 10.0, 3)


def _search_near_network(data: Candidates) -> list[TrialSource]:
    """Search around and inside a network with a radius of at most 20 degrees by P and S; return nothing for wider ones."""
    scanned = scan_near_network(data)
    return [] if scanned is None else _suppress_non_maxima(scanned[0], NETWORK_DEPTHS_KM, scanned[1], 1.5, 4)


def scan_near_network(data: Candidates) -> tuple[Floats, GridScan] | None:
    """Scan nodes [m, 3] around and inside a network with a radius of at most 20 degrees by P and S; None for wider ones."""
    center = data.stations.mean(axis=0)
    center /= np.linalg.norm(center)
    radius_deg = float(data.distances_deg(center).max())
    if radius_deg > MAX_NETWORK_RADIUS_DEG:
        return None
    few = select_coarse_traces(data)
    extent = min(max(2.5 * radius_deg, FINE_RANGE_DEG), MAX_NETWORK_RADIUS_DEG)
    steps = np.arange(-extent, extent + 0.01, max(NETWORK_STEP_DEG, extent / 16.0))
    nodes, distances = _square_grid(center, steps), np.full(len(few.p_detected), 0.5 * extent)
    first, last = origin_span(few)
    times = (max(first, float(few.record_starts.min()) - 300.0), last, 2.0)
    return nodes, scan_grid(few, TrialGrid(nodes, NETWORK_DEPTHS_KM, times), distances, np.full(len(distances), 2.5), phases=("P", "S"))


def _square_grid(center: Floats, steps_deg: Floats) -> Floats:
    """Return the nodes [k k, 3] of a square grid with those east and north offsets [k] from a unit vector."""
    east, north = np.meshgrid(steps_deg, steps_deg)
    return points_at_offsets(center, east.ravel(), north.ravel())


def best_source_at(data: Candidates, point: Floats, prior: LogPrior) -> TrialSource:
    """Return the source with the best depth and origin time at an epicenter (unit vector at geocentric latitude)."""
    distances = data.distances_deg(point)
    times = (*origin_span(data), 2.0)
    scan = scan_grid(data, TrialGrid(point[None], FIRST_DEPTHS_KM, times), distances, np.full(len(distances), 4.0))
    best = int(np.argmax(scan.max_llr[:, 0]))
    score = float(scan.max_llr[best, 0] + prior(point[None])[0])
    return TrialSource(point, FIRST_DEPTHS_KM[best], float(scan.origin_times_s[best, 0]), score)


def _suppress_non_maxima(
    nodes: Floats, depths_km: Sequence[float], scan: GridScan, min_separation_deg: float, max_count: int
) -> list[TrialSource]:
    """Return the best nodes of a scan with positive score, at their best depths, each the best within a circle."""
    best_depths = np.argmax(scan.max_llr, axis=0)
    score = scan.max_llr[best_depths, np.arange(len(nodes))].copy()
    sources: list[TrialSource] = []
    while len(sources) < max_count and score.max() > 0.0:
        top = int(np.argmax(score))
        depth = int(best_depths[top])
        sources.append(TrialSource(nodes[top], depths_km[depth], float(scan.origin_times_s[depth, top]), float(score[top])))
        score[nodes @ nodes[top] > np.cos(np.radians(min_separation_deg))] = -np.inf
    return sources


def refine_source(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    """Return the local maximum of the score near a source, by grid searches of all levels."""
    return _refine(data, _first_step(data, source, prior), prior)


def fit_slowness(data: Candidates, source: TrialSource, prior: LogPrior) -> Candidates:
    """Choose the slowness of crust and upper mantle with which a source nearby scores best, its own prior included."""
    scores: dict[float, float] = {}

    def score(ratio: float) -> float:
        if ratio not in scores:
            moved = refine_source(replace(data, slowness_ratio=ratio), source, prior)
            scores[ratio] = moved.score - 0.5 * ((ratio - 1.0) / SLOWNESS_DEVIATION) ** 2
        return scores[ratio]

    best = 1.0
    for step in SLOWNESS_STEPS:
        best = max((best, round(best - step, 3), round(best + step, 3)), key=score)
    return replace(data, slowness_ratio=best)


def _first_step(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    return grid_search_step(data, source, prior, LEVELS[0], FIRST_DEPTHS_KM)


def _refine(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    """Repeat grid searches on ever finer levels."""
    for level in LEVELS[1:]:
        depths = FIRST_DEPTHS_KM if level is LEVELS[1] else _neighboring_depths(source.depth_km)
        source = _search_level(data, source, prior, level, depths)
    return source


def refine_at_depths(data: Candidates, source: TrialSource, prior: LogPrior, depths_km: Sequence[float]) -> TrialSource:
    """Return the local maximum of the score near a source among some depths of the travel-time table, by grid searches of all levels."""
    for level in (WIDE_LEVEL, *LEVELS):
        source = _search_level(data, source, prior, level, depths_km)
    return source


def _search_level(data: Candidates, source: TrialSource, prior: LogPrior, level: GridLevel, depths_km: Sequence[float]) -> TrialSource:
    """Repeat grid searches on a level until the source no longer moves to the edge of the grid."""
    for _ in range(MAX_STEPS_PER_LEVEL):
        moved = grid_search_step(data, source, prior, level, depths_km)
        moved_deg = float(np.degrees(np.arccos(np.clip(moved.point @ source.point, -1.0, 1.0))))
        source = moved
        if moved_deg < 2.9 * level.spacing_deg:
            break
    return source


def grid_search_step(data: Candidates, source: TrialSource, prior: LogPrior, level: GridLevel, depths_km: Sequence[float]) -> TrialSource:
    """
    Return the best source on a grid of 7 x 7 nodes around a source.

    Parameters
    ----------
    data : Candidates
        Candidates of the event.
    source : TrialSource
        Center of the grid and of the window of origin times.
    prior : LogPrior
        Log prior of the epicenter, added to the score along with that of the depth.
    level : GridLevel
        Spacing of nodes and origin times.
    depths_km : sequence of float
        Trial depths.

    """
    nodes, distances = _square_grid(source.point, level.spacing_deg * np.arange(-3.0, 3.1)), data.distances_deg(source.point)
    error = grid_error_s(distances, source.depth_km, 0.4 * level.spacing_deg)
    times = (-level.half_window_s, level.half_window_s, level.step_s)
    scan = scan_grid(data, TrialGrid(nodes, depths_km, times, source), distances, error)
    score = scan.max_llr + prior(nodes) + log_depth_prior(np.asarray(depths_km), nodes)
    depth, node = np.unravel_index(int(np.argmax(score)), score.shape)
    return TrialSource(nodes[node], float(depths_km[int(depth)]), float(scan.origin_times_s[depth, node]), float(score[depth, node]))


def _neighboring_depths(depth_km: float) -> tuple[float, ...]:
    """Return the five depths of the travel-time table around a depth."""
    nearest = int(np.argmin(np.abs(DEPTHS_KM - depth_km)))
    return tuple(DEPTHS_KM[max(0, nearest - 2) : nearest + 3].tolist())
