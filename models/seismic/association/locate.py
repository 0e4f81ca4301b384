"""An epicenter from arrival times and distances together: its regions, depth and origin time, and the arrivals it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.association.arrivals import ASSOCIATED, Arrival, associate_arrivals, is_unambiguous, model_depth_error_km
from models.seismic.association.candidates import Candidates
from models.seismic.association.grid_scan import TrialSource, log_depth_prior, origin_span, scan_grid
from models.seismic.association.search import FIRST_DEPTHS_KM, LogPrior, refine_source, search_near, search_sources
from models.seismic.earth.travel_times import DEPTHS_KM
from models.seismic.geodesy import FLATTER, azimuth_deg, distance_deg, geographic
from models.seismic.location.posterior import DistanceObservations, EpicenterRegion, PosteriorNodes, summarize_region
from models.seismic.location.sphere_grid import in_single, points_at_offsets, sphere_grid

DISTANCE_OUTLIER_PROBABILITY: Final = 0.1  # how often the distances of an event lead astray altogether
MAX_SOURCE_LOG_DROP: Final = 15.0  # a source this much below the best one (in logarithm) is not looked at closely
MAX_DEPTH_LOG_DROP: Final = 4.0  # nor a depth of a region so much below its best
MAX_REGIONS: Final = 3
RADII_DEG: Final[Floats] = np.geomspace(0.02, 40.0, 22)
NEAR_RADII: Final = 14  # those up to 2.2 degrees
FADED: Final = 30.0  # fall of the density there (in logarithm), after which nothing is looked for farther out
SPOKES: Final = 20
GRID_REACH: Final = 3.5  # deviations
SPHERE_SQUARE_DEG: Final = 41253.0
TIME_WINDOW_S: Final = 20.0
STEEP_KM_S: Final = 8.0  # P below a source, at the top of the mantle
TINY: Final[Floats] = 1e-5 * np.eye(2)
ROUGH, FINE = 9, 15  # nodes of a grid along each axis
MAX_ROUGH_GRIDS, REGRID_GROWTH = 3, 2.0  # rough grids at most, and the growth of the area's square that calls for another


@dataclass(frozen=True)
class ArrivalTimeSolution:
    """
    What the times say.

    `regions` likeliest first; `depth_km`, `time_s` (POSIX) with one standard deviation each; `log_evidence`: how much likelier
    the onsets are with a source somewhere than by chance, in logarithm; `arrivals` of the first region.
    """

    regions: tuple[EpicenterRegion, ...]
    depth_km: float
    depth_uncertainty_km: float
    time_s: float
    time_uncertainty_s: float
    log_evidence: float
    arrivals: tuple[Arrival, ...]


@dataclass(frozen=True)
class _Joint:
    """Posterior of times and distances near a source, as a grid of regions asks for it."""

    data: Candidates
    source: TrialSource
    prior: LogPrior
    depths_km: tuple[float, ...]

    @property
    def window_s(self) -> tuple[float, float]:
        """Origin times after the source's that are looked at: the same arrivals are those of a later origin from further down."""
        up, down = self.source.depth_km - min(self.depths_km), max(self.depths_km) - self.source.depth_km
        return -TIME_WINDOW_S - up / STEEP_KM_S, TIME_WINDOW_S + down / STEEP_KM_S

    def by_depth(self, nodes: Floats) -> Floats:
        """Logarithm of the density [d, m] at geocentric nodes, origin time integrated out, per kilometer of depth and second."""
        reach = self.data.distances_deg(self.source.point)
        times = (*self.window_s, 0.5)
        found = scan_grid(
            self.data,
            nodes,
            self.depths_km,
            times,
            np.full(len(reach), 0.3),
            distances_deg=reach,
            correlated_errors=True,
            anchor=self.source,
        )
        return found.marginal_llr + self.prior(nodes) + log_depth_prior(np.asarray(self.depths_km), nodes)

    def log_posterior(self, nodes: Floats) -> Floats:
        """The same [m], depth integrated out."""
        return np.asarray(np.logaddexp.reduce(self.by_depth(nodes) + np.log(_widths(self.depths_km))[:, None], axis=0))


def _widths(depths_km: Sequence[float]) -> Floats:
    """How many kilometers each depth stands for."""
    depths = np.asarray(depths_km, np.float64)
    edges = np.concatenate(([0.0], 0.5 * (depths[1:] + depths[:-1]), [700.0]))
    return np.maximum(np.diff(edges), 1.0)


