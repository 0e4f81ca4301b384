"""What an inversion changes in the answer for a located event, and what it leaves."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import source as analysis
from models.analysis.combine import DepthEstimate, OriginTime
from models.analysis.depth import DepthDensity
from models.analysis.event_class import choose_class
from models.analysis.pipeline import ForceAzimuthEstimate, locate_event
from models.analysis.source import (
    CLASS_WEIGHTS,
    CLEAR_CLASS_WEIGHTS,
    add_source,
    choose_gain_deviations,
    combine_source_depth,
    condition_horizontals,
    select_class_weights,
    state_depth,
    weigh_difference,
)
from models.imaging.conditioning import condition
from models.seismic.association.arrivals import Arrival
from models.seismic.source.greens_tables import DEPTHS_KM as SOURCE_DEPTHS_KM
from models.seismic.source.problem import KNOWN_GAIN_DEVIATION
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record
from models.specs.event_type import EVENT_CLASSES
from models.specs.pictures import CONDITIONING
from tests.support.known_depths import know_depths
from tests.support.sources import make_force, make_tensor, make_trace


@pytest.fixture
def glacial(opened, make_gather):
    gather = make_gather()
    return gather, locate_event(opened, gather, event_type="glacial")


def state(monkeypatch, found, gather, source):
    """The answer with that source found."""
    monkeypatch.setattr(analysis, "find_source", lambda *_, **_options: source)
    return add_source(found, gather, (), {"toy": None})


def test_without_tables_the_answer_stays_as_it_is(glacial):
    gather, found = glacial

    assert add_source(found, gather, (), {}) == found


def test_a_force_that_is_constrained_gives_azimuth_sign_epicenter_and_origin_time(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force())

    assert (answer.force_azimuth.azimuth_deg, answer.force_azimuth.ambiguous) == (230.0, False)
    assert (answer.location.latitude_deg, answer.location.longitude_deg) == (66.0, -38.0)
    assert (answer.origin.time_s, answer.method) == (1000.0, "waveform-inversion")


def test_a_force_that_does_not_fit_clearly_gives_its_azimuth_and_no_epicenter(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force(log_likelihood=45.0))

    assert (answer.location, answer.origin, answer.method) == (found.location, found.origin, found.method)
    assert answer.force_azimuth.azimuth_deg == 230.0


@pytest.mark.parametrize(("radius_km", "moved"), [(20.0, False), (200.0, True)])
def test_a_force_moves_an_epicenter_of_arrival_times_that_it_makes_more_certain(monkeypatch, glacial, radius_km, moved):
    gather, found = glacial
    location = replace(found.location, horizontal_uncertainty_km=radius_km)
    timed = replace(found, location=location, method="distances+arrival-times")
    answer = state(monkeypatch, timed, gather, make_force(sign_probability=0.6))

    assert (answer.location != location) is moved
    assert answer.method == ("waveform-inversion" if moved else "distances+arrival-times")
    assert (answer.force_azimuth.azimuth_deg, answer.force_azimuth.method) == (230.0, "waveform-inversion")
    assert answer.force_azimuth.ambiguous


def test_a_moment_tensor_that_fits_clearly_moves_an_epicenter_that_no_arrival_times_hold(monkeypatch, opened, make_gather):
    gather, tensor = make_gather(), make_tensor(log_likelihood=90.0)
    found = locate_event(opened, gather, event_type="earthquake")
    size = {"horizontal_uncertainty_km": 300.0, "semi_major_km": 300.0, "semi_minor_km": 300.0, "alternatives": ()}
    near = replace(found.location, latitude_deg=65.0, longitude_deg=-36.0, **size)
    found = replace(found, location=near)
    moved = state(monkeypatch, found, gather, tensor)

    assert moved.method == "waveform-inversion"
    assert (moved.location.latitude_deg, moved.origin.time_s) == (tensor.region.latitude_deg, tensor.time_s)
    held = replace(found, arrivals=(Arrival(0, "P", 1000.0, 0.0, 1.0),))
    contradicted = replace(found, location=replace(near, latitude_deg=-40.0))
    for stays, source in ((held, tensor), (contradicted, tensor), (found, replace(tensor, log_likelihood=50.0))):
        answer = state(monkeypatch, stays, gather, source)
        assert (answer.location, answer.origin, answer.method) == (stays.location, stays.origin, stays.method)


def test_the_sign_of_a_force_is_ambiguous_where_instruments_are_unknown(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force(response_known=False))

    assert (answer.force_azimuth.azimuth_deg, answer.force_azimuth.method) == (230.0, "waveform-inversion")
    assert answer.force_azimuth.ambiguous


def test_an_azimuth_that_the_inversion_leaves_open_is_not_stated_in_place_of_that_of_the_beams(monkeypatch, glacial):
    gather, found = glacial
    beams = ForceAzimuthEstimate(20.0, 30.0, True)
    vague = make_force(force_azimuth_uncertainty_deg=48.0)

    assert state(monkeypatch, replace(found, force_azimuth=beams), gather, vague).force_azimuth == beams
    alone = state(monkeypatch, replace(found, force_azimuth=None), gather, vague)
    assert alone.force_azimuth is None
    assert alone.method == "waveform-inversion", "the epicenter is constrained nevertheless"


@pytest.mark.parametrize(
    ("known", "gains"),
    [((0, 1), {0: KNOWN_GAIN_DEVIATION, 1: KNOWN_GAIN_DEVIATION}), ((0,), {1: 0.8, 2: 0.8}), ((), {0: 0.8, 1: 0.8, 2: 0.8})],
)
def test_amplitudes_in_meters_are_not_compared_with_counts(known, gains):
    assert choose_gain_deviations((0, 1, 2), known) == gains


@pytest.mark.parametrize("changes", [{"log_likelihood": 20.0}, {"azimuthal_gap_deg": 330.0}, {"traces": (make_trace(0),)}])
def test_a_source_without_likelihood_azimuths_or_traces_changes_nothing(monkeypatch, glacial, changes):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force(**changes))

    assert replace(answer, source=None) == found
    assert not answer.source.constrains


def weigh(monkeypatch, found, gather, probabilities, radius_km=100.0, **sources):
    """The answer for a class of these probabilities, and the kinds of source that were tried, with whether to be compared."""
    known = replace(found.classification, probabilities=dict(zip(EVENT_CLASSES, probabilities, strict=True)), event_type="undetermined")
    unsure = replace(
        found,
        event_type=choose_class(known.probabilities),
        classification=known,
        location=replace(found.location, horizontal_uncertainty_km=radius_km),
    )
    tried = []

    def find_source(*given, is_compared=False):
        tried.append((given[-1], is_compared))
        return sources.get(given[-1])

    monkeypatch.setattr(analysis, "find_source", find_source)
    return add_source(unsure, gather, (), {"toy": None}), tried


@pytest.fixture
def located(opened, make_gather):
    gather = make_gather()
    return gather, locate_event(opened, gather)


def test_an_open_class_is_that_of_the_kind_of_source_that_fits_better(monkeypatch, located):
    gather, found = located
    force, tensor = make_force(log_likelihood=120.0), make_tensor(log_likelihood=60.0)

    glacial, tried = weigh(monkeypatch, found, gather, (0.5, 0.45, 0.05), force=force, tensor=tensor)
    earthquake, _ = weigh(monkeypatch, found, gather, (0.5, 0.45, 0.05), force=force, tensor=replace(tensor, log_likelihood=180.0))

    assert tried[:2] == [("tensor", True), ("force", True)]
    assert glacial.classification.probabilities["earthquake"] < 0.1
    assert glacial.source.kind == "force" or glacial.event_type != "glacial"
    assert (earthquake.event_type, earthquake.source.kind) == ("earthquake", "tensor")
    assert earthquake.depth.depth_km == pytest.approx(120.0)
    assert earthquake.force_azimuth is None
    assert sum(earthquake.classification.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("likelihood", "weights"), [(59.0, CLASS_WEIGHTS), (61.0, CLEAR_CLASS_WEIGHTS)])
def test_the_kind_of_source_that_fits_clearly_weighs_more(likelihood, weights):
    sources = {"tensor": make_tensor(log_likelihood=40.0), "force": make_force(log_likelihood=likelihood)}
    assert select_class_weights(sources) == weights
    assert weigh_difference(50.0, *CLEAR_CLASS_WEIGHTS) > weigh_difference(50.0, *CLASS_WEIGHTS) > 0.0


def test_what_fits_no_better_than_noise_and_great_earthquakes_say_nothing_about_the_class(monkeypatch, located):
    gather, found = located
    weak = {"force": make_force(log_likelihood=25.0), "tensor": make_tensor(log_likelihood=10.0)}

    great = {"force": make_force(log_likelihood=200.0), "tensor": make_tensor(log_likelihood=100.0, centroid_delay_s=50.0)}

    for sources in (weak, great):
        answer, _ = weigh(monkeypatch, found, gather, (0.5, 0.45, 0.05), **sources)
        assert answer.event_type == "undetermined"
        assert answer.classification.probabilities == {"earthquake": 0.5, "glacial": 0.45, "other": 0.05}


def test_waves_of_a_source_at_the_surface_speak_for_an_explosion_and_those_of_a_double_couple_for_an_earthquake(monkeypatch, located):
    gather, found = located
    sure, doubtful = (0.93, 0.001, 0.069), (0.7, 0.001, 0.299)

    def answer(probabilities, log_explosion, **changes):
        return weigh(monkeypatch, found, gather, probabilities, tensor=make_tensor(log_explosion=log_explosion, **changes))[0]

    explosion, earthquake = answer(sure, 8.0), answer(doubtful, -8.0)
    assert explosion.event_type == "undetermined"
    assert explosion.classification.evidence.log_explosion == pytest.approx(found.classification.evidence.log_explosion + 3.0)
    assert explosion.depth is None
    assert earthquake.classification.evidence.log_explosion == pytest.approx(found.classification.evidence.log_explosion - 2.0)
    assert earthquake.classification.probabilities["earthquake"] > 0.7
    assert answer(sure, 8.0, log_likelihood=20.0).event_type == "undetermined", "few stations suffice"
    assert answer(sure, 8.0, centroid_delay_s=60.0).event_type == "earthquake", "no point"
    assert answer(sure, None).event_type == "earthquake"
    assert sum(explosion.classification.probabilities.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(("probabilities", "radius_km"), [((0.95, 0.001, 0.049), 100.0), ((0.85, 0.1, 0.05), 900.0)])
def test_a_sure_class_or_a_lost_epicenter_has_no_other_kind_of_source_tried(monkeypatch, located, probabilities, radius_km):
    gather, found = located

    answer, tried = weigh(monkeypatch, found, gather, probabilities, radius_km, force=make_force(), tensor=make_tensor())

    assert tried == [("tensor", True)]
    assert answer.event_type == "earthquake"


def test_a_force_that_is_stated_is_inverted_for_with_the_phase_error_of_forces(monkeypatch, located):
    """What was compared with a moment tensor was weighed like one."""
    gather, found = located
    sources = {"force": make_force(log_likelihood=150.0), "tensor": make_tensor(log_likelihood=60.0)}

    compared, tried = weigh(monkeypatch, found, gather, (0.05, 0.9, 0.05), **sources)
    alone, only = weigh(monkeypatch, found, gather, (0.001, 0.95, 0.049), **sources)

    assert (compared.event_type, compared.source.kind) == ("glacial", "force")
    assert tried == [("tensor", True), ("force", True), ("force", False)]
    assert only == [("force", False)]
    assert alone.source.kind == "force"


def test_a_moment_tensor_long_after_the_origin_is_no_point_and_determines_no_depth():
    tensor = make_tensor()

    assert tensor.constrains
    assert replace(tensor, centroid_delay_s=14.0).constrains
    assert not replace(tensor, centroid_delay_s=60.0).constrains
    assert make_force(centroid_delay_s=60.0).constrains


def test_the_origin_time_follows_the_depth_where_arrival_times_determine_both(located):
    """A correlation of 0.6, and deviations of 40 km and 2 s: 0.03 s later for each kilometer."""
    _, found = located
    found = replace(found, depth=DepthEstimate(30.0, 40.0), origin=OriginTime(1e9, 2.0))

    moved = state_depth(replace(found, depth_time_correlation=0.6), DepthEstimate(80.0, 8.0))
    alone = state_depth(replace(found, depth_time_correlation=None), DepthEstimate(80.0, 8.0))

    assert moved.origin.time_s - 1e9 == pytest.approx(1.5)
    assert moved.origin.uncertainty_s == pytest.approx(np.hypot(2.0 * 0.8, 0.03 * 8.0))
    assert 0.0 < moved.depth_time_correlation < 0.6
    assert (moved.depth, alone.depth) == (DepthEstimate(80.0, 8.0), DepthEstimate(80.0, 8.0))
    assert alone.origin == OriginTime(1e9, 2.0)


def test_depths_are_weighted_by_their_variances():
    profile = np.array([80.0 - (depth - 100.0) ** 2 / 100.0 for depth in SOURCE_DEPTHS_KM])
    tensor = make_tensor(depth_km=100.0, depth_uncertainty_km=10.0, depth_profile=profile)

    assert combine_source_depth(None, tensor) == DepthEstimate(100.0, 10.0)
    density = DepthDensity.begin(know_depths(300.0), None).with_section(DepthEstimate(120.0, 20.0))
    assert combine_source_depth(density, tensor).depth_km == pytest.approx(103.0, abs=4.0)


def make_record(samples, horizontals=None, response=None):
    return Record(TraceId("XX", "ONE", "", "LHZ"), 1000.0, 1.0, samples, 10.0, 20.0, response=response, horizontals=horizontals)


def test_horizontals_are_rotated_to_north_and_east_on_the_clock_of_the_gather():
    """A pulse on a sensor whose first component points to 90 degrees moves to the east; a record without horizontals has none."""
    pulse = np.exp(-0.5 * ((np.arange(2000.0) - 900.0) / 12.0) ** 2).astype(np.float32)
    pair = Horizontals((TraceId("XX", "ONE", "", "LH1"), TraceId("XX", "ONE", "", "LH2")), np.stack((pulse, 0.0 * pulse)), (90.0, 180.0))
    early = replace(make_record(pulse), start_time_s=700.0)
    records = [early, make_record(pulse, pair)]
    gather = condition(records, CONDITIONING)

    motion = condition_horizontals(gather, records, [0, 1])

    assert motion.shape == (2, 2, gather.samples.shape[1])
    assert np.isnan(motion[0]).all()
    np.testing.assert_allclose(np.nan_to_num(motion[1, 1]), np.nan_to_num(gather.samples[1]), atol=1e-3)
    assert np.nanmax(np.abs(motion[1, 0])) < 1e-3
    assert condition_horizontals(gather, records, [0]) is None
