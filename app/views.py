"""A job record as the answer that a client sees."""

from typing import Final

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from app.dependencies import Service
from app.schemas import Job, Links, Result
from workers.contracts import ClassifyResult, ClusterResult, JobKind, JobRecord, LocateResult, Status
from workers.storage.result_keys import result_key

JSON: Final = "json"


async def job_view(request: Request, service: Service, record: JobRecord) -> Job:
    """The job with its result inside, once there is one."""
    result = await run_in_threadpool(_result, service, record) if record.status is Status.SUCCEEDED else None
    return Job(
        id=record.id,
        kind=record.submission.kind,
        status=record.status,
        stage=record.stage,
        progress=record.progress,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        result=result,
        problem=record.problem,
        warnings=record.warnings,
        formats=available_formats(record),
        links=links(request, record),
    )


def links(request: Request, record: JobRecord) -> Links:
    """Paths, below the prefix of a proxy where there is one."""
    own = f"{request.scope.get('root_path', '')}/jobs/{record.id}"
    return Links(
        self=own,
        result=f"{own}/result" if record.status is Status.SUCCEEDED else None,
        events=f"{own}/events",
        figures=[f"{own}/figures/{name}.png" for name in record.figures],
    )


def available_formats(record: JobRecord) -> list[str]:
    """Formats in which the result can be had; none before there is one."""
    return [JSON, *(name for name in record.formats if name != JSON)] if record.status is Status.SUCCEEDED else []


def _result(service: Service, record: JobRecord) -> Result:
    return _schema(record.submission.kind).model_validate_json(service.blobs.get(result_key(record)))


def _schema(kind: JobKind) -> type[ClassifyResult] | type[LocateResult] | type[ClusterResult]:
    match kind:
        case JobKind.CLASSIFY:
            return ClassifyResult
        case JobKind.LOCATE:
            return LocateResult
        case JobKind.CLUSTER:
            return ClusterResult
