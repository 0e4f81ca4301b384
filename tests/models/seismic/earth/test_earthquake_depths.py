"""How deep earthquakes are known to occur."""

import numpy as np

from models.seismic.earth.earthquake_depths import DENSITY_DEPTHS_KM, maximum_depth_km, mean_depth_density
from models.seismic.geodesy import unit_vectors
from tests.support.known_depths import find_median_km


def test_slabs_are_deep_and_shields_are_not():
    tonga, peru, scotland, greenland = maximum_depth_km(unit_vectors([-21.0, -9.0, 56.0, 72.0], [-179.0, -71.0, -4.0, -40.0]))
    assert tonga > 600
    assert peru > 500
    assert scotland < 50
    assert greenland < 50


def test_poles_and_the_date_line_lie_in_a_cell_of_the_table():
    assert np.isfinite(maximum_depth_km(unit_vectors([90.0, -90.0, 0.0, 0.0], [0.0, 0.0, 180.0, -180.0]))).all()


def find_median_at(latitude, longitude):
    density = mean_depth_density(unit_vectors([latitude], [longitude]), np.ones(1))
    assert np.isclose(np.trapezoid(density, DENSITY_DEPTHS_KM), 1.0)
    return find_median_km(density)


def test_most_earthquakes_are_at_the_depths_of_their_region():
    assert find_median_at(-21.0, -179.5) > 400.0, "beneath Fiji"
    assert find_median_at(37.0, -118.0) < 20.0, "in California"
    assert 15.0 < find_median_at(38.0, 142.5) < 50.0, "off Japan"


def test_the_density_of_a_region_is_the_mean_of_its_points():
    points = unit_vectors([-18.0, 37.0], [-179.0, -118.0])
    each = [mean_depth_density(point[None], np.ones(1)) for point in points]
    np.testing.assert_allclose(mean_depth_density(points, np.array([3.0, 1.0])), 0.75 * each[0] + 0.25 * each[1])
