"""
Regions of an epicenter's posterior density: found on the sphere, evaluated on local grids, summarized by confidence ellipses.

A region is a connected set of nodes of a 1 degree grid of the sphere whose density exceeds a hundredth of the maximum. So a ring
around an array is one region, and a mirror solution is another. Each region is evaluated again on a grid that is fitted to its
covariance, unless it is too wide for one, and described by the second moments of the probability on that grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, Self

import numpy as np

from models.array_types import Floats, Integers
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geographic
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.sphere_grid import SphereGrid, offsets_to_points, points_at_offsets, sphere_grid

CONFIDENCE: Final = 0.68
CONFIDENCE_90: Final = 0.90
NORMAL_AXIS: Final = float(np.sqrt(-2.0 * np.log(1.0 - CONFIDENCE)))
"""Semi-axis of the 68 % ellipse of a normal distribution in two dimensions, in standard deviations along that axis."""
NORMAL_AXIS_RATIO_90: Final = float(np.sqrt(np.log(1.0 - CONFIDENCE_90) / np.log(1.0 - CONFIDENCE)))  # of the 90 % ellipse over that
MIN_AXIS_KM: Final = 5.0  # distances on a sphere instead of the ellipsoid are wrong by more
EDGE_LOG_DROP: Final = float(np.log(0.01))  # a region ends where the density falls below a hundredth of the maximum
SAMPLES: Final = 200  # of an ellipse
SAMPLED_AXIS: Final = 1.515  # `NORMAL_AXIS` for 68.3 instead of 68 %: what rests on samples was measured with it
_GOLDEN_ANGLE_DEG: Final = 180.0 * (3.0 - 5.0**0.5)

_RADII_DEG: Final[Floats] = np.geomspace(0.02, 40.0, 22)
_INNER_RINGS: Final = 14  # rings up to 2.2 degrees
_AZIMUTHS: Final = 20
_MAX_RING_LOG_DROP: Final = 30.0  # drop of the log density at the last inner ring after which the outer ones are left out


@dataclass(frozen=True)
class EpicenterRegion:
    """
    A mode of the posterior with its confidence region.

    The semi-axes are those of the ellipse that contains 68 % of the region's probability; its azimuth is that of the major axis,
    clockwise from north, 0 to 180 degrees. `horizontal_uncertainty_km` is the radius of the circle that contains 68 %.
    `probability` is the region's fraction of the whole posterior. The ellipse that contains 90 % has axes longer by the factor
    `axis_ratio_90`.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_km: float
    semi_minor_km: float
    ellipse_azimuth_deg: float
    horizontal_uncertainty_km: float
    probability: float
    axis_ratio_90: float = field(default=NORMAL_AXIS_RATIO_90, kw_only=True)


@dataclass(frozen=True)
class PosteriorNodes:
    """
    Posterior probability at nodes around a center.

    `center_deg`: geographic latitude and longitude. `offsets_deg` [m, 2]: degrees east and north of the center, true in distance and
    azimuth from it. `log_mass` [m]: logarithm of density times area, up to a constant that all regions of one density share.
    """

    center_deg: tuple[float, float]
    offsets_deg: Floats
    log_mass: Floats

    @property
    def weights(self) -> Floats:
        """Probability [m] of each node, normalized to a sum of one over these nodes."""
        mass = np.exp(self.log_mass - self.log_mass.max())
        return np.asarray(mass / mass.sum())

    @property
    def covariance(self) -> Floats:
        """Second moments [2, 2] of east and north about the center, in square degrees."""
        return np.asarray((self.offsets_deg.T * self.weights) @ self.offsets_deg)


@dataclass(frozen=True)
class GridSettings:
    """
    How a local grid is fitted to a region.

    A grid has `rough_count` or `fine_count` nodes along each axis and extends `extent` standard deviations from its center along the
    principal axes of a covariance. Up to `max_rough_grids` rough grids are evaluated, each with the covariance seen on the one
    before, until the determinant of the covariance grows by less than `regrid_growth`; a fine grid follows.
    `regularization_deg2` is added to the diagonal of covariances. `recenter` moves the center to the node of the highest density or
    mass; "never" where it is the exact maximum already.
    """

    extent: float
    rough_count: int
    fine_count: int
    max_rough_grids: int
    regrid_growth: float
    regularization_deg2: float
    recenter: Literal["never", "density", "mass"]


