"""Locate an epicenter from predicted epicentral distances at stations, taken on the sphere at geographic latitudes."""

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

CORRELATION_DEG: Final = 1.0  # distance between stations over which the errors of their distances are correlated
UNINFORMATIVE_DEG: Final = 40.0
"""
Standard deviation of a distance that says nothing: of noise, the network returns the distances of its training data, 40 degrees wide and
more. Many such traces would agree on their common center; so that prior is divided out of every trace (`remove_prior`).
"""
MAX_WIDENING: Final = 10.0
_NEGLIGIBLE_LOG: Final = -40.0  # logarithm of a correlation that counts as none


def locate_by_distances(observed: StationDistances, *, minimum_stations: int = 3) -> Location:
    """
    Locate the epicenter from predicted distances: the most probable region of the posterior over the whole sphere.

    The likelihood is robust to outliers (see `distance_misfit`), and the answer independent of the order of stations. Traces that are not
    `usable` are left out. With fewer than `minimum_stations` distinct sites among the others, TooFewStations is raised.
    """
    points = unit_vectors(observed.latitudes_deg[observed.usable], observed.longitudes_deg[observed.usable])
    sites = len(set(map(tuple, np.round(points, 4).tolist())))
    if sites < minimum_stations:
        unknown = int((np.isfinite(observed.distances_deg) & ~np.isfinite(observed.latitudes_deg)).sum())
        raise TooFewStations(
            f"stations with coordinates and a readable distance: {sites}; at least {minimum_stations} are needed to locate"
            + (f"; traces without coordinates: {unknown}; add a StationXML or stations.csv for them" if unknown else "; add stations")
        )
    data = prepare_distances(observed)
    regions = find_distance_regions(data)
    bias = float(data.common_bias_deg(unit_vectors(regions[0].latitude_deg, regions[0].longitude_deg)))
    effective = float(np.sum(1.0 / data.neighbors))
    return build_location(regions, observed, common_bias_deg=bias, effective_stations=effective, removed_bias_deg=bias)


def epicenter_density(observed: StationDistances) -> Callable[[Floats, Floats], Floats]:
    """Return the posterior of the distances as a function: latitudes and longitudes [m] to log density [m], up to a constant."""
    data = prepare_distances(observed)
    return lambda latitudes, longitudes: data.log_posterior(to_columns(unit_vectors(latitudes, longitudes)), 0.0, 3)


def prepare_distances(observed: StationDistances) -> DistanceObservations:
    """
    Prepare the usable traces [k], at least one, for the posterior: scales for correlated neighbors, sorted.

    Sorted, so that sums round alike in whatever order stations come.
    """
    columns = (observed.latitudes_deg, observed.longitudes_deg, observed.distances_deg, observed.uncertainties_deg)
    latitudes, longitudes, distances, uncertainties = (values[observed.usable] for values in columns)
    order = np.lexsort((uncertainties, distances, longitudes, latitudes))
    vectors = unit_vectors(latitudes[order], longitudes[order])
    neighbors = _count_neighbors(vectors)
    scales = remove_prior(np.maximum(uncertainties[order], MIN_UNCERTAINTY_DEG)) * np.sqrt(neighbors)
    return DistanceObservations(np.ascontiguousarray(vectors.T), distances[order], scales, neighbors)


def remove_prior(uncertainties_deg: Floats) -> Floats:
    """
    Compute the standard deviations [n] of the evidence in predicted distances, in degrees, from those of the predictions.

    A prediction is evidence times the distribution of distances in the training data, whose inverse variance is subtracted; a prediction as
    wide as that gets ten times its deviation, so that a network of such traces still has a location, of the widest regions.
    """
    remaining = 1.0 - (uncertainties_deg / UNINFORMATIVE_DEG) ** 2
    return np.asarray(uncertainties_deg / np.sqrt(np.maximum(remaining, MAX_WIDENING**-2)))


def count_effective_stations(latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> float:
    """Count the independent stations among those with coordinates [n]: neighbors within about a degree count as one."""
    columns = np.asarray((latitudes_deg, longitudes_deg), np.float64)
    known = np.isfinite(columns).all(axis=0)
    return float(np.sum(1.0 / _count_neighbors(unit_vectors(*columns[:, known]))))


def _count_neighbors(vectors: Floats) -> Floats:
    """
    Effective number of stations [n] that share each station's error, itself included: the sum of Gaussian correlations.

    As `effective_neighbor_count`, but for thousands of stations: most pairs are far apart, and their exponentials slow to compute.
    """
    log_correlation = (vectors @ vectors.T - 1.0) / np.radians(CORRELATION_DEG) ** 2
    first, second = np.nonzero(log_correlation > _NEGLIGIBLE_LOG)
    return np.bincount(first, np.exp(np.minimum(log_correlation[first, second], 0.0)), len(vectors))
