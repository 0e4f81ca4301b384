"""Stations whose clocks contradict a located event."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from models.analysis.clocks import find_clock_errors
from models.analysis.combine import OriginTime
from models.imaging.conditioning import condition
from models.seismic.association.arrivals import Arrival
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import StationDistances, build_location
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING

ORIGIN_S, RATE_HZ, COUNT, DEPTH_KM = 1.6e9, 5.0, 18_000, 30.0
DISTANCES_DEG = np.linspace(35.0, 80.0, 8)
WRONG = 5


def make_record(number: int, distance: float, random: np.random.Generator) -> Record:
    """A record of noise with P, PP, S and Rayleigh waves, from five minutes before the origin time on."""
    times = np.arange(COUNT) / RATE_HZ - 300.0
    samples = random.normal(size=COUNT)
    for phase in ("P", "PP", "S"):
        after = times - float(travel_time_s(phase, [distance], DEPTH_KM)[0])
        samples += np.where(after > 0.0, 15.0 * random.normal(size=COUNT) * np.exp(-np.maximum(after, 0.0) / 10.0), 0.0)
    after = times - distance * KM_PER_DEGREE / 3.5
    samples += 40.0 * np.sin(2.0 * np.pi * times / 30.0) * np.exp(-0.5 * (after / 60.0) ** 2)
    latitude, longitude = destination(10.0, 20.0, 45.0 * number, distance)
    return Record(
        TraceId("XX", f"S{number}", "", "BHZ"), ORIGIN_S - 300.0, RATE_HZ, samples.astype(np.float32), float(latitude), float(longitude)
    )


def make_event(late_s: float):
    """Records of eight stations, one of them with times that are too late, their gather, and the event as the others locate it."""
    random = np.random.default_rng(8)
    records = [make_record(number, distance, random) for number, distance in enumerate(DISTANCES_DEG)]
    records[WRONG] = replace(records[WRONG], start_time_s=records[WRONG].start_time_s + late_s)
    gather = condition(records, CONDITIONING)
    right = [number for number in range(8) if number != WRONG]
    p_s = travel_time_s("P", DISTANCES_DEG, DEPTH_KM)
    arrivals = [Arrival(k, "P", ORIGIN_S + p_s[k], 0.0, 1.0, True, 0.5) for k in right]
    arrivals += [Arrival(k, "LR", ORIGIN_S + DISTANCES_DEG[k] * KM_PER_DEGREE / 3.5, 0.0, 30.0) for k in right]
    observed = StationDistances(gather.latitudes_deg, gather.longitudes_deg, DISTANCES_DEG, np.full(8, 2.0))
    region = EpicenterRegion(10.0, 20.0, 20.0, 20.0, 0.0, 20.0, 1.0)
    origin_times_s = ORIGIN_S + np.where(np.arange(8) == WRONG, late_s, 0.0)
    found = SimpleNamespace(
        location=build_location([region], observed, common_bias_deg=0.0, effective_stations=8.0),
        origin=OriginTime(ORIGIN_S, 2.0),
        depth=SimpleNamespace(depth_km=DEPTH_KM),
        arrivals=tuple(arrivals),
        begins_late=False,
        readings=SimpleNamespace(
            origin_times_s=origin_times_s, origin_uncertainties_s=np.full(8, 100.0), uncertainties_deg=np.full(8, 2.0)
        ),
    )
    return records, gather, found


@pytest.mark.parametrize("late_s", [-100.0, 60.0, 300.0, 3600.0])
def test_a_station_whose_waves_fit_at_another_time_has_a_wrong_clock(late_s):
    (error,) = find_clock_errors(*make_event(late_s))
    assert error.trace_index == WRONG
    assert error.shift_s == pytest.approx(late_s, abs=5.0)
    assert error.log_odds > 2.0


def test_a_station_without_an_associated_arrival_has_a_right_clock():
    assert find_clock_errors(*make_event(0.0)) == []


def test_a_record_of_noise_has_no_wrong_clock():
    records, _, found = make_event(0.0)
    noise = np.random.default_rng(3).normal(size=COUNT).astype(np.float32)
    records[WRONG] = replace(records[WRONG], samples=noise)
    assert find_clock_errors(records, condition(records, CONDITIONING), found) == []


def test_stations_that_are_late_by_the_same_time_saw_another_event():
    records, _, found = make_event(-100.0)
    records[2] = replace(records[2], start_time_s=records[2].start_time_s - 100.0)
    found.arrivals = tuple(one for one in found.arrivals if one.trace_index != 2)
    found.readings.origin_times_s[2] -= 100.0
    assert find_clock_errors(records, condition(records, CONDITIONING), found) == []


def test_nothing_is_looked_for_where_the_epicenter_is_uncertain():
    records, gather, found = make_event(-100.0)
    found.location = replace(found.location, horizontal_uncertainty_km=500.0)
    assert find_clock_errors(records, gather, found) == []
