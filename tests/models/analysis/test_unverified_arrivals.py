"""When arrival times are doubted, and both hypotheses are stated: arrival times used, and not used."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import DistanceReadings
from models.analysis.unverified_arrivals import (
    PROBABILITY,
    contradicts_distances,
    contradicts_others,
    is_far,
    is_one_array,
    is_verified,
    mix_hypotheses,
)
from models.seismic.association.arrivals import Arrival
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.geodesy import destination, distance_deg
from models.seismic.location.regions import EpicenterRegion
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

HERE, THERE, ELSEWHERE = (
    EpicenterRegion(latitude, 20.0, 100.0, 50.0, 0.0, 80.0, probability)
    for latitude, probability in ((0.0, 0.7), (40.0, 0.3), (-30.0, 0.9))
)
TIMED = ArrivalTimeSolution((HERE, THERE), DepthTime(10.0, 0.0, 25.0, 1.0, 0.0), 20.0, ())


def gather(distance_deg, aperture_deg, count=12):
    """Stations within an aperture, at a distance from the first region."""
    rng = np.random.default_rng(1)
    middle = destination(HERE.latitude_deg, HERE.longitude_deg, 60.0, distance_deg)
    latitudes, longitudes = destination(*middle, rng.uniform(0.0, 360.0, count), rng.uniform(0.1, aperture_deg, count))
    names = tuple(TraceId("XX", f"S{number}", "", "BHZ") for number in range(count))
    return Gather(names, 0.0, 1.0, np.ones((count, 10), np.float32), latitudes, longitudes)


@pytest.mark.parametrize(
    ("distance_deg", "aperture_deg", "one", "far"), [(1.0, 2.0, True, False), (60.0, 2.0, True, True), (60.0, 50.0, False, True)]
)
def test_a_network_is_one_array_by_its_aperture_and_far_by_its_distance(distance_deg, aperture_deg, one, far):
    stations = gather(distance_deg, aperture_deg)
    assert is_one_array(stations) is one
    assert is_far(stations, TIMED) is far


def test_a_mixture_holds_all_regions_with_half_their_probability():
    mixture = mix_hypotheses(TIMED.regions, [ELSEWHERE], by_probability=False)
    assert mixture == [replace(region, probability=PROBABILITY * region.probability) for region in (HERE, THERE, ELSEWHERE)]
    first, *_ = mix_hypotheses(TIMED.regions, [ELSEWHERE], by_probability=True)
    assert first.latitude_deg == ELSEWHERE.latitude_deg


def detected(stations):
    """A solution with a first arrival at each of the stations."""
    return replace(TIMED, arrivals=tuple(Arrival(row, "P", 0.0, 0.0, 1.0) for row in range(len(stations.latitudes_deg))))


def test_many_independent_first_arrivals_verify_themselves():
    few, many = gather(60.0, 2.0, 7), gather(30.0, 60.0, 20)
    assert is_verified(many, detected(many))
    assert not is_verified(few, detected(few))
    assert not is_verified(many, TIMED)


def test_arrivals_apart_from_all_other_regions_contradict_them():
    wide = replace(ELSEWHERE, semi_major_km=2000.0, semi_minor_km=2000.0)
    assert contradicts_others(TIMED.regions, [ELSEWHERE])
    assert not contradicts_others(TIMED.regions, [ELSEWHERE, wide])
    assert not contradicts_others(TIMED.regions, [])


@pytest.mark.parametrize(("error_deg", "contradicted"), [(0.0, False), (7.0, False), (9.0, True), (np.nan, False)])
def test_an_epicenter_far_from_the_predicted_distances_contradicts_them(error_deg, contradicted):
    stations = gather(60.0, 2.0, 7)
    distances = distance_deg(HERE.latitude_deg, HERE.longitude_deg, stations.latitudes_deg, stations.longitudes_deg)
    columns = (np.asarray(distances) + error_deg, np.full(7, 2.0), np.full((7, 180), 1.0 / 180.0), np.zeros(7), np.ones(7))
    readings = DistanceReadings(stations.trace_ids, *columns, 0.0, np.ones(7, np.bool_))
    assert contradicts_distances(stations, readings, TIMED) is contradicted
