"""Great circles against ObsPy, and where formulas are singular."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from obspy.geodetics.base import locations2degrees

from models.seismic.geodesy import (
    azimuth_deg,
    azimuthal_gap_deg,
    back_azimuth_deg,
    destination,
    distance_deg,
    geocentric,
    geocentric_latitude_deg,
    geographic,
    geographic_vectors,
    latitude_longitude_deg,
    lay_hexagon,
    offsets_deg,
    unit_vectors,
)

LATITUDES = st.floats(-90, 90)
LONGITUDES = st.floats(-180, 360)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distances_agree_with_obspy(latitude1, longitude1, latitude2, longitude2):
    ours = distance_deg(latitude1, longitude1, latitude2, longitude2)
    assert ours == pytest.approx(locations2degrees(latitude1, longitude1, latitude2, longitude2), abs=1e-9)


@pytest.mark.parametrize("distance", [0.0, 1e-9, 1e-4, 90.0, 180.0 - 1e-4, 180.0 - 1e-9, 180.0])
def test_neighbors_and_antipodes_keep_full_precision(distance):
    latitude, longitude = destination(37.0, 175.0, 63.0, distance)
    assert distance_deg(37.0, 175.0, latitude, longitude) == pytest.approx(distance, abs=1e-12, rel=1e-5)


@given(st.floats(-89, 89), LONGITUDES, st.floats(0, 359.9), st.floats(0.01, 179.9))
def test_a_destination_has_the_distance_and_azimuth_asked_for(latitude, longitude, azimuth, distance):
    end = destination(latitude, longitude, azimuth, distance)
    assert distance_deg(latitude, longitude, *end) == pytest.approx(distance, abs=1e-8)
    difference = (azimuth_deg(latitude, longitude, *end) - azimuth + 180.0) % 360.0 - 180.0
    assert difference == pytest.approx(0.0, abs=1e-5)
    assert -180.0 <= end[1] < 180.0


def test_azimuths_are_clockwise_from_north():
    np.testing.assert_allclose(azimuth_deg(0.0, 0.0, [10.0, 0.0, -10.0, 0.0], [0.0, 10.0, 0.0, -10.0]), [0, 90, 180, 270])
    np.testing.assert_allclose(back_azimuth_deg(0.0, 0.0, 0.0, 10.0), 270.0)
    assert azimuth_deg(10.0, 20.0, 10.0, 20.0) == 0.0


def test_a_tiny_negative_angle_does_not_round_up_to_360():
    assert 0.0 <= azimuth_deg(0.0, 0.0, 10.0, -1e-16) < 360.0


def test_everything_broadcasts():
    assert distance_deg(np.zeros((4, 1)), 0.0, np.zeros(3), np.arange(3)).shape == (4, 3)


@pytest.mark.parametrize(
    ("azimuths", "gap"),
    [([], 360.0), ([12.0], 360.0), ([350.0, 10.0], 340.0), ([0.0, 90.0, 180.0, 270.0], 90.0), ([0.0, 120.0, np.nan], 240.0), ([5, 5], 360)],
)
def test_the_gap_is_the_largest_angle_without_a_station(azimuths, gap):
    assert azimuthal_gap_deg(azimuths) == pytest.approx(gap)


def test_unit_vectors_have_unit_length():
    np.testing.assert_allclose(np.linalg.norm(unit_vectors([-90, 0, 45], [0, 180, 77]), axis=-1), 1.0)


def test_the_geocentric_latitude_is_smaller_halfway_and_equal_at_pole_and_equator():
    np.testing.assert_allclose(geocentric_latitude_deg([0.0, 45.0, 90.0, -45.0]), [0.0, 44.8076, 90.0, -44.8076], atol=1e-4)


def test_offsets_are_distance_and_azimuth_as_east_and_north():
    latitudes, longitudes = np.array([10.0, -20.0]), np.array([170.0, -170.0])
    east, north = offsets_deg(5.0, 178.0, latitudes, longitudes).T
    np.testing.assert_allclose(np.hypot(east, north), distance_deg(5.0, 178.0, latitudes, longitudes))
    np.testing.assert_allclose(np.degrees(np.arctan2(east, north)) % 360.0, azimuth_deg(5.0, 178.0, latitudes, longitudes))


@pytest.mark.parametrize("point", [(0.0, 0.0), (45.0, -120.0), (-89.0, 179.0)])
def test_conversions_between_geographic_and_geocentric_are_inverse(point):
    assert latitude_longitude_deg(unit_vectors(*point)) == pytest.approx(point)
    assert geographic(geocentric(*point)) == pytest.approx(point)
    np.testing.assert_allclose(geographic_vectors(geocentric(*point)[None])[0], unit_vectors(*point), atol=1e-12)


def test_a_hexagonal_grid_begins_at_its_center_with_neighbors_one_step_away():
    grid = lay_hexagon(60.0, -170.0, 3.0, 1.5)
    from_center = distance_deg(60.0, -170.0, *grid.T)
    assert from_center[0] == 0.0
    assert from_center[1:7] == pytest.approx(np.full(6, 1.5))
    assert len(grid) == 19
    assert from_center.max() == pytest.approx(3.0)
    apart = distance_deg(*grid[:, None].T, *grid[None].T) + 9.0 * np.eye(len(grid))
    assert apart.min(axis=1) == pytest.approx(np.full(19, 1.5), rel=2e-3)
