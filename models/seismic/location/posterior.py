"""
The posterior of an epicenter over the whole sphere: searched in full at 1 degree, its regions looked at more closely.

A region is what holds together above a hundredth of the highest density (and what the grid may hide), so that a ring around
an array is one region and a mirror solution another.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, unit_vectors
from models.seismic.location.distance_misfit import (
    DEGREES_OF_FREEDOM,
    LANES,
    laplace_covariance,
    log_posterior,
    maximize_posterior,
    most_likely_bias,
)
from models.seismic.location.sphere_grid import HALF_CELL_DEG, HALF_COARSE_CELL_DEG, SphereGrid, in_single, sphere_grid

MIN_COMMON_BIAS_DEG: Final = 1.5
COMMON_BIAS_FRACTION: Final = 0.7  # deviation of the error that all traces share, in terms of the uncertainty that they state
CONFIDENCE: Final = 0.68
CONFIDENCE_90: Final = 0.90
NORMAL_OUTER: Final = float(np.sqrt(np.log(1.0 - CONFIDENCE_90) / np.log(1.0 - CONFIDENCE)))  # of a normal distribution
FLOOR_KM: Final = 5.0  # sphere against ellipsoid alone is worth more

_EDGE = np.log(0.01)  # a region ends where the density falls below a hundredth of the highest
_MAX_REGIONS = 8
_WIDE_DEG = 6.0  # a region with a deviation above this is no ellipse: the 1 degree grid describes it well enough
_ROUGH, _FINE = 15, 25  # nodes of a local grid along each axis
_REACH = 4.5  # deviations that it reaches out
_MAX_GRIDS, _REGRID_GROWTH = 4, 1.5  # grids tried, and the growth of the area that calls for another


@dataclass(frozen=True)
class EpicenterRegion:
    """
    A maximum of the posterior and its surroundings.

    The ellipse holds 68 % of the region's probability; its azimuth is that of the major axis, clockwise from north, 0 to 180.
    `horizontal_uncertainty_km` is the radius of the circle that holds as much. `probability` is the region's share of all.
    The ellipse of the same shape that holds 90 % is `outer` times as large.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_km: float
    semi_minor_km: float
    ellipse_azimuth_deg: float
    horizontal_uncertainty_km: float
    probability: float
    outer: float = field(default=NORMAL_OUTER, kw_only=True)


@dataclass(frozen=True)
class DistanceObservations:
    """Stations as unit vectors [3, n], their distances and scales [n]; each shares its weight with `neighbors` [n]."""

    stations: Floats
    distances: Floats
    scales: Floats
    neighbors: Floats

    @cached_property
    def bias_deviation(self) -> float:
        """
        One deviation in degrees of the error that all traces share: 0.7 of what the surest of them say of their own.

        By the harmonic mean of the squares of stated uncertainties, each neighborhood counting once. Measured on the validation
        part of the catalog twin: errors are likelier with it than with any constant, and than with the median of stated uncertainties
        (`python -m training location-shared`, docs/explanation/location.md).
        """
        typical = np.sqrt(np.sum(1.0 / self.neighbors) / np.sum(self.scales**-2.0))
        return float(np.hypot(MIN_COMMON_BIAS_DEG, COMMON_BIAS_FRACTION * typical))

    def log_posterior(self, nodes: Floats32, blur_deg: float, rounds: int) -> Floats:
        """At nodes [3, m]; `blur_deg` widens every scale, so that no maximum falls between the nodes."""
        filling = -len(self.scales) % LANES
        stations = np.concatenate((self.stations, np.zeros((3, filling))), axis=1).astype(np.float32)
        distances = np.concatenate((self.distances, np.zeros(filling))).astype(np.float32)
        scales = np.concatenate((np.hypot(self.scales, blur_deg), np.full(filling, np.inf))).astype(np.float32)
        return log_posterior(nodes, stations, distances, scales, self.bias_deviation, rounds)

    def lost_between_nodes(self, half_cell_deg: float) -> float:
        """What the density at a node may lack against a maximum half a cell away, in logarithm: more for many good stations."""
        return float(
            0.5 * (DEGREES_OF_FREEDOM + 1.0) * np.log1p(half_cell_deg**2 / (DEGREES_OF_FREEDOM * (self.scales**2 + half_cell_deg**2))).sum()
        )

    def refine(self, point: Floats) -> Floats:
        """The maximum above a point, both unit vectors [3]."""
        return maximize_posterior(point, self.stations, self.distances, self.scales, self.bias_deviation, 40)[0]

    def bias(self, point: Floats) -> float:
        """The common bias in degrees at a point, a unit vector [3]."""
        return most_likely_bias(point, self.stations, self.distances, self.scales, self.bias_deviation)

    def spread(self, point: Floats) -> Floats:
        """Covariance [2, 2] of east and north at a maximum in square degrees, by its curvature."""
        return laplace_covariance(point, self.bias(point), self.stations, self.distances, self.scales, self.bias_deviation)


