"""When times are believed, and what they and the section say of depth together."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.directions import Directions, joint_prior
from models.analysis.distances import DistanceReadings
from models.analysis.refinement import (
    combine_depths,
    compile_location,
    detected_by_majority,
    has_short_period_arrivals,
    locate_by_arrivals,
    location_from_arrivals,
    origin_of_arrivals,
    refine_location,
    with_origin,
)
from models.imaging.conditioning import condition
from models.seismic.arrays import semblance
from models.seismic.association import stack as phase_stack
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.surface_waves import stack
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record
from models.specs.pictures import CONDITIONING
from tests.support import surface_waves
from tests.support.local_events import ORIGIN_S, RATE_HZ, SOURCE, growing, local_event


@pytest.fixture(scope="module")
def ten():
    """A network of ten around an event."""
    return local_event(10)


def test_times_of_a_local_network_overrule_distances_that_lead_astray(ten):
    records, gather, readings = ten
    before = locate_by_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    timed = locate_by_arrivals(pick_records(records), gather, readings, [before], joint_prior(gather, readings, Directions()))
    moved = location_from_arrivals(gather, readings, before, timed)
    assert distance_deg(*SOURCE, before.latitude_deg, before.longitude_deg) > 20.0
    assert distance_deg(*SOURCE, moved.latitude_deg, moved.longitude_deg) * KM_PER_DEGREE < 15.0
    assert timed.time_s == pytest.approx(ORIGIN_S, abs=4.0)
    assert moved.azimuthal_gap_deg < 330.0
    assert np.nanmedian(moved.residuals_deg) < -50.0
    shown = with_origin(readings, origin_of_arrivals(timed))
    assert np.all(shown.origin_times_s == timed.time_s)


def test_s_that_horizontals_show_tells_the_distance_of_a_network_on_one_side():
    """P alone leaves distance, depth and origin time of what lies outside a network to one another."""
    errors, phases = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        places = destination(38.0, 28.5, rng.uniform(0.0, 360.0, 8), rng.uniform(0.2, 1.2, 8))
        records = [three_components(rng, number, place) for number, place in enumerate(zip(*places, strict=True))]
        for some in (records, [replace(record, horizontals=None) for record in records]):
            gather = condition(some, CONDITIONING)
            data = collect_candidates(pick_records(some), pick_envelope_peaks(gather), gather.latitudes_deg, gather.longitudes_deg)
            timed = locate_by_arrival_times(data, uniform_prior)
            best = timed.regions[0]
            errors.append(float(distance_deg(*SOURCE, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE)
            phases.append(sum(arrival.phase == "S" for arrival in timed.arrivals))
    assert min(phases[::2]) >= 6
    assert np.median(errors[::2]) < 15.0
    assert np.median(errors[::2]) < np.median(errors[1::2])


def three_components(rng, number, place):
    """A station that hears P on the vertical, and S on the horizontals alone."""
    reach = float(distance_deg(*SOURCE, *place))
    p_s, s_s = (float(travel_time_s(phase, reach, 10.0)) for phase in ("P", "S"))
    vertical, north, east = (growing(rng, [(p_s, height), (s_s, shear)]) for height, shear in ((15.0, 0.0), (3.0, 30.0), (3.0, 30.0)))
    names = [TraceId("XX", f"S{number}", "", channel) for channel in ("BHZ", "BHN", "BHE")]
    beside = Horizontals((names[1], names[2]), np.stack((north, east)), (0.0, 90.0))
    return Record(names[0], ORIGIN_S - 60.0, RATE_HZ, vertical, *place, horizontals=beside)


@pytest.mark.parametrize(("ratio", "method"), [(5.0, "surface-waves"), (0.0, "offsets")])
def test_surface_waves_that_no_trace_shows_replace_distances_that_lead_astray(ratio, method):
    gather = surface_waves.drawn(1, ratio)
    rng, count = np.random.default_rng(3), len(gather.samples)
    readings = DistanceReadings(
        trace_ids=gather.trace_ids,
        distances_deg=rng.uniform(10.0, 110.0, count),
        uncertainties_deg=np.full(count, 12.0),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=rng.normal(-300.0, 60.0, count),
        origin_uncertainties_s=np.full(count, 200.0),
        window_start_s=0.0,
        live=np.ones(count, np.bool_),
    )
    before = locate_by_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    found = refine_location((), gather, readings, before)
    assert found.method == method
    if ratio == 0.0:
        assert found.location is before
        return
    assert distance_deg(*surface_waves.SOURCE, found.location.latitude_deg, found.location.longitude_deg) < 2.0
    assert found.location.horizontal_uncertainty_km < 300.0
    shown = with_origin(readings, found.origin)
    assert shown.origin_times_s == pytest.approx(np.full(count, surface_waves.ORIGIN_S), abs=30.0)


def test_records_without_an_event_leave_the_offsets_as_they_are(ten):
    records, _, readings = ten
    rng = np.random.default_rng(8)
    silent = [replace(record, samples=growing(rng, [])) for record in records]
    gather = condition(silent, CONDITIONING)
    before = locate_by_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    assert locate_by_arrivals(pick_records(silent), gather, readings, [before], joint_prior(gather, readings, Directions())) is None
    assert with_origin(readings, None) is readings


def arrivals(**counts):
    return [Arrival(place, phase, 0.0, 0.0, 1.0) for phase, count in counts.items() for place in range(count)]


@pytest.mark.parametrize(
    ("heard", "traces", "believed"),
    [
        ({"P": 6}, 10, True),
        ({"P": 5}, 10, False),
        ({"P": 3, "PKP": 3}, 10, True),
        ({"LR": 6, "P": 1}, 10, True),
        ({"S": 10}, 10, False),
        ({"P": 4}, 4, False),
        ({"P": 5}, 5, True),
        ({}, 10, False),
    ],
)
def test_times_are_believed_where_most_of_the_network_heard_the_same_wave(heard, traces, believed):
    assert detected_by_majority(arrivals(**heard), traces) is believed


def test_the_surer_of_two_depths_counts_more():
    depth, deviation = combine_depths((20.0, 40.0), (40.0, 20.0))
    assert depth == pytest.approx(36.0)
    assert deviation == pytest.approx(17.9, abs=0.1)


def test_depths_that_contradict_each_other_are_less_sure_than_either():
    depth, deviation = combine_depths((10.0, 12.0), (500.0, 12.0))
    assert depth == pytest.approx(255.0)
    assert deviation > 200.0


def test_a_depth_without_a_clue_changes_nothing():
    assert combine_depths((33.0, 10.0), (350.0, 1e4)) == pytest.approx((33.0, 10.0), rel=0.01)


@pytest.mark.parametrize(("short", "phase", "heard"), [(5, "P", True), (4, "P", False), (0, "P", False), (8, "LR", False)])
def test_only_first_arrivals_at_short_periods_on_enough_traces_speak_for_a_tectonic_earthquake(short, phase, heard):
    arrivals = tuple(Arrival(k, phase, 0.0, 0.0, 1.0, k < short) for k in range(8))
    timed = ArrivalTimeSolution((), 10.0, 5.0, 0.0, 1.0, 20.0, arrivals)
    assert has_short_period_arrivals(timed) is heard
    assert not has_short_period_arrivals(None)


def test_every_loop_is_compiled_before_the_first_event():
    compile_location()
    for loop in (semblance._sums, phase_stack.stack_along_curves, stack.detection_llr, stack.stack_sources):
        assert loop.signatures
