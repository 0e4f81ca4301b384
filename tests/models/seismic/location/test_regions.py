"""Regions of densities whose shape is known."""

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, distance_deg, geocentric
from models.seismic.location.regions import GEOCENTRIC_REGIONS as SETTINGS
from models.seismic.location.regions import (
    NORMAL_AXIS_RATIO_90,
    EpicenterRegion,
    PosteriorNodes,
    find_regions,
    grid_offsets,
    sample_ellipse,
    summarize_region,
    summarize_regions,
)
from models.seismic.location.sphere_grid import offsets_to_points, points_at_offsets

CENTER = (-35.0, 170.0)
RADIUS_68 = float(np.sqrt(-2.0 * np.log(1.0 - 0.68)))  # of a normal distribution in two dimensions, in standard deviations


def log_normal_density(center, covariance):
    """Log density of a normal distribution on the plane tangent to the sphere at a point."""
    point, precision = geocentric(*center), np.linalg.inv(covariance)

    def density(nodes):
        offsets = offsets_to_points(point, nodes)
        return -0.5 * np.einsum("mi,ij,mj->m", offsets, precision, offsets)

    return density


def test_a_normal_density_has_the_ellipse_of_its_covariance():
    azimuth = np.radians(30.0)
    axes = np.array([[np.sin(azimuth), np.cos(azimuth)], [np.cos(azimuth), -np.sin(azimuth)]])  # major, minor
    covariance = 4.0**2 * np.outer(axes[0], axes[0]) + 1.5**2 * np.outer(axes[1], axes[1])
    (region,) = find_regions(log_normal_density(CENTER, covariance))
    assert distance_deg(*CENTER, region.latitude_deg, region.longitude_deg) < 0.8  # half a cell of the local grid
    assert region.semi_major_km == pytest.approx(4.0 * RADIUS_68 * KM_PER_DEGREE, rel=0.1)
    assert region.semi_minor_km == pytest.approx(1.5 * RADIUS_68 * KM_PER_DEGREE, rel=0.15)
    assert region.ellipse_azimuth_deg == pytest.approx(30.0, abs=3.0)
    assert region.axis_ratio_90 == pytest.approx(NORMAL_AXIS_RATIO_90, rel=0.05)
    assert region.probability == pytest.approx(1.0)


def test_two_modes_are_two_regions_with_probabilities_by_their_mass():
    first, second = (log_normal_density(center, 4.0 * np.eye(2)) for center in (CENTER, (40.0, 10.0)))
    regions = find_regions(lambda nodes: np.logaddexp(first(nodes), np.log(0.25) + second(nodes)))
    assert [region.probability for region in regions] == pytest.approx([0.8, 0.2], abs=0.01)
    assert distance_deg(40.0, 10.0, regions[1].latitude_deg, regions[1].longitude_deg) < 0.5


def test_the_cells_of_a_grid_cover_its_area():
    offsets, log_areas = grid_offsets(np.diag([4.0, 1.0]), 21, SETTINGS.grid)
    assert np.abs(offsets).max(axis=0) == pytest.approx([8.0, 4.0])
    assert np.exp(log_areas).sum() == pytest.approx(16.0 * 8.0 * (21 / 20) ** 2, rel=0.01)


def test_offsets_and_points_are_inverse():
    offsets = np.random.default_rng(1).uniform(-100.0, 100.0, (50, 2))
    point = geocentric(*CENTER)
    np.testing.assert_allclose(offsets_to_points(point, points_at_offsets(point, *offsets.T)), offsets, atol=1e-8)


def test_probabilities_of_regions_sum_to_one():
    nodes = PosteriorNodes(CENTER, np.random.default_rng(2).normal(size=(200, 2)), np.zeros(200))
    twice = PosteriorNodes(CENTER, nodes.offsets_deg, np.full(200, np.log(2.0)))
    assert [region.probability for region in summarize_regions([nodes, twice])] == pytest.approx([2.0 / 3.0, 1.0 / 3.0])
    assert summarize_region(nodes, 0.5).probability == 0.5


def test_samples_of_an_ellipse_are_distributed_as_it_states():
    """About 68 of 100 lie inside, none is preferred in any direction, and the ellipse is as wide across as its minor axis."""
    region = EpicenterRegion(*CENTER, 300.0, 60.0, 90.0, 200.0, 1.0)
    latitudes, longitudes = sample_ellipse(region)
    north_km = (latitudes - CENTER[0]) * KM_PER_DEGREE
    east_km = (longitudes - CENTER[1]) * KM_PER_DEGREE * np.cos(np.radians(CENTER[0]))
    assert np.mean((east_km / 300.0) ** 2 + (north_km / 60.0) ** 2 < 1.0) == pytest.approx(0.68, abs=0.02)
    assert (east_km.mean(), north_km.mean()) == (pytest.approx(0.0, abs=5.0), pytest.approx(0.0, abs=3.0))
    assert north_km.std() == pytest.approx(60.0 / RADIUS_68, rel=0.05)
