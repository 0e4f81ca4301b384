"""
The posterior of an epicenter over the whole sphere: searched in full at 1 degree, its regions looked at more closely.

A region is what holds together above a hundredth of the highest density (and what the grid may hide), so that a ring around
an array is one region and a mirror solution another.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import KDTree

from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, unit_vectors
from models.seismic.misfit import FREEDOM, TOGETHER, log_posterior, refine

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

COMMON_BIAS_DEG: Final = 1.5  # one deviation of the error that all traces of an event share
CONFIDENCE: Final = 0.68
FLOOR_KM: Final = 5.0  # sphere against ellipsoid alone is worth more

_EDGE = np.log(0.01)  # a region ends where the density falls below a hundredth of the highest
_HALF_CELL_DEG = 0.5
_LINK_DEG = 1.6  # nodes closer than this are neighbors, along and across rows
_MOST_REGIONS = 8
_WIDE_DEG = 6.0  # a region with a deviation above this is no ellipse: the 1 degree grid describes it well enough
_STEPS = np.linspace(-4.5, 4.5, 31)  # of a local grid, in deviations


@dataclass(frozen=True)
class Maximum:
    """
    A maximum of the posterior and its surroundings.

    The ellipse holds 68 % of the region's probability; its azimuth is that of the major axis, clockwise from north, 0 to 180.
    `horizontal_uncertainty_km` is the radius of the circle that holds as much. `probability` is the region's share of all.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_km: float
    semi_minor_km: float
    ellipse_azimuth_deg: float
    horizontal_uncertainty_km: float
    probability: float


@dataclass(frozen=True)
class Offsets:
    """Stations as unit vectors [3, n], their distances and scales [n]; each shares its weight with `neighbors` [n]."""

    stations: Floats
    distances: Floats
    scales: Floats
    neighbors: Floats

    def log_posterior(self, nodes: Singles, blur_deg: float, rounds: int) -> Floats:
        """At nodes [3, m]; `blur_deg` widens every scale, so that no maximum falls between the nodes."""
        filling = -len(self.scales) % TOGETHER
        stations = np.concatenate((self.stations, np.zeros((3, filling))), axis=1).astype(np.float32)
        distances = np.concatenate((self.distances, np.zeros(filling))).astype(np.float32)
        scales = np.concatenate((np.hypot(self.scales, blur_deg), np.full(filling, np.inf))).astype(np.float32)
        return log_posterior(nodes, stations, distances, scales, COMMON_BIAS_DEG, rounds)

    def lost_between_nodes(self) -> float:
        """What the density at a node may lack against a maximum half a cell away, in logarithm: more for many good stations."""
        return float(0.5 * (FREEDOM + 1.0) * np.log1p(_HALF_CELL_DEG**2 / (FREEDOM * (self.scales**2 + _HALF_CELL_DEG**2))).sum())

    def refine(self, point: Floats) -> tuple[Floats, float]:
        """The maximum above a point (unit vectors [3]), and the common bias there."""
        return refine(point, self.stations, self.distances, self.scales, COMMON_BIAS_DEG, 40)


@dataclass(frozen=True)
class _Cloud:
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


@dataclass(frozen=True)
class _Sphere:
    """Nodes of the full grid, each for the same area, a degree apart; `links` [m, m] joins neighbors."""

    latitudes: Floats
    longitudes: Floats
    nodes: Singles
    links: sparse.csr_array


@cache
def _sphere() -> _Sphere:
    """Rows a degree apart with as many nodes as their circle has degrees of arc."""
    rows = [(latitude, max(1, round(360.0 * np.cos(np.radians(latitude))))) for latitude in np.arange(-89.5, 90.0)]
    latitudes = np.repeat([latitude for latitude, _ in rows], [count for _, count in rows])
    longitudes = np.concatenate([(np.arange(count) + 0.5) * (360.0 / count) - 180.0 for _, count in rows])
    vectors = unit_vectors(latitudes, longitudes)
    pairs = KDTree(vectors).query_pairs(np.radians(_LINK_DEG), output_type="ndarray")
    links = sparse.csr_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(latitudes), len(latitudes)))
    return _Sphere(latitudes, longitudes, _nodes(latitudes, longitudes), links)


def _nodes(latitudes: Floats, longitudes: Floats) -> Singles:
    """Unit vectors [3, m] in single precision."""
    return np.ascontiguousarray(unit_vectors(latitudes, longitudes).T, np.float32)


