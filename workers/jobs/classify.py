"""Job of POST /events/classify: classify an event as a tectonic or a glacial earthquake, or as another event."""

import numpy as np

from models.analysis.combine import combine_origin_times
from models.analysis.detection import Detection, detect_event
from models.analysis.pipeline import Classification, classify_event
from models.seismic.waveforms import Gather
from workers.exports.tables import classify_products
from workers.jobs import figures
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.detection import answer_no_event, late_warnings, mislabeled_warnings, to_detection_result, two_events_warnings
from workers.jobs.inputs import read_one_event, unread_warnings
from workers.results import ClassEvidence, ClassifyResult, ReferencePoint


def classify_job(job: JobContext) -> JobOutput:
    """Classify the event of a submission, if one is detected; raises what `read_one_event` raises, Canceled and Superseded."""
    records, gather, warnings = read_one_event(job)
    job.progress("detect", 0.14)
    detection = detect_event(records, gather, job.worker.models.models["offset"])
    if not detection.detected:
        job.progress("draw", 0.5)
        noise = _describe_noise(job, gather, detection)
        return answer_no_event(gather, detection, warnings, noise, classify_products(noise))
    found = classify_event(job.worker.models.models, gather, job.trial_epicenter(), job.progress.section(0.0, 0.85), records)
    job.progress("draw", 0.88)
    origin_s = combine_origin_times(found.readings).time_s if np.isfinite(found.readings.origin_times_s).any() else None
    title = ", ".join(f"{figures.EVENT_NAMES[name]} {probability:.0%}" for name, probability in found.probabilities.items())
    section = figures.draw_event_section(gather, found.readings, found.reference, origin_s, title)
    result = _to_result(job, found, detection)
    warnings += unread_warnings(gather, found.readings, located=found.reference is not None)
    warnings += late_warnings(begins_late=found.begins_late)
    warnings += mislabeled_warnings(mislabeled=found.mislabeled)
    warnings += [] if origin_s is None else two_events_warnings(found.second, origin_s)
    data = {"section": figures.write_event_section(gather, records, found.readings, found.reference, origin_s)}
    return JobOutput(result, warnings, {"section": section}, classify_products(result), data)


def _describe_noise(job: JobContext, gather: Gather, detection: Detection) -> ClassifyResult:
    """Return the result where no event was detected."""
    return ClassifyResult(
        event_type="none",
        probabilities={},
        reference_point=None,
        traces_used=len(gather.trace_ids),
        model=job.model_version("event_type"),
        out_of_distribution=False,
        novelty=None,
        detection=to_detection_result(detection),
    )


def _to_result(job: JobContext, found: Classification, detection: Detection) -> ClassifyResult:
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
        detection=to_detection_result(detection),
        evidence=ClassEvidence(
            force=found.evidence.log_force, explosion=found.evidence.log_explosion, landslide=found.evidence.log_landslide
        ),
    )
