"""Detection in the answers of both calls for one event: the field, and the warnings where no event or two events were detected."""

from datetime import UTC, datetime

from models.analysis.detection import Detection
from models.seismic.association.second_source import SecondSource
from models.seismic.data_issues import DataIssue
from workers.contracts import DataWarning
from workers.jobs.inputs import to_warnings
from workers.results import DetectionResult


def to_detection_result(detection: Detection) -> DetectionResult:
    """Convert a detection to the field of the answer."""
    return DetectionResult(
        detected=detection.detected, statistic=detection.statistic, false_alarm_probability=detection.false_alarm_probability
    )


def no_event_warning(detection: Detection) -> DataWarning:
    """Return the data warning (code `no-event`) that says what was looked for and not found."""
    return to_warnings([DataIssue(None, None, "no-event", detection.describe())])[0]


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
