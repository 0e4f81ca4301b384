"""Classify, locate and embed with toy models whose outputs are known functions of the picture."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import pipeline
from models.analysis.depth import find_known_depths
from models.analysis.distances import predict_distances
from models.analysis.event_class import PRIOR_EXPLOSION_ODDS, PRIOR_ODDS_OFF_ICE, TECTONIC_ODDS_AT_ICE, choose_class
from models.analysis.hypocenter import multiply_depths
from models.analysis.pipeline import ForceAzimuthEstimate, classify_event, embed_event, locate_event, predict_depth
from models.analysis.sections import SectionReference, draw_beam, draw_section, make_reference
from models.analysis.source import list_kinds
from models.errors import NoUsableTrace, TooFewStations
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.locate import ArrivalTimeSolution
from models.specs.pictures import DISTANCE_SECTION, FORCE_BEAM


class Canceled(Exception):
    """Raised by a progress callback to end the work."""


@pytest.fixture
def gather(make_gather):
    return make_gather()


@pytest.mark.parametrize(("epicenter", "odds"), [((70.0, -40.0), TECTONIC_ODDS_AT_ICE), ((20.0, 30.0), PRIOR_ODDS_OFF_ICE[0][1])])
def test_a_tectonic_source_or_a_force_follows_from_the_section_at_the_given_epicenter_times_its_prior_odds(opened, gather, epicenter, odds):
    found = classify_event(opened, gather, epicenter)
    section = draw_section(DISTANCE_SECTION, gather, found.readings, SectionReference(*epicenter, "given"))
    tectonic, force = opened["event_type"].run(section[None])["probabilities"][0] * [odds, 1.0]
    assert found.probabilities["earthquake"] * (1.0 + PRIOR_EXPLOSION_ODDS + force / tectonic) == pytest.approx(1.0, rel=1e-4)
    assert found.event_type == choose_class(found.probabilities)
    assert found.reference.source == "given"
    assert (found.ood_score, found.traces_used) == (0.5, 8)


def test_an_event_without_coordinates_is_classified_at_predicted_distances_and_cannot_be_located(opened, gather):
    nowhere = replace(gather, latitudes_deg=np.full(8, np.nan), longitudes_deg=np.full(8, np.nan))
    assert classify_event(opened, nowhere).reference is None
    with pytest.raises(TooFewStations):
        locate_event(opened, nowhere)


def test_the_depth_of_an_earthquake_is_predicted_at_the_located_epicenter(opened, gather):
    found = locate_event(opened, gather, event_type="earthquake")
    section = draw_section(DISTANCE_SECTION, gather, found.readings, make_reference(found.location))
    read = predict_depth(opened["depth"], gather, found.readings, make_reference(found.location))
    assert read.depth_km == pytest.approx(section.mean() / 255.0 * 700.0, rel=1e-3)
    stated = multiply_depths(find_known_depths(found.location.regions), None, read, None).estimate()
    assert found.depth.depth_km == pytest.approx(stated.depth_km)
    assert found.force_azimuth is None
    assert found.classification is None


def test_a_glacial_earthquake_has_a_force_azimuth_and_its_ambiguity(opened, gather):
    found = locate_event(opened, gather, event_type="glacial")
    beams = draw_beam(FORCE_BEAM, gather, found.readings, make_reference(found.location))
    assert found.force_azimuth.azimuth_deg == pytest.approx(beams.mean() / 255.0 * 360.0, rel=1e-3)
    assert found.force_azimuth.ambiguous
    assert found.depth is None


def test_a_force_azimuth_of_which_nearly_nothing_is_known_is_not_stated(opened, gather, monkeypatch):
    vague = ForceAzimuthEstimate(100.0, 41.0, True)
    monkeypatch.setattr(pipeline, "predict_force_azimuth", lambda *_: vague)
    assert locate_event(opened, gather, event_type="glacial").force_azimuth is None

    monkeypatch.setattr(pipeline, "predict_force_azimuth", lambda *_: replace(vague, uncertainty_deg=39.0))
    assert locate_event(opened, gather, event_type="glacial").force_azimuth.azimuth_deg == 100.0


def test_locating_without_a_class_predicts_the_same_class_as_classifying(opened, gather):
    found = locate_event(opened, gather)
    classified = classify_event(opened, gather)
    assert found.event_type == classified.event_type
    assert found.classification.probabilities == classified.probabilities


def test_of_records_that_begin_after_the_first_arrivals_neither_class_nor_depth_is_stated(opened, gather, monkeypatch):
    find_location = pipeline.find_location
    monkeypatch.setattr(pipeline, "find_location", lambda *given: replace(find_location(*given), begins_late=True))
    found = locate_event(opened, gather)
    assert found.begins_late
    assert found.event_type == "undetermined"
    assert max(found.classification.probabilities.values()) < 0.8
    assert locate_event(opened, gather, event_type="earthquake").depth is None
    assert classify_event(opened, gather).begins_late


@pytest.mark.parametrize(("deviation_km", "begins_late", "stated"), [(20.0, False, True), (60.0, False, False), (20.0, True, False)])
def test_the_depth_of_three_stations_is_that_of_arrival_times(opened, gather, monkeypatch, deviation_km, begins_late, stated):
    find_location, depth_time = pipeline.find_location, DepthTime(100.0, 5.0, deviation_km**2, 9.0, 0.0)
    known = {"arrival_solution": ArrivalTimeSolution((), depth_time, 20.0, ()), "begins_late": begins_late}
    monkeypatch.setattr(pipeline, "find_location", lambda *given: replace(find_location(*given), **known))
    monkeypatch.setattr(pipeline, "relocate_at_depth", lambda _gather, _readings, refined, found: (refined, found))
    depth = locate_event(opened, gather.subset(np.arange(3)), event_type="earthquake").depth
    assert (depth is not None) is stated
    assert depth is None or 60.0 < depth.depth_km < 110.0


def test_of_records_with_the_codes_of_other_stations_neither_class_nor_depth_nor_force_is_stated(opened, gather, monkeypatch):
    find_location = pipeline.find_location
    monkeypatch.setattr(pipeline, "find_location", lambda *given: replace(find_location(*given), mislabeled=True))
    found = locate_event(opened, gather)
    assert found.mislabeled
    assert found.event_type == "undetermined"
    assert locate_event(opened, gather, event_type="earthquake").depth is None
    assert locate_event(opened, gather, event_type="glacial").force_azimuth is None
    assert classify_event(opened, gather).mislabeled
    assert list_kinds(found) == ()


def test_the_origin_time_lies_within_those_of_the_readings(opened, gather):
    found = locate_event(opened, gather, event_type="earthquake")
    readings = predict_distances(opened["offset"], gather)
    np.testing.assert_array_equal(found.readings.distances_deg, readings.distances_deg)
    assert readings.origin_times_s.min() <= found.origin.time_s <= readings.origin_times_s.max()
    assert found.origin.uncertainty_s >= 30.0


def test_the_order_of_traces_changes_nothing(opened, gather):
    order = np.random.default_rng(1).permutation(8)
    permuted = gather.subset(order)
    one, other = locate_event(opened, gather), locate_event(opened, permuted)
    assert one.location.latitude_deg == other.location.latitude_deg
    assert one.origin == other.origin
    assert one.classification.probabilities == other.classification.probabilities
    np.testing.assert_array_equal(embed_event(opened, gather)[0], embed_event(opened, permuted)[0])


def test_stages_are_reported_in_order_and_a_callback_may_end_the_work(opened, gather):
    seen = []
    locate_event(opened, gather, progress=lambda stage, fraction: seen.append((stage, fraction)))
    assert [stage for stage, _ in seen[:3]] == ["offsets", "search", "event type"]
    assert [fraction for _, fraction in seen] == sorted(fraction for _, fraction in seen)

    def stop(stage, fraction):
        if stage == "search":
            raise Canceled

    with pytest.raises(Canceled):
        classify_event(opened, gather, progress=stop)


def test_a_gather_of_dead_traces_has_no_usable_trace(opened, gather):
    with pytest.raises(NoUsableTrace):
        classify_event(opened, replace(gather, samples=np.zeros_like(gather.samples)))


def test_an_embedding_has_unit_length(opened, gather):
    assert np.linalg.norm(embed_event(opened, gather)[0]) == pytest.approx(1.0, rel=1e-5)


def test_a_class_and_a_location_rest_on_the_same_stations(monkeypatch, opened, gather):
    limits, locate = [], pipeline.find_location
    monkeypatch.setattr(pipeline, "find_location", lambda *given: limits.append(given[3:]) or locate(*given))
    classify_event(opened, gather)
    locate_event(opened, gather)
    assert limits == [(), ()]
