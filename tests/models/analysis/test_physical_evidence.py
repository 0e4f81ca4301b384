"""Physical evidence of a class: what is collected, and when nothing can be measured."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from models.analysis.distances import predict_distances
from models.analysis.physical_evidence import (
    MAX_EXPLOSION_LOG_RATIO,
    SHORT_PERIOD_ODDS,
    collect_evidence,
    count_impulsive,
    read_first_motions,
    weigh_short_periods,
)
from models.analysis.sections import SectionReference
from models.seismic.association.arrivals import Arrival
from models.seismic.geodesy import KM_PER_DEGREE, destination
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

EPICENTER = SectionReference(20.0, 30.0, "given")


def make_arrivals(depth_km, error_km=10.0, *, short_period=True):
    arrivals = tuple(Arrival(i, "P", 0.0, 0.0, 1.0, short_period) for i in range(6))
    return SimpleNamespace(arrivals=arrivals, depth_time=SimpleNamespace(depth_km=depth_km, depth_uncertainty_km=error_km))


@pytest.fixture
def observed(opened, make_gather):
    """A gather with its records and distances, whose origin time is known to a second."""
    gather = make_gather()
    readings = predict_distances(opened["offset"], gather)
    readings.origin_times_s[:] = readings.origin_times_s[0]
    readings.origin_uncertainties_s[:] = 1.0
    samples = np.nan_to_num(gather.samples)
    records = [
        Record(name, gather.start_time_s, 1.0, row, latitude, longitude)
        for name, row, latitude, longitude in zip(gather.trace_ids, samples, gather.latitudes_deg, gather.longitudes_deg, strict=True)
    ]
    return gather, readings, records


def test_without_records_only_short_period_arrivals_count(observed):
    gather, readings, _ = observed
    found = collect_evidence((), gather, readings, EPICENTER, make_arrivals(10.0))
    assert (found.log_force, found.log_explosion, found.log_landslide) == (-np.log(SHORT_PERIOD_ODDS), 0.0, None)
    assert collect_evidence((), gather, readings, EPICENTER, make_arrivals(10.0, short_period=False)).log_force == 0.0


def test_a_depth_well_below_the_surface_excludes_an_explosion_and_a_shallow_one_allows_it(observed):
    gather, readings, records = observed
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0)).log_explosion == -MAX_EXPLOSION_LOG_RATIO
    assert 0.0 < collect_evidence(records, gather, readings, EPICENTER, make_arrivals(0.0)).log_explosion <= 0.5
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0, error_km=200.0)).log_explosion == 0.0


def test_impulsive_arrivals_weaken_a_lack_of_waves_near_1_hz_and_emergent_ones_do_not():
    arrivals = -np.log(SHORT_PERIOD_ODDS)
    assert weigh_short_periods(arrivals, None, impulsive=False) == (arrivals, None)
    assert weigh_short_periods(0.0, -2.5, impulsive=False) == (-2.5, -2.5)
    assert weigh_short_periods(arrivals, -2.5, impulsive=False) == (arrivals, arrivals)  # the same waves, counted once
    assert weigh_short_periods(arrivals, 4.0, impulsive=False) == (0.0, 4.0)
    assert weigh_short_periods(arrivals, 4.0, impulsive=True) == (arrivals, 4.0 + arrivals)


def test_stations_with_impulsive_first_arrivals_are_counted_once():
    times, rate_hz = np.arange(1000) / 10.0, 10.0
    pulse = np.where((times > 60.0) & (times < 61.0), np.sin(2.0 * np.pi * (times - 60.0)), 0.0)
    noise = np.random.default_rng(1).normal(size=(3, len(times)))
    samples = (noise[0] + 60.0 * pulse, noise[1], noise[2] + 60.0 * pulse)
    records = [Record(TraceId("XX", f"S{i}", "", "BHZ"), 0.0, rate_hz, row.astype(np.float32), 20.0, 33.0) for i, row in enumerate(samples)]
    phases = ((0, "P"), (0, "PKP"), (1, "P"), (2, "S"))
    arrivals = SimpleNamespace(arrivals=tuple(Arrival(i, phase, 60.0, 0.0, 1.0, short_period=True) for i, phase in phases))
    assert count_impulsive(records, arrivals) == 1


@pytest.mark.parametrize(("distance_deg", "is_measured"), [(2.0, True), (0.8, False)])
def test_small_waves_near_1_hz_tell_a_landslide_also_where_back_azimuths_are_uncertain(observed, distance_deg, is_measured):
    """The epicenter is known to 50 km. Rayleigh waves of 20 s and none of 1 Hz at stations whose distance is four times that."""
    gather, readings, records = observed
    origin_s, times = float(readings.origin_times_s[0]), np.arange(-400.0, 500.0, 0.1)
    kilometers = distance_deg * KM_PER_DEGREE
    wave = 15.0 * np.exp(-(((times - kilometers / 3.0) / 40.0) ** 2)) * np.sin(2.0 * np.pi * times / 20.0)
    latitudes, longitudes = destination(20.0, 30.0, np.linspace(0.0, 300.0, len(records)), np.full(len(records), distance_deg))
    random = np.random.default_rng(3)
    slid = [
        replace(
            record,
            trace_id=TraceId("XX", "S", "", "BHZ"),
            start_time_s=origin_s - 400.0,
            sampling_rate_hz=10.0,
            samples=(wave + random.normal(size=len(times))).astype(np.float32),
            latitude_deg=float(latitude),
            longitude_deg=float(longitude),
        )
        for record, latitude, longitude in zip(records, latitudes, longitudes, strict=True)
    ]
    found = collect_evidence(slid, gather, readings, EPICENTER, None)
    assert found.log_explosion == 0.0
    assert (found.log_landslide is not None and found.log_landslide > 1.5) == is_measured


def test_nothing_is_measured_where_the_origin_time_is_uncertain(observed):
    gather, readings, records = observed
    readings.origin_uncertainties_s[:] = 100.0
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0)).log_explosion == 0.0


def test_first_motions_are_read_at_short_period_picks_of_p_alone():
    times, rate_hz = np.arange(1000) / 10.0, 10.0
    pulse = np.where((times > 60.0) & (times < 61.0), np.sin(2.0 * np.pi * (times - 60.0)), 0.0)
    noise = np.random.default_rng(1).normal(size=(4, len(times)))
    records = [
        Record(TraceId("XX", f"S{i}", "", "BHZ"), 0.0, rate_hz, (row - 60.0 * pulse).astype(np.float32), 20.0 + i, 33.0)
        for i, row in enumerate(noise)
    ]
    phases = (("P", True), ("P", False), ("S", True), ("P", True))
    arrivals = tuple(Arrival(i, phase, 60.0, 0.0, 1.0, short) for i, (phase, short) in enumerate(phases))
    solution = SimpleNamespace(arrivals=arrivals, depth_time=SimpleNamespace(depth_km=10.0, depth_uncertainty_km=5.0))
    found = read_first_motions(records, solution, EPICENTER)
    assert [one.is_up for one in found] == [False, False]
    assert found[0].azimuth_deg == pytest.approx(90.0, abs=2.0)
    assert found[1].azimuth_deg == pytest.approx(43.0, abs=3.0)