@dataclass(frozen=True)
class RegionSettings:
    """
    How the regions of a density over the sphere are found.

    At most `max_regions` are described: those of the highest `density` (before they are evaluated on local grids, which is
    cheaper) or of the most `mass` (after it). Maxima closer than `min_separation_deg` to a higher one are the same region; None:
    not checked, where each region has a node of the sphere grid of its own as its maximum.
    A region is wide, and left on the grid of the sphere, where the standard deviation along its `wide_axis` exceeds `wide_deg`. With
    `one_resolution` all regions are left there if one is, so that their probabilities stay comparable.
    `coarse_variance_deg2` is added to variances on the sphere's grid, which is too coarse for narrow regions.
    """

    max_regions: int
    rank_by: Literal["density", "mass"]
    min_separation_deg: float | None
    wide_axis: Literal["major", "minor"]
    wide_deg: float
    one_resolution: bool
    coarse_variance_deg2: float
    grid: GridSettings


class LocalDensity(Protocol):
    """A log density of epicenters around a center."""

    @property
    def center_deg(self) -> tuple[float, float]:
        """Geographic latitude and longitude of the center."""

    def log_density(self, offsets_deg: Floats) -> Floats:
        """Evaluate the log density [m] at offsets [m, 2] east and north of the center, up to a constant."""

    def prepare(self, offsets_deg: Floats) -> Self:
        """Choose what the density integrates over (such as depths) for an area that these offsets [m, 2] span."""

    def recenter(self, offsets_deg: Floats, index: int) -> Self:
        """Move the center to one of the offsets [m, 2]."""


class SphereDensity[Local: LocalDensity](Protocol):
    """A log density of epicenters over the whole sphere."""

    def scan(self, sphere: SphereGrid) -> tuple[Integers, Floats]:
        """Return the nodes [k] of the grid, ascending, at which the density is not negligible, and its logarithm [k]."""

    def localize(self, node: int) -> Local:
        """Return the density around the maximum that is nearest to a node of the grid."""

    def offsets_deg(self, local: Local, nodes: Integers) -> Floats:
        """Offsets [k, 2] of nodes of the grid from a local center."""

    def initial_covariance(self, local: Local, covariance: Floats) -> Floats:
        """Covariance [2, 2] for the first local grid, given the one that was seen on the sphere's grid."""


GEOCENTRIC_REGIONS: Final = RegionSettings(
    max_regions=8,
    rank_by="mass",
    min_separation_deg=None,
    wide_axis="minor",  # directions leave long narrow regions, which a grid along their axes resolves
    wide_deg=3.0,
    one_resolution=False,
    coarse_variance_deg2=0.1,
    grid=GridSettings(
        extent=4.0,
        rough_count=0,
        fine_count=21,
        max_rough_grids=0,  # the covariance on the sphere's grid is good enough for densities as wide as those of directions
        regrid_growth=0.0,
        regularization_deg2=0.0,
        recenter="density",
    ),
)


@dataclass(frozen=True)
class _GeocentricNeighborhood:
    """A log density at geocentric unit vectors, around the point [3]."""

    log_prior: LogPrior
    point: Floats

    @property
    def center_deg(self) -> tuple[float, float]:
        return geographic(self.point)

    def log_density(self, offsets_deg: Floats) -> Floats:
        return self.log_prior(points_at_offsets(self.point, offsets_deg[:, 0], offsets_deg[:, 1]))

    def prepare(self, offsets_deg: Floats) -> Self:  # noqa: ARG002 - part of the protocol
        return self

    def recenter(self, offsets_deg: Floats, index: int) -> Self:
        return replace(self, point=points_at_offsets(self.point, offsets_deg[:, 0], offsets_deg[:, 1])[index])


@dataclass(frozen=True)
class _GeocentricDensity:
    """A log density at geocentric unit vectors over the sphere; the vectors of the grid's nodes are `nodes` [m, 3]."""

    log_prior: LogPrior
    nodes: Floats

    def scan(self, sphere: SphereGrid) -> tuple[Integers, Floats]:  # noqa: ARG002 - the nodes are those of this grid
        density = self.log_prior(self.nodes)
        inside = np.flatnonzero(density > density.max() + EDGE_LOG_DROP)
        return inside, density[inside]

    def localize(self, node: int) -> _GeocentricNeighborhood:
        return _GeocentricNeighborhood(self.log_prior, self.nodes[node])

    def offsets_deg(self, local: _GeocentricNeighborhood, nodes: Integers) -> Floats:
        return offsets_to_points(local.point, self.nodes[nodes])

    def initial_covariance(self, local: _GeocentricNeighborhood, covariance: Floats) -> Floats:  # noqa: ARG002
        return covariance


