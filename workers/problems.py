"""Translation of exceptions into problem details (RFC 9457) by one table; tracebacks are logged and never sent to a client."""

from dataclasses import dataclass

import structlog
from redis.exceptions import RedisError
from rq.timeouts import JobTimeoutException

from models import errors
from workers.callbacks import addresses
from workers.contracts import PartProblem, Problem
from workers.queue import connection, dispatch, job_index, lifecycle, records
from workers.storage import blobs


class FineTuneUnavailable(errors.UnusableData):
    """Training on the upload was requested, and this service does not offer it."""

    code = "fine-tune-unavailable"


class ModelVersionUnavailable(errors.UnusableData):
    """A version of a model was requested that is not the one of this service."""

    code = "model-version-unavailable"


@dataclass(frozen=True)
class Rule:
    """
    Problem details of an exception class and its subclasses: HTTP status, title, and whether a retry may succeed.

    `code` and `detail` are for exceptions that are not AtlasErrors, whose own texts must not reach a client.
    """

    error: type[BaseException]
    status: int
    title: str
    retryable: bool = False
    code: str | None = None
    detail: str | None = None


# The first matching rule applies, so subclasses stand before their base classes.
RULES: tuple[Rule, ...] = (
    Rule(errors.UnreadableWaveform, 422, "Unreadable waveform"),
    Rule(errors.UnreadableMetadata, 422, "Unreadable metadata"),
    Rule(errors.UnreadableArchive, 422, "Unreadable archive"),
    Rule(errors.NoUsableTrace, 422, "No usable trace"),
    Rule(errors.TooFewStations, 422, "Too few stations"),
    Rule(errors.TooFewEvents, 422, "Too few events"),
    Rule(FineTuneUnavailable, 422, "Fine-tuning is not offered"),
    Rule(ModelVersionUnavailable, 422, "Other model version"),
    Rule(errors.UnusableData, 422, "Unusable data"),
    Rule(errors.UnsupportedPart, 415, "Unsupported file format"),
    Rule(errors.LimitExceeded, 413, "Over a limit"),
    Rule(errors.UnknownModel, 404, "No such model"),
    Rule(errors.StyleMismatch, 500, "A model of the service is unusable"),
    Rule(errors.DamagedArtifact, 500, "A model of the service is unusable"),
    Rule(records.UnknownJob, 404, "No such job"),
    Rule(records.UnreadableRecord, 500, "The record of the job is unreadable"),
    Rule(addresses.RefusedCallback, 400, "Callback address refused"),
    Rule(job_index.BadCursor, 400, "Malformed cursor"),
    Rule(records.AlreadyEnded, 409, "The job has ended"),
    Rule(records.Superseded, 409, "Another attempt runs the job"),
    Rule(records.Canceled, 409, "The job was canceled"),
    Rule(lifecycle.Interrupted, 503, "The work was interrupted", retryable=True),
    Rule(blobs.BlobMissing, 404, "Not kept any more"),
    Rule(blobs.StoreFull, 503, "The store is full", retryable=True),
    Rule(blobs.StoreUnreachable, 503, "The store is unreachable", retryable=True),
    Rule(connection.QueueFull, 503, "The queue is full", retryable=True),
    Rule(dispatch.TooManyJobs, 429, "Too many jobs at once", retryable=True),
    Rule(connection.QueueUnreachable, 503, "The queue is unreachable", retryable=True),
    Rule(RedisError, 503, "The queue is unreachable", True, "queue-unreachable", "the queue server does not answer as it should"),
    Rule(JobTimeoutException, 503, "The job took too long", True, "job-timeout", "the job ran longer than the service allows"),
    Rule(MemoryError, 503, "Out of memory", True, "out-of-memory", "the worker ran out of memory"),
)
_UNKNOWN = Rule(BaseException, 500, "Internal error", code="internal-error", detail="the service failed; its log has the cause")


def translate_error(error: BaseException) -> Problem:
    """Return the problem details of an exception; one that is not in the table becomes an internal error without its text."""
    rule = next((rule for rule in RULES if isinstance(error, rule.error)), _UNKNOWN)
    if isinstance(error, errors.AtlasError) and rule is not _UNKNOWN:
        return _problem(rule, error.code, error.detail, error.part)
    return _problem(rule, rule.code or "internal-error", rule.detail or rule.title, None)


def translate_and_log_error(error: BaseException) -> Problem:
    """
    Return the problem details of an exception, and log it if the service is at fault (status 500 and above).

    An error that may pass by itself is logged in one line: while a queue or a store is away, every request meets it. Others are logged
    with their traceback.
    """
    problem = translate_error(error)
    if problem.status >= _UNKNOWN.status:
        cause = {"error": type(error.__cause__ or error).__name__} if problem.retryable else {"exc_info": error}
        structlog.get_logger("atlas").error("failure", problem=problem.type, **cause)
    return problem


def problem_type(code: str) -> str:
    """Return the `type` of a problem, a URI reference relative to the service."""
    return f"/problems/{code}"


def _problem(rule: Rule, code: str, detail: str, part: str | None) -> Problem:
    parts = [] if part is None else [PartProblem(name=part, code=code, detail=detail)]
    return Problem(type=problem_type(code), title=rule.title, status=rule.status, detail=detail, parts=parts, retryable=rule.retryable)
