"""A hypocenter from arrival times and a spatial prior: regions of the epicenter, depth, origin time, associated arrivals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from models.array_types import Floats
from models.seismic.association.arrivals import (
    MAX_DEVIATIONS,
    Arrival,
    associate_arrivals,
    is_held_nearby,
    is_surrounded,
    is_unambiguous,
    residual_ratio,
)
from models.seismic.association.candidates import RAYLEIGH_DEVIATION_S, Candidates
from models.seismic.association.depth_error import estimate_depth_error_km
from models.seismic.association.depth_time import DepthTime, summarize_depth_time
from models.seismic.association.grid_scan import GridScan, TrialGrid, TrialSource, log_depth_prior, origin_span, scan_grid
from models.seismic.association.origin_time import fit_origin_time
from models.seismic.association.search import FIRST_DEPTHS_KM, fit_slowness, refine_at_depths, refine_source, search_near, search_sources
from models.seismic.earth.travel_time_errors import FIRST_PHASES, common_time_error_s
from models.seismic.earth.travel_times import DEPTHS_KM
from models.seismic.geodesy import geocentric, geographic, offsets_deg
from models.seismic.location.geometry_scales import GeometryScales
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.region_calibration import calibrate_region
from models.seismic.location.regions import (
    EpicenterRegion,
    GridSettings,
    PosteriorNodes,
    evaluate_polar_grid,
    fit_local_grid,
    summarize_regions,
)
from models.seismic.location.sphere_grid import points_at_offsets

MAX_SOURCE_LOG_DROP: Final = 15.0  # sources whose log score is lower than the best by more are not described
MAX_DEPTH_LOG_DROP: Final = 4.0  # depths whose log density is lower than the best by more are not integrated over
MAX_REGIONS: Final = 3  # each costs scans over depths and origin times
SPHERE_SQUARE_DEG: Final = 41253.0
TIME_WINDOW_S: Final = 20.0
MANTLE_P_VELOCITY_KM_S: Final = 8.0  # at the top of the mantle; bounds the trade-off of depth and origin time
MAX_DEPTH_KM: Final = 700.0
MIN_DEPTHS: Final = 3  # of the travel-time table, at which a source of known depth is located
MIN_VARIANCE_DEG2: Final[Floats] = 1e-5 * np.eye(2)
DEPTH_SCAN_STEP_S: Final = 1.0  # of trial origin times where depth and origin time are summarized

ARRIVAL_TIME_GRID: Final = GridSettings(
    extent=3.5,
    rough_count=9,  # fewer nodes than for distances: each node is scanned over depths and origin times
    fine_count=15,
    max_rough_grids=3,
    regrid_growth=2.0,
    regularization_deg2=1e-5,
    recenter="mass",  # the source is a grid maximum only
)


@dataclass(frozen=True)
class ArrivalTimeSolution:
    """
    A hypocenter from arrival times, with alternatives of its epicenter.

    `regions` of the epicenter, most probable first. `depth_time`: depth and origin time (POSIX), jointly. `log_evidence`:
    log Bayes factor of the candidate arrivals with a source, anywhere and at any time, against none. `arrivals` associated with the most
    probable region's source. `candidates` and spatial `prior` are what it was found from; without them it cannot be located once
    more (`locate_at_depth`).
    """

    regions: tuple[EpicenterRegion, ...]
    depth_time: DepthTime
    log_evidence: float
    arrivals: tuple[Arrival, ...]
    candidates: Candidates | None = None
    prior: LogPrior | None = None


@dataclass(frozen=True)
class ArrivalTimePosterior:
    """
    The joint posterior of arrival times and a spatial prior near a source, marginal over the given depths and over origin time.

    A `SpatialLikelihood` for nodes near the source, and the `LocalDensity` from which its region is found. `known_depth_km`: mean and
    standard deviation of a depth known otherwise, in place of the prior of depths; the depths then remain as given.
    """

    data: Candidates
    source: TrialSource
    prior: LogPrior
    depths_km: tuple[float, ...]
    known_depth_km: tuple[float, float] | None = None

    @property
    def window_s(self) -> tuple[float, float]:
        """Window of origin times after the source's: a deeper source with the same arrivals has a later origin."""
        up, down = self.source.depth_km - min(self.depths_km), max(self.depths_km) - self.source.depth_km
        return -TIME_WINDOW_S - up / MANTLE_P_VELOCITY_KM_S, TIME_WINDOW_S + down / MANTLE_P_VELOCITY_KM_S

    @property
    def center_deg(self) -> tuple[float, float]:
        """Geographic latitude and longitude of the source."""
        return geographic(self.source.point)

    def log_density_by_depth(self, nodes: Floats) -> Floats:
        """Evaluate the log density [depths, m] at geocentric nodes [m, 3], per kilometer of depth, marginal over origin time."""
        found = _scan_near(self.data, self.source, self.source.point, nodes, self.depths_km, (*self.window_s, 0.5), 0.3)
        return found.marginal_llr + self.prior(nodes) + self.log_depth_prior(nodes)

    def log_depth_prior(self, nodes: Floats) -> Floats:
        """Evaluate the log prior density [depths, m] of the depths beneath geocentric nodes [m, 3]."""
        depths = np.asarray(self.depths_km)
        if self.known_depth_km is None:
            return log_depth_prior(depths, nodes)
        mean, deviation = self.known_depth_km
        return np.broadcast_to(-0.5 * ((depths - mean) / deviation)[:, None] ** 2, (len(depths), len(nodes)))

    def log_likelihood(self, nodes: Floats) -> Floats:
        """Evaluate the log density [m] at geocentric nodes [m, 3], marginal over depth too; the prior is a part of it."""
        by_depth = self.log_density_by_depth(nodes)
        return np.asarray(np.logaddexp.reduce(by_depth + np.log(_depth_intervals_km(self.depths_km))[:, None], axis=0))

    def log_density(self, offsets_deg: Floats) -> Floats:
        """Evaluate the log density [m] at offsets [m, 2] east and north of the source."""
        return self.log_likelihood(self._nodes_at(offsets_deg))

    def prepare(self, offsets_deg: Floats) -> Self:
        """Choose the depths that matter at any of these offsets [m, 2]: a shift of the epicenter trades off with depth."""
        return self if self.known_depth_km is not None else self.with_probable_depths(self._nodes_at(offsets_deg))

    def recenter(self, offsets_deg: Floats, index: int) -> Self:
        """Move the source to one of the offsets [m, 2], to the depth and origin time of the highest density there."""
        point = self._nodes_at(offsets_deg)[index]
        found = _scan_near(self.data, self.source, point, point[None], self.depths_km, (*self.window_s, 0.25), 0.1)
        score = found.max_llr[:, 0] + self.log_depth_prior(point[None])[:, 0]
        best = int(np.argmax(score))
        source = TrialSource(point, self.depths_km[best], float(found.origin_times_s[best, 0]), float(score[best]))
        return replace(self, source=source)

    def with_probable_depths(self, nodes: Floats) -> Self:
        """Integrate over the source's depth, its neighbors, and all whose density at any node [m, 3] is not negligible."""
        depths = tuple(sorted({*FIRST_DEPTHS_KM, self.source.depth_km}))
        density = replace(self, depths_km=depths).log_density_by_depth(nodes).max(axis=1)
        nearest = sorted(depths, key=lambda depth: abs(depth - self.source.depth_km))[:4]
        chosen = (
            depth for depth, value in zip(depths, density, strict=True) if depth in nearest or value > density.max() - MAX_DEPTH_LOG_DROP
        )
        return replace(self, depths_km=tuple(chosen))

    def _nodes_at(self, offsets_deg: Floats) -> Floats:
        return points_at_offsets(self.source.point, offsets_deg[:, 0], offsets_deg[:, 1])