def find_regions(log_prior: LogPrior) -> list[EpicenterRegion]:
    """Find the regions of a log density over the sphere (nodes are geocentric unit vectors), most probable first."""
    return search_regions(_GeocentricDensity(log_prior, sphere_grid().geocentric_nodes), GEOCENTRIC_REGIONS)


def search_regions[Local: LocalDensity](density: SphereDensity[Local], settings: RegionSettings) -> list[EpicenterRegion]:
    """Find the regions of a density over the sphere, most probable first."""
    sphere = sphere_grid()
    inside, log_density = density.scan(sphere)
    labels = sphere.label_connected(inside)
    found: list[tuple[Local, PosteriorNodes]] = []
    for label in _select_labels(labels, log_density, settings):
        own = np.flatnonzero(labels == label)
        local = density.localize(int(inside[own[np.argmax(log_density[own])]]))
        if settings.min_separation_deg is None or all(
            distance_deg(*local.center_deg, *nodes.center_deg) > settings.min_separation_deg for _, nodes in found
        ):
            found.append((local, PosteriorNodes(local.center_deg, density.offsets_deg(local, inside[own]), log_density[own])))
    covariances = [nodes.covariance + settings.coarse_variance_deg2 * np.eye(2) for _, nodes in found]
    axis = -1 if settings.wide_axis == "major" else 0
    wide = [bool(np.linalg.eigvalsh(covariance)[axis] > settings.wide_deg**2) for covariance in covariances]
    if settings.one_resolution:
        wide = [any(wide)] * len(wide)
    regions = [
        nodes if keep else fit_local_grid(local, density.initial_covariance(local, covariance), settings.grid)[0]
        for (local, nodes), covariance, keep in zip(found, covariances, wide, strict=True)
    ]
    if settings.rank_by == "mass":
        regions = sorted(regions, key=lambda nodes: -float(np.logaddexp.reduce(nodes.log_mass)))[: settings.max_regions]
    return summarize_regions(regions)


def _select_labels(labels: Integers, log_density: Floats, settings: RegionSettings) -> Integers:
    """Labels of the regions to describe: those of the highest density, or all where mass decides later."""
    count = int(labels.max()) + 1
    if settings.rank_by == "mass":
        return np.arange(count)
    heights = np.full(count, -np.inf)
    np.maximum.at(heights, labels, log_density)
    return np.argsort(-heights, kind="stable")[: settings.max_regions]


def grid_offsets(covariance: Floats, count: int, settings: GridSettings) -> tuple[Floats, Floats]:
    """Return offsets [count², 2] of a grid along the principal axes of a covariance in square degrees, and log areas [count²]."""
    steps = np.linspace(-settings.extent, settings.extent, count)
    axes = np.linalg.cholesky(covariance + settings.regularization_deg2 * np.eye(2))
    offsets = np.column_stack((np.repeat(steps, count), np.tile(steps, count))) @ axes.T
    # Equal steps on the tangent plane cover less of the sphere farther out, by sin(r) / r.
    narrowing = np.maximum(np.sinc(np.hypot(offsets[:, 0], offsets[:, 1]) / 180.0), 1e-9)
    return offsets, np.log(np.linalg.det(axes) * (steps[1] - steps[0]) ** 2 * narrowing)


def fit_local_grid[Local: LocalDensity](local: Local, covariance: Floats, settings: GridSettings) -> tuple[PosteriorNodes, Local]:
    """
    Evaluate a region on a grid fitted to it.

    Regions with heavy tails or curvature are wider than a first covariance [2, 2] (square degrees), so grids are repeated until the
    covariance stops growing. Returns the nodes of the last grid, and the density around its center.
    """
    for _ in range(settings.max_rough_grids):
        local = local.prepare(grid_offsets(covariance, settings.rough_count, settings)[0])
        nodes, local = _evaluate_grid(local, covariance, settings.rough_count, settings)
        before, covariance = covariance, nodes.covariance
        floor = settings.regularization_deg2 * np.eye(2)
        if np.linalg.det(covariance + floor) < settings.regrid_growth * np.linalg.det(before + floor):
            break
    return _evaluate_grid(local, covariance, settings.fine_count, settings)


def _evaluate_grid[Local: LocalDensity](
    local: Local, covariance: Floats, count: int, settings: GridSettings
) -> tuple[PosteriorNodes, Local]:
    offsets, log_areas = grid_offsets(covariance, count, settings)
    log_density = local.log_density(offsets)
    log_mass = log_density + log_areas
    if settings.recenter == "never":
        return PosteriorNodes(local.center_deg, offsets, log_mass), local
    top = int(np.argmax(log_density if settings.recenter == "density" else log_mass))
    local = local.recenter(offsets, top)
    return PosteriorNodes(local.center_deg, offsets - offsets[top], log_mass), local


