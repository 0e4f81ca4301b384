"""
State machine of a job: pure functions from a record to the next record.

    queued -> running -> succeeded | failed | canceled
    queued -> canceled;  running -> queued (released, at most `max_attempts` attempts)

Every step of a running job names its attempt. A step of an attempt that does not run the job any more raises Superseded
(the attempt number is a fencing token).
"""

from datetime import UTC, datetime
from typing import TypedDict

from models.errors import AtlasError
from workers.contracts import DataWarning, JobRecord, PartProblem, Problem, Status

MAX_NAMED_PARTS = 20
"""Maximum number of parts listed in the problem of a job that lost its worker in every attempt."""


class UnknownJob(AtlasError):
    """No job has this id, or its record has expired."""

    code = "unknown-job"


class AlreadyEnded(AtlasError):
    """The job has a terminal status and cannot be changed any more."""

    code = "already-ended"


class Superseded(AtlasError):
    """The attempt does not run the job any more: another attempt does, or the job has ended. Its output must be discarded."""

    code = "superseded"


class Interrupted(AtlasError):
    """A process that the attempt needs was killed from outside. The next attempt may succeed."""

    code = "interrupted"


class Canceled(AtlasError):
    """The job was canceled on request of its owner."""

    code = "canceled"


def begin(record: JobRecord, worker: str) -> JobRecord | None:
    """Start the next attempt of a queued job on a worker; None if the job is not queued."""
    if record.status is not Status.QUEUED:
        return None
    started = {"started_at": record.started_at or datetime.now(UTC), "worker": worker, "attempt": record.attempt + 1}
    return record.model_copy(update={"status": Status.RUNNING, "stage": "started", "progress": 0.0, **started})


def advance(record: JobRecord, attempt: int, stage: str, progress: float) -> JobRecord:
    """Set stage and progress (fraction done, which never decreases) of a running attempt; raises Superseded, Canceled."""
    _check_attempt(record, attempt)
    if record.cancel_requested:
        raise Canceled("the job was canceled")
    return record.model_copy(update={"stage": stage, "progress": min(max(progress, record.progress), 1.0)})


class Outcome(TypedDict, total=False):
    """What the record of an ended job states beside its status: why it failed, warnings, names of the figures and formats stored."""

    problem: Problem
    warnings: list[DataWarning]
    figures: list[str]
    formats: list[str]


def finish(record: JobRecord, attempt: int, status: Status, outcome: Outcome) -> JobRecord:
    """End a running attempt; wherever cancellation was requested the status is CANCELED, without the outcome. Raises Superseded."""
    _check_attempt(record, attempt)
    if record.cancel_requested or status is Status.CANCELED:
        return _end(record, Status.CANCELED)
    return _end(record, status).model_copy(update=outcome)


def request_cancel(record: JobRecord) -> JobRecord:
    """Cancel a queued job at once, and request that a running one stops at its next stage. Raises AlreadyEnded."""
    if record.status.terminal:
        raise AlreadyEnded(f"the job has already {record.status.value}")
    if record.status is Status.QUEUED:
        return _end(record, Status.CANCELED)
    return record.model_copy(update={"cancel_requested": True})


def release(record: JobRecord, attempt: int, max_attempts: int) -> JobRecord:
    """
    Return a running job to the queue because its worker was lost or is shutting down; raises Superseded.

    The job ends as CANCELED where that was requested, and as FAILED after `max_attempts` attempts, so that a bundle that
    crashes its worker cannot do so forever.
    """
    _check_attempt(record, attempt)
    if record.cancel_requested:
        return _end(record, Status.CANCELED)
    if attempt >= max_attempts:
        return _end(record, Status.FAILED).model_copy(update={"problem": _worker_lost_problem(record)})
    return record.model_copy(update={"status": Status.QUEUED, "stage": "queued", "progress": 0.0, "worker": None})


def _check_attempt(record: JobRecord, attempt: int) -> None:
    if record.status is not Status.RUNNING or record.attempt != attempt:
        raise Superseded(f"attempt {attempt} does not run job {record.id} any more")


def _end(record: JobRecord, status: Status) -> JobRecord:
    progress = 1.0 if status is Status.SUCCEEDED else record.progress
    stage = "finished" if status is Status.SUCCEEDED else record.stage
    return record.model_copy(update={"status": status, "finished_at": datetime.now(UTC), "progress": progress, "stage": stage})


def _worker_lost_problem(record: JobRecord) -> Problem:
    """Describe a job whose worker was lost in every attempt. The uploaded parts are listed, as the likely common cause."""
    code = "worker-lost"
    detail = f"started {record.attempt} times, and the worker was lost each time, last in stage {record.stage!r}"
    return Problem(
        type=f"/problems/{code}",
        title="The worker was lost each time",
        status=500,
        detail=f"job {record.id} was {detail}",
        parts=[PartProblem(name=part.name, code=code, detail=detail) for part in record.submission.parts[:MAX_NAMED_PARTS]],
    )
