"""Locations of many events in one job, with the location of a single event replaced."""

import csv
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from obspy.io.quakeml.core import _read_quakeml, _validate

from models.errors import LimitExceeded, NoUsableTrace, TooFewStations
from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from workers.bundles.parse import EventRecords
from workers.contracts import DataWarning, JobKind, JobRecord, Options, Submission
from workers.exports.tables import locate_products
from workers.jobs import locate_many
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.runner import choose_job
from workers.problems import ModelVersionUnavailable
from workers.results import Ellipse, Epicenter, LocateResult
from workers.settings import Settings

TIME = datetime(2010, 1, 1, tzinfo=UTC)


class Progress:
    """Progress that is not recorded; sections must grow."""

    def __call__(self, *_: object) -> None:
        """Do nothing."""

    def section(self, low: float, high: float) -> "Progress":
        """Check the section."""
        assert 0.0 <= low < high < 1.0
        return self


def event(name: str, records: int = 1) -> EventRecords:
    record = Record(TraceId("XX", "AAA", "", "LHZ"), 0.0, 1.0, np.zeros(10, np.float32), 1.0, 2.0)
    issues = () if records else (DataIssue(None, name, "dead", "constant at 0; left out"),)
    return EventRecords(name, (record,) * records, issues)


@pytest.fixture
def job() -> JobContext:
    submission = Submission(kind=JobKind.LOCATE, parts=(), options=Options(many=True))
    record = JobRecord(id="3f2c", submission=submission, created_at=TIME)
    worker = SimpleNamespace(settings=Settings(max_located_events=3))
    return JobContext(worker, record, Progress())  # type: ignore[arg-type]


@pytest.fixture
def run(job, monkeypatch):
    """Run the job on these events; one called `few` has too few stations."""

    def fake(one: JobContext) -> JobOutput:
        if one.event.name == "few":
            raise TooFewStations("one station")
        ellipse = Ellipse(semi_major_km=30.0, semi_minor_km=18.0, azimuth_deg=40.0, confidence_level=68.0)
        result = LocateResult(
            event_type="earthquake",
            epicenter=Epicenter(latitude=3.0, longitude=96.0, horizontal_uncertainty_km=21.0, ellipse=ellipse),
            origin_time=TIME,
            origin_time_uncertainty_s=1.0,
            depth_km=10.0,
            depth_uncertainty_km=5.0,
            force_azimuth_deg=None,
            force_azimuth_uncertainty_deg=None,
            force_azimuth_ambiguous=None,
            offsets=[],
            azimuthal_gap_deg=90.0,
            models=[],
        )
        warning = DataWarning(trace="XX.AAA..LHZ", part=None, code="gaps", detail="1 gap")
        return JobOutput(result, [warning], {"map": b"png"}, locate_products(one.record, result, "ATLAS"), {"section": b"{}"})

    def perform(*events: EventRecords) -> JobOutput:
        monkeypatch.setattr(locate_many, "read_many_events", lambda *_, **__: iter(events))
        monkeypatch.setattr(locate_many, "locate_job", fake)
        return locate_many.locate_many_job(job)

    return perform


def test_many_events_are_chosen_by_the_option(job):
    assert choose_job(job.record.submission) is locate_many.locate_many_job


def test_each_event_has_its_location_or_its_problem(run):
    output = run(event("one"), event("few"), event("dead", records=0))
    assert (output.result.located, [found.event for found in output.result.events]) == (1, ["one", "few", "dead"])
    assert [found.problem and found.problem.type for found in output.result.events] == [
        None,
        "/problems/too-few-stations",
        "/problems/no-usable-trace",
    ]
    assert "constant at 0" in output.result.events[2].problem.detail
    assert [(warning.part, warning.code) for warning in output.warnings] == [("one", "gaps")]
    assert (list(output.figures), list(output.figure_data)) == (["event_0001_map"], ["event_0001_section"])


def test_all_events_are_one_catalog_with_distinct_ids(run):
    output = run(event("a b"), event("c"))
    document = output.products["quakeml"]
    assert _validate(io.BytesIO(document))
    assert [found.resource_id.id for found in _read_quakeml(io.BytesIO(document))] == [
        "smi:local/seismic-atlas/3f2c/0001-a_b/event",
        "smi:local/seismic-atlas/3f2c/0002-c/event",
    ]
    features = json.loads(output.products["geojson"])["features"]
    assert {feature["properties"]["event"] for feature in features} == {"a b", "c"}
    rows = list(csv.DictReader(io.StringIO(output.products["csv"].decode())))
    assert [(row["event"], row["latitude"], row["depth_km"], row["problem"]) for row in rows] == [
        ("a b", "3.0", "10.0", ""),
        ("c", "3.0", "10.0", ""),
    ]


def test_an_archive_without_any_location_fails(run):
    with pytest.raises(NoUsableTrace, match="none of 2 events can be located; few: one station"):
        run(event("few"), event("dead", records=0))


def test_too_many_events_are_refused(run):
    with pytest.raises(LimitExceeded, match="at most 3"):
        run(*(event(str(number)) for number in range(4)))


def test_a_model_of_another_version_than_requested_is_refused(job):
    loaded = SimpleNamespace(versions=lambda: {"offset": "4", "event_type": "5"})
    worker = SimpleNamespace(models=loaded)
    for asked, detail in (("offset=4,event_type=5", None), ("event_type=4", "is version 5"), ("magnitude=1", "not a model")):
        submission = Submission(kind=JobKind.LOCATE, parts=(), options=Options(model_version=asked))
        context = JobContext(worker, JobRecord(id="3f2c", submission=submission, created_at=TIME), Progress())
        if detail is None:
            context.check_model_versions()
        else:
            with pytest.raises(ModelVersionUnavailable, match=detail):
                context.check_model_versions()