def evaluate_polar_grid(local: LocalDensity) -> PosteriorNodes:
    """
    Evaluate a region of unknown extent on rings of growing radius around its center.

    The rings beyond 2.2 degrees are left out where the density has fallen to nothing before.
    """
    azimuths = 2.0 * np.pi * np.arange(_AZIMUTHS) / _AZIMUTHS

    def rings(radii_deg: Floats) -> tuple[Floats, Floats]:
        offsets = np.stack([np.outer(radii_deg, component(azimuths)).ravel() for component in (np.sin, np.cos)], axis=1)
        areas = np.repeat(radii_deg**2 * np.sinc(radii_deg / 180.0), _AZIMUTHS)
        return offsets, local.log_density(offsets) + np.log(areas)

    offsets, log_mass = rings(_RADII_DEG[:_INNER_RINGS])
    if log_mass[-_AZIMUTHS:].max() > log_mass.max() - _MAX_RING_LOG_DROP:
        outer, outer_mass = rings(_RADII_DEG[_INNER_RINGS:])
        offsets, log_mass = np.concatenate((offsets, outer)), np.concatenate((log_mass, outer_mass))
    return PosteriorNodes(local.center_deg, offsets, log_mass)


def summarize_regions(regions: Sequence[PosteriorNodes]) -> list[EpicenterRegion]:
    """Describe regions of one density, with probabilities that sum to one, most probable first."""
    masses = np.array([np.logaddexp.reduce(nodes.log_mass) for nodes in regions])
    probabilities = np.exp(masses - np.logaddexp.reduce(masses))
    found = [summarize_region(nodes, probability) for nodes, probability in zip(regions, probabilities.tolist(), strict=True)]
    return sorted(found, key=lambda region: -region.probability)


def summarize_region(nodes: PosteriorNodes, probability: float) -> EpicenterRegion:
    """Describe a region by the ellipse of its second moments, scaled to contain the stated fraction of its probability."""
    variances, axes = np.linalg.eigh(nodes.covariance + 1e-6 * np.eye(2))
    deviations, weights = np.sqrt(variances), nodes.weights
    normalized = np.linalg.norm(nodes.offsets_deg @ axes / deviations, axis=1)
    scale_68, scale_90 = _weighted_quantiles(normalized, weights, (CONFIDENCE, CONFIDENCE_90))
    minor, major = np.clip(deviations * scale_68 * KM_PER_DEGREE, MIN_AXIS_KM, 180.0 * KM_PER_DEGREE).tolist()
    east, north = axes[:, 1]
    radius = _weighted_quantiles(np.linalg.norm(nodes.offsets_deg, axis=1), weights, (CONFIDENCE,))[0] * KM_PER_DEGREE
    azimuth = float(np.degrees(np.arctan2(east, north)) % 180.0)
    ratio = max(scale_90 / scale_68, 1.0)
    return EpicenterRegion(*nodes.center_deg, major, minor, azimuth, max(radius, MIN_AXIS_KM), probability, axis_ratio_90=ratio)


def sample_ellipse(region: EpicenterRegion) -> tuple[Floats, Floats]:
    """
    Sample the bivariate normal distribution of a region's 68 % ellipse: latitudes and longitudes [SAMPLES] of equal weight.

    Points of a Fermat spiral, so that no random numbers are needed: radii at equal steps of probability, angles by the golden angle.
    """
    ranks = (np.arange(SAMPLES) + 0.5) / SAMPLES
    radii, angles = np.sqrt(-2.0 * np.log(1.0 - ranks)), np.radians(_GOLDEN_ANGLE_DEG * np.arange(SAMPLES))
    along = radii * np.cos(angles) * region.semi_major_km / SAMPLED_AXIS
    across = radii * np.sin(angles) * region.semi_minor_km / SAMPLED_AXIS
    azimuths = region.ellipse_azimuth_deg + np.degrees(np.arctan2(across, along))
    distances_deg = np.minimum(np.hypot(along, across) / KM_PER_DEGREE, 180.0)
    return destination(region.latitude_deg, region.longitude_deg, azimuths, distances_deg)


def _weighted_quantiles(values: Floats, weights: Floats, levels: tuple[float, ...]) -> list[float]:
    """Quantiles of values [m] under weights [m] that sum to one."""
    order = np.argsort(values, kind="stable")
    found: list[float] = np.interp(levels, np.cumsum(weights[order]) - 0.5 * weights[order], values[order]).tolist()
    return found
