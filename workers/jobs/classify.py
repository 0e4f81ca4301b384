"""POST /events/classify: tectonic or glacial?"""

from models.analysis.combine import combine_origin_times
from models.analysis.pipeline import Classification, classify_event
from workers.contracts import ClassifyResult, ReferencePoint
from workers.exports.tables import classify_products
from workers.jobs import figures
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.inputs import read_one_event, trial_epicenter, unread_warnings, version_of


def classify_job(task: JobContext) -> JobOutput:
    """Raises what the reader raises, NoUsableTrace, Canceled, Superseded."""
    records, gather, warnings = read_one_event(task)
    found = classify_event(task.desk.models.models, gather, trial_epicenter(task), task.progress.part(0.0, 0.85), records)
    task.progress("draw", 0.88)
    origin_s = combine_origin_times(found.readings).time_s
    title = f"{found.event_type} {found.probabilities[found.event_type]:.0%}"
    drawn = {"section": figures.draw_section(gather, found.readings, found.reference, origin_s, title)}
    result = _result(task, found)
    return JobOutput(result, warnings + unread_warnings(gather, found.readings), drawn, classify_products(result))


def _result(task: JobContext, found: Classification) -> ClassifyResult:
    at = found.reference
    point = None if at is None else ReferencePoint(latitude=at.latitude_deg, longitude=at.longitude_deg, source=at.source)
    return ClassifyResult(
        event_type=found.event_type,
        probabilities=found.probabilities,
        reference_point=point,
        traces_used=found.traces_used,
        model=version_of(task, "event_type"),
        out_of_distribution=found.out_of_distribution,
        novelty=found.ood_score,
    )
