"""Where events are known to occur, and the prior of an epicenter that follows."""

import numpy as np
import pytest

from models.seismic.earth.seismicity import epicenter_log_prior, lies_at_ice_sheet, yearly_probability_table
from models.seismic.geodesy import geocentric
from models.seismic.location.sphere_grid import fibonacci_sphere


def density_at(latitude, longitude):
    return float(np.exp(epicenter_log_prior(geocentric(latitude, longitude)[None])[0]))


@pytest.mark.parametrize(("name", "epicenter"), [("Tonga", (-21.0, -175.0)), ("Japan", (38.0, 142.5)), ("Greenland", (69.0, -33.0))])
def test_plate_boundaries_and_ice_sheets_are_more_probable_than_other_places(name, epicenter):
    assert 3.0 < density_at(*epicenter) < 10.0, name


@pytest.mark.parametrize("epicenter", [(23.0, 5.0), (10.0, -150.0), (90.0, 0.0), (0.0, 180.0)])
def test_no_place_is_excluded(epicenter):
    assert density_at(*epicenter) == pytest.approx(0.5, abs=0.02)


def test_the_prior_is_a_density_relative_to_a_uniform_one():
    assert np.exp(epicenter_log_prior(fibonacci_sphere(0.7))).mean() == pytest.approx(1.0, abs=0.02)


def test_the_prior_has_no_seam_at_the_date_line_and_no_steps():
    fiji = [density_at(-18.0, longitude) for longitude in (179.999, -179.999)]
    assert fiji[0] == pytest.approx(fiji[1], rel=1e-3)
    steps = np.diff([density_at(-21.0, longitude) for longitude in np.arange(-180.0, -170.0, 0.1)])
    assert np.abs(steps).max() < 0.6


def test_the_prior_is_taken_at_geographic_latitudes():
    """Geocentric latitudes are up to 0.19 degrees nearer to the equator, where the table between its nodes is another."""
    latitudes = np.arange(-54.5, 55.0)
    density = np.array([density_at(latitude, -70.5) for latitude in latitudes])
    table = yearly_probability_table()[np.floor(latitudes + 90.0).astype(int), 109].astype(float)
    slope, level = np.polyfit(table, density, 1)
    np.testing.assert_allclose(density, level + slope * table, atol=1e-6)
    assert level == pytest.approx(0.5, abs=1e-6)


def test_points_on_and_off_the_ice_keep_their_shape():
    inside = lies_at_ice_sheet(np.array([[70.0, -75.0], [45.0, -50.0]]), np.array([[-40.0, 380.0], [0.0, -130.0]]))
    np.testing.assert_array_equal(inside, [[True, True], [False, False]])
