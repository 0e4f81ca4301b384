"""The chain of readings, with toy models whose words can be foretold."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.class_prior import PRIOR_ODDS_OFF_ICE
from models.analysis.distances import predict_distances
from models.analysis.pipeline import classify_event, embed_event, locate_event
from models.analysis.sections import SectionReference, draw_beam, draw_section, make_reference
from models.errors import NoUsableTrace, TooFewStations
from models.specs.pictures import DISTANCE_SECTION, FORCE_BEAM


class Canceled(Exception):
    """Raised by a progress that wants to stop."""


@pytest.fixture
def gather(make_gather):
    return make_gather()


@pytest.mark.parametrize(("place", "odds"), [((70.0, -40.0), 1.0), ((20.0, 30.0), PRIOR_ODDS_OFF_ICE[0][1])])
def test_the_class_is_read_off_the_section_at_the_given_epicenter_and_the_place_is_weighed(opened, gather, place, odds):
    said = classify_event(opened, gather, place)
    section = draw_section(DISTANCE_SECTION, gather, said.readings, SectionReference(*place, "given"))
    expected = opened["event_type"].run(section[None])["probabilities"][0] * [odds, 1.0]
    np.testing.assert_allclose(list(said.probabilities.values()), expected / expected.sum(), rtol=1e-4)
    assert said.event_type == ("earthquake", "glacial")[int(np.argmax(expected))]
    assert said.reference.source == "given"
    assert (said.novelty, said.out_of_distribution, said.traces_used) == (0.5, False, 8)


def test_an_event_without_coordinates_is_classified_at_its_offsets_and_cannot_be_located(opened, gather):
    nowhere = replace(gather, latitudes_deg=np.full(8, np.nan), longitudes_deg=np.full(8, np.nan))
    assert classify_event(opened, nowhere).reference is None
    with pytest.raises(TooFewStations):
        locate_event(opened, nowhere)


def test_an_earthquake_has_a_depth_read_at_the_epicenter_found(opened, gather):
    found = locate_event(opened, gather, event_type="earthquake")
    section = draw_section(DISTANCE_SECTION, gather, found.readings, make_reference(found.location))
    assert found.depth.depth_km == pytest.approx(section.mean() / 255.0 * 700.0, rel=1e-3)
    assert found.force_azimuth is None
    assert found.classification is None


def test_a_glacial_earthquake_has_a_force_azimuth_with_its_ambiguity(opened, gather):
    found = locate_event(opened, gather, event_type="glacial")
    beams = draw_beam(FORCE_BEAM, gather, found.readings, make_reference(found.location))
    assert found.force_azimuth.azimuth_deg == pytest.approx(beams.mean() / 255.0 * 360.0, rel=1e-3)
    assert found.force_azimuth.ambiguous
    assert found.depth is None


def test_locate_without_a_class_says_the_same_class_as_classify(opened, gather):
    found = locate_event(opened, gather)
    alone = classify_event(opened, gather)
    assert found.event_type == alone.event_type
    assert found.classification.probabilities == alone.probabilities


def test_what_locate_says_rests_on_the_readings(opened, gather):
    found = locate_event(opened, gather, event_type="earthquake")
    readings = predict_distances(opened["offset"], gather)
    np.testing.assert_array_equal(found.readings.distances_deg, readings.distances_deg)
    assert readings.origin_times_s.min() <= found.origin.time_s <= readings.origin_times_s.max()
    assert found.origin.uncertainty_s >= 30.0


def test_the_order_of_traces_changes_nothing(opened, gather):
    order = np.random.default_rng(1).permutation(8)
    turned = replace(
        gather,
        trace_ids=tuple(gather.trace_ids[place] for place in order),
        samples=gather.samples[order],
        latitudes_deg=gather.latitudes_deg[order],
        longitudes_deg=gather.longitudes_deg[order],
    )
    one, other = locate_event(opened, gather), locate_event(opened, turned)
    assert one.location.latitude_deg == other.location.latitude_deg
    assert one.origin == other.origin
    assert one.classification.probabilities == other.classification.probabilities
    np.testing.assert_array_equal(embed_event(opened, gather)[0], embed_event(opened, turned)[0])


def test_stages_are_announced_in_order_and_may_be_stopped(opened, gather):
    seen = []
    locate_event(opened, gather, progress=lambda stage, share: seen.append((stage, share)))
    assert [stage for stage, _ in seen[:3]] == ["offsets", "search", "event type"]
    assert [share for _, share in seen] == sorted(share for _, share in seen)

    def stop(stage, share):
        if stage == "search":
            raise Canceled

    with pytest.raises(Canceled):
        classify_event(opened, gather, progress=stop)


def test_a_gather_of_dead_traces_is_no_usable_trace(opened, gather):
    with pytest.raises(NoUsableTrace):
        classify_event(opened, replace(gather, samples=np.zeros_like(gather.samples)))


def test_an_embedding_has_unit_length(opened, gather):
    assert np.linalg.norm(embed_event(opened, gather)[0]) == pytest.approx(1.0, rel=1e-5)
