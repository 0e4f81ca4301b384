"""
From distances to an epicenter: the posterior over the whole sphere, its maxima, and how far they can be trusted.

The sphere is searched in full at 1 degree, so that a mirror solution cannot be missed; each maximum is then refined and its
surroundings integrated on a grid of its own. Distances are taken on the sphere at geographic latitudes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage, sparse
from scipy.special import logsumexp

from models.errors import TooFewStations
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, azimuthal_gap_deg, destination, distance_deg, unit_vectors
from models.seismic.misfit import log_posterior, refine

Floats = NDArray[np.float64]

COMMON_BIAS_DEG: Final = 1.5  # one deviation of the error that all traces of an event share
CORRELATION_DEG: Final = 1.0  # stations closer than this say nearly the same
SMALLEST_UNCERTAINTY_DEG: Final = 0.1
OUTLIER: Final = 4.0  # uncertainties beyond which a trace counts as not used
CONFIDENCE: Final = 0.68
FLOOR_KM: Final = 5.0  # sphere against ellipsoid alone is worth more
LEAST_PROBABILITY: Final = 0.05  # of an alternative worth telling

_EDGE = np.log(0.01)  # a region ends where the density falls below a hundredth of the highest
_HALF_CELL_DEG = 0.5
_MOST_REGIONS = 8
_WIDE_DEG = 6.0  # a region with a deviation above this is no ellipse: the 1 degree grid describes it well enough
_STEPS = np.linspace(-4.5, 4.5, 37)  # of a local grid, in deviations


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
class Location(Maximum):
    """
    The likeliest region's maximum, and what it rests on.

    `residuals_deg` [n]: distance from the epicenter less predicted distance, NaN without coordinates or prediction. `used` [n]:
    had both, and lies within four uncertainties once the error common to all, `common_bias_deg`, is taken off.
    `alternatives`: other regions of 5 % or more, likeliest first. `effective_stations` counts neighbors as one.
    """

    residuals_deg: Floats
    used: NDArray[np.bool_]
    azimuthal_gap_deg: float
    common_bias_deg: float
    effective_stations: float
    alternatives: tuple[Maximum, ...]


@dataclass(frozen=True)
class _Data:
    """Stations as unit vectors [3, n], their distances and scales [n] (neighbors share their weight), in an order of their own."""

    stations: Floats
    distances: Floats
    scales: Floats

    def log_posterior(self, nodes: Floats, blur_deg: float, rounds: int) -> Floats:
        """At nodes [m, 3]; `blur_deg` widens every scale, so that no maximum falls between the nodes."""
        single = [np.ascontiguousarray(array, np.float32) for array in (nodes.T, self.stations, self.distances)]
        return log_posterior(*single, np.hypot(self.scales, blur_deg).astype(np.float32), COMMON_BIAS_DEG, rounds)

    def refine(self, point: Floats) -> tuple[Floats, float]:
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


def locate(
    latitudes_deg: ArrayLike,
    longitudes_deg: ArrayLike,
    distances_deg: ArrayLike,
    uncertainties_deg: ArrayLike,
    *,
    minimum_stations: int = 3,
) -> Location:
    """
    The epicenter that explains predicted distances [n] at stations [n], one standard deviation each.

    Robust (see `misfit`), global, independent of the order of stations; traces with NaN anywhere are left out. Raises
    TooFewStations where fewer than `minimum_stations` places are left.
    """
    columns = [np.asarray(values, np.float64) for values in (latitudes_deg, longitudes_deg, distances_deg, uncertainties_deg)]
    latitudes, longitudes, distances, uncertainties = columns
    good = np.all(np.isfinite(columns), axis=0) & (uncertainties > 0)
    places = len({(round(lat, 2), round(lon % 360.0, 2)) for lat, lon in zip(latitudes[good], longitudes[good], strict=True)})
    if places < minimum_stations:
        raise TooFewStations(f"{places} stations with coordinates and a readable distance; {minimum_stations} are needed")
    data = _prepare(*(values[good] for values in columns))
    best, *others = _maxima(data)
    residuals = distance_deg(best.latitude_deg, best.longitude_deg, latitudes, longitudes) - distances
    bias = data.refine(unit_vectors(best.latitude_deg, best.longitude_deg))[1]
    used = good & (np.abs(residuals - bias) <= OUTLIER * np.maximum(uncertainties, SMALLEST_UNCERTAINTY_DEG))
    return Location(
        **vars(best),
        residuals_deg=np.where(good, residuals, np.nan),
        used=used,
        azimuthal_gap_deg=azimuthal_gap_deg(azimuth_deg(best.latitude_deg, best.longitude_deg, latitudes[used], longitudes[used])),
        common_bias_deg=float(bias),
        effective_stations=float(np.sum(1.0 / _neighbors(unit_vectors(latitudes[good], longitudes[good])))),
        alternatives=tuple(other for other in others if other.probability >= LEAST_PROBABILITY),
    )


def _prepare(latitudes: Floats, longitudes: Floats, distances: Floats, uncertainties: Floats) -> _Data:
    order = np.lexsort((uncertainties, distances, longitudes, latitudes))
    vectors = unit_vectors(latitudes[order], longitudes[order])
    scales = np.maximum(uncertainties[order], SMALLEST_UNCERTAINTY_DEG) * np.sqrt(_neighbors(vectors))
    return _Data(np.ascontiguousarray(vectors.T), distances[order], scales)


def _neighbors(vectors: Floats) -> Floats:
    """How many stations [n] share a station's errors, itself counted in: a bell curve of the distance between them."""
    nearness = (vectors @ vectors.T - 1.0) / np.radians(CORRELATION_DEG) ** 2
    return np.asarray(np.exp(np.minimum(nearness, 0.0)).sum(axis=1))