def maxima(data: Offsets) -> list[Maximum]:
    """Every region of the posterior that matters, likeliest first."""
    sphere = _sphere()
    density = data.log_posterior(sphere.nodes, _HALF_CELL_DEG, 1)
    inside = np.flatnonzero(density > density.max() + _EDGE - data.lost_between_nodes())
    log_mass = density[inside] - density.max()
    count, labels = sparse.csgraph.connected_components(sphere.links[inside][:, inside], directed=False)
    heights = np.full(count, -np.inf)
    np.maximum.at(heights, labels, log_mass)
    clouds: list[_Cloud] = []
    for label in np.argsort(-heights, kind="stable")[:_MOST_REGIONS]:
        own = np.flatnonzero(labels == label)
        top = inside[own[np.argmax(log_mass[own])]]
        point = _degrees(data.refine(unit_vectors(sphere.latitudes[top], sphere.longitudes[top]))[0])
        if all(distance_deg(*point, *cloud.point) > 2.0 * _HALF_CELL_DEG for cloud in clouds):
            offsets = _offsets(point, sphere.latitudes[inside[own]], sphere.longitudes[inside[own]])
            clouds.append(_Cloud(point, offsets, log_mass[own]))
    return _described(data, clouds)


def _described(data: Offsets, coarse: list[_Cloud]) -> list[Maximum]:
    """Regions on grids of their own, unless one is wide: then all as the full grid has them, or their masses could not compare."""
    wide = any(np.linalg.eigvalsh(cloud.covariance)[-1] > _WIDE_DEG**2 for cloud in coarse)
    clouds = coarse if wide else [_closer(data, _closer(data, cloud, _HALF_CELL_DEG), 0.0) for cloud in coarse]
    totals = np.array([np.logaddexp.reduce(cloud.log_mass) for cloud in clouds])
    shares = np.exp(totals - np.logaddexp.reduce(totals))
    found = [_describe(cloud, share) for cloud, share in zip(clouds, shares.tolist(), strict=True)]
    return sorted(found, key=lambda maximum: -maximum.probability)


def _closer(data: Offsets, cloud: _Cloud, blur_deg: float) -> _Cloud:
    """The same region on a grid fitted to its covariance (widened by what the former grid blurred)."""
    east, north = np.meshgrid(_STEPS, _STEPS)
    axes = np.linalg.cholesky(cloud.covariance + (blur_deg**2 / 3.0 + 1e-6) * np.eye(2))
    offsets = np.stack((east.ravel(), north.ravel()), axis=-1) @ axes.T
    reach = np.hypot(offsets[:, 0], offsets[:, 1])
    latitudes, longitudes = destination(*cloud.point, np.degrees(np.arctan2(offsets[:, 0], offsets[:, 1])), reach)
    area = np.linalg.det(axes) * np.sinc(reach / 180.0)
    return _Cloud(cloud.point, offsets, data.log_posterior(_nodes(latitudes, longitudes), 0.0, 3) + np.log(area))


def _describe(cloud: _Cloud, probability: float) -> Maximum:
    """Ellipse of the cloud's second moments, stretched until it holds the stated share of the cloud."""
    variances, directions = np.linalg.eigh(cloud.covariance + 1e-6 * np.eye(2))
    deviations = np.sqrt(variances)
    stretch = _quantile(np.linalg.norm(cloud.offsets @ directions / deviations, axis=1), cloud.shares)
    minor, major = np.clip(deviations * stretch * KM_PER_DEGREE, FLOOR_KM, 180.0 * KM_PER_DEGREE).tolist()
    east, north = directions[:, 1]
    radius = _quantile(np.linalg.norm(cloud.offsets, axis=1), cloud.shares) * KM_PER_DEGREE
    azimuth = float(np.degrees(np.arctan2(east, north)) % 180.0)
    return Maximum(*cloud.point, major, minor, azimuth, max(radius, FLOOR_KM), probability)


def _quantile(values: Floats, shares: Floats) -> float:
    """The value that the stated share of the mass does not reach beyond."""
    order = np.argsort(values, kind="stable")
    return float(np.interp(CONFIDENCE, np.cumsum(shares[order]) - 0.5 * shares[order], values[order]))


def _offsets(point: tuple[float, float], latitudes: Floats, longitudes: Floats) -> Floats:
    """East and north of a point in degrees [m, 2], true in distance and direction from it."""
    reach, azimuth = distance_deg(*point, latitudes, longitudes), np.radians(azimuth_deg(*point, latitudes, longitudes))
    return np.stack((reach * np.sin(azimuth), reach * np.cos(azimuth)), axis=-1)


def _degrees(vector: Floats) -> tuple[float, float]:
    """Latitude and longitude of a unit vector."""
    latitude = np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))
    return float(latitude), float(np.degrees(np.arctan2(vector[1], vector[0])))
