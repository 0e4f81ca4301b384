"""Job of POST /events/locate with many=true: locate each event of an archive, and write one catalog."""

import re
from dataclasses import replace
from typing import Final

from models.errors import LimitExceeded, NoUsableTrace, UnusableData
from models.seismic.data_issues import describe_issues
from workers.bundles.parse import EventRecords
from workers.contracts import DataWarning
from workers.exports.tables import locate_many_products
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.inputs import read_many_events
from workers.jobs.locate import locate_job
from workers.problems import translate_error
from workers.results import LocatedEvent, LocateManyResult, LocateResult

MAX_FIGURES: Final = 50
"""Events with figures of their own."""

_DONE: Final = 0.95


def locate_many_job(job: JobContext) -> JobOutput:
    """
    Locate every event of a bundle, one after the other; an event that cannot be located has its problem instead.

    Raises what `read_many_events` raises, LimitExceeded over `max_located_events`, NoUsableTrace where no event can be located, Canceled
    and Superseded.
    """
    events: list[LocatedEvent] = []
    warnings: list[DataWarning] = []
    figures: dict[str, bytes] = {}
    figure_data: dict[str, bytes] = {}
    products: dict[str, dict[str, bytes]] = {}
    limit = job.worker.settings.max_located_events
    for number, found in enumerate(read_many_events(job, horizontals=True), start=1):
        if number > limit:
            raise LimitExceeded(f"more than {limit} events; at most {limit} are located in one job")
        output = _locate_one(_make_event_job(job, found, number))
        events.append(output if isinstance(output, LocatedEvent) else _make_located(found.name, output))
        if isinstance(output, JobOutput):
            warnings += [warning.model_copy(update={"part": warning.part or found.name}) for warning in output.warnings]
            products[found.name] = dict(output.products)
            if number <= MAX_FIGURES:
                figures |= {f"event_{number:04d}_{name}": data for name, data in output.figures.items()}
                figure_data |= {f"event_{number:04d}_{name}": data for name, data in output.figure_data.items()}
    if not products:
        first = next((f"{event.event}: {event.problem.detail}" for event in events if event.problem), "no event")
        raise NoUsableTrace(f"none of {len(events)} events can be located; {first}")
    result = LocateManyResult(events=events, located=len(products))
    return JobOutput(result, warnings, figures, locate_many_products(job.record, result, products), figure_data)


def _make_event_job(job: JobContext, found: EventRecords, number: int) -> JobContext:
    """Make the job of one event. Its id, from which the ids in QuakeML are made, is that of the job with the event's name."""
    name = re.sub(r"[^\w.-]", "_", found.name)
    record = job.record.model_copy(update={"id": f"{job.record.id}/{number:04d}-{name}"})
    low, high = (_DONE * (1.0 - 1.0 / (1.0 + 0.1 * count)) for count in (number - 1, number))
    return replace(job, record=record, event=found, progress=job.progress.section(low, high), read_warnings=[])


def _locate_one(job: JobContext) -> JobOutput | LocatedEvent:
    """Locate one event, or return it with the problem that its data have."""
    assert job.event is not None  # noqa: S101 -- set by `_make_event_job`
    try:
        if not job.event.records:
            raise NoUsableTrace(f"no usable vertical record: {describe_issues(job.event.issues)}", part=job.event.name)
        return locate_job(job)
    except UnusableData as error:
        return LocatedEvent(event=job.event.name, result=None, problem=translate_error(error))


def _make_located(name: str, output: JobOutput) -> LocatedEvent:
    assert isinstance(output.result, LocateResult)  # noqa: S101 -- what `locate_job` returns
    return LocatedEvent(event=name, result=output.result, problem=None)
