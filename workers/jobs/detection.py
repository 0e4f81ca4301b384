"""Detection in the answers of both calls for one event: the field, and the warning where no event was detected."""

from models.analysis.detection import Detection
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
