"""Depth and origin time are combined consistently, and calibrated by method and effective stations."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.combine import OriginTime, combine_origin_times
from models.analysis.distances import predict_distances
from models.analysis.hypocenter import DepthEstimate, combine_hypocenter, describe_geometry
from models.analysis.refinement import RefinedLocation
from models.analysis.sections import locate_by_readings
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.location.hypocenter_calibration import HYPOCENTER_KEY

JOINT = DepthTime(100.0, 5.0, 400.0, 9.0, 40.0)  # 0.1 s later for each kilometer
METHOD = "distances+arrival-times"
NOWHERE = (np.full(8, np.nan), np.full(8, np.nan))


@pytest.fixture
def readings(opened, make_gather):
    return predict_distances(opened["offset"], make_gather())


@pytest.fixture
def timed(make_gather, readings):
    solution = ArrivalTimeSolution((), JOINT, 20.0, ())
    origin = OriginTime(JOINT.time_s, JOINT.time_uncertainty_s)
    return RefinedLocation(locate_by_readings(make_gather(), readings), METHOD, solution, origin)


def test_the_origin_time_follows_the_depth_that_the_section_adds(readings, timed):
    found = combine_hypocenter(readings, timed, DepthEstimate(20.0, 20.0), NOWHERE)
    assert found.depth.depth_km == pytest.approx(60.0)
    assert found.origin.time_s == pytest.approx(5.0 + 0.1 * (60.0 - 100.0))
    assert 0.0 < found.correlation < 1.0


def test_without_a_depth_the_origin_time_is_that_of_the_method(readings, timed):
    found = combine_hypocenter(readings, timed, None, NOWHERE)
    assert (found.origin.time_s, found.depth, found.correlation) == (JOINT.time_s, None, None)


def test_without_arrival_times_the_origin_time_is_that_of_the_traces(readings, timed):
    found = combine_hypocenter(readings, RefinedLocation(timed.location, "distances"), DepthEstimate(33.0, 8.0), NOWHERE)
    assert found.origin == combine_origin_times(readings)
    assert (found.depth, found.correlation) == (DepthEstimate(33.0, 8.0), None)


def test_factors_of_the_card_enlarge_what_is_stated(readings, timed):
    tables = {
        METHOD: {"quantity": "median_distance_deg", "bounds": [], "time": [2.0], "depth": [3.0]},
        "distances": {"quantity": "effective_stations", "bounds": [], "time": [1.5], "depth": [2.5]},
    }
    calibrated = replace(readings, calibration={HYPOCENTER_KEY: tables})
    before, after = (combine_hypocenter(one, timed, DepthEstimate(20.0, 20.0), NOWHERE) for one in (readings, calibrated))
    assert after.depth.uncertainty_km == pytest.approx(3.0 * before.depth.uncertainty_km)
    assert after.origin.uncertainty_s > 2.0 * before.origin.uncertainty_s
    assert after.origin.time_s == before.origin.time_s
    alone = combine_hypocenter(calibrated, RefinedLocation(timed.location, "distances"), DepthEstimate(33.0, 8.0), NOWHERE)
    assert alone.depth.uncertainty_km == pytest.approx(20.0)


def test_the_depth_of_arrival_times_is_stated_alone_where_it_is_known(readings, timed):
    assert combine_hypocenter(readings, timed, None, NOWHERE, depth_of_arrivals=True).depth == DepthEstimate(100.0, 20.0)
    vague = replace(timed, arrival_solution=ArrivalTimeSolution((), replace(JOINT, depth_variance_km2=60.0**2), 20.0, ()))
    assert combine_hypocenter(readings, vague, None, NOWHERE, depth_of_arrivals=True).depth is None


def test_the_geometry_is_described_by_stations_and_their_median_distance(timed):
    here = (timed.location.latitude_deg, timed.location.longitude_deg)
    latitudes = np.array([here[0] + 1.0, here[0] + 3.0, here[0] - 10.0, np.nan])
    found = describe_geometry(timed.location, (latitudes, np.full(4, here[1])))
    assert found == {"effective_stations": timed.location.effective_stations, "median_distance_deg": pytest.approx(3.0, abs=0.05)}
    assert np.isnan(describe_geometry(timed.location, NOWHERE)["median_distance_deg"])
