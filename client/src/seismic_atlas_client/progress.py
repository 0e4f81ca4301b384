"""Wait for the end of a job: by server-sent events, and by polling where the stream of events breaks or is not let through."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from seismic_atlas_client.base import Model
from seismic_atlas_client.effects import Answer, Flow, Follow, Request, Send, Sleep
from seismic_atlas_client.errors import UnexpectedAnswer, WaitTimedOut
from seismic_atlas_client.models import Job, Status
from seismic_atlas_client.retries import RetryPolicy, send

MAX_BREAKS = 3
"""Broken event streams after which a job is polled instead."""

SILENCE_S = 45.0
"""Time without a byte after which an event stream counts as broken; the service sends a comment every 15 s."""

POLL_WAIT_S = 20.0
"""Seconds that a request of polling asks the service to wait for the end of the job."""

READ_MARGIN_S = 30.0
QUICK_ANSWER_S = 0.5
POLL_PAUSE_S = 2.0
ENDED = ("succeeded", "failed", "canceled")


class Progress(Model):
    """Progress of a job: its status, the stage of its processing, and the fraction that is done, 0 to 1."""

    id: str
    status: Status
    stage: str
    progress: float


OnProgress = Callable[[Progress], None]


class ServerEvent(NamedTuple):
    """An event of an event stream."""

    name: str
    data: str


class EventDecoder:
    """Decoder of an event stream by lines (WHATWG HTML, section 9.2); comments and unknown fields are left out."""

    def __init__(self) -> None:
        self._name, self._data = "", list[str]()

    def decode_line(self, line: str) -> ServerEvent | None:
        """Take the next line without its end; return the event that an empty line completes."""
        if line == "":
            event = ServerEvent(self._name or "message", "\n".join(self._data)) if self._data else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        return None


class _JobFollower:
    """Reads the event stream of a job: reports progress, and keeps the job of the last event."""

    def __init__(self, report: OnProgress, deadline_s: float) -> None:
        self.ended: Job | None = None
        self._report, self._deadline_s, self._decoder = report, deadline_s, EventDecoder()

    def accept_line(self, line: str) -> bool:
        """Take a line; return true at the end of the job, at the deadline, and at data that cannot be read."""
        event = self._decoder.decode_line(line)
        try:
            progress = None if event is None else self._read_event(event)
        except ValidationError:
            return True
        if progress is not None:
            self._report(progress)
        return self.ended is not None or time.monotonic() >= self._deadline_s

    def _read_event(self, event: ServerEvent) -> Progress | None:
        if event.name == "job":
            self.ended = Job.model_validate_json(event.data)
            return _summarize(self.ended)
        return Progress.model_validate_json(event.data) if event.name == "progress" else None


class _Reporter:
    """Calls the caller's function for each change, not for repetitions."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._last: Progress | None = None

    def report(self, progress: Progress) -> None:
        if self._on_progress is not None and progress != self._last:
            self._on_progress(progress)
        self._last = progress


def wait_for_end(job_id: str, policy: RetryPolicy, on_progress: OnProgress | None = None, timeout_s: float | None = None) -> Flow[Job]:
    """
    Wait for the end of a job and return it, whatever its status is.

    Parameters
    ----------
    job_id
        Id of the job.
    policy
        How requests are repeated.
    on_progress
        Called with a Progress at each change.
    timeout_s
        Seconds to wait; None: as long as it takes.

    Raises
    ------
    WaitTimedOut
        The job did not end within `timeout_s`; it goes on.
    ProblemError, ServiceUnreachable
        As for every request.

    """
    deadline_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
    report = _Reporter(on_progress).report
    breaks = 0
    while True:
        if breaks < MAX_BREAKS and time.monotonic() < deadline_s:
            ended = yield from _follow_events(job_id, report, deadline_s)
            if ended is not None:
                return ended
            breaks += 1
        job = yield from _poll(job_id, policy, min(deadline_s - time.monotonic(), POLL_WAIT_S if breaks >= MAX_BREAKS else POLL_PAUSE_S))
        report(_summarize(job))
        if job.status in ENDED:
            return job
        if time.monotonic() >= deadline_s:
            raise WaitTimedOut(job_id, timeout_s or 0.0)


def _follow_events(job_id: str, report: OnProgress, deadline_s: float) -> Flow[Job | None]:
    """Follow the event stream; return the ended job, or None where the stream broke, ended early or was refused."""
    follower = _JobFollower(report, deadline_s)
    timeout_s = max(min(SILENCE_S, deadline_s - time.monotonic()), 0.05)
    request = Request("GET", f"/jobs/{quote(job_id, safe='')}/events", headers={"Accept": "text/event-stream"}, timeout_s=timeout_s)
    try:
        yield Follow(request, follower.accept_line)
    except httpx.RequestError:
        return None
    return follower.ended


def _poll(job_id: str, policy: RetryPolicy, wait_s: float) -> Flow[Job]:
    """Read a job, waiting for its end in the service; where the service does not wait, pause here instead."""
    started_s = time.monotonic()
    job = yield from read_job(job_id, policy, max(wait_s, 0.0))
    spent_s = time.monotonic() - started_s
    if job.status not in ENDED and spent_s < min(QUICK_ANSWER_S, wait_s):
        yield Sleep(min(POLL_PAUSE_S, wait_s - spent_s))
    return job


def read_job(job_id: str, policy: RetryPolicy, wait_s: float = 0.0) -> Flow[Job]:
    """Read a job, after waiting up to `wait_s` seconds for its end."""
    params = {"wait": f"{wait_s:.3f}"} if wait_s > 0 else {}
    request = Request("GET", f"/jobs/{quote(job_id, safe='')}", params=params, timeout_s=wait_s + READ_MARGIN_S)
    return parse_job((yield from send(Send(request), policy)))


def parse_job(answer: Answer) -> Job:
    """Parse an answer as a job; raises UnexpectedAnswer."""
    try:
        return Job.model_validate_json(answer.content)
    except ValidationError as error:
        raise UnexpectedAnswer(f"the answer is not a job of a Seismic Atlas service ({error.error_count()} errors): {error}") from error


def _summarize(job: Job) -> Progress:
    return Progress(id=job.id, status=job.status, stage=job.stage, progress=job.progress)
