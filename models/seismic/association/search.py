"""
Which source explains most traces' onsets: a search over the whole sphere, depth and origin time, coarse to fine.

Traces vote for arrival times (`candidates`), votes are stacked along travel times (`stacking`); a trace that saw nothing where an
arrival should be counts against a source, by a bounded amount. No onset needs to be named beforehand, and outliers cost little.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.association.candidates import Candidates
from models.seismic.association.grid_scan import (
    GridScan,
    TrialSource,
    grid_error_s,
    log_depth_prior,
    origin_span,
    scan_grid,
)
from models.seismic.earth.travel_times import DEPTHS_KM, NEAR_DEG
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.sphere_grid import fibonacci_sphere, points_at_offsets

FIRST_ARRIVAL_GROUPS: Final = (("P",), ("PKP", "PKPbc", "PKPab"))
"""First arrivals looked for apart, so that the many places of one kind do not crowd out those of the other."""
COARSE_DEPTHS_KM: Final = (15.0, 200.0, 550.0)
FIRST_DEPTHS_KM: Final = (5.0, 15.0, 35.0, 70.0, 140.0, 250.0, 400.0, 575.0)
MAX_COARSE_TRACES: Final = 30
SPHERE_STEP_DEG: Final = 2.0
SPHERE_BLUR_S: Final = 5.0
MAX_NODES, MAX_LOG_DROP = 250, 10.0  # places that first arrivals leave at most, and how much worse than the best (in logarithm)
NEAR_STEP_DEG: Final = 0.5
MAX_NEAR_DEG: Final = 20.0
# Spacing of grids of 7 x 7 nodes in degrees, half the window of origin times and its step in seconds.
WIDE: Final = (2.0, 120.0, 2.0)
LEVELS: Final = ((0.8, 50.0, 1.0), (0.4, 30.0, 1.0), (0.2, 15.0, 0.5), (0.1, 10.0, 0.5), (0.05, 6.0, 0.5), (0.02, 5.0, 0.25))


def uniform_prior(nodes: Floats) -> Floats:
    """Every place is as likely."""
    return np.zeros(len(nodes))


def search_near(data: Candidates, prior: LogPrior, starts: Sequence[Floats]) -> list[TrialSource]:
    """The best sources within some degrees of the given places (unit vectors at geocentric latitudes), best first, not refined."""
    climbed = [grid_search_step(data, best_source_at(data, point, prior), prior, WIDE, FIRST_DEPTHS_KM) for point in starts]
    return sorted(climbed, key=lambda source: -source.score)


def search_sources(data: Candidates, prior: LogPrior, near: Sequence[TrialSource] = ()) -> list[TrialSource]:
    """
    Local maxima, best first, none within 2 degrees of a better one.

    Looked for over the whole sphere by first arrivals and by surface waves, in the network's surroundings by P and S, and among
    those found near what is known otherwise.
    """
    coarse = [*_over_the_sphere(data), *_by_surface_waves(data), *_near_the_network(data), *near]
    found: list[TrialSource] = []
    for source in sorted((_first_look(data, source, prior) for source in coarse), key=lambda source: -source.score)[:4]:
        refined = _refine(data, source, prior)
        if all(float(refined.point @ other.point) < np.cos(np.radians(2.0)) for other in found):
            found.append(refined)
    return sorted(found, key=lambda source: -source.score)


def _thinned(data: Candidates) -> Candidates:
    """At most 30 traces: the surest one, then each time the surest one that is far from those taken."""
    if len(data.p_detected) <= MAX_COARSE_TRACES:
        return data
    chosen = [int(np.argmax(data.p_detected))]
    near = data.stations @ data.stations[chosen[0]]
    for _ in range(MAX_COARSE_TRACES - 1):
        worth = (data.p_detected + 0.1) * np.sqrt(np.maximum(1.0 - near, 1e-9))
        worth[chosen] = -1.0
        chosen.append(int(np.argmax(worth)))
        near = np.maximum(near, data.stations @ data.stations[chosen[-1]])
    return data.subset(np.array(sorted(chosen)))


def _over_the_sphere(data: Candidates) -> list[TrialSource]:
    """By first arrivals everywhere; all phases tell between the many places that those of a small network allow."""
    few = _thinned(data)
    nodes = fibonacci_sphere(SPHERE_STEP_DEG)
    times = (*origin_span(few), 4.0)
    far, blur = np.full(len(few.p_detected), 60.0), np.full(len(few.p_detected), SPHERE_BLUR_S)
    sources: list[TrialSource] = []
    for phases in FIRST_ARRIVAL_GROUPS:
        heights = scan_grid(few, nodes, COARSE_DEPTHS_KM, times, blur, distances_deg=far, phases=phases, rayleigh=False).max_llr.max(axis=0)
        order = np.argsort(-heights)[:MAX_NODES]
        worth = nodes[order[heights[order] > max(0.0, heights.max() - MAX_LOG_DROP)]]
        if len(worth):
            sources += _highest(worth, FIRST_DEPTHS_KM, scan_grid(few, worth, FIRST_DEPTHS_KM, times, blur, distances_deg=far), 6.0, 6)
    return sources


def _by_surface_waves(data: Candidates) -> list[TrialSource]:
    few = _thinned(data)
    nodes = fibonacci_sphere(2.0 * SPHERE_STEP_DEG)
    low, high = origin_span(few)
    far, blur = np.full(len(few.p_detected), 60.0), np.full(len(few.p_detected), 15.0)
    found = scan_grid(few, nodes, (15.0,), (low - 1200.0, high, 10.0), blur, distances_deg=far, phases=())
    return _highest(nodes, (15.0,), found, 10.0, 3)


def _near_the_network(data: Candidates) -> list[TrialSource]:
    """P and S around and inside a network that is not wider than 20 degrees."""
    middle = data.stations.mean(axis=0)
    middle /= np.linalg.norm(middle)
    wide = float(data.distances_deg(middle).max())
    if wide > MAX_NEAR_DEG:
        return []
    few = _thinned(data)
    extent = min(max(2.5 * wide, NEAR_DEG), MAX_NEAR_DEG)
    steps = np.arange(-extent, extent + 0.01, max(NEAR_STEP_DEG, extent / 16.0))
    east, north = (part.ravel() for part in np.meshgrid(steps, steps))
    nodes, reach = points_at_offsets(middle, east, north), np.full(len(few.p_detected), 0.5 * extent)
    low, high = origin_span(few)
    times = (max(low, float(few.record_starts.min()) - 300.0), high, 2.0)
    found = scan_grid(few, nodes, (10.0, 100.0), times, np.full(len(reach), 2.5), distances_deg=reach, phases=("P", "S"))
    return _highest(nodes, (10.0, 100.0), found, 1.5, 4)


def best_source_at(data: Candidates, point: Floats, prior: LogPrior) -> TrialSource:
    """The best depth and origin time at a place."""
    reach = data.distances_deg(point)
    few = data
    found = scan_grid(few, point[None], FIRST_DEPTHS_KM, (*origin_span(data), 2.0), np.full(len(reach), 4.0), distances_deg=reach)
    row = int(np.argmax(found.max_llr[:, 0]))
    return TrialSource(
        point, FIRST_DEPTHS_KM[row], float(found.origin_times_s[row, 0]), float(found.max_llr[row, 0] + prior(point[None])[0])
    )


def _highest(nodes: Floats, depths_km: Sequence[float], found: GridScan, station_spacing_deg: float, most: int) -> list[TrialSource]:
    """The best nodes, each the best within a circle."""
    rows = np.argmax(found.max_llr, axis=0)
    heights = found.max_llr[rows, np.arange(len(nodes))].copy()
    sources: list[TrialSource] = []
    while len(sources) < most and heights.max() > 0.0:
        top = int(np.argmax(heights))
        row = int(rows[top])
        sources.append(TrialSource(nodes[top], depths_km[row], float(found.origin_times_s[row, top]), float(heights[top])))
        heights[nodes @ nodes[top] > np.cos(np.radians(station_spacing_deg))] = -np.inf
    return sources


def _first_look(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    return grid_search_step(data, source, prior, LEVELS[0], FIRST_DEPTHS_KM)


def refine_source(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    """The local maximum near a source."""
    return _refine(data, _first_look(data, source, prior), prior)


def _refine(data: Candidates, source: TrialSource, prior: LogPrior) -> TrialSource:
    for level in LEVELS[1:]:
        depths = FIRST_DEPTHS_KM if level is LEVELS[1] else _depths_near(source.depth_km)
        for _ in range(4):
            moved = grid_search_step(data, source, prior, level, depths)
            far = float(np.degrees(np.arccos(np.clip(moved.point @ source.point, -1.0, 1.0))))
            source = moved
            if far < 2.9 * level[0]:
                break
    return source


def grid_search_step(
    data: Candidates, source: TrialSource, prior: LogPrior, level: tuple[float, float, float], depths_km: Sequence[float]
) -> TrialSource:
    """The best node of a grid of 7 x 7 around a source."""
    spacing, window_s, step_s = level
    steps = spacing * np.arange(-3.0, 3.1)
    east, north = (part.ravel() for part in np.meshgrid(steps, steps))
    nodes, reach = points_at_offsets(source.point, east, north), data.distances_deg(source.point)
    blur = grid_error_s(reach, source.depth_km, 0.4 * spacing)
    found = scan_grid(data, nodes, depths_km, (-window_s, window_s, step_s), blur, distances_deg=reach, anchor=source)
    score = found.max_llr + prior(nodes) + log_depth_prior(np.asarray(depths_km), nodes)
    row, column = np.unravel_index(int(np.argmax(score)), score.shape)
    return TrialSource(nodes[column], float(depths_km[int(row)]), float(found.origin_times_s[row, column]), float(score[row, column]))


def _depths_near(depth_km: float) -> tuple[float, ...]:
    place = int(np.argmin(np.abs(DEPTHS_KM - depth_km)))
    return tuple(DEPTHS_KM[max(0, place - 2) : place + 3].tolist())