@dataclass(frozen=True)
class PosteriorNodes:
    """The posterior around a point (latitude, longitude): offsets east and north in degrees [m, 2], logarithm of mass [m]."""

    point: tuple[float, float]
    offsets: Floats
    log_mass: Floats

    @property
    def shares(self) -> Floats:
        """Mass [m] as part of the cloud's own."""
        mass = np.exp(self.log_mass - self.log_mass.max())
        return np.asarray(mass / mass.sum())

    @property
    def covariance(self) -> Floats:
        """Second moments about the point, in square degrees."""
        return np.asarray((self.offsets.T * self.shares) @ self.offsets)


def find_regions(data: DistanceObservations) -> list[EpicenterRegion]:
    """Every region of the posterior that matters, likeliest first."""
    sphere = sphere_grid()
    inside, log_mass = _search(data, sphere)
    labels = sphere.regions(inside)
    heights = np.full(labels.max() + 1, -np.inf)
    np.maximum.at(heights, labels, log_mass)
    clouds: list[PosteriorNodes] = []
    for label in np.argsort(-heights, kind="stable")[:_MAX_REGIONS]:
        own = np.flatnonzero(labels == label)
        top = inside[own[np.argmax(log_mass[own])]]
        point = _degrees(data.refine(unit_vectors(sphere.latitudes[top], sphere.longitudes[top])))
        if all(distance_deg(*point, *cloud.point) > 2.0 * HALF_CELL_DEG for cloud in clouds):
            offsets = _offsets(point, sphere.latitudes[inside[own]], sphere.longitudes[inside[own]])
            clouds.append(PosteriorNodes(point, offsets, log_mass[own]))
    return _described(data, clouds)


def _search(data: DistanceObservations, sphere: SphereGrid) -> tuple[Integers, Floats]:
    """
    Nodes [k] where the density is not negligible, and its logarithm [k] less the highest.

    First the coarse nodes, every scale widened by their half distance: it flattens the density, so that what is negligible
    there, and stays so when all that a maximum may lose between nodes is added, need not be looked at closely.
    """
    coarse = data.log_posterior(sphere.coarse, HALF_COARSE_CELL_DEG, 1)
    reach = data.lost_between_nodes(HALF_COARSE_CELL_DEG) + data.lost_between_nodes(HALF_CELL_DEG)
    near = sphere.below(np.flatnonzero(coarse > coarse.max() + _EDGE - reach))
    density = data.log_posterior(np.ascontiguousarray(sphere.nodes[:, near]), HALF_CELL_DEG, 1)
    inside = density > density.max() + _EDGE - data.lost_between_nodes(HALF_CELL_DEG)
    return near[inside], density[inside] - density.max()


def _described(data: DistanceObservations, coarse: list[PosteriorNodes]) -> list[EpicenterRegion]:
    """Regions on grids of their own, unless one is wide: then all as the full grid has them, or their masses could not compare."""
    wide = any(np.linalg.eigvalsh(cloud.covariance)[-1] > _WIDE_DEG**2 for cloud in coarse)
    clouds = coarse if wide else [_closely(data, cloud.point) for cloud in coarse]
    totals = np.array([np.logaddexp.reduce(cloud.log_mass) for cloud in clouds])
    shares = np.exp(totals - np.logaddexp.reduce(totals))
    found = [summarize_region(cloud, share) for cloud, share in zip(clouds, shares.tolist(), strict=True)]
    return sorted(found, key=lambda maximum: -maximum.probability)


