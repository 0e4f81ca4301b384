"""Jobs: where they stand, what came out, and how to stop them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.dependencies import CancelerOf, ReaderOf, Service, ServiceOf
from app.errors import JobFailed, NotFinished, UnknownFigure, UnknownFormat
from app.schemas import PROBLEM_RESPONSE, Job, Progress
from app.views import available_formats, job_view
from workers.contracts import JobRecord, Status
from workers.queue.records import Canceled
from workers.storage.result_keys import MEDIA_TYPES, figure_key, media_type, result_key

router = APIRouter(tags=["Jobs"], responses=dict.fromkeys((401, 403, 404, 429, 503), PROBLEM_RESPONSE))

KEPT: Final = "private, max-age=86400, immutable"
"""What a job has left never changes."""

_FORMATS: Final[dict[str, Any]] = {media: {} for _, media in MEDIA_TYPES}


JobId = Annotated[str, Path(description="the job's id")]


async def _job_of(job_id: JobId, service: ServiceOf, owner: ReaderOf) -> JobRecord:
    return await service.job(job_id, owner)


async def _job_to_cancel(job_id: JobId, service: ServiceOf, owner: CancelerOf) -> JobRecord:
    return await service.job(job_id, owner)


JobOf = Annotated[JobRecord, Depends(_job_of)]
JobToCancel = Annotated[JobRecord, Depends(_job_to_cancel)]


@router.get("/jobs/{job_id}", responses={400: PROBLEM_RESPONSE}, summary="A job")
async def read_job(
    request: Request,
    response: Response,
    service: ServiceOf,
    record: JobOf,
    wait: Annotated[float, Query(ge=0, description="seconds to hold the answer while the job has not ended")] = 0.0,
) -> Job:
    """Where the job stands; with its result once it has succeeded, with the problem once it has failed."""
    response.headers["Cache-Control"] = "no-store"
    wait_s = min(wait, service.settings.max_wait_s)
    record = await service.watch.ended(record, lambda job_id: service.job(job_id, record.owner), wait_s)
    return await job_view(request, service, record)


@router.delete(
    "/jobs/{job_id}",
    responses={202: {"description": "Asked to stop; it ends at its next step", "model": Job}, 409: PROBLEM_RESPONSE},
    summary="Cancel a job",
)
async def cancel_job(request: Request, response: Response, service: ServiceOf, record: JobToCancel) -> Job:
    """A job that waits ends at once, a running one at its next step."""
    record = await run_in_threadpool(service.records.request_cancel, record.id)
    response.status_code = 200 if record.status.terminal else 202
    return await job_view(request, service, record)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, summary="Progress of a job")
async def follow_job(request: Request, service: ServiceOf, record: JobOf) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `progress` at each step, then `job` with the whole job once it has ended, then the end."""
    changes = service.watch.changes(record.id, lambda job_id: service.job(job_id, record.owner))
    told: Progress | None = None
    async with aclosing(changes):
        async for state in changes:
            progress = Progress(id=state.id, status=state.status, stage=state.stage, progress=state.progress)
            if progress != told and not state.status.terminal:
                told = progress
                yield ServerSentEvent(event="progress", data=progress)
            if state.status.terminal:
                yield ServerSentEvent(event="job", data=await job_view(request, service, state))


@router.get(
    "/jobs/{job_id}/figures/{name}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "PNG"}, 409: PROBLEM_RESPONSE},
    summary="A figure",
)
async def read_figure(service: ServiceOf, record: JobOf, name: Annotated[str, Path(description="the figure's name")]) -> Response:
    """What was drawn for people to look at."""
    _must_have_ended(record)
    if name not in record.figures:
        raise UnknownFigure(f"the job has no such figure; there are {', '.join(record.figures) or 'none'}")
    data = await run_in_threadpool(service.blobs.get, figure_key(record, name))
    return Response(data, media_type="image/png", headers={"Cache-Control": KEPT})


@router.get(
    "/jobs/{job_id}/result",
    response_class=Response,
    responses={200: {"content": _FORMATS, "description": "The result"}, **dict.fromkeys((409, 413, 415, 422, 500), PROBLEM_RESPONSE)},
    summary="The result of a job",
)
async def read_result(
    service: ServiceOf,
    record: JobOf,
    file_format: Annotated[str, Query(alias="format", description="one of the job's `formats`")] = "json",
) -> Response:
    """The result alone, as JSON, QuakeML, GeoJSON or CSV; a failed job answers with its problem."""
    _must_have_succeeded(record)
    if file_format not in available_formats(record):
        raise UnknownFormat(f"there is no such format of this result; there are {', '.join(available_formats(record))}")
    return await _kept(service, record, file_format)


async def _kept(service: Service, record: JobRecord, file_format: str) -> Response:
    data = await run_in_threadpool(service.blobs.get, result_key(record, file_format))
    name = f"{record.submission.kind.value}-{record.id[:8]}.{'xml' if file_format == 'quakeml' else file_format}"
    headers = {"Cache-Control": KEPT, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(data, media_type=media_type(file_format), headers=headers)


def _must_have_ended(record: JobRecord) -> None:
    if not record.status.terminal:
        raise NotFinished(f"the job is {record.status.value}; wait for it or follow its events")


def _must_have_succeeded(record: JobRecord) -> None:
    _must_have_ended(record)
    if record.status is Status.CANCELED:
        raise Canceled("the job was canceled and has no result")
    if record.problem is not None:
        raise JobFailed(record.problem)
