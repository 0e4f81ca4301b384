"""The states of a job and the steps between them: plain functions of a record, fenced by the attempt."""

from datetime import UTC, datetime

from models.errors import AtlasError
from workers.contracts import DataWarning, JobRecord, PartProblem, Problem, Status

MAX_NAMED = 20
"""Parts that the problem of a worn-out job names."""


class UnknownJob(AtlasError):
    """No job of that id, or its record has expired."""

    code = "unknown-job"


class AlreadyEnded(AtlasError):
    """The job has ended; nothing follows."""

    code = "already-ended"


class Superseded(AtlasError):
    """Another attempt runs the job, or it has ended: whatever this attempt still does is void."""

    code = "superseded"


class Interrupted(AtlasError):
    """What the attempt needs was killed from outside: the job is not to blame, and the next attempt may get through."""

    code = "interrupted"


class Canceled(AtlasError):
    """Its owner has asked for the job to end."""

    code = "canceled"


def begin(record: JobRecord, worker: str) -> JobRecord | None:
    """Run by this worker as a new attempt; None where it is not queued."""
    if record.status is not Status.QUEUED:
        return None
    started = {"started_at": record.started_at or datetime.now(UTC), "worker": worker, "attempt": record.attempt + 1}
    return record.model_copy(update={"status": Status.RUNNING, "stage": "started", "progress": 0.0, **started})


def advance(record: JobRecord, attempt: int, stage: str, progress: float) -> JobRecord:
    """As far as stated, never back; raises Superseded, Canceled."""
    _fence(record, attempt)
    if record.cancel_requested:
        raise Canceled("the job was canceled")
    return record.model_copy(update={"stage": stage, "progress": min(max(progress, record.progress), 1.0)})


def finish(
    record: JobRecord,
    attempt: int,
    status: Status,
    *,
    problem: Problem | None = None,
    warnings: list[DataWarning] | None = None,
    figures: list[str] | None = None,
    formats: list[str] | None = None,
) -> JobRecord:
    """Ended; as canceled where that was asked for, whatever came of it. Raises Superseded."""
    _fence(record, attempt)
    if record.cancel_requested or status is Status.CANCELED:
        return _ended(record, Status.CANCELED)
    left = {"problem": problem, "warnings": warnings or [], "figures": figures or [], "formats": formats or []}
    return _ended(record, status).model_copy(update=left)


def request_cancel(record: JobRecord) -> JobRecord:
    """Queued: canceled at once. Running: asked to stop at its next step. Raises AlreadyEnded."""
    if record.status.terminal:
        raise AlreadyEnded(f"the job has already {record.status.value}")
    if record.status is Status.QUEUED:
        return _ended(record, Status.CANCELED)
    return record.model_copy(update={"cancel_requested": True})


def release(record: JobRecord, attempt: int, max_attempts: int) -> JobRecord:
    """
    Back among the queued, for its worker is gone or goes; raises Superseded.

    Ends as canceled where that was asked for, and as failed where it has been begun `max_attempts` times: a job that takes
    its worker down with it must not do so for ever.
    """
    _fence(record, attempt)
    if record.cancel_requested:
        return _ended(record, Status.CANCELED)
    if attempt >= max_attempts:
        return _ended(record, Status.FAILED).model_copy(update={"problem": _worn_out(record)})
    return record.model_copy(update={"status": Status.QUEUED, "stage": "queued", "progress": 0.0, "worker": None})


def _fence(record: JobRecord, attempt: int) -> None:
    if record.status is not Status.RUNNING or record.attempt != attempt:
        raise Superseded(f"attempt {attempt} does not run job {record.id} any more")


def _ended(record: JobRecord, status: Status) -> JobRecord:
    progress = 1.0 if status is Status.SUCCEEDED else record.progress
    stage = "finished" if status is Status.SUCCEEDED else record.stage
    return record.model_copy(update={"status": status, "finished_at": datetime.now(UTC), "progress": progress, "stage": stage})


def _worn_out(record: JobRecord) -> Problem:
    """The bundle names itself: it is what all attempts had in common."""
    code, detail = "worker-lost", f"begun {record.attempt} times, and each time the worker was lost, last in stage {record.stage!r}"
    return Problem(
        type=f"/problems/{code}",
        title="The worker was lost each time",
        status=500,
        detail=f"job {record.id} was {detail}",
        parts=[PartProblem(name=part.name, code=code, detail=detail) for part in record.submission.parts[:MAX_NAMED]],
    )
