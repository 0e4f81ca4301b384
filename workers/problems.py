"""The one table from what went wrong to what a client is told (RFC 9457); a traceback goes to the log and nowhere else."""

from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException

from models import errors
from workers.contracts import PartProblem, Problem
from workers.queue import dispatch, lifecycle, records
from workers.storage import blobs


class FineTuneUnavailable(errors.UnusableData):
    """Training on an upload was asked for, and this service does not offer it."""

    code = "fine-tune-unavailable"


@dataclass(frozen=True)
class Rule:
    """What is said of an exception of this class and of those below it, unless a rule before says otherwise."""

    error: type[BaseException]
    status: int
    title: str
    retryable: bool = False
    code: str | None = None
    detail: str | None = None


# The first rule that fits wins: the narrower class stands before the wider.
RULES: tuple[Rule, ...] = (
    Rule(errors.UnreadableWaveform, 422, "Unreadable waveform"),
    Rule(errors.UnreadableMetadata, 422, "Unreadable metadata"),
    Rule(errors.UnreadableArchive, 422, "Unreadable archive"),
    Rule(errors.NoUsableTrace, 422, "No usable trace"),
    Rule(errors.TooFewStations, 422, "Too few stations"),
    Rule(errors.TooFewEvents, 422, "Too few events"),
    Rule(FineTuneUnavailable, 422, "Fine-tuning is not offered"),
    Rule(errors.UnusableData, 422, "Unusable data"),
    Rule(errors.UnsupportedPart, 415, "Unsupported kind of file"),
    Rule(errors.LimitExceeded, 413, "Over a limit"),
    Rule(errors.UnknownModel, 404, "No such model"),
    Rule(errors.StyleMismatch, 500, "A model of the service is unusable"),
    Rule(errors.DamagedArtifact, 500, "A model of the service is unusable"),
    Rule(records.UnknownJob, 404, "No such job"),
    Rule(records.AlreadyEnded, 409, "The job has ended"),
    Rule(records.Superseded, 409, "Another attempt runs the job"),
    Rule(records.Canceled, 409, "The job was canceled"),
    Rule(lifecycle.Interrupted, 503, "The work was interrupted", retryable=True),
    Rule(blobs.BlobMissing, 404, "Not kept any more"),
    Rule(blobs.StoreFull, 503, "The store is full", retryable=True),
    Rule(blobs.StoreUnreachable, 503, "The store is unreachable", retryable=True),
    Rule(dispatch.QueueFull, 503, "The queue is full", retryable=True),
    Rule(dispatch.TooManyJobs, 429, "Too many jobs at once", retryable=True),
    Rule(dispatch.QueueUnreachable, 503, "The queue is unreachable", retryable=True),
    Rule(RedisError, 503, "The queue is unreachable", True, "queue-unreachable", "the queue server does not answer as it should"),
    Rule(JobTimeoutException, 503, "The job took too long", True, "job-timeout", "the job ran longer than the service allows"),
    Rule(MemoryError, 503, "Out of memory", True, "out-of-memory", "the worker ran out of memory"),
)
_UNKNOWN = Rule(BaseException, 500, "Internal error", code="internal-error", detail="the service failed; its log says why")


def problem_of(error: BaseException) -> Problem:
    """What a client is told of the error: a stable type, and for an error that is not in the table nothing of its inside."""
    rule = next((rule for rule in RULES if isinstance(error, rule.error)), _UNKNOWN)
    if isinstance(error, errors.AtlasError) and rule is not _UNKNOWN:
        return _problem(rule, error.code, error.detail, error.part)
    return _problem(rule, rule.code or "internal-error", rule.detail or rule.title, None)


def logged_problem_of(error: BaseException) -> Problem:
    """`problem_of`, with the traceback in the log where the service itself is at fault (status 500 and above)."""
    problem = problem_of(error)
    if problem.status >= _UNKNOWN.status:
        structlog.get_logger("atlas").error("failure", problem=problem.type, exc_info=error)
    return problem


def problem_type(code: str) -> str:
    """The stable `type` of a problem, a reference relative to the service."""
    return f"/problems/{code}"


def _problem(rule: Rule, code: str, detail: str, part: str | None) -> Problem:
    parts = [] if part is None else [PartProblem(name=part, code=code, detail=detail)]
    return Problem(type=problem_type(code), title=rule.title, status=rule.status, detail=detail, parts=parts, retryable=rule.retryable)