def _closely(data: DistanceObservations, point: tuple[float, float]) -> PosteriorNodes:
    """
    The region around a maximum on a grid fitted to it.

    The curvature at the maximum says how fine the grid must be; heavy tails and bent regions are wider, so that the grid grows
    with what it shows until it shows no more.
    """
    covariance = data.spread(unit_vectors(*point))
    for _ in range(_MAX_GRIDS):
        cloud = _on_grid(data, point, covariance, _ROUGH)
        seen = cloud.covariance
        grown = float(np.linalg.det(seen) / np.linalg.det(covariance))
        covariance = seen
        if grown < _REGRID_GROWTH:
            break
    return _on_grid(data, point, covariance, _FINE)


def _on_grid(data: DistanceObservations, point: tuple[float, float], covariance: Floats, count: int) -> PosteriorNodes:
    """The posterior at `count` by `count` nodes, as far out as a covariance in square degrees says."""
    steps = np.linspace(-_REACH, _REACH, count)
    axes = np.linalg.cholesky(covariance + 1e-8 * np.eye(2))
    offsets = np.column_stack((np.repeat(steps, count), np.tile(steps, count))) @ axes.T
    reach = np.hypot(offsets[:, 0], offsets[:, 1])
    latitudes, longitudes = destination(*point, np.degrees(np.arctan2(offsets[:, 0], offsets[:, 1])), reach)
    cell = np.linalg.det(axes) * (steps[1] - steps[0]) ** 2 * np.maximum(np.sinc(reach / 180.0), 1e-9)
    return PosteriorNodes(point, offsets, data.log_posterior(in_single(unit_vectors(latitudes, longitudes)), 0.0, 3) + np.log(cell))


def summarize_region(cloud: PosteriorNodes, probability: float) -> EpicenterRegion:
    """Ellipse of the cloud's second moments, stretched until it holds the stated share of the cloud."""
    variances, directions = np.linalg.eigh(cloud.covariance + 1e-6 * np.eye(2))
    deviations = np.sqrt(variances)
    from_center = np.linalg.norm(cloud.offsets @ directions / deviations, axis=1)
    stretch, outer = _quantiles(from_center, cloud.shares, (CONFIDENCE, CONFIDENCE_90))
    minor, major = np.clip(deviations * stretch * KM_PER_DEGREE, FLOOR_KM, 180.0 * KM_PER_DEGREE).tolist()
    east, north = directions[:, 1]
    radius = _quantiles(np.linalg.norm(cloud.offsets, axis=1), cloud.shares, (CONFIDENCE,))[0] * KM_PER_DEGREE
    azimuth = float(np.degrees(np.arctan2(east, north)) % 180.0)
    return EpicenterRegion(*cloud.point, major, minor, azimuth, max(radius, FLOOR_KM), probability, outer=max(outer / stretch, 1.0))


def _quantiles(values: Floats, shares: Floats, levels: tuple[float, ...]) -> list[float]:
    """For each level, the value that this share of the mass does not reach beyond."""
    order = np.argsort(values, kind="stable")
    found: list[float] = np.interp(levels, np.cumsum(shares[order]) - 0.5 * shares[order], values[order]).tolist()
    return found


def _offsets(point: tuple[float, float], latitudes: Floats, longitudes: Floats) -> Floats:
    """East and north of a point in degrees [m, 2], true in distance and direction from it."""
    reach, azimuth = distance_deg(*point, latitudes, longitudes), np.radians(azimuth_deg(*point, latitudes, longitudes))
    return np.stack((reach * np.sin(azimuth), reach * np.cos(azimuth)), axis=-1)


def _degrees(vector: Floats) -> tuple[float, float]:
    """Latitude and longitude of a unit vector."""
    latitude = np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))
    return float(latitude), float(np.degrees(np.arctan2(vector[1], vector[0])))
