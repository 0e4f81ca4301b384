"""A second event in the same records: found by its own arrivals, and not where there is but one."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import station_distances
from models.analysis.refinement import refine_location
from models.seismic.association.arrivals import Arrival
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.association.second_source import (
    MIN_ONE_SIDED_SCORE,
    SecondSource,
    comes_from_elsewhere,
    compare_amplitudes,
    leave_out_event,
    list_event_intervals,
)
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.regions import EpicenterRegion
from models.seismic.signal.picker import Picks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from tests.support.local_events import ORIGIN_S, local_event

OTHER, LATE_S = (39.5, 25.0), 420.0


def refine(records, gather, readings):
    before = locate_by_distances(station_distances(gather, readings))
    return refine_location(records, gather, readings, before)


def make_solution(latitude, longitude, depth_km=10.0, time_s=0.0):
    region = EpicenterRegion(latitude, longitude, 10.0, 10.0, 0.0, 10.0, 1.0)
    return ArrivalTimeSolution((region,), DepthTime(depth_km, time_s, 25.0, 1.0, 0.0), 20.0, ())


def test_two_local_events_seven_minutes_apart_are_both_found():
    found = refine(*local_event(10, (OTHER, LATE_S, 0.6), 900.0))
    second = found.second
    assert found.origin is not None
    assert sorted((found.origin.time_s, second.time_s)) == pytest.approx([ORIGIN_S, ORIGIN_S + LATE_S], abs=6.0)
    epicenter = OTHER if second.time_s > found.origin.time_s else (38.0, 27.0)
    assert distance_deg(*epicenter, second.latitude_deg, second.longitude_deg) * KM_PER_DEGREE < 60.0
    assert 0.1 < second.amplitude_ratio < 10.0
    assert {one.trace_index for one in second.arrivals} <= set(range(10))


def test_one_local_event_has_no_second():
    assert refine(*local_event(10, seconds=900.0)).second is None


def test_picks_of_an_event_its_coda_and_the_ends_of_records_are_left_out_and_others_stay():
    times = np.array([-290.0, -100.0, 40.0, 60.0, 700.0, 895.0])
    ones, bands, vertical = np.ones(6), np.full(6, 1), np.zeros(6, np.bool_)
    pick = Picks(-300.0, 900.0, times, 0.5 * ones, 5.0 * ones, bands, vertical)
    (left,) = leave_out_event([pick], np.array([2.0]), np.array([0.0]), make_solution(0.0, 0.0))
    assert left.times_s.tolist() == [-100.0, 700.0]
    (none,) = leave_out_event([replace(pick, horizontal=~vertical)], np.array([2.0]), np.array([0.0]), make_solution(0.0, 0.0))
    assert len(none.times_s) == 0


@pytest.mark.parametrize(
    ("distance", "seconds"),
    [(50.0, (534, 613, 649, 703, 849, 964, 1019, 1125, 1177, 1293)), (70.0, (671, 693, 827, 927, 1272)), (148.0, (1185, 1402, 1804, 2098))],
)
def test_later_phases_of_ak135_lie_in_the_intervals_of_an_event(distance, seconds):
    """
    Phases from 15 km, by TauP.

    P, PcP, PP, PPP, ScP, S, PKiKP, ScS, SS and SSS at 50 degrees; P, PcP, PP, PPP and ScS at 70; PKP, SKP and both SKKS at 148.
    """
    intervals = list_event_intervals(distance, 15.0)
    assert all(any(start <= time_s <= end for start, end in intervals) for time_s in seconds)
    assert not any(start <= 450.0 <= end for start, end in intervals)


def test_waves_that_cross_a_distant_array_from_the_azimuth_of_the_event_are_its_own():
    latitudes, longitudes = destination(50.0, 10.0, np.arange(0.0, 360.0, 45.0), np.full(8, 1.0))
    arrivals = tuple(Arrival(index, "P", 0.0, 0.0, 1.0) for index in range(8))
    first = make_solution(*map(float, destination(50.0, 10.0, 60.0, 70.0)))
    nearer, opposite, across = (
        SecondSource(*map(float, destination(50.0, 10.0, azimuth, 35.0)), 0.0, arrivals, 30.0) for azimuth in (62.0, 240.0, 120.0)
    )
    assert not comes_from_elsewhere(latitudes, longitudes, first, nearer)
    assert not comes_from_elsewhere(latitudes, longitudes, first, opposite)
    assert comes_from_elsewhere(latitudes, longitudes, first, across)
    assert not comes_from_elsewhere(latitudes, longitudes, first, replace(across, score=MIN_ONE_SIDED_SCORE - 1.0))
    assert comes_from_elsewhere(latitudes, longitudes, make_solution(50.1, 10.1), nearer)  # stations on all sides


def test_the_ratio_of_amplitudes_is_that_at_common_stations():
    records, _, _ = local_event(6, (OTHER, LATE_S, 0.3), 900.0)
    pick = [float(distance_deg(38.0, 27.0, one.latitude_deg, one.longitude_deg)) * 18.0 + ORIGIN_S + 6.0 for one in records]
    first = [Arrival(index, "P", time_s, 0.0, 1.0) for index, time_s in enumerate(pick)]
    assert compare_amplitudes(records, first, first) == pytest.approx(1.0)
    assert compare_amplitudes(records, first[:2], first[2:]) is None
    later = [replace(one, time_s=one.time_s + 250.0) for one in first]
    assert compare_amplitudes(records, first, later) < 0.3


def test_a_rupture_that_begins_slowly_is_as_large_as_its_largest_waves():
    """Its first seconds are no larger than those of an aftershock whose amplitude is a tenth of its own."""
    random, times, rate_hz = np.random.default_rng(2), np.arange(0.0, 600.0, 0.2), 5.0
    rupture = np.where(times > 60.0, np.minimum((times - 60.0) / 30.0, 1.0) * np.exp(-np.maximum(times - 90.0, 0.0) / 30.0), 0.0)
    aftershock = np.where(times > 450.0, 0.1 * np.exp(-np.maximum(times - 450.0, 0.0) / 10.0), 0.0)
    samples = (0.001 + rupture + aftershock) * random.normal(size=len(times))
    record = Record(TraceId("XX", "S", "", "BHZ"), 0.0, rate_hz, samples.astype(np.float32), 1.0, 2.0)
    picks = [[Arrival(0, "P", time_s, 0.0, 1.0)] for time_s in (60.0, 450.0)]
    assert 0.05 < compare_amplitudes([record], *picks) < 0.2
