"""From the parts of a submission to records."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from models.analysis.distances import OffsetReadings
from models.imaging.conditioning import condition
from models.seismic.data_issues import Remark
from models.seismic.io.channel_selection import choose_verticals
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from workers.bundles.parse import EventRecords
from workers.bundles.sandbox import Source, read_bundle, read_event
from workers.contracts import DataWarning, ModelVersion
from workers.jobs.context import Task


def sources(task: Task) -> list[tuple[str, Source]]:
    """The uploaded parts by name; raises BlobMissing."""
    task.progress("fetch", 0.0)
    return [(part.name, task.desk.blobs.source(part.digest)) for part in task.record.submission.parts]


def one_gather(task: Task) -> tuple[tuple[Record, ...], Gather, list[DataWarning]]:
    """All parts as one event: its records, conditioned in the same order, and what was noticed; raises what the reader raises."""
    parts = sources(task)
    task.progress("read", 0.02)
    event = one_record_a_station(read_event(parts, task.desk.settings))
    task.progress("condition", 0.12)
    return tuple(event.records), condition(event.records, CONDITIONING), warnings_of(event.remarks)


def many_events(task: Task) -> Iterator[EventRecords]:
    """The events of a bundle, one in memory at a time; those without a usable record come without records."""
    parts = sources(task)
    task.progress("read", 0.02)
    with closing(read_bundle(parts, task.desk.settings, grouped=True)) as events:
        yield from map(one_record_a_station, events)


def one_record_a_station(event: EventRecords) -> EventRecords:
    """The event with the best vertical record of each station, so that none counts twice; what is passed over is remarked."""
    records, remarks = choose_verticals(event.records)
    return replace(event, records=tuple(records), remarks=(*event.remarks, *remarks))


def warnings_of(remarks: Iterable[Remark]) -> list[DataWarning]:
    """Remarks of the reader as the contract says them."""
    return [DataWarning(trace=remark.trace, part=remark.part, code=remark.code, detail=remark.detail) for remark in remarks]


def unread(gather: Gather, readings: OffsetReadings) -> list[DataWarning]:
    """A warning for each trace that has nothing to read a distance from."""
    silent = [trace for trace, live in zip(gather.trace_ids, readings.live, strict=True) if not live]
    return [DataWarning(trace=str(trace), part=None, code="not-read", detail="no live data in the window read") for trace in silent]


def version_of(task: Task, name: str) -> ModelVersion:
    """Which model says it."""
    return ModelVersion(name=name, version=task.desk.models.models[name].version)


def trial_epicenter(task: Task) -> tuple[float, float] | None:
    """The given trial epicenter, latitude and longitude in degrees."""
    options = task.record.submission.options
    return None if options.latitude is None or options.longitude is None else (options.latitude, options.longitude)
