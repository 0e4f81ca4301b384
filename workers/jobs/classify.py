"""Job of POST /events/classify: classify an event as a tectonic or a glacial earthquake, or as another event."""

from models.analysis.combine import combine_origin_times
from models.analysis.pipeline import Classification, classify_event
from workers.contracts import ClassifyResult, ReferencePoint
from workers.exports.tables import classify_products
from workers.jobs import figures
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.inputs import read_one_event, unread_warnings


def classify_job(job: JobContext) -> JobOutput:
    """Classify the event of a submission; raises what `read_one_event` raises, Canceled and Superseded."""
    records, gather, warnings = read_one_event(job)
    found = classify_event(job.worker.models.models, gather, job.trial_epicenter(), job.progress.section(0.0, 0.85), records)
    job.progress("draw", 0.88)
    origin_s = combine_origin_times(found.readings).time_s
    title = ", ".join(f"{name} {probability:.0%}" for name, probability in found.probabilities.items())
    section = figures.draw_event_section(gather, found.readings, found.reference, origin_s, title)
    result = _to_result(job, found)
    return JobOutput(result, warnings + unread_warnings(gather, found.readings), {"section": section}, classify_products(result))


def _to_result(job: JobContext, found: Classification) -> ClassifyResult:
    reference = found.reference
    point = None
    if reference is not None:
        point = ReferencePoint(latitude=reference.latitude_deg, longitude=reference.longitude_deg, source=reference.source)
    return ClassifyResult(
        event_type=found.event_type,
        probabilities=dict(found.probabilities),
        reference_point=point,
        traces_used=found.traces_used,
        model=job.model_version("event_type"),
        out_of_distribution=found.out_of_distribution,
        novelty=found.ood_score,
    )