def distance_log_prior(offsets: DistanceObservations) -> LogPrior:
    """The distances' posterior as a prior, one being uniform, with a share of events that they mislead."""
    sphere = sphere_grid()
    density = offsets.log_posterior(sphere.nodes, 0.5, 1)
    level = np.logaddexp.reduce(density) - np.log(len(density))

    def prior(nodes: Floats) -> Floats:
        vectors = nodes * (FLATTER, FLATTER, 1.0)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        likely = offsets.log_posterior(in_single(vectors), 0.1, 2) - level
        return np.asarray(np.logaddexp(np.log1p(-DISTANCE_OUTLIER_PROBABILITY) + likely, np.log(DISTANCE_OUTLIER_PROBABILITY)))

    return prior


def locate_by_arrival_times(data: Candidates, prior: LogPrior, starts: Sequence[Floats] = ()) -> ArrivalTimeSolution | None:
    """
    The best source and others that compete with it; None where nothing is found at all.

    Looked for near the `starts` first (unit vectors at geocentric latitudes), and over the whole sphere unless the best there is
    beyond doubt.
    """
    near = search_near(data, prior, starts)
    best_near = refine_source(data, near[0], prior) if near else None
    sources = [best_near] if best_near is not None and is_unambiguous(data, best_near) else search_sources(data, prior, near)
    if not sources:
        return None
    best = sources[0]
    clouds: list[tuple[PosteriorNodes, TrialSource]] = []
    for source in [source for source in sources if source.score > best.score - MAX_SOURCE_LOG_DROP][:MAX_REGIONS]:
        if not any(_inside(cloud, top, source) for cloud, top in clouds):
            clouds.append(_region(data, source, prior))
    masses = np.array([np.logaddexp.reduce(cloud.log_mass) for cloud, _ in clouds])
    shares = np.exp(masses - np.logaddexp.reduce(masses))
    order = np.argsort(-shares, kind="stable").tolist()
    regions = tuple(summarize_region(clouds[i][0], float(shares[i])) for i in order)
    cloud, top = clouds[order[0]]
    arrivals = associate_arrivals(data, top)
    (depth, depth_sd), time = _depth_and_time(data, top, prior, cloud.covariance)
    depth_sd = float(np.hypot(depth_sd, model_depth_error_km(data, top, arrivals)))
    low, high = origin_span(data)
    evidence = float(np.logaddexp.reduce(masses)) - np.log(SPHERE_SQUARE_DEG * (high - low))
    return ArrivalTimeSolution(regions, depth, depth_sd, data.clock_s + time[0], time[1], evidence, arrivals)


def _region(data: Candidates, source: TrialSource, prior: LogPrior) -> tuple[PosteriorNodes, TrialSource]:
    """
    The posterior around a source, and its top: first on spokes, which show any extent, then on grids fitted to what was seen.

    A place farther away goes with another depth, and with that at another depth farther still: so depths are chosen anew over
    the whole of each grid, and grids grow until they show no more.
    """
    joint = _Joint(data, source, prior, FIRST_DEPTHS_KM)
    joint = replace(joint, depths_km=_likely_depths(joint, source.point[None]))
    cloud = _on_spokes(joint)
    for _ in range(MAX_ROUGH_GRIDS):
        seen, nodes = cloud.covariance, _grid(cloud, joint.source, ROUGH)[1]
        joint = replace(joint, depths_km=_likely_depths(joint, nodes))
        cloud, joint = _on_grid(joint, cloud, ROUGH)
        if np.linalg.det(cloud.covariance + TINY) < REGRID_GROWTH * np.linalg.det(seen + TINY):
            break
    cloud, joint = _on_grid(joint, cloud, FINE)
    return cloud, joint.source


def _on_spokes(joint: _Joint) -> PosteriorNodes:
    """The posterior around the source, as far out as it may matter."""
    turns = 2.0 * np.pi * np.arange(SPOKES) / SPOKES

    def ring(radii_deg: Floats) -> tuple[Floats, Floats]:
        east, north = (np.outer(radii_deg, part(turns)).ravel() for part in (np.sin, np.cos))
        area = np.repeat(radii_deg**2 * np.sinc(radii_deg / 180.0), SPOKES)
        return np.stack((east, north), axis=1), joint.log_posterior(points_at_offsets(joint.source.point, east, north)) + np.log(area)

    offsets, log_mass = ring(RADII_DEG[:NEAR_RADII])
    if log_mass[-SPOKES:].max() > log_mass.max() - FADED:
        far, far_mass = ring(RADII_DEG[NEAR_RADII:])
        offsets, log_mass = np.concatenate((offsets, far)), np.concatenate((log_mass, far_mass))
    return PosteriorNodes((0.0, 0.0), offsets, log_mass)


