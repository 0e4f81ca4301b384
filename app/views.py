"""Present a job record as the `Job` of the API."""

from typing import Any, Final

from fastapi import Request

from app.auth.audit import record_audit
from app.dependencies import Service
from app.schemas import Job, JobSummary, Links, Result
from workers.contracts import JobKind, JobRecord, Status, Submission
from workers.results import ClassifyResult, ClusterResult, LocateManyResult, LocateResult
from workers.storage.result_keys import result_key

JSON: Final = "json"
MAX_LISTED_PARTS: Final = 5
PROGRESS_DIGITS: Final = 4


async def job_view(request: Request, service: Service, record: JobRecord) -> Job:
    """Return the job with its result, if it has succeeded; raises BlobMissing, StoreUnreachable."""
    result = None
    if record.status is Status.SUCCEEDED:
        result = await service.store.run(_read_result, service, record)
        record_audit("download", job=record.id, what="result in the job")
    return Job(**_describe_record(request, record), result=result, warnings=record.warnings)


def summarize_job(request: Request, record: JobRecord) -> JobSummary:
    """Return the job as an entry of a list."""
    parts = [part.name for part in record.submission.parts[:MAX_LISTED_PARTS]]
    return JobSummary(**_describe_record(request, record), parts=parts)


def _describe_record(request: Request, record: JobRecord) -> dict[str, Any]:
    """Return the fields that a job and its entry in a list have in common."""
    return {
        "id": record.id,
        "kind": record.submission.kind,
        "status": record.status,
        "stage": record.stage,
        "progress": round(record.progress, PROGRESS_DIGITS),
        "created_at": record.created_at,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "problem": record.problem,
        "formats": available_formats(record),
        "links": job_links(request, record),
    }


def job_links(request: Request, record: JobRecord) -> Links:
    """Return the paths of the job, below the path prefix of a proxy if there is one."""
    job = f"{request.scope.get('root_path', '')}/jobs/{record.id}"
    return Links(
        self=job,
        result=f"{job}/result" if record.status is Status.SUCCEEDED else None,
        events=f"{job}/events",
        figures=[f"{job}/figures/{name}.png" for name in record.figures],
        bundle=f"{job}/bundle.zip" if record.status.terminal else None,
    )


def available_formats(record: JobRecord) -> list[str]:
    """Return the formats of the result; none unless the job has succeeded."""
    return [JSON, *(name for name in record.formats if name != JSON)] if record.status is Status.SUCCEEDED else []


def _read_result(service: Service, record: JobRecord) -> Result:
    return _result_type(record.submission).model_validate_json(service.blobs.get(result_key(record)))


def _result_type(submission: Submission) -> type[ClassifyResult] | type[LocateResult] | type[LocateManyResult] | type[ClusterResult]:
    match submission.kind:
        case JobKind.CLASSIFY:
            return ClassifyResult
        case JobKind.LOCATE:
            return LocateManyResult if submission.options.many else LocateResult
        case JobKind.CLUSTER:
            return ClusterResult
