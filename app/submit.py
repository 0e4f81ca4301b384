"""Submit a bundle: receive its body and options, create the job, and wait for its end if the client prefers that."""

import math
import re
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import structlog
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from app.auth.audit import record_audit
from app.dependencies import Service
from app.jobs.idempotency import HEADER
from app.uploads.options import query_fields, read_options
from app.uploads.receive import receive_upload
from app.views import job_links, job_view
from workers.callbacks.addresses import RefusedCallback, parse_callback_url
from workers.contracts import JobKind, JobRecord, Submission
from workers.telemetry import current_trace_context

RETRY_AFTER_S: Final = 1
_WAIT: Final = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?", re.IGNORECASE)


@dataclass(frozen=True)
class Preference:
    """The Prefer header (RFC 7240) as applied; unknown and malformed preferences are ignored, as the RFC asks."""

    wait_s: float
    applied: str | None


async def submit(request: Request, service: Service, owner: str, kind: JobKind) -> Response:
    """
    Receive a submission, enqueue its job and answer with the job: status 200 if it has ended, else 202.

    Raises RequestError and the errors of queue, store and limits.
    """
    # Checked before the body is read, so that a client does not upload what cannot be accepted.
    await run_in_threadpool(service.dispatcher.check_capacity, owner)
    key = request.headers.get(HEADER)
    if key is None:
        record = await _enqueue(service, await _receive_submission(request, service, kind), owner, uuid4().hex)
    else:
        async with service.idempotency.claim(key, owner, request.url.path) as claim:
            submission = await _receive_submission(request, service, kind)
            record = await _enqueue(service, submission, owner, await claim.assign_job_id(submission))
    return await _answer(request, service, record)


async def _receive_submission(request: Request, service: Service, kind: JobKind) -> Submission:
    query = query_fields(request.query_params)  # invalid query parameters are reported before the body is read
    async with receive_upload(request, service.blobs, service.store, service.settings.max_parts) as upload:
        submission = Submission(kind=kind, parts=upload.parts, options=read_options(query, upload.fields))
        _check_callback(submission, service)
        await upload.keep()
        return submission


def _check_callback(submission: Submission, service: Service) -> None:
    """Raise RefusedCallback for a callback that could never be sent."""
    url = submission.options.callback_url
    if url is not None:
        parse_callback_url(url)
        if service.settings.callback_secret is None:
            raise RefusedCallback("this service sends no callbacks; leave callback_url out and read the job instead")


async def _enqueue(service: Service, submission: Submission, owner: str, job_id: str) -> JobRecord:
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    record = await run_in_threadpool(service.dispatcher.submit, submission, owner, job_id, request_id, current_trace_context())
    parts, received = len(submission.parts), sum(part.size_bytes for part in submission.parts)
    record_audit("submission", job=record.id, kind=submission.kind.value, parts=parts, bytes=received)
    return record


async def _answer(request: Request, service: Service, record: JobRecord) -> Response:
    preference = read_preference(request.headers.getlist("prefer"), service.settings.max_wait_s)
    record = await service.updates.wait_for_end(record, lambda job_id: service.get_job(job_id, record.owner), preference.wait_s)
    applied = {} if preference.applied is None else {"Preference-Applied": preference.applied}
    headers = {"Location": job_links(request, record).self, "Cache-Control": "no-store", **applied}
    if not record.status.terminal:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    job = await job_view(request, service, record)
    return Response(job.model_dump_json(), 200 if record.status.terminal else 202, headers, "application/json")


def read_preference(headers: list[str], max_wait_s: float) -> Preference:
    """Read the first `wait` preference, at most `max_wait_s` seconds; without one the wait is 0."""
    preferences = [preference.strip() for header in headers for preference in header.split(",")]
    for preference in preferences:
        if found := _WAIT.fullmatch(preference):
            wait_s = min(float(found[1]), max_wait_s)
            return Preference(wait_s, f"wait={math.floor(wait_s)}")
    asynchronous = any(preference.lower() == "respond-async" for preference in preferences)
    return Preference(0.0, "respond-async" if asynchronous else None)
