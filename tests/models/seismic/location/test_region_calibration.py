"""Factors of a card scale the ellipses."""

import numpy as np
import pytest

from models.seismic.geodesy import destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.geometry_scales import GeometryScales
from models.seismic.location.region_calibration import calibrate_location
from models.seismic.location.solution import StationDistances


@pytest.fixture(scope="module")
def located():
    rng = np.random.default_rng(4)
    lats, lons = destination(20.0, 30.0, rng.uniform(0, 360, 5), rng.uniform(10, 90, 5))
    return locate_by_distances(StationDistances(lats, lons, distance_deg(20.0, 30.0, lats, lons), np.full(5, 2.0)))


def test_without_factors_nothing_changes(located):
    assert calibrate_location(located, GeometryScales()).semi_major_km == located.semi_major_km


def test_both_ellipses_are_scaled_and_the_epicenter_stays(located):
    wider = calibrate_location(located, GeometryScales(pairs=((2.0, 3.0),)))
    assert (wider.latitude_deg, wider.longitude_deg) == (located.latitude_deg, located.longitude_deg)
    assert wider.semi_major_km == pytest.approx(2.0 * located.semi_major_km)
    assert wider.axis_ratio_90 * wider.semi_minor_km == pytest.approx(3.0 * located.axis_ratio_90 * located.semi_minor_km)


def test_the_outer_ellipse_is_never_inside_the_inner_one(located):
    assert calibrate_location(located, GeometryScales(pairs=((2.0, 0.5),))).axis_ratio_90 == 1.0
