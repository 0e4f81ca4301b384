"""The closed list of jobs, and the one way to run one: begin, do, publish, finish, whatever happens on the way."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from types import MappingProxyType

import structlog
from redis.exceptions import RedisError

from models.errors import AtlasError
from workers.contracts import DataWarning, JobKind, JobRecord, Status
from workers.jobs.classify import classify_job
from workers.jobs.cluster import cluster_job
from workers.jobs.context import JobContext, JobOutput, JobProgress, WorkerContext
from workers.jobs.embedding import embed_packed
from workers.jobs.locate import locate_job
from workers.jobs.shared_tasks import is_task, run_task
from workers.problems import translate_and_log_error
from workers.queue.connection import QueueFull, QueueUnreachable
from workers.queue.lifecycle import Canceled, Interrupted, Superseded
from workers.storage.blobs import BlobMissing, StoreFull, StoreUnreachable
from workers.storage.result_keys import attempt_prefix, figure_key, result_key

JOBS: Mapping[JobKind, Callable[[JobContext], JobOutput]] = MappingProxyType(
    {JobKind.CLASSIFY: classify_job, JobKind.LOCATE: locate_job, JobKind.CLUSTER: cluster_job}
)
_MAX_WARNINGS = 500
_MIN_WAIT_S, _MAX_WAIT_S = 0.2, 5.0
_QUEUE_LOST = (RedisError, QueueUnreachable, QueueFull)
_STORE_LOST = (StoreUnreachable, StoreFull, BlobMissing)  # what an accepted job needs was there: a store that lacks it is not all there


def run_job(desk: WorkerContext, job_id: str, limit: Callable[[], AbstractContextManager[object]]) -> None:
    """
    One attempt at a job, if it still waits for one; never raises for what goes wrong in it.

    `limit()` bounds the time of the work. What an attempt publishes lies under its own number, and only the attempt that
    finishes the record is ever read. SystemExit (the worker must go) puts the job back into the queue.
    """
    if is_task(job_id):
        _help(desk, job_id, limit)
        return
    record = _insisting(partial(desk.records.begin, job_id, desk.worker))
    if record is None:
        return
    log = structlog.get_logger("atlas").bind(kind=record.submission.kind.value, attempt=record.attempt)
    structlog.contextvars.bind_contextvars(request_id=record.request_id)
    began = time.monotonic()
    try:
        finish = _attempt(desk, record, limit)
        ended = _insisting(finish)
        log.info("job ended", status=ended.status.value, took_s=round(time.monotonic() - began, 3))
        if ended.status is not Status.SUCCEEDED:
            _discard(desk, record)
    except Superseded:
        log.warning("attempt superseded")
        _discard(desk, record)
    except _QUEUE_LOST:
        log.warning("queue server lost during the job, handing the job back")
        _give_back(desk, record)
    except Interrupted as error:
        log.warning("interrupted, handing the job back", detail=error.detail)
        _give_back(desk, record)
    except SystemExit:
        log.warning("worker told to go, handing the job back")
        _give_back(desk, record)
        raise


def _help(desk: WorkerContext, piece: str, limit: Callable[[], AbstractContextManager[object]]) -> None:
    """A piece of a job that another worker runs; what goes wrong here will go wrong there, where it is told."""
    try:
        with limit():
            run_task(desk.blobs, desk.records, piece, partial(embed_packed, desk))
    except Exception as error:  # noqa: BLE001 -- the edge: the job's own worker does the piece again
        structlog.get_logger("atlas").warning("a piece failed", piece=piece, error=type(error).__name__)


def _attempt(desk: WorkerContext, record: JobRecord, limit: Callable[[], AbstractContextManager[object]]) -> Callable[[], JobRecord]:
    """Do the work; the step that ends the record. Raises Superseded and Redis errors, which end no record."""
    finish = partial(desk.records.finish, record.id, record.attempt)
    try:
        with limit():
            outcome = _published(JobContext(desk, record, JobProgress(desk.records, record)))
    except (Superseded, Interrupted, *_QUEUE_LOST):
        raise
    except Canceled:
        return partial(finish, Status.CANCELED)
    except Exception as error:  # noqa: BLE001 -- the edge: whatever a job raises becomes its problem
        return partial(finish, Status.FAILED, problem=translate_and_log_error(error))
    left = {"figures": list(outcome.figures), "formats": list(outcome.products)}
    return partial(finish, Status.SUCCEEDED, warnings=_capped(outcome.warnings), **left)


def _published(task: JobContext) -> JobOutput:
    """The outcome, in the store. While the store fails the job is done again, for `store_patience_s`: it is not to blame for that."""
    deadline, wait_s = time.monotonic() + task.desk.settings.store_patience_s, _MIN_WAIT_S
    while True:
        try:
            outcome = JOBS[task.record.submission.kind](task)
            task.progress("store", 0.97)
            _publish(task.desk, task.record, outcome)
            return outcome
        except _STORE_LOST as error:
            if time.monotonic() + wait_s > deadline:
                raise
            structlog.get_logger("atlas").warning("the store fails, trying again", detail=error.detail, wait_s=wait_s)
            task.progress("wait for the store", 0.0)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _MAX_WAIT_S)


def _publish(desk: WorkerContext, record: JobRecord, outcome: JobOutput) -> None:
    for name, picture in outcome.figures.items():
        desk.blobs.put(figure_key(record, name), picture)
    for file_format, content in outcome.products.items():
        desk.blobs.put(result_key(record, file_format), content)
    desk.blobs.put(result_key(record), outcome.result.model_dump_json().encode())


def _capped(warnings: list[DataWarning]) -> list[DataWarning]:
    more = len(warnings) - _MAX_WARNINGS
    if more <= 0:
        return warnings
    rest = DataWarning(trace=None, part=None, code="more-warnings", detail=f"{more} further warnings are left out")
    return [*warnings[:_MAX_WARNINGS], rest]


def _insisting[T](step: Callable[[], T]) -> T:
    """Try until the queue server answers: a worker without one has nothing else to do, and a job must not end unsaid."""
    wait_s = _MIN_WAIT_S
    while True:
        try:
            return step()
        except _QUEUE_LOST:
            structlog.get_logger("atlas").warning("the queue server does not answer, trying again", wait_s=wait_s)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _MAX_WAIT_S)


def _give_back(desk: WorkerContext, record: JobRecord) -> None:
    """Should even that fail, the sweep finds a running job that its worker does not state."""
    with suppress(Superseded, *_QUEUE_LOST):
        desk.dispatcher.release(record.id, record.attempt)
    _discard(desk, record)


def _discard(desk: WorkerContext, record: JobRecord) -> None:
    """Nothing of the attempt stays, unless it did end the job: the answer that said so may have been lost on the way."""
    with suppress(AtlasError, RedisError):
        known = desk.records.get(record.id)
        if known is None or (known.status, known.attempt) != (Status.SUCCEEDED, record.attempt):
            desk.blobs.delete(attempt_prefix(record.id, record.attempt))