def locate_by_arrival_times(data: Candidates, prior: LogPrior, starts: Sequence[Floats] = ()) -> ArrivalTimeSolution | None:
    """
    Locate an event from its candidate arrivals; None where no source is found.

    Sources are searched with the phases of the travel-time table; where first arrivals hold the best one and it is near a station, all are
    then refined with the waves guided by the crust, which nearby stations may have picks of instead, and, where stations surround it, with
    the travel times of a crust and upper mantle as fast or slow as fit it. Regions and deviations are wider where
    the residuals of the associated arrivals exceed what their uncertainties allow (Birge's ratio). The origin time is fitted to the
    associated arrivals with the errors that stations share (`origin_time`); where that is not possible, it is that of the stack.

    Parameters
    ----------
    data : Candidates
        Picks and Rayleigh-wave envelope peaks of all traces.
    prior : LogPrior
        Log density of the epicenter from other evidence, relative to a uniform one.
    starts : sequence of unit vectors [3] at geocentric latitudes
        Searched first. The whole sphere is searched unless the best source near them is unambiguous.

    """
    near = search_near(data, prior, starts)
    best_near = refine_source(data, near[0], prior) if near else None
    sources = [best_near] if best_near is not None and is_unambiguous(data, best_near) else search_sources(data, prior, near)
    if not sources:
        return None
    if is_held_nearby(data, sources[0]):
        data = replace(data, crustal=True)
        data = fit_slowness(data, sources[0], prior) if is_surrounded(data, sources[0]) else data
        sources = sorted((refine_source(data, source, prior) for source in sources), key=lambda source: -source.score)
    found: list[tuple[PosteriorNodes, TrialSource]] = []
    for source in [source for source in sources if source.score > sources[0].score - MAX_SOURCE_LOG_DROP][:MAX_REGIONS]:
        if not any(_contains(nodes, center, source) for nodes, center in found):
            found.append(_find_region(data, source, prior))
    masses = np.array([np.logaddexp.reduce(nodes.log_mass) for nodes, _ in found])
    nodes, source = found[int(np.argmax(masses))]
    arrivals = associate_arrivals(data, source)
    depth_time = _find_depth_time(ArrivalTimePosterior(data, source, prior, tuple(DEPTHS_KM[::2].tolist())), nodes.covariance)
    depth_time = depth_time.add_errors(estimate_depth_error_km(data, source, arrivals), _common_error_s(data, source, arrivals))
    depth_time = fit_origin_time(data, source, arrivals, nodes.covariance, depth_time) or depth_time
    low, high = origin_span(data)
    log_evidence = float(np.logaddexp.reduce(masses)) - np.log(SPHERE_SQUARE_DEG * (high - low))
    ratio = residual_ratio(arrivals)
    regions = _scale_regions([nodes for nodes, _ in found], ratio)
    depth_time = replace(depth_time.scale_errors(ratio), time_s=data.clock_s + depth_time.time_s)
    return ArrivalTimeSolution(regions, depth_time, log_evidence, arrivals, data, prior)


