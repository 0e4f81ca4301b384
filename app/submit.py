"""Taking in a submission: body, options, idempotency, the queue, and the wait that the client prefers."""

import math
import re
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from app.dependencies import Service
from app.jobs.idempotency import HEADER
from app.uploads.options import query_fields, read_options
from app.uploads.receive import receive_upload
from app.views import job_view, links
from workers.contracts import JobKind, JobRecord, Submission

RETRY_AFTER_S: Final = 1
_WAIT: Final = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


@dataclass(frozen=True)
class Preference:
    """The Prefer header (RFC 7240), as far as it is honored: unknown and malformed preferences are to be ignored."""

    wait_s: float
    applied: str | None


async def submit(request: Request, service: Service, owner: str, kind: JobKind) -> Response:
    """The job: 202 while it has not ended, 200 once it has."""
    # Before the body: what cannot be taken on should not cost the client an upload.
    await run_in_threadpool(service.dispatcher.check_capacity, owner)
    key = request.headers.get(HEADER)
    if key is None:
        record = await _enqueued(service, await _taken_in(request, service, kind), owner, uuid4().hex)
    else:
        async with service.idempotency.claim(key, owner, request.url.path) as claim:
            submission = await _taken_in(request, service, kind)
            record = await _enqueued(service, submission, owner, await claim.job_id(submission))
    return await _answer(request, service, record)


async def _taken_in(request: Request, service: Service, kind: JobKind) -> Submission:
    query = query_fields(request.query_params)  # what is wrong with the address is said before the body is read
    async with receive_upload(request, service.blobs, service.settings.max_parts) as upload:
        submission = Submission(kind=kind, parts=upload.parts, options=read_options(query, upload.fields))
        await upload.keep()
        return submission


async def _enqueued(service: Service, submission: Submission, owner: str, job_id: str) -> JobRecord:
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return await run_in_threadpool(service.dispatcher.submit, submission, owner, job_id, request_id)


async def _answer(request: Request, service: Service, record: JobRecord) -> Response:
    preference = read_preference(request.headers.getlist("prefer"), service.settings.max_wait_s)
    record = await service.watch.ended(record, lambda job_id: service.job(job_id, record.owner), preference.wait_s)
    applied = {} if preference.applied is None else {"Preference-Applied": preference.applied}
    headers = {"Location": links(request, record).self, "Cache-Control": "no-store", **applied}
    if not record.status.terminal:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    job = await job_view(request, service, record)
    return Response(job.model_dump_json(), 200 if record.status.terminal else 202, headers, "application/json")


def read_preference(headers: list[str], max_wait_s: float) -> Preference:
    """The first `wait`, cut to what the service allows; `respond-async` alone waits for nothing."""
    preferences = [part.strip() for header in headers for part in header.split(",")]
    for preference in preferences:
        if found := _WAIT.fullmatch(preference):
            wait_s = min(float(found[1]), max_wait_s)
            return Preference(wait_s, f"wait={math.floor(wait_s)}")
    asynchronous = any(preference.lower() == "respond-async" for preference in preferences)
    return Preference(0.0, "respond-async" if asynchronous else None)
