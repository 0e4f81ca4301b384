"""Depth and origin time are combined consistently, and calibrated by method and effective stations."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import hypocenter
from models.analysis.combine import DepthEstimate, OriginTime, combine_origin_times
from models.analysis.depth import DepthDensity, find_known_depths
from models.analysis.distances import predict_distances
from models.analysis.hypocenter import Hypocenter, combine_hypocenter, relocate_at_depth
from models.analysis.refinement import RefinedLocation
from models.analysis.sections import locate_by_readings
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.depth_phases.likelihood import DEPTHS_KM, DepthPhases
from models.seismic.location.geometry_scales import HYPOCENTER_KEY, describe_geometry
from tests.support.known_depths import know_depths

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
    found = combine_hypocenter(readings, timed, DepthEstimate(70.0, 20.0), NOWHERE)
    assert 75.0 < found.depth.depth_km < 95.0
    assert found.origin.time_s == pytest.approx(5.0 + 0.1 * (found.depth.depth_km - 100.0))
    assert 0.0 < found.correlation < 1.0


def test_without_a_stated_depth_the_origin_time_is_that_of_the_most_probable_one(readings, timed):
    vague = DepthTime(100.0, 5.0, 90.0**2, 100.0, 0.1 * 90.0**2)
    timed = replace(timed, arrival_solution=ArrivalTimeSolution((), vague, 20.0, ()))
    found = combine_hypocenter(readings, timed, None, NOWHERE)
    assert (found.depth, found.correlation, found.density) == (None, None, None)
    assert -5.0 < found.origin.time_s < 4.0, "shallower than 100 km, as most earthquakes"
    assert found.origin.uncertainty_s < 10.0
    surface = combine_hypocenter(readings, timed, None, NOWHERE, at_surface=True)
    assert (surface.origin.time_s, surface.depth) == (pytest.approx(5.0 - 0.1 * 100.0), None)


def test_a_method_without_arrival_times_keeps_its_origin_time(readings, timed):
    origin = OriginTime(7.0, 20.0)
    found = combine_hypocenter(readings, RefinedLocation(timed.location, "distances", origin=origin), None, NOWHERE, at_surface=True)
    assert found.origin == origin


def test_without_arrival_times_the_origin_time_is_that_of_the_traces(readings, timed):
    found = combine_hypocenter(readings, RefinedLocation(timed.location, "distances"), DepthEstimate(33.0, 8.0), NOWHERE)
    assert found.origin == combine_origin_times(readings)
    assert found.depth.depth_km == pytest.approx(33.0, abs=6.0)
    assert found.correlation is None


def test_factors_of_the_card_enlarge_what_is_stated(readings, timed):
    tables = {
        METHOD: {"quantity": "median_distance_deg", "bounds": [], "time": [2.0], "depth": [3.0]},
        "distances": {"quantity": "effective_stations", "bounds": [], "time": [1.5], "depth": [2.5]},
    }
    calibrated = replace(readings, calibration={HYPOCENTER_KEY: tables})
    before, after = (combine_hypocenter(one, timed, DepthEstimate(100.0, 20.0), NOWHERE) for one in (readings, calibrated))
    assert after.depth.uncertainty_km > 1.5 * before.depth.uncertainty_km
    assert after.origin.uncertainty_s > 2.0 * before.origin.uncertainty_s
    by_distances = RefinedLocation(timed.location, "distances")
    before, after = (combine_hypocenter(one, by_distances, DepthEstimate(60.0, 12.0), NOWHERE) for one in (readings, calibrated))
    assert after.depth.uncertainty_km > 1.5 * before.depth.uncertainty_km


def test_the_depth_of_arrival_times_is_stated_alone_where_it_is_known(readings, timed):
    found = combine_hypocenter(readings, timed, None, NOWHERE, depth_of_arrivals=True).depth
    assert (found.depth_km, found.uncertainty_km) == pytest.approx((100.0, 20.0), abs=4.0)
    vague = replace(timed, arrival_solution=ArrivalTimeSolution((), replace(JOINT, depth_variance_km2=60.0**2), 20.0, ()))
    assert combine_hypocenter(readings, vague, None, NOWHERE, depth_of_arrivals=True).depth is None


def test_the_geometry_is_described_by_stations_and_their_median_distance(timed):
    here = (timed.location.latitude_deg, timed.location.longitude_deg)
    latitudes = np.array([here[0] + 1.0, here[0] + 3.0, here[0] - 10.0, np.nan])
    found = describe_geometry(here, (latitudes, np.full(4, here[1])), timed.location.effective_stations)
    assert found == {"effective_stations": timed.location.effective_stations, "median_distance_deg": pytest.approx(3.0, abs=0.05)}
    assert np.isnan(describe_geometry(here, NOWHERE, 3.0)["median_distance_deg"])


def test_the_range_of_depths_is_that_of_the_region_of_the_epicenter(timed):
    def find_at(latitude, longitude):
        size = {"semi_major_km": 20.0, "semi_minor_km": 10.0, "probability": 1.0}
        there = replace(timed.location, latitude_deg=latitude, longitude_deg=longitude, alternatives=(), **size)
        return find_known_depths(there.regions).mean_km

    assert find_at(54.9, 153.3) > 600.0
    assert find_at(51.0, 10.0) < 160.0


def test_a_section_of_three_stations_has_no_depth(readings, timed):
    few = replace(readings, live=np.arange(len(readings.live)) < 3)
    assert combine_hypocenter(few, timed, DepthEstimate(20.0, 20.0), NOWHERE).depth is None


def make_phases(depth_km):
    """Depth phases of one depth, against a loss of all others below 40 km."""
    peak = np.exp(-0.5 * ((DEPTHS_KM - depth_km) / 8.0) ** 2)
    return DepthPhases(DEPTHS_KM, np.where(DEPTHS_KM > 40.0, -2.0, 0.0) + 8.0 * peak, 12, np.zeros((0, 2, len(DEPTHS_KM))), ())


def test_the_origin_time_follows_the_depth_phases(readings, timed):
    vague = replace(JOINT, depth_variance_km2=150.0**2, covariance_km_s=0.1 * 150.0**2, time_variance_s2=300.0)
    timed = replace(timed, arrival_solution=replace(timed.arrival_solution, depth_time=vague))
    found = combine_hypocenter(readings, timed, DepthEstimate(250.0, 100.0), NOWHERE, phases=make_phases(300.0))
    assert found.depth.depth_km == pytest.approx(300.0, abs=15.0)
    assert found.origin.time_s == pytest.approx(5.0 + 0.1 * (found.depth.depth_km - 100.0))


def test_a_depth_of_which_little_is_known_is_one_of_its_region(readings, timed):
    def locate_at(latitude, longitude, uncertainty_km):
        size = {"semi_major_km": 20.0, "semi_minor_km": 10.0, "probability": 1.0}
        here = replace(timed.location, latitude_deg=latitude, longitude_deg=longitude, alternatives=(), **size)
        return combine_hypocenter(readings, RefinedLocation(here, "distances"), DepthEstimate(400.0, uncertainty_km), NOWHERE).depth

    assert locate_at(37.0, -118.0, 150.0).depth_km < 60.0, "in California"
    assert locate_at(-18.0, -179.0, 150.0).depth_km > 250.0, "beneath Fiji"
    assert locate_at(-18.0, -179.0, 40.0).depth_km == pytest.approx(400.0, abs=60.0), "it was read"


@pytest.mark.parametrize(
    ("depth", "gap_deg", "is_relocated"),
    [
        (DepthEstimate(360.0, 15.0), 350.0, True),
        (DepthEstimate(360.0, 90.0), 350.0, False),  # hardly better known than by arrival times
        (DepthEstimate(60.0, 15.0), 350.0, False),  # shallow by both
        (DepthEstimate(360.0, 15.0), 120.0, False),  # surrounded
        (None, 350.0, False),
    ],
)
def test_a_deep_source_is_located_once_more_at_a_depth_known_otherwise(
    make_gather, readings, timed, monkeypatch, depth, gap_deg, is_relocated
):
    """Of distant stations in one direction, which trade distance for depth; the class's own region is moved north by 1 degree."""
    near, joint = timed.location.regions[0], DepthTime(80.0, 5.0, 6400.0, 9.0, 40.0)
    solution = replace(timed.arrival_solution, regions=(near,), depth_time=joint)
    again = replace(solution, regions=(replace(near, latitude_deg=near.latitude_deg + 1.0),), depth_time=JOINT)
    monkeypatch.setattr(hypocenter, "locate_at_depth", lambda *_: again)
    monkeypatch.setattr(hypocenter, "is_far", lambda *_: True)
    refined = replace(timed, arrival_solution=solution, location=replace(timed.location, azimuthal_gap_deg=gap_deg))

    density = None if depth is None else DepthDensity(know_depths(700.0), np.exp(-0.5 * ((DEPTHS_KM - depth.depth_km) / 15.0) ** 2))

    moved, found = relocate_at_depth(make_gather(), readings, refined, Hypocenter(timed.origin, depth, 0.5, density))

    assert (moved is not refined) == is_relocated
    assert moved.location.latitude_deg == pytest.approx(near.latitude_deg + (1.0 if is_relocated else 0.0))
    assert found.depth == depth
    assert (found.correlation == JOINT.correlation) == is_relocated