def locate_at_depth(solution: ArrivalTimeSolution, depth_km: float, deviation_km: float) -> ArrivalTimeSolution:
    """
    Locate the most probable source of a solution once more, at a depth known otherwise, with its standard deviation.

    Where stations lie in one direction, distance, depth and origin time trade off. The solution then has that source alone; one without
    candidates is returned as it is.
    """
    data, prior = solution.candidates, solution.prior
    if data is None or prior is None:
        return solution
    best, time_s = solution.regions[0], solution.depth_time.at_depth(depth_km, deviation_km).time_s - data.clock_s
    depths = _choose_depths(depth_km, deviation_km)
    start = TrialSource(geocentric(best.latitude_deg, best.longitude_deg), depths[len(depths) // 2], time_s, 0.0)
    source = refine_at_depths(data, start, prior, depths)
    local = ArrivalTimePosterior(data, source, prior, depths, (depth_km, deviation_km))
    nodes, local = fit_local_grid(local, evaluate_polar_grid(local).covariance, ARRIVAL_TIME_GRID)
    arrivals = associate_arrivals(data, local.source)
    ratio, common_error_s = residual_ratio(arrivals), _common_error_s(data, local.source, arrivals)
    depth_time = _find_depth_time(local, nodes.covariance).add_errors(0.0, common_error_s).scale_errors(ratio)
    depth_time = replace(depth_time, time_s=data.clock_s + depth_time.time_s).at_depth(depth_km, deviation_km)
    return replace(solution, regions=_scale_regions([nodes], ratio), depth_time=depth_time, arrivals=arrivals)


def _choose_depths(depth_km: float, deviation_km: float) -> tuple[float, ...]:
    """Choose the depths of the travel-time table within three standard deviations of a depth, three at least."""
    near = np.argsort(np.abs(DEPTHS_KM - depth_km))
    count = max(int((np.abs(DEPTHS_KM - depth_km) <= MAX_DEVIATIONS * deviation_km).sum()), MIN_DEPTHS)
    return tuple(sorted(DEPTHS_KM[near[:count]].tolist()))


def _scale_regions(found: Sequence[PosteriorNodes], ratio: float) -> tuple[EpicenterRegion, ...]:
    """Summarize regions, whose ellipses are multiplied by a ratio."""
    return tuple(calibrate_region(region, GeometryScales(pairs=((ratio, ratio),)), {}) for region in summarize_regions(found))


def _find_region(data: Candidates, source: TrialSource, prior: LogPrior) -> tuple[PosteriorNodes, TrialSource]:
    """Evaluate the posterior around a source: on a polar grid, which shows any extent, then on grids fitted to it."""
    local = ArrivalTimePosterior(data, source, prior, FIRST_DEPTHS_KM).with_probable_depths(source.point[None])
    nodes, local = fit_local_grid(local, evaluate_polar_grid(local).covariance, ARRIVAL_TIME_GRID)
    return nodes, local.source


def _contains(nodes: PosteriorNodes, center: TrialSource, source: TrialSource) -> bool:
    """Whether a source lies in a region that is already described."""
    offset = offsets_deg(*geographic(center.point), *geographic(source.point))
    return bool(offset @ np.linalg.solve(nodes.covariance + MIN_VARIANCE_DEG2, offset) < MAX_DEVIATIONS**2)


def _find_depth_time(local: ArrivalTimePosterior, covariance: Floats) -> DepthTime:
    """Depth and origin time after the clock, marginal over an epicenter of that covariance in square degrees about the source."""
    steps, source = np.linspace(-2.0, 2.0, 5), local.source
    offsets = np.column_stack((np.repeat(steps, 5), np.tile(steps, 5))) @ np.linalg.cholesky(covariance + MIN_VARIANCE_DEG2).T
    nodes = points_at_offsets(source.point, offsets[:, 0], offsets[:, 1])
    window = (*local.window_s, DEPTH_SCAN_STEP_S)
    found = _scan_near(local.data, source, source.point, nodes, local.depths_km, window, 0.5 * DEPTH_SCAN_STEP_S)
    density = found.marginal_llr + local.prior(nodes) + np.log(_depth_intervals_km(local.depths_km))[:, None]
    density += local.log_depth_prior(nodes)
    return summarize_depth_time(np.asarray(local.depths_km), found.origin_times_s, np.exp(density - density.max()), DEPTH_SCAN_STEP_S)


def _common_error_s(data: Candidates, source: TrialSource, arrivals: Sequence[Arrival]) -> float:
    """
    Error of the origin time that all stations share: of travel times, and of picks that one source's slow onset delays everywhere.

    The median uncertainty of a pick stands for the latter; their scatter averages out, a common delay does not.
    """
    first = [arrival for arrival in arrivals if arrival.phase in FIRST_PHASES]
    rows = np.isin(data.trace_indices, [arrival.trace_index for arrival in first or arrivals])
    distances = data.distances_deg(source.point)[rows]
    travel = common_time_error_s(data.interstation_deg[np.ix_(rows, rows)], distances, source.depth_km)
    return float(np.hypot(travel, np.median([arrival.pick_uncertainty_s for arrival in first]) if first else RAYLEIGH_DEVIATION_S))


def _scan_near(
    data: Candidates,
    source: TrialSource,
    point: Floats,
    nodes: Floats,
    depths_km: tuple[float, ...],
    times_s: tuple[float, float, float],
    blur_s: float,
) -> GridScan:
    """Scan nodes [m, 3] for origin times relative to a source's, travel-time errors being those at the distances from a point."""
    distances = data.distances_deg(point)
    blur = np.full(len(distances), blur_s)
    return scan_grid(data, TrialGrid(nodes, depths_km, times_s, source), distances, blur, correlated_errors=True)


def _depth_intervals_km(depths_km: Sequence[float]) -> Floats:
    """Thickness of the depth range that each depth stands for, at least 1 km."""
    depths = np.asarray(depths_km, np.float64)
    edges = np.concatenate(([0.0], 0.5 * (depths[1:] + depths[:-1]), [MAX_DEPTH_KM]))
    return np.maximum(np.diff(edges), 1.0)
