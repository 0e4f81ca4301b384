"""Evidence of several kinds about one epicenter."""

import numpy as np
import pytest

from models.seismic.arrays.likelihood import PlaneWaveLikelihood
from models.seismic.arrays.plane_waves import PlaneWave
from models.seismic.geodesy import azimuth_deg, distance_deg, geocentric
from models.seismic.location.distances import prepare_distances
from models.seismic.location.likelihood import add_likelihoods
from models.seismic.location.regions import find_regions
from models.seismic.location.solution import StationDistances
from models.seismic.location.sphere_grid import fibonacci_sphere

SOURCE = (20.0, 30.0)


@pytest.fixture(scope="module")
def evidence():
    """Distances at two stations on the equator, and an S wave at an array to the east, which excludes one of two intersections."""
    longitudes = np.array([10.0, 45.0])
    distances = prepare_distances(StationDistances(np.zeros(2), longitudes, distance_deg(*SOURCE, 0.0, longitudes), np.full(2, 3.0)))
    back_azimuth = np.radians(float(azimuth_deg(0.0, 60.0, *SOURCE)))
    slowness = -14.0 * np.array([[np.sin(back_azimuth), np.cos(back_azimuth)]])
    wave = PlaneWave(geocentric(0.0, 60.0), slowness, 0.5 * np.eye(2)[None], np.ones(1), 0.0, 1.0)
    return distances, PlaneWaveLikelihood((wave,))


def test_the_combined_log_likelihood_is_the_sum(evidence):
    nodes = fibonacci_sphere(20.0)
    expected = sum(one.log_likelihood(nodes) for one in evidence)
    np.testing.assert_array_equal(add_likelihoods(*evidence)(nodes), expected)


def test_the_likelihood_of_distances_has_a_mean_of_one_over_the_sphere_and_a_lower_bound(evidence):
    density = np.exp(evidence[0].log_likelihood(fibonacci_sphere(1.0)))
    assert density.mean() == pytest.approx(1.0, abs=0.1)  # normalized on a grid of 1 degree
    assert density.min() == pytest.approx(0.1, abs=0.01)


def test_two_kinds_of_evidence_agree_on_the_source(evidence):
    def probability_near(regions):
        near = [distance_deg(*SOURCE, region.latitude_deg, region.longitude_deg) < 8.0 for region in regions]
        return sum(region.probability for region, one in zip(regions, near, strict=True) if one)

    assert probability_near(find_regions(evidence[0].log_likelihood)) < 0.6
    assert probability_near(find_regions(add_likelihoods(*evidence))) > 0.8