@cache
def _sphere() -> tuple[Floats, Floats, Floats]:
    """Nodes of the full grid, centers of 1 degree cells: latitudes [180], longitudes [360], unit vectors [64800, 3]."""
    latitudes, longitudes = np.arange(-89.5, 90.0), np.arange(-179.5, 180.0)
    return latitudes, longitudes, unit_vectors(latitudes[:, None], longitudes[None, :]).reshape(-1, 3)


def _maxima(data: _Data) -> list[Maximum]:
    """Every region of the posterior that matters, likeliest first."""
    latitudes, longitudes, nodes = _sphere()
    log_mass = data.log_posterior(nodes, _HALF_CELL_DEG, 1)
    regions = _regions((log_mass > log_mass.max() + _EDGE).reshape(180, 360)).ravel()
    log_mass += np.log(np.cos(np.radians(np.repeat(latitudes, 360))))
    sizes = ndimage.sum_labels(np.exp(log_mass - log_mass.max()), regions, np.unique(regions[regions > 0]))
    coarse: list[_Cloud] = []
    for label in np.unique(regions[regions > 0])[np.argsort(-sizes, kind="stable")][:_MOST_REGIONS]:
        inside = np.flatnonzero(regions == label)
        point = _degrees(data.refine(nodes[inside[np.argmax(log_mass[inside])]])[0])
        if all(distance_deg(*point, *cloud.point) > 2.0 * _HALF_CELL_DEG for cloud in coarse):
            coarse.append(_Cloud(point, _offsets(point, latitudes[inside // 360], longitudes[inside % 360]), log_mass[inside]))
    return _described(data, coarse)


def _regions(inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Numbers of connected regions [180, 360], joined across the date line and the poles; 0 is outside."""
    labels, count = ndimage.label(inside, np.ones((3, 3), int))
    seams = [(labels[:, 0], np.roll(labels[:, -1], shift)) for shift in (-1, 0, 1)]
    seams += [(row, np.full(360, row.max())) for row in (labels[0], labels[-1])]
    one, other = (np.concatenate(side) for side in zip(*seams, strict=True))
    touching = (one > 0) & (other > 0)
    links = sparse.coo_array((np.ones(touching.sum()), (one[touching], other[touching])), shape=(count + 1, count + 1))
    return np.where(inside, sparse.csgraph.connected_components(links, directed=False)[1][labels], 0)


def _described(data: _Data, coarse: list[_Cloud]) -> list[Maximum]:
    """Regions on grids of their own, unless one is wide: then all as the full grid has them, or their masses could not compare."""
    wide = any(np.linalg.eigvalsh(cloud.covariance)[-1] > _WIDE_DEG**2 for cloud in coarse)
    clouds = coarse if wide else [_closer(data, _closer(data, cloud, _HALF_CELL_DEG), 0.0) for cloud in coarse]
    totals = np.array([logsumexp(cloud.log_mass) for cloud in clouds])
    shares = np.exp(totals - logsumexp(totals))
    found = [_describe(cloud, share) for cloud, share in zip(clouds, shares.tolist(), strict=True)]
    return sorted(found, key=lambda maximum: -maximum.probability)


def _closer(data: _Data, cloud: _Cloud, blur_deg: float) -> _Cloud:
    """The same region on a grid fitted to its covariance (widened by what the former grid blurred)."""
    east, north = np.meshgrid(_STEPS, _STEPS)
    axes = np.linalg.cholesky(cloud.covariance + (blur_deg**2 / 3.0 + 1e-6) * np.eye(2))
    offsets = np.stack((east.ravel(), north.ravel()), axis=-1) @ axes.T
    reach = np.hypot(offsets[:, 0], offsets[:, 1])
    latitudes, longitudes = destination(*cloud.point, np.degrees(np.arctan2(offsets[:, 0], offsets[:, 1])), reach)
    area = np.linalg.det(axes) * np.sinc(reach / 180.0)
    return _Cloud(cloud.point, offsets, data.log_posterior(unit_vectors(latitudes, longitudes), 0.0, 3) + np.log(area))


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
