"""
From distances to an epicenter, with its uncertainty and every other place that it might be.

Distances are taken on the sphere at geographic latitudes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.array_types import Floats
from models.errors import TooFewStations
from models.seismic.geodesy import azimuth_deg, azimuthal_gap_deg, distance_deg, unit_vectors
from models.seismic.location.distance_posterior import DistanceObservations, find_distance_regions
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.sphere_grid import to_columns

CORRELATION_DEG: Final = 1.0  # stations closer than this say nearly the same
MIN_UNCERTAINTY_DEG: Final = 0.1
OUTLIER_DEVIATIONS: Final = 4.0  # uncertainties beyond which a trace counts as not used
MIN_PROBABILITY: Final = 0.05  # of an alternative worth telling
_FAR: Final = -40.0  # logarithm of a share that adds nothing


@dataclass(frozen=True)
class Location(EpicenterRegion):
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
    alternatives: tuple[EpicenterRegion, ...]


def locate_by_distances(
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
    places = len(set(map(tuple, np.round(unit_vectors(latitudes[good], longitudes[good]), 4).tolist())))
    if places < minimum_stations:
        raise TooFewStations(
            f"stations with coordinates and a readable distance: {places}; at least {minimum_stations} are needed to locate"
        )
    data = _prepare(*(values[good] for values in columns))
    best, *others = find_distance_regions(data)
    residuals = distance_deg(best.latitude_deg, best.longitude_deg, latitudes, longitudes) - distances
    bias = data.common_bias_deg(unit_vectors(best.latitude_deg, best.longitude_deg))
    used = good & (np.abs(residuals - bias) <= OUTLIER_DEVIATIONS * np.maximum(uncertainties, MIN_UNCERTAINTY_DEG))
    return Location(
        **vars(best),
        residuals_deg=np.where(good, residuals, np.nan),
        used=used,
        azimuthal_gap_deg=azimuthal_gap_deg(azimuth_deg(best.latitude_deg, best.longitude_deg, latitudes[used], longitudes[used])),
        common_bias_deg=float(bias),
        effective_stations=float(np.sum(1.0 / data.neighbors)),
        alternatives=tuple(other for other in others if other.probability >= MIN_PROBABILITY),
    )


def prepare_distances(
    latitudes_deg: ArrayLike, longitudes_deg: ArrayLike, distances_deg: ArrayLike, uncertainties_deg: ArrayLike
) -> DistanceObservations:
    """What the search rests on: the traces [n] with coordinates and a distance, which may be few, but not none."""
    columns = [np.asarray(values, np.float64) for values in (latitudes_deg, longitudes_deg, distances_deg, uncertainties_deg)]
    good = np.all(np.isfinite(columns), axis=0) & (columns[3] > 0)
    return _prepare(*(values[good] for values in columns))


def epicenter_density(
    latitudes_deg: ArrayLike, longitudes_deg: ArrayLike, distances_deg: ArrayLike, uncertainties_deg: ArrayLike
) -> Callable[[Floats, Floats], Floats]:
    """
    The posterior that `locate` searches, as a function of latitudes and longitudes [m]: its logarithm [m], less a constant.

    Stations [n] as for `locate`; those with NaN anywhere say nothing.
    """
    columns = [np.asarray(values, np.float64) for values in (latitudes_deg, longitudes_deg, distances_deg, uncertainties_deg)]
    good = np.all(np.isfinite(columns), axis=0) & (columns[3] > 0)
    data = _prepare(*(values[good] for values in columns))
    return lambda latitudes, longitudes: data.log_posterior(to_columns(unit_vectors(latitudes, longitudes)), 0.0, 3)


def _prepare(latitudes: Floats, longitudes: Floats, distances: Floats, uncertainties: Floats) -> DistanceObservations:
    """Stations in an order of their own, so that sums round alike in whatever order they came."""
    order = np.lexsort((uncertainties, distances, longitudes, latitudes))
    vectors = unit_vectors(latitudes[order], longitudes[order])
    neighbors = _neighbors(vectors)
    scales = np.maximum(uncertainties[order], MIN_UNCERTAINTY_DEG) * np.sqrt(neighbors)
    return DistanceObservations(np.ascontiguousarray(vectors.T), distances[order], scales, neighbors)


def _neighbors(vectors: Floats) -> Floats:
    """How many stations [n] share a station's errors, itself counted in: a bell curve of the distance between them."""
    nearness = (vectors @ vectors.T - 1.0) / np.radians(CORRELATION_DEG) ** 2
    first, second = np.nonzero(nearness > _FAR)  # most pairs are far apart, and their exponentials slow to take
    return np.bincount(first, np.exp(np.minimum(nearness[first, second], 0.0)), len(vectors))
