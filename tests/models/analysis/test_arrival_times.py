"""When arrival times are accepted, and when they are doubted and both hypotheses are stated: times used, and not used."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.arrival_times import (
    PROBABILITY,
    contradicts_distances,
    contradicts_others,
    find_arrival_solution,
    has_short_period_arrivals,
    is_detected_by_majority,
    is_far,
    is_one_array,
    is_significant,
    is_verified,
    mix_hypotheses,
)
from models.analysis.combine import OriginTime, set_origin_time
from models.analysis.directions import Directions, joint_prior
from models.analysis.distances import station_distances
from models.analysis.refinement import locate_without_distances, refine_location
from models.imaging.conditioning import condition
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import StationDistances, build_location
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Horizontals, Record
from models.specs.pictures import CONDITIONING
from tests.support.local_events import ORIGIN_S, RATE_HZ, SOURCE, growing, local_event

HERE, THERE, ELSEWHERE = (
    EpicenterRegion(latitude, 20.0, 100.0, 50.0, 0.0, 80.0, probability)
    for latitude, probability in ((0.0, 0.7), (40.0, 0.3), (-30.0, 0.9))
)
TIMED = ArrivalTimeSolution((HERE, THERE), DepthTime(10.0, 0.0, 25.0, 1.0, 0.0), 20.0, ())


@pytest.fixture(scope="module")
def ten():
    """A network of ten stations around an event."""
    return local_event(10)


def test_arrival_times_of_a_local_network_outweigh_distances_that_are_outliers(ten):
    records, gather, readings = ten
    before = locate_by_distances(station_distances(gather, readings))
    solution = find_arrival_solution(pick_records(records), gather, readings, [before], joint_prior(gather, readings, Directions()))
    detected = [arrival.trace_index for arrival in solution.arrivals]
    observed = station_distances(gather, readings)
    refined = build_location(solution.regions, observed, common_bias_deg=0.0, effective_stations=10.0, detected=detected)
    assert distance_deg(*SOURCE, before.latitude_deg, before.longitude_deg) > 20.0
    assert distance_deg(*SOURCE, refined.latitude_deg, refined.longitude_deg) * KM_PER_DEGREE < 15.0
    assert solution.depth_time.time_s == pytest.approx(ORIGIN_S, abs=4.0)
    assert refined.azimuthal_gap_deg < 330.0
    assert np.nanmedian(refined.residuals_deg) < -50.0
    shown = set_origin_time(readings, OriginTime(solution.depth_time.time_s, solution.depth_time.time_uncertainty_s))
    assert np.all(shown.origin_times_s == solution.depth_time.time_s)


@pytest.mark.parametrize("permuted", [False, True])
def test_records_of_a_local_network_with_the_codes_of_other_stations_may_be_of_an_event_anywhere(ten, permuted):
    records, gather, readings = ten
    order = np.random.default_rng(2).permutation(10) if permuted else np.arange(10)
    moved = [replace(record, samples=records[other].samples) for record, other in zip(records, order.tolist(), strict=True)]
    unsure = replace(readings, uncertainties_deg=np.full(10, 40.0))
    found = refine_location(moved, gather, unsure, locate_by_distances(station_distances(gather, unsure)))
    assert found.mislabeled == permuted
    assert (found.location.horizontal_uncertainty_km > 10_000.0) == permuted
    assert (locate_without_distances(moved, gather, unsure) is None) == permuted


def test_s_picked_on_horizontals_constrains_the_distance_of_a_one_sided_network():
    """With P alone, distance, depth and origin time of a source outside the network trade off."""
    rng = np.random.default_rng(1)
    stations = destination(38.0, 28.5, rng.uniform(0.0, 360.0, 8), rng.uniform(0.2, 1.2, 8))
    records = [three_components(rng, number, point) for number, point in enumerate(zip(*stations, strict=True))]
    errors, radii, phases = [], [], []
    for subset in (records, [replace(record, horizontals=None) for record in records]):
        gather = condition(subset, CONDITIONING)
        data = collect_candidates(pick_records(subset), pick_envelope_peaks(gather), gather.latitudes_deg, gather.longitudes_deg)
        solution = locate_by_arrival_times(data, uniform_prior)
        best = solution.regions[0]
        errors.append(float(distance_deg(*SOURCE, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE)
        radii.append(best.horizontal_uncertainty_km)
        phases.append(sum(arrival.phase in ("S", "Sg") for arrival in solution.arrivals))
    assert phases[0] >= 6
    assert errors[0] < 25.0
    assert errors[0] < 0.7 * errors[1]
    assert radii[0] < 0.5 * radii[1]


def three_components(rng, number, point):
    """Make a record with P on the vertical, and S on the horizontals alone."""
    distance = float(distance_deg(*SOURCE, *point))
    p_s, s_s = (float(travel_time_s(phase, distance, 10.0)) for phase in ("P", "S"))
    vertical, north, east = (growing(rng, [(p_s, height), (s_s, shear)]) for height, shear in ((15.0, 0.0), (3.0, 30.0), (3.0, 30.0)))
    trace_ids = [TraceId("XX", f"S{number}", "", channel) for channel in ("BHZ", "BHN", "BHE")]
    horizontals = Horizontals((trace_ids[1], trace_ids[2]), np.stack((north, east)), (0.0, 90.0))
    return Record(trace_ids[0], ORIGIN_S - 60.0, RATE_HZ, vertical, *point, horizontals=horizontals)


def test_noise_has_no_arrival_solution(ten):
    records, _, readings = ten
    rng = np.random.default_rng(8)
    noise = [replace(record, samples=growing(rng, [])) for record in records]
    gather = condition(noise, CONDITIONING)
    before = locate_by_distances(station_distances(gather, readings))
    assert find_arrival_solution(pick_records(noise), gather, readings, [before], joint_prior(gather, readings, Directions())) is None
    assert set_origin_time(readings, None) is readings


def make_arrivals(**counts):
    phases = [phase for phase, count in counts.items() for _ in range(count)]
    return [Arrival(index, phase, 0.0, 0.0, 1.0) for index, phase in enumerate(phases)]


@pytest.mark.parametrize(
    ("detected", "traces", "accepted"),
    [
        ({"P": 6}, 10, True),
        ({"P": 5}, 10, False),
        ({"P": 3, "PKP": 3}, 10, True),
        ({"LR": 6, "P": 1}, 10, True),
        ({"S": 10}, 10, False),
        ({"P": 3}, 4, True),
        ({"P": 2}, 2, False),
        ({"LR": 4}, 4, False),
        ({"LR": 5}, 5, True),
        ({}, 10, False),
    ],
)
def test_times_are_accepted_where_a_majority_of_traces_detected_the_same_wave(detected, traces, accepted):
    assert is_detected_by_majority(make_arrivals(**detected), traces) is accepted


@pytest.mark.parametrize(("short", "phase", "detected"), [(5, "P", True), (4, "P", False), (0, "P", False), (8, "LR", False)])
def test_only_first_arrivals_at_short_periods_on_five_traces_indicate_a_tectonic_earthquake(short, phase, detected):
    arrivals = tuple(Arrival(k, phase, 0.0, 0.0, 1.0, k < short) for k in range(8))
    solution = ArrivalTimeSolution((), DepthTime(10.0, 0.0, 25.0, 1.0, 0.0), 20.0, arrivals)
    assert has_short_period_arrivals(solution) is detected
    assert not has_short_period_arrivals(None)


def make_network(distance_deg, aperture_deg, count=12):
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
    stations = make_network(distance_deg, aperture_deg)
    assert is_one_array(stations) is one
    assert is_far(TIMED, stations.latitudes_deg, stations.longitudes_deg) is far


@pytest.mark.parametrize(
    ("distance_deg", "log_evidence", "alone", "accepted"),
    [(3.0, 2.5, False, True), (3.0, 1.0, False, False), (60.0, 2.5, False, False), (60.0, 6.5, False, True), (60.0, 0.5, True, True)],
)
def test_arrival_times_of_sources_nearby_need_less_evidence(distance_deg, log_evidence, alone, accepted):
    network = make_network(distance_deg, 2.0)
    arrivals = tuple(Arrival(k, "P", 0.0, 0.0, 1.0) for k in range(7))
    solution = replace(TIMED, log_evidence=log_evidence, arrivals=arrivals)
    assert is_significant(solution, 12, (network.latitudes_deg, network.longitudes_deg), alone=alone) is accepted
    assert not is_significant(replace(solution, arrivals=arrivals[:6]), 12, (network.latitudes_deg, network.longitudes_deg), alone=alone)


@pytest.mark.parametrize(
    ("traces", "log_evidence", "alone", "accepted"),
    [(3, 6.5, False, True), (4, 5.5, False, False), (5, 5.5, False, True), (4, 6.5, True, False), (5, 6.5, True, True)],
)
def test_fewer_than_five_stations_need_distances_and_more_evidence(traces, log_evidence, alone, accepted):
    network = make_network(3.0, 2.0, traces)
    arrivals = tuple(Arrival(k, "P", 0.0, 0.0, 1.0) for k in range(traces))
    solution = replace(TIMED, log_evidence=log_evidence, arrivals=arrivals)
    assert is_significant(solution, traces, (network.latitudes_deg, network.longitudes_deg), alone=alone) is accepted


def test_a_mixture_holds_all_regions_with_half_their_probability():
    mixture = mix_hypotheses(TIMED.regions, [ELSEWHERE], by_probability=False)
    assert mixture == [replace(region, probability=PROBABILITY * region.probability) for region in (HERE, THERE, ELSEWHERE)]
    first, *_ = mix_hypotheses(TIMED.regions, [ELSEWHERE], by_probability=True)
    assert first.latitude_deg == ELSEWHERE.latitude_deg


def make_detected(stations):
    """A solution with a first arrival at each of the stations."""
    return replace(TIMED, arrivals=tuple(Arrival(row, "P", 0.0, 0.0, 1.0) for row in range(len(stations.latitudes_deg))))


def test_many_independent_first_arrivals_verify_themselves():
    few, many = make_network(60.0, 2.0, 7), make_network(30.0, 60.0, 20)
    of_many, of_few = ((stations.latitudes_deg, stations.longitudes_deg) for stations in (many, few))
    assert is_verified(of_many, make_detected(many))
    assert not is_verified(of_few, make_detected(few))
    assert not is_verified(of_many, TIMED)


def test_arrivals_apart_from_all_other_regions_contradict_them():
    wide = replace(ELSEWHERE, semi_major_km=2000.0, semi_minor_km=2000.0)
    assert contradicts_others(TIMED.regions, [ELSEWHERE])
    assert not contradicts_others(TIMED.regions, [ELSEWHERE, wide])
    assert not contradicts_others(TIMED.regions, [])


@pytest.mark.parametrize(("error_deg", "contradicted"), [(0.0, False), (7.0, False), (9.0, True), (np.nan, False)])
def test_an_epicenter_far_from_the_predicted_distances_contradicts_them(error_deg, contradicted):
    stations = make_network(60.0, 2.0, 7)
    distances = distance_deg(HERE.latitude_deg, HERE.longitude_deg, stations.latitudes_deg, stations.longitudes_deg)
    predicted = StationDistances(stations.latitudes_deg, stations.longitudes_deg, np.asarray(distances) + error_deg, np.full(7, 2.0))
    assert contradicts_distances(predicted, TIMED) is contradicted
