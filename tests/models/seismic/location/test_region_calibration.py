"""Factors of a card scale the ellipses."""

import numpy as np
import pytest

from models.seismic.geodesy import destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.region_calibration import (
    CARD_KEY,
    CoverageScales,
    calibrate_location,
    describe_geometry,
    read_coverage_scales,
)

TABLE = {"quantity": "effective_stations", "bounds": [6.0, 12.0], "inner": [2.0, 1.5, 1.0], "outer": [3.0, 1.5, 1.2]}


@pytest.fixture(scope="module")
def located():
    rng = np.random.default_rng(4)
    lats, lons = destination(20.0, 30.0, rng.uniform(0, 360, 5), rng.uniform(10, 90, 5))
    return locate_by_distances(lats, lons, distance_deg(20.0, 30.0, lats, lons), np.full(5, 2.0))


def test_without_a_table_nothing_changes(located):
    assert read_coverage_scales({}, "distances") == CoverageScales()
    assert read_coverage_scales({CARD_KEY: {"distances": TABLE}}, "another") == CoverageScales()
    assert calibrate_location(located, CoverageScales()).semi_major_km == located.semi_major_km


def test_the_class_of_effective_stations_decides():
    scales = read_coverage_scales({CARD_KEY: {"distances": TABLE}}, "distances")
    found = [scales.at({"effective_stations": count}) for count in (3.0, 6.0, 11.9, 200.0)]
    assert found == [(2.0, 3.0), (1.5, 1.5), (1.5, 1.5), (1.0, 1.2)]


def test_the_class_may_be_that_of_the_median_distance():
    table = {**TABLE, "quantity": "median_distance_deg", "bounds": [5.0, 12.0]}
    scales = read_coverage_scales({CARD_KEY: {"arrival-times": table}}, "arrival-times")
    near, far = (describe_geometry((10.0, 20.0), (np.array([10.0 + away, np.nan]), np.array([20.0, 1.0])), 3.0) for away in (2.0, 40.0))
    assert (scales.at(near), scales.at(far), scales.at({"median_distance_deg": float("nan")})) == ((2.0, 3.0), (1.0, 1.2), (1.0, 1.2))


def test_both_ellipses_are_scaled_and_the_epicenter_stays(located):
    wider = calibrate_location(located, CoverageScales(inner=(2.0,), outer=(3.0,)))
    assert (wider.latitude_deg, wider.longitude_deg) == (located.latitude_deg, located.longitude_deg)
    assert wider.semi_major_km == pytest.approx(2.0 * located.semi_major_km)
    assert wider.axis_ratio_90 * wider.semi_minor_km == pytest.approx(3.0 * located.axis_ratio_90 * located.semi_minor_km)


def test_the_outer_ellipse_is_never_inside_the_inner_one(located):
    assert calibrate_location(located, CoverageScales(inner=(2.0,), outer=(0.5,))).axis_ratio_90 == 1.0


@pytest.mark.parametrize("change", [{"inner": [1.0]}, {"bounds": [12.0, 6.0]}, {"quantity": "stations"}, {"outer": [1.0, 0.0, 1.0]}])
def test_an_invalid_table_is_refused(change):
    with pytest.raises(ValueError, match="coverage scales"):
        read_coverage_scales({CARD_KEY: {"distances": {**TABLE, **change}}}, "distances")
