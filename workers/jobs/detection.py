"""Detection in the answers of both calls for one event: the field, the answer without an event, and warnings that both have."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from models.analysis.detection import Detection
from models.seismic.association.second_source import SecondSource
from models.seismic.data_issues import DataIssue
from models.seismic.waveforms import Gather
from workers.contracts import DataWarning
from workers.jobs import figures
from workers.jobs.context import JobOutput
from workers.jobs.inputs import to_warnings
from workers.results import DetectionResult


def to_detection_result(detection: Detection) -> DetectionResult:
    """Convert a detection to the field of the answer."""
    return DetectionResult(
        detected=detection.detected, statistic=detection.statistic, false_alarm_probability=detection.false_alarm_probability
    )


def answer_no_event(
    gather: Gather, detection: Detection, warnings: Sequence[DataWarning], result: BaseModel, products: Mapping[str, bytes]
) -> JobOutput:
    """
    Answer that no event was detected: the records as they are, and a data warning (code `no-event`) that says what was looked for.

    `result` and `products` have nothing that an event would have; `warnings` are those of reading the records.
    """
    no_event = to_warnings([DataIssue(None, None, "no-event", detection.describe())])
    section = figures.draw_noise_section(gather, "No event detected")
    data = {"section": figures.write_noise_section(gather)}
    return JobOutput(result, [*warnings, *no_event], {"section": section}, products, data)


def two_events_warnings(second: SecondSource | None, origin_s: float) -> list[DataWarning]:
    """Return a data warning (code `two-events`) with both origin times where a second event was found; none otherwise."""
    if second is None:
        return []
    times = [f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S}" for time_s in (origin_s, second.time_s)]
    stations = len({one.trace_index for one in second.arrivals})
    detail = (
        f"two events are in the records, at {times[0]} and {times[1]} (UTC); the answer is for the first of these times. Arrivals at "
        f"{stations} stations fit the other one alone; send one event at a time, cut by starttime and endtime"
    )
    return to_warnings([DataIssue(None, None, "two-events", detail)])


def late_warnings(*, begins_late: bool) -> list[DataWarning]:
    """Return a data warning (code `begins-late`) where the records begin after the first arrivals."""
    if not begins_late:
        return []
    detail = (
        "the records begin after the first arrivals, without which distances, class and depth are misread; the event is located without "
        "distances; send records from some minutes before P"
    )
    return to_warnings([DataIssue(None, None, "begins-late", detail)])


def mislabeled_warnings(*, mislabeled: bool) -> list[DataWarning]:
    """Return a data warning (code `contradicting-stations`) where the records carry the codes of other stations."""
    if not mislabeled:
        return []
    detail = (
        "the distances or arrivals of the records fit their stations no better than if they were assigned to them at random, as where "
        "records carry the codes of other stations; neither epicenter, class nor depth are known, and the region is the whole Earth; "
        "check the codes in the headers and the coordinates of the stations"
    )
    return to_warnings([DataIssue(None, None, "contradicting-stations", detail)])
