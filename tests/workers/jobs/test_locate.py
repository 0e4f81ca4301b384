"""Warnings of the locate job, the distances that it states, and its answer where no event is detected."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from models.analysis.combine import DepthEstimate, OriginTime
from models.analysis.detection import Detection
from models.analysis.sections import SectionReference
from models.seismic.association.arrivals import Arrival, associate_arrivals
from models.seismic.association.grid_scan import TrialSource
from models.seismic.geodesy import KM_PER_DEGREE, geocentric
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import StationDistances, build_location
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from tests.support.synthetic_picks import DEPTH_KM, SOURCE, teleseismic_candidates
from workers.contracts import JobKind, JobRecord, Options, Submission
from workers.jobs import locate
from workers.jobs.locate import contradiction_warnings, locate_job, source_warnings, state_arrivals, state_distances, state_trial_epicenter


def make_found(*, depth=None, force=None, classified=True):
    classification = SimpleNamespace(probabilities={"earthquake": 0.55, "glacial": 0.05, "other": 0.4})
    readings = SimpleNamespace(withheld=False, live=np.ones(3, bool))
    known = {"readings": readings, "classification": classification if classified else None}
    return SimpleNamespace(depth=depth, force_azimuth=force, event_type="undetermined", begins_late=False, mislabeled=False, **known)


def test_an_event_without_depth_and_force_says_why_and_what_to_do():
    (warning,) = source_warnings(make_found())
    assert warning.code == "no-depth-or-force"
    assert "earthquake 0.55, glacial 0.05, other 0.40" in warning.detail
    assert "event_type=earthquake" in warning.detail


@pytest.mark.parametrize("classified", [True, False])
def test_an_earthquake_of_too_few_stations_for_a_depth_says_how_many_it_needs(classified):
    found = make_found(classified=classified)
    found.event_type = "earthquake"
    (warning,) = source_warnings(found)
    assert warning.code == "no-depth-or-force"
    assert "at least 4 stations" in warning.detail


def test_an_earthquake_by_its_waveforms_alone_says_how_to_get_a_depth():
    """Its depth was not read from the section while its class was open."""
    found = make_found()
    found.event_type, found.readings.live = "earthquake", np.ones(30, bool)
    (warning,) = source_warnings(found)
    assert "state event_type=earthquake" in warning.detail
    assert "send more" not in warning.detail


@pytest.mark.parametrize("classified", [True, False])
def test_an_earthquake_by_arrival_times_alone_says_why_it_has_no_depth(classified):
    found = make_found(classified=classified)
    found.event_type, found.readings.withheld = "earthquake", True
    (warning,) = source_warnings(found)
    assert "arrival times alone do not hold it" in warning.detail


def test_an_earthquake_whose_records_begin_after_the_first_arrivals_says_why_it_has_no_depth():
    found = make_found()
    found.event_type, found.begins_late = "earthquake", True
    (warning,) = source_warnings(found)
    assert "begin after the first arrivals" in warning.detail


@pytest.mark.parametrize("parts", [{"depth": 10.0}, {"force": 90.0}, {"classified": False}])
def test_an_event_with_depth_or_force_or_a_given_class_needs_no_such_warning(parts):
    assert source_warnings(make_found(**parts)) == []


@pytest.mark.parametrize("classified", [True, False])
def test_a_glacial_earthquake_without_azimuth_says_how_to_get_one(classified):
    found = make_found(classified=classified)
    found.event_type = "glacial"
    (warning,) = source_warnings(found)

    assert "send more stations on all sides" in warning.detail
    assert "probable enough" not in warning.detail


def make_contradicted() -> tuple[Gather, SimpleNamespace]:
    """Make a location with stations on the equator east of an epicenter: one agrees, one reads 5 degrees at 100, one has no coordinates."""
    longitudes = np.array([30.0, 100.0, np.nan])
    traces = tuple(TraceId("XX", f"S{number}", "", "LHZ") for number in range(3))
    gather = Gather(traces, 0.0, 1.0, np.zeros((3, 10), np.float32), np.where(np.isnan(longitudes), np.nan, 0.0), longitudes)
    region = EpicenterRegion(0.0, 0.0, 3.0 * KM_PER_DEGREE, 1.5 * KM_PER_DEGREE, 90.0, 300.0, 1.0)
    predicted, deviations = np.array([29.0, 5.0, 40.0]), np.array([2.0, 3.7, 1.0])
    observed = StationDistances(gather.latitudes_deg, gather.longitudes_deg, predicted, deviations)
    location = build_location([region], observed, common_bias_deg=0.0, effective_stations=2.0)
    readings = SimpleNamespace(distances_deg=predicted, uncertainties_deg=deviations, has_distance=np.ones(3, bool))
    found = SimpleNamespace(readings=readings, location=location, back_azimuths={1: (270.0, 5.0)}, mislabeled=False)
    return gather, found


def test_a_distance_that_the_epicenter_contradicts_is_stated_with_a_deviation_that_covers_it():
    gather, found = make_contradicted()
    agreed, contradicted, unknown = state_distances(gather, found)
    assert (agreed.distance_deg, agreed.distance_uncertainty_deg, agreed.used) == (29.0, 2.0, True)
    assert (agreed.epicentral_distance_deg, agreed.residual_deg) == pytest.approx((30.0, 1.0))
    assert agreed.epicentral_distance_uncertainty_deg == pytest.approx(3.0 / 1.5096, rel=1e-4)
    assert (contradicted.distance_deg, contradicted.used, contradicted.back_azimuth_deg) == (5.0, False, 270.0)
    joint = math.hypot(contradicted.distance_uncertainty_deg, contradicted.epicentral_distance_uncertainty_deg)
    assert joint == pytest.approx(contradicted.residual_deg, rel=1e-4)
    assert (unknown.epicentral_distance_deg, unknown.epicentral_distance_uncertainty_deg, unknown.residual_deg) == (None, None, None)
    assert unknown.distance_uncertainty_deg == 1.0


def test_arrivals_state_where_their_stations_are_from_the_epicenter():
    gather, found = make_contradicted()
    found.method, found.candidates = "distances+arrival-times", None
    found.arrivals = (Arrival(1, "P", 700.0, 0.5, 1.2, False, 0.4), Arrival(0, "LR", 900.0, 9.0, 12.5))
    body, surface = state_arrivals(gather, found)
    assert (body.trace, body.uncertainty_s, body.pick_uncertainty_s) == ("XX.S1..LHZ", 1.2, 0.4)
    assert (body.distance_deg, body.azimuth_deg) == pytest.approx((100.0, 90.0))
    assert (surface.distance_deg, surface.pick_uncertainty_s) == (pytest.approx(30.0), None)
    found.method = "waveform-inversion"
    assert state_arrivals(gather, found) == []


def test_arrivals_are_those_of_the_stated_hypocenter_and_else_of_the_source_that_fits_them_best():
    gather, found = make_contradicted()
    source = TrialSource(geocentric(*SOURCE), 225.0, -teleseismic_candidates().clock_s, 0.0)
    found.method, found.candidates, found.arrivals = "arrival-times", teleseismic_candidates(), (Arrival(1, "sP", 700.0, 0.5, 1.2),)
    found.location = replace(found.location, latitude_deg=SOURCE[0], longitude_deg=SOURCE[1])
    gather = replace(gather, trace_ids=20 * gather.trace_ids[:1], latitudes_deg=np.zeros(20), longitudes_deg=np.zeros(20))
    found.depth, found.origin = DepthEstimate(DEPTH_KM, 5.0), OriginTime(0.0, 1.0)
    expected = associate_arrivals(teleseismic_candidates(), replace(source, depth_km=DEPTH_KM))
    listed = state_arrivals(gather, found)
    assert [one.phase for one in listed] == [one.phase for one in expected]
    assert [one.residual_s for one in listed] == pytest.approx([one.residual_s for one in expected], abs=1e-3)
    found.depth = None
    assert [one.phase for one in state_arrivals(gather, found)] == ["sP"]


def test_a_trial_epicenter_is_stated_where_the_class_rests_on_it():
    given, predicted = SectionReference(38.0, 142.5, "given"), SectionReference(38.1, 142.4, "predicted")
    stated = state_trial_epicenter(SimpleNamespace(classification=SimpleNamespace(reference=given)))
    assert (stated.latitude, stated.longitude, stated.source) == (38.0, 142.5, "given")
    assert state_trial_epicenter(SimpleNamespace(classification=SimpleNamespace(reference=predicted))) is None
    assert state_trial_epicenter(SimpleNamespace(classification=None)) is None


def test_traces_whose_distances_contradict_the_location_are_named_with_what_to_check():
    gather, found = make_contradicted()
    (warning,) = contradiction_warnings(gather, found)
    assert warning.code == "contradicting-distances"
    assert "1 of 3 traces" in warning.detail
    assert "(XX.S1..LHZ)" in warning.detail
    assert "check the coordinates" in warning.detail


def test_distances_that_agree_need_no_warning():
    gather, found = make_contradicted()
    found.location = replace(found.location, used=np.array([True, True, False]))
    assert contradiction_warnings(gather, found) == []


def test_records_with_the_codes_of_other_stations_have_no_location_to_contradict_and_no_depth_to_miss():
    gather, found = make_contradicted()
    found.mislabeled = True
    assert contradiction_warnings(gather, found) == []
    unknown = make_found()
    unknown.mislabeled = True
    assert source_warnings(unknown) == []


def test_documents_without_an_event_name_the_agency_of_the_service(monkeypatch):
    gather, _ = make_contradicted()
    noise = Detection(False, 0.3, 0.5, (("transients at 1 Hz on 3 traces", 0.5),))
    monkeypatch.setattr(locate, "read_one_event", lambda _: ((), gather, []))
    monkeypatch.setattr(locate, "detect_event", lambda *_: noise)
    worker = SimpleNamespace(settings=SimpleNamespace(agency_id="GFZ"), models=SimpleNamespace(models={"offset": None}))
    submission = Submission(kind=JobKind.LOCATE, parts=(), options=Options())
    record = JobRecord(id="3f2c", submission=submission, created_at=datetime(2004, 12, 26, tzinfo=UTC))

    output = locate_job(SimpleNamespace(worker=worker, record=record, progress=lambda *_: None))

    assert (output.result.event_type, [warning.code for warning in output.warnings]) == ("none", ["no-event"])
    (feature,) = json.loads(output.products["geojson"])["features"]
    assert feature["properties"]["net"] == "GFZ"
    assert b"<agencyID>GFZ</agencyID>" in output.products["quakeml"]
