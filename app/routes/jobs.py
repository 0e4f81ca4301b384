"""Endpoints of jobs: status, progress, cancellation, results and figures."""

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.auth.audit import record_audit
from app.dependencies import CallerDep, CancelerDep, ReaderDep, Service, ServiceDep
from app.errors import JobFailed, NotAcceptable, NotFinished, Unauthorized, UnknownFigure, UnknownFormat
from app.responses.conditional import is_unchanged, make_etag, not_modified
from app.responses.job_archive import list_files, stream_zip
from app.responses.negotiation import choose_media_type
from app.schemas import PROBLEM_RESPONSE, Job, JobList, Progress, Result
from app.views import PROGRESS_DIGITS, available_formats, job_view, summarize_job
from workers.contracts import JobKind, JobRecord, Status
from workers.queue.job_index import MAX_PAGE
from workers.queue.records import Canceled
from workers.storage.blobs import BlobMissing
from workers.storage.result_keys import MEDIA_TYPES, figure_data_key, figure_key, media_type, result_key

router = APIRouter(tags=["Jobs"], responses=dict.fromkeys((401, 403, 404, 429, 503), PROBLEM_RESPONSE))

CACHE_CONTROL: Final = "private, max-age=86400, immutable"
"""Results and figures of a finished job never change."""

FIGURES_WITH_DATA: Final = ("section", "families", "waveform_fit")

_FORMATS: Final[dict[str, Any]] = {media: {} for _, media in MEDIA_TYPES}


JobId = Annotated[str, Path(description="id of the job")]


async def _find_job(job_id: JobId, service: ServiceDep, owner: ReaderDep) -> JobRecord:
    return await service.get_job(job_id, owner)


async def _find_job_to_cancel(job_id: JobId, service: ServiceDep, owner: CancelerDep) -> JobRecord:
    return await service.get_job(job_id, owner)


JobDep = Annotated[JobRecord, Depends(_find_job)]
JobToCancelDep = Annotated[JobRecord, Depends(_find_job_to_cancel)]
FigureName = Annotated[str, Path(description="name of the figure")]


@router.get("/jobs", responses={400: PROBLEM_RESPONSE}, summary="List jobs")
async def list_jobs(
    request: Request,
    response: Response,
    service: ServiceDep,
    owner: ReaderDep,
    kind: Annotated[JobKind | None, Query(description="only jobs of this kind")] = None,
    status: Annotated[Status | None, Query(description="only jobs of this status")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="number of jobs of a page")] = 50,
    cursor: Annotated[str | None, Query(max_length=100, description="`next` of the page before")] = None,
) -> JobList:
    """Return the caller's own jobs, newest first, without their results."""
    response.headers["Cache-Control"] = "no-store"
    page = await run_in_threadpool(service.job_index.list_jobs, owner, kind, status, limit, cursor)
    return JobList(jobs=[summarize_job(request, record) for record in page.records], next=page.next)


@router.get("/jobs/{job_id}", responses={400: PROBLEM_RESPONSE}, summary="Read a job")
async def read_job(
    request: Request,
    response: Response,
    service: ServiceDep,
    record: JobDep,
    caller: CallerDep,
    wait: Annotated[float, Query(ge=0, description="seconds to wait for the end of the job before answering")] = 0.0,
) -> Job:
    """Return the status of a job, with its `result` once it has succeeded or its `problem` once it has failed."""
    response.headers["Cache-Control"] = "no-store"
    wait_s = min(wait, service.settings.max_wait_s)
    record = await service.updates.wait_for_end(record, lambda job_id: service.reread_job(job_id, caller), wait_s)
    return await job_view(request, service, record)


@router.delete(
    "/jobs/{job_id}",
    responses={202: {"description": "Cancellation requested; the job ends before its next stage", "model": Job}, 409: PROBLEM_RESPONSE},
    summary="Cancel a job",
)
async def cancel_job(request: Request, response: Response, service: ServiceDep, record: JobToCancelDep) -> Job:
    """Cancel a queued job at once (status 200), or request the cancellation of a running one (status 202)."""
    record = await run_in_threadpool(service.records.request_cancel, record.id)
    record_audit("cancellation", job=record.id)
    response.status_code = 200 if record.status.terminal else 202
    return await job_view(request, service, record)


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, summary="Follow the progress of a job")
async def follow_job(request: Request, service: ServiceDep, record: JobDep, caller: CallerDep) -> AsyncIterator[ServerSentEvent]:
    """
    Stream server-sent events: `progress` at each change, and `job` with the whole job at its end, which closes the stream.

    The stream also ends within seconds after the key of the caller is revoked or has expired.
    """
    changes = service.updates.follow(record.id, lambda job_id: service.reread_job(job_id, caller))
    last: Progress | None = None
    async with aclosing(changes):
        with suppress(Unauthorized):
            async for state in changes:
                progress = Progress(id=state.id, status=state.status, stage=state.stage, progress=round(state.progress, PROGRESS_DIGITS))
                if progress != last and not state.status.terminal:
                    last = progress
                    yield ServerSentEvent(event="progress", data=progress)
                if state.status.terminal:
                    yield ServerSentEvent(event="job", data=await job_view(request, service, state))


@router.get(
    "/jobs/{job_id}/figures/{name}.png",
    response_class=Response,
    responses={200: {"content": {"image/png": {}}, "description": "The figure (PNG)"}, 409: PROBLEM_RESPONSE},
    summary="Read a figure of a job",
)
async def read_figure(request: Request, service: ServiceDep, record: JobDep, name: FigureName) -> Response:
    """Return a figure that illustrates the result; `links.figures` of the job lists them."""
    _require_end(record)
    if name not in record.figures:
        raise UnknownFigure(f"the job has no figure of that name; its figures are: {', '.join(record.figures) or 'none'}")
    return await _send_stored(request, service, record, f"figure {name}", figure_key(record, name), "image/png")