def _grid(cloud: PosteriorNodes, source: TrialSource, count: int) -> tuple[Floats, Floats, Floats]:
    """Offsets [m, 2] from a source as far as a cloud reaches, nodes [m, 3] there, logarithm of the area [m] of each."""
    steps = np.linspace(-GRID_REACH, GRID_REACH, count)
    axes = np.linalg.cholesky(cloud.covariance + TINY)
    offsets = np.column_stack((np.repeat(steps, count), np.tile(steps, count))) @ axes.T
    cell = np.linalg.det(axes) * (steps[1] - steps[0]) ** 2 * np.maximum(np.sinc(np.hypot(*offsets.T) / 180.0), 1e-9)
    return offsets, points_at_offsets(source.point, offsets[:, 0], offsets[:, 1]), np.log(cell)


def _on_grid(joint: _Joint, cloud: PosteriorNodes, count: int) -> tuple[PosteriorNodes, _Joint]:
    """The posterior about its top on a grid as wide as a cloud that was seen, and with the source moved there."""
    offsets, nodes, area = _grid(cloud, joint.source, count)
    log_mass = joint.log_posterior(nodes) + area
    top = int(np.argmax(log_mass))
    return PosteriorNodes(geographic(nodes[top]), offsets - offsets[top], log_mass), replace(
        joint, source=_moved(joint, joint.source, nodes[top])
    )


def _likely_depths(joint: _Joint, nodes: Floats) -> tuple[float, ...]:
    """The source's depth, its neighbors, and all that are not much less likely at one of the nodes than any at any of them."""
    depths = tuple(sorted({*FIRST_DEPTHS_KM, joint.source.depth_km}))
    density = replace(joint, depths_km=depths).by_depth(nodes).max(axis=1)
    near = sorted(depths, key=lambda depth: abs(depth - joint.source.depth_km))[:4]
    return tuple(depth for depth, value in zip(depths, density, strict=True) if depth in near or value > density.max() - MAX_DEPTH_LOG_DROP)


def _inside(cloud: PosteriorNodes, top: TrialSource, source: TrialSource) -> bool:
    """Whether a source lies in a region that is already described."""
    reach = distance_deg(*geographic(top.point), *geographic(source.point))
    azimuth = np.radians(azimuth_deg(*geographic(top.point), *geographic(source.point)))
    off = float(reach) * np.array([np.sin(azimuth), np.cos(azimuth)]).ravel()
    return bool(off @ np.linalg.solve(cloud.covariance + 1e-5 * np.eye(2), off) < ASSOCIATED**2)


def _moved(joint: _Joint, source: TrialSource, point: Floats) -> TrialSource:
    """A source at another place, its depth and time as fit best there."""
    reach = joint.data.distances_deg(point)
    times = (*joint.window_s, 0.25)
    depths = joint.depths_km
    found = scan_grid(
        joint.data, point[None], depths, times, np.full(len(reach), 0.1), distances_deg=reach, correlated_errors=True, anchor=source
    )
    score = found.max_llr[:, 0] + log_depth_prior(np.asarray(depths), point[None])[:, 0]
    row = int(np.argmax(score))
    return TrialSource(point, depths[row], float(found.origin_times_s[row, 0]), float(score[row]))


def _depth_and_time(
    data: Candidates, source: TrialSource, prior: LogPrior, covariance: Floats
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Depth and origin time with one standard deviation each, the place known no better than its covariance."""
    steps = np.linspace(-2.0, 2.0, 5)
    offsets = np.column_stack((np.repeat(steps, 5), np.tile(steps, 5))) @ np.linalg.cholesky(covariance + 1e-5 * np.eye(2)).T
    nodes = points_at_offsets(source.point, offsets[:, 0], offsets[:, 1])
    depths = tuple(DEPTHS_KM[::2].tolist())
    reach = data.distances_deg(source.point)
    found = scan_grid(
        data, nodes, depths, (-60.0, 60.0, 1.0), np.full(len(reach), 0.5), distances_deg=reach, correlated_errors=True, anchor=source
    )
    density = found.marginal_llr + prior(nodes) + np.log(_widths(depths))[:, None]
    density += log_depth_prior(np.asarray(depths), nodes)
    usual = np.exp(density - density.max())
    depth, depth_sd = _moments(np.asarray(depths), usual.sum(axis=1))
    time, time_sd = _moments(found.origin_times_s.ravel(), usual.ravel())
    return (depth, depth_sd), (time, max(time_sd, 1.0))


def _moments(values: Floats, weights: Floats) -> tuple[float, float]:
    """Mean and standard deviation."""
    mean = float(np.average(values, weights=weights))
    return mean, float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
