"""
From distances to an epicenter, with its uncertainty and every other place that it might be.

Distances are taken on the sphere at geographic latitudes.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Floats
from models.errors import TooFewStations
from models.seismic.geodesy import unit_vectors
from models.seismic.location.distance_posterior import DistanceObservations, find_distance_regions
from models.seismic.location.solution import MIN_UNCERTAINTY_DEG, Location, StationDistances, build_location
from models.seismic.location.sphere_grid import to_columns

CORRELATION_DEG: Final = 1.0  # stations closer than this say nearly the same
_FAR: Final = -40.0  # logarithm of a share that adds nothing


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
    observed = StationDistances(*columns)
    usable = observed.usable
    stations = len(set(map(tuple, np.round(unit_vectors(columns[0][usable], columns[1][usable]), 4).tolist())))
    if stations < minimum_stations:
        raise TooFewStations(
            f"stations with coordinates and a readable distance: {stations}; at least {minimum_stations} are needed to locate"
        )
    data = _prepare(*(values[usable] for values in columns))
    regions = find_distance_regions(data)
    bias = float(data.common_bias_deg(unit_vectors(regions[0].latitude_deg, regions[0].longitude_deg)))
    effective = float(np.sum(1.0 / data.neighbors))
    return build_location(regions, observed, common_bias_deg=bias, effective_stations=effective, removed_bias_deg=bias)


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
