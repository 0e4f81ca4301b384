"""Input of a job: the records of its uploaded parts, conditioned into a gather, with data warnings."""

import math
from collections.abc import Iterable, Iterator
from contextlib import closing

from models.analysis.distances import ENDING_EARLY, DistanceReadings, describe_unread
from models.imaging.conditioning import condition
from models.seismic.data_issues import DataIssue, join_names
from models.seismic.io.volume import TimeWindow
from models.seismic.waveforms import SHORT_RECORD_S, Gather, Record
from models.specs.pictures import CONDITIONING
from workers.bundles.parse import EventRecords
from workers.bundles.sandbox import Source, parse_event_in_sandbox, parse_in_sandbox
from workers.contracts import DataWarning, Options
from workers.jobs.context import JobContext


def open_parts(job: JobContext) -> list[tuple[str, Source]]:
    """Return the names and contents of the uploaded parts; raises BlobMissing."""
    job.progress("fetch", 0.0)
    return [(part.name, job.worker.blobs.upload_source(part.digest)) for part in job.record.submission.parts]


def read_one_event(job: JobContext) -> tuple[tuple[Record, ...], Gather, list[DataWarning]]:
    """
    Read all parts as one event, cut to the window of the options: its records, the gather of these in the same order, and data warnings.

    Raises what `parse_in_sandbox` raises, and NoUsableTrace.
    """
    event = job.event or _parse_event(job)
    job.progress("condition", 0.12)
    warnings = to_warnings(event.issues)
    job.read_warnings[:] = warnings
    return event.records, condition(event.records, CONDITIONING), warnings


def _parse_event(job: JobContext) -> EventRecords:
    parts = open_parts(job)
    job.progress("read", 0.02)
    report_loss = job.worker.records.statistics.count_lost_parser
    return parse_event_in_sandbox(parts, job.worker.settings, read_window(job.record.submission.options), report_loss)


def read_window(options: Options) -> TimeWindow:
    """Return the time window of a submission's options."""
    start, end = options.starttime, options.endtime
    return TimeWindow(-math.inf if start is None else start.timestamp(), math.inf if end is None else end.timestamp())


def read_many_events(job: JobContext, *, horizontals: bool = False) -> Iterator[EventRecords]:
    """
    Yield the events of a bundle, one in memory at a time; an event without usable records has none, and its issues say why.

    Horizontal components are read if wanted. Raises what `parse_in_sandbox` raises.
    """
    parts = open_parts(job)
    job.progress("read", 0.02)
    window = read_window(job.record.submission.options)
    report_loss = job.worker.records.statistics.count_lost_parser
    parsing = parse_in_sandbox(parts, job.worker.settings, grouped=True, window=window, horizontals=horizontals, report_loss=report_loss)
    with closing(parsing) as events:
        yield from events


def to_warnings(issues: Iterable[DataIssue]) -> list[DataWarning]:
    """Convert data issues of the parser to data warnings of the response."""
    return [DataWarning(trace=issue.trace, part=issue.part, code=issue.code, detail=issue.detail) for issue in issues]


def unread_warnings(gather: Gather, readings: DistanceReadings, *, located: bool = True) -> list[DataWarning]:
    """
    Return a data warning (code `not-read`) for each trace that is too short in the window that distances are read from.

    And one (code `ends-early`) for all records that end too early. Where no trace is read, a single one (code `distances-not-read`), which
    says whether the event was `located` all the same.
    """
    if readings.withheld:
        found = "is taken from the arrivals picked in the records" if located else "could not be determined by the arrivals picked in them"
        detail = f"{describe_unread(gather, readings)}. The source {found}"
        return to_warnings([DataIssue(None, None, "distances-not-read", detail)])
    dead = [trace for trace, live in zip(gather.trace_ids, readings.live, strict=True) if not live]
    detail = f"less than {SHORT_RECORD_S:.0f} s of samples in the time window; no distance is read from this trace, arrivals are picked"
    issues = [DataIssue(str(trace), None, "not-read", detail) for trace in dead]
    if readings.ending_early:
        early = f"{len(readings.ending_early)} records {ENDING_EARLY} ({join_names([str(trace) for trace in readings.ending_early])})"
        issues.append(DataIssue(None, None, "ends-early", f"{early}; send records to the end of the surface waves"))
    return to_warnings(issues)
