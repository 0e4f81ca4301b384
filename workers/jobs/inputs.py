"""From the parts of a submission to records."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from models.analysis.distances import DistanceReadings
from models.imaging.conditioning import condition
from models.seismic.data_issues import DataIssue
from models.seismic.io.channel_selection import select_channels
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from workers.bundles.parse import EventRecords
from workers.bundles.sandbox import Source, parse_event_in_sandbox, parse_in_sandbox
from workers.contracts import DataWarning, ModelVersion
from workers.jobs.context import JobContext


def open_parts(task: JobContext) -> list[tuple[str, Source]]:
    """The uploaded parts by name; raises BlobMissing."""
    task.progress("fetch", 0.0)
    return [(part.name, task.desk.blobs.upload_source(part.digest)) for part in task.record.submission.parts]


def read_one_event(task: JobContext) -> tuple[tuple[Record, ...], Gather, list[DataWarning]]:
    """All parts as one event: its records, conditioned in the same order, and what was noticed; raises what the reader raises."""
    parts = open_parts(task)
    task.progress("read", 0.02)
    event = select_records(parse_event_in_sandbox(parts, task.desk.settings))
    task.progress("condition", 0.12)
    return tuple(event.records), condition(event.records, CONDITIONING), data_warnings(event.issues)


def read_many_events(task: JobContext) -> Iterator[EventRecords]:
    """The events of a bundle, one in memory at a time; those without a usable record come without records."""
    parts = open_parts(task)
    task.progress("read", 0.02)
    with closing(parse_in_sandbox(parts, task.desk.settings, grouped=True)) as events:
        yield from map(select_records, events)


def select_records(event: EventRecords) -> EventRecords:
    """The event with the best vertical record of each station, so that none counts twice; what is passed over is remarked."""
    records, issues = select_channels(event.records)
    return replace(event, records=tuple(records), issues=(*event.issues, *issues))


def data_warnings(issues: Iterable[DataIssue]) -> list[DataWarning]:
    """Issues of the reader as the contract says them."""
    return [DataWarning(trace=issue.trace, part=issue.part, code=issue.code, detail=issue.detail) for issue in issues]


def unread_warnings(gather: Gather, readings: DistanceReadings) -> list[DataWarning]:
    """A warning for each trace that has nothing to read a distance from."""
    silent = [trace for trace, live in zip(gather.trace_ids, readings.live, strict=True) if not live]
    return [DataWarning(trace=str(trace), part=None, code="not-read", detail="no live data in the window read") for trace in silent]


def version_of(task: JobContext, name: str) -> ModelVersion:
    """Which model says it."""
    return ModelVersion(name=name, version=task.desk.models.models[name].version)


def trial_epicenter(task: JobContext) -> tuple[float, float] | None:
    """The given trial epicenter, latitude and longitude in degrees."""
    options = task.record.submission.options
    return None if options.latitude is None or options.longitude is None else (options.latitude, options.longitude)
