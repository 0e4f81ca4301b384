"""Data issues of the parser become data warnings of the response."""

from dataclasses import replace
from unittest.mock import MagicMock

import numpy as np

from models.analysis.distances import DistanceReadings
from models.seismic.data_issues import DataIssue
from tests.support.short_records import cut_about_p
from workers.bundles.parse import EventRecords
from workers.contracts import DataWarning
from workers.jobs.context import JobContext
from workers.jobs.inputs import read_one_event, to_warnings, unread_warnings


def test_a_data_issue_becomes_a_warning_with_the_same_fields() -> None:
    issues = [DataIssue("IU.ANMO.00.LHZ", None, "gaps", "1 gap"), DataIssue(None, "a.txt", "unsupported-part", "unknown")]
    assert to_warnings(issues) == [
        DataWarning(trace="IU.ANMO.00.LHZ", part=None, code="gaps", detail="1 gap"),
        DataWarning(trace=None, part="a.txt", code="unsupported-part", detail="unknown"),
    ]


def test_warnings_of_reading_are_kept_for_a_job_that_fails_later() -> None:
    records, _ = cut_about_p(1.0)
    event = EventRecords("", records, (DataIssue("XD.BASO..LHZ", None, "no-coordinates", "no coordinates"),))
    job = JobContext(MagicMock(), MagicMock(), MagicMock(), event)
    _, _, warnings = read_one_event(job)
    assert job.read_warnings == warnings == [DataWarning(trace="XD.BASO..LHZ", part=None, code="no-coordinates", detail="no coordinates")]


def test_records_too_short_for_the_network_are_reported_once() -> None:
    _, gather = cut_about_p(1.0)
    missing = np.full(len(gather.trace_ids), np.nan)
    columns = (missing, missing, np.full((len(missing), 180), np.nan), missing, missing)
    readings = DistanceReadings(gather.trace_ids, *columns, gather.start_time_s, np.zeros(len(missing), np.bool_))
    (warning,) = unread_warnings(gather, readings)
    assert (warning.code, warning.trace) == ("distances-not-read", None)
    assert warning.detail.startswith("the longest record has 100 s; the distance network needs 240 s")
    read = replace(readings, distances_deg=np.full(len(missing), 40.0))
    assert {warning.code for warning in unread_warnings(gather, read)} == {"not-read"}


def test_records_that_end_early_are_named_once() -> None:
    _, gather = cut_about_p(1.0)
    count = len(gather.trace_ids)
    distances = np.where(np.arange(count) < 2, np.nan, 40.0)
    columns = (distances, distances, np.full((count, 180), 1.0 / 180.0), distances, distances)
    readings = DistanceReadings(gather.trace_ids, *columns, gather.start_time_s, np.ones(count, np.bool_), {}, gather.trace_ids[:2])
    (warning,) = unread_warnings(gather, readings)
    assert (warning.code, warning.trace) == ("ends-early", None)
    assert warning.detail.startswith("2 records end less than 120 s after their first arrival")
    assert str(gather.trace_ids[1]) in warning.detail
    missing = np.full(count, np.nan)
    (unread,) = unread_warnings(gather, replace(readings, distances_deg=missing, ending_early=gather.trace_ids))
    assert unread.code == "distances-not-read"
    assert "end less than 120 s after their first arrival" in unread.detail
