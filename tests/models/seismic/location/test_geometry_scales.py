"""Factors on uncertainties are read from a card by method and geometry."""

import numpy as np
import pytest

from models.seismic.location.geometry_scales import (
    HYPOCENTER_KEY,
    REGIONS_KEY,
    GeometryScales,
    describe_geometry,
    read_hypocenter_scales,
    read_region_scales,
)

TABLE = {"quantity": "effective_stations", "bounds": [6.0, 12.0], "inner": [2.0, 1.5, 1.0], "outer": [3.0, 1.5, 1.2]}


def test_without_a_table_of_the_method_factors_are_one():
    assert read_region_scales({}, "distances") == GeometryScales()
    assert read_region_scales({REGIONS_KEY: {"distances": TABLE}}, "another") == GeometryScales()
    assert read_hypocenter_scales({REGIONS_KEY: {"distances": TABLE}}, "distances").at({}) == (1.0, 1.0)


def test_the_class_of_effective_stations_decides():
    scales = read_region_scales({REGIONS_KEY: {"distances": TABLE}}, "distances")
    found = [scales.at({"effective_stations": count}) for count in (3.0, 6.0, 11.9, 200.0)]
    assert found == [(2.0, 3.0), (1.5, 1.5), (1.5, 1.5), (1.0, 1.2)]


def test_the_class_may_be_that_of_the_median_distance():
    table = {**TABLE, "quantity": "median_distance_deg", "bounds": [5.0, 12.0]}
    scales = read_region_scales({REGIONS_KEY: {"arrival-times": table}}, "arrival-times")
    near, far = (describe_geometry((10.0, 20.0), (np.array([10.0 + away, np.nan]), np.array([20.0, 1.0])), 3.0) for away in (2.0, 40.0))
    assert (scales.at(near), scales.at(far), scales.at({"median_distance_deg": float("nan")})) == ((2.0, 3.0), (1.0, 1.2), (1.0, 1.2))


def test_origin_times_and_depths_have_tables_of_their_own():
    by_stations = {"quantity": "effective_stations", "bounds": [6.0], "time": [1.0, 2.0], "depth": [3.0, 4.0], "events": [40, 50]}
    card = {REGIONS_KEY: {"distances": TABLE}, HYPOCENTER_KEY: {"distances": by_stations}}
    assert read_hypocenter_scales(card, "distances").at({"effective_stations": 6.0, "median_distance_deg": 2.0}) == (2.0, 4.0)


@pytest.mark.parametrize("change", [{"bounds": [6.0]}, {"bounds": [12.0, 6.0]}, {"quantity": "stations"}, {"outer": [1.0, 0.0, 1.0]}])
def test_an_invalid_table_is_refused(change):
    with pytest.raises(ValueError, match="scales need"):
        read_region_scales({REGIONS_KEY: {"distances": {**TABLE, **change}}}, "distances")


def test_a_table_with_factors_of_unequal_number_is_refused():
    with pytest.raises(ValueError, match="zip"):
        read_region_scales({REGIONS_KEY: {"distances": {**TABLE, "inner": [1.0]}}}, "distances")