@router.get(
    "/jobs/{job_id}/figures/{name}.json",
    response_class=Response,
    responses={200: {"content": {"application/json": {}}, "description": "The data of the figure"}, 409: PROBLEM_RESPONSE},
    summary="Read the data of a figure",
)
async def read_figure_data(request: Request, service: ServiceDep, record: JobDep, name: FigureName) -> Response:
    """Return what `section`, `waveform_fit` or `families` shows as JSON: waveforms, travel times, positions of events."""
    _require_end(record)
    if name not in record.figures or not name.endswith(FIGURES_WITH_DATA):
        raise UnknownFigure(f"no data of a figure of that name; there are data of: {', '.join(FIGURES_WITH_DATA)}")
    try:
        return await _send_stored(request, service, record, f"data of figure {name}", figure_data_key(record, name), "application/json")
    except BlobMissing as error:
        raise UnknownFigure("the job is of a release that kept no data of figures") from error


@router.get(
    "/jobs/{job_id}/result",
    response_class=Response,
    responses={
        200: {"model": Result, "content": _FORMATS, "description": "The result"},
        304: {"description": "The client has the result already (If-None-Match)"},
        **dict.fromkeys((406, 409, 413, 415, 422, 500), PROBLEM_RESPONSE),
    },
    summary="Read the result of a job",
)
async def read_result(
    request: Request,
    service: ServiceDep,
    record: JobDep,
    file_format: Annotated[
        str | None, Query(alias="format", description="one of the `formats` of the job; without it the Accept header chooses")
    ] = None,
) -> Response:
    """Return the result as JSON, QuakeML, GeoJSON or CSV; for a failed job, its problem with the status of the problem."""
    _require_success(record)
    chosen = _choose_format(request, record) if file_format is None else file_format
    if chosen not in available_formats(record):
        raise UnknownFormat(f"the result is not available in that format; its formats are: {', '.join(available_formats(record))}")
    etag = make_etag(record.id, record.attempt, "result", chosen)
    if is_unchanged(request, etag):
        return not_modified(etag, CACHE_CONTROL, "Accept")
    return await _read_stored_result(service, record, chosen, etag)


@router.get(
    "/jobs/{job_id}/bundle.zip",
    name="read_bundle",
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}, "description": "The archive"}, 409: PROBLEM_RESPONSE},
    summary="Read everything of a job",
)
async def read_bundle(request: Request, service: ServiceDep, record: JobDep) -> Response:
    """Return a job that has ended as a zip archive: the job, its result in every format, its figures, and its uploads in `inputs/`."""
    _require_end(record)
    etag = make_etag(record.id, record.attempt, "bundle")
    if is_unchanged(request, etag):
        return not_modified(etag, CACHE_CONTROL)
    job = (await job_view(request, service, record)).model_dump_json(indent=2).encode()
    archive = stream_zip(list_files(record, job, service.blobs))
    record_audit("download", job=record.id, what="bundle")
    headers = {"Cache-Control": CACHE_CONTROL, "Content-Disposition": f'attachment; filename="{_file_stem(record)}.zip"', "ETag": etag}
    return StreamingResponse(archive, media_type="application/zip", headers=headers)


async def _send_stored(request: Request, service: Service, record: JobRecord, what: str, key: str, media: str) -> Response:
    """Send a stored file of a job, which does not change, unless the client has it; the audit log names it by `what`."""
    etag = make_etag(record.id, record.attempt, what)
    if is_unchanged(request, etag):
        return not_modified(etag, CACHE_CONTROL)
    data = await service.store.run(service.blobs.get, key)
    record_audit("download", job=record.id, what=what)
    return Response(data, media_type=media, headers={"Cache-Control": CACHE_CONTROL, "ETag": etag})


def _choose_format(request: Request, record: JobRecord) -> str:
    """Choose a format by the Accept header; raises NotAcceptable."""
    formats = available_formats(record)
    offered = [media_type(name) for name in formats]
    chosen = choose_media_type(request.headers.get("accept", ""), offered)
    if chosen is None:
        raise NotAcceptable(f"the result is available as {', '.join(offered)}; accept one of them, or choose a `format`")
    return formats[offered.index(chosen)]


async def _read_stored_result(service: Service, record: JobRecord, file_format: str, etag: str) -> Response:
    data = await service.store.run(service.blobs.get, result_key(record, file_format))
    record_audit("download", job=record.id, what=f"result {file_format}")
    name = f"{_file_stem(record)}.{'xml' if file_format == 'quakeml' else file_format}"
    headers = {"Cache-Control": CACHE_CONTROL, "Content-Disposition": f'inline; filename="{name}"', "ETag": etag, "Vary": "Accept"}
    return Response(data, media_type=media_type(file_format), headers=headers)


def _file_stem(record: JobRecord) -> str:
    return f"{record.submission.kind.value}-{record.id[:8]}"


def _require_end(record: JobRecord) -> None:
    if not record.status.terminal:
        raise NotFinished(f"the job is {record.status.value}; read it again with ?wait=, or follow its events")


def _require_success(record: JobRecord) -> None:
    _require_end(record)
    if record.status is Status.CANCELED:
        raise Canceled("the job was canceled and has no result")
    if record.problem is not None:
        raise JobFailed(record.problem)
