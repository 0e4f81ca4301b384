"""Distances that belong to other stations are distinguished from those that belong to their own."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.solution import StationDistances
from models.seismic.location.station_assignment import measure_assignment_gain, widen_to_sphere

SOURCE = (38.0, 142.5)


def observe(count: int, distances_deg: tuple[float, float], azimuths_deg: tuple[float, float], seed: int = 1) -> StationDistances:
    """Stations at random distances and azimuths, whose predicted distances are off by 2 degrees as they state."""
    rng = np.random.default_rng(seed)
    latitudes, longitudes = destination(*SOURCE, rng.uniform(*azimuths_deg, count), rng.uniform(*distances_deg, count))
    predicted = distance_deg(*SOURCE, latitudes, longitudes) + rng.normal(0.0, 2.0, count)
    return StationDistances(latitudes, longitudes, predicted, np.full(count, 2.0))


def permute(observed: StationDistances, seed: int) -> StationDistances:
    order = np.random.default_rng(seed).permutation(len(observed.distances_deg))
    return replace(observed, distances_deg=observed.distances_deg[order], uncertainties_deg=observed.uncertainties_deg[order])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_distances_of_other_stations_fit_no_better_than_random_ones(seed):
    observed = observe(20, (5.0, 90.0), (0.0, 360.0), seed)
    right, wrong = measure_assignment_gain(observed), measure_assignment_gain(permute(observed, seed))
    assert not right.is_random
    assert right.found == pytest.approx(right.expected, rel=0.3)
    assert wrong.is_random
    assert wrong.expected > 50.0


def test_a_few_wrong_distances_leave_the_others_theirs():
    observed = observe(20, (5.0, 90.0), (0.0, 360.0))
    distances = observed.distances_deg.copy()
    distances[:5] = distances[[1, 2, 3, 4, 0]]
    assert not measure_assignment_gain(replace(observed, distances_deg=distances)).is_random


def test_stations_of_one_distance_are_not_tested():
    array = observe(20, (60.0, 61.0), (40.0, 41.0))
    assert measure_assignment_gain(array).expected < 5.0
    assert not measure_assignment_gain(permute(array, 1)).is_random


def test_the_order_of_stations_changes_nothing():
    observed = observe(12, (5.0, 90.0), (0.0, 360.0))
    order = np.random.default_rng(2).permutation(12)
    columns = (observed.latitudes_deg, observed.longitudes_deg, observed.distances_deg, observed.uncertainties_deg)
    assert measure_assignment_gain(StationDistances(*(values[order] for values in columns))) == measure_assignment_gain(observed)


def test_a_single_distance_is_not_tested():
    single = StationDistances(*(np.array([value]) for value in (10.0, 20.0, 30.0, 2.0)))
    assert not measure_assignment_gain(single).is_random


def test_the_region_of_an_unknown_epicenter_holds_its_share_of_the_sphere():
    location = widen_to_sphere(locate_by_distances(observe(8, (5.0, 90.0), (0.0, 360.0))))
    radius_deg = np.array([1.0, location.axis_ratio_90]) * location.semi_major_km / KM_PER_DEGREE
    assert (1.0 - np.cos(np.radians(radius_deg))) / 2.0 == pytest.approx([0.68, 0.90])
    assert location.semi_minor_km == location.horizontal_uncertainty_km == location.semi_major_km
    assert location.alternatives == ()
