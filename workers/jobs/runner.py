"""Execution of jobs by a worker: begin an attempt, run the job of its kind, store the output, and finish the record."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from types import MappingProxyType

import structlog
from redis.exceptions import RedisError

from models.errors import AtlasError
from workers.contracts import DataWarning, JobKind, JobRecord, Status, Submission
from workers.jobs.classify import classify_job
from workers.jobs.cluster import cluster_job
from workers.jobs.context import JobContext, JobOutput, JobProgress, WorkerContext
from workers.jobs.embedding import embed_packed
from workers.jobs.fine_tune import fine_tune_job
from workers.jobs.locate import locate_job
from workers.jobs.locate_many import locate_many_job
from workers.jobs.shared_tasks import is_task, run_task
from workers.problems import translate_and_log_error
from workers.queue.connection import QueueFull, QueueUnreachable
from workers.queue.lifecycle import Canceled, Interrupted, Superseded, UnknownJob
from workers.queue.statistics import RUN, STAGE, WAIT, StageClock
from workers.storage.blobs import BlobMissing, StoreFull, StoreUnreachable
from workers.storage.result_keys import attempt_prefix, figure_data_key, figure_key, result_key
from workers.telemetry import OpenSpan

Job = Callable[[JobContext], JobOutput]
TimeLimit = Callable[[], AbstractContextManager[object]]

JOBS: Mapping[JobKind, Job] = MappingProxyType({JobKind.CLASSIFY: classify_job, JobKind.LOCATE: locate_job, JobKind.CLUSTER: cluster_job})
"""The allowlist of jobs by kind; `choose_job` replaces `cluster_job` where fine-tuning is requested."""

_MAX_WARNINGS = 500
_MIN_WAIT_S, _MAX_WAIT_S = 0.2, 5.0
_QUEUE_ERRORS = (RedisError, QueueUnreachable, QueueFull)
_STORE_ERRORS = (StoreUnreachable, StoreFull, BlobMissing)  # an accepted job's uploads exist, so a missing one is a fault of the store


def run_job(worker: WorkerContext, job_id: str, limit: TimeLimit) -> None:
    """
    Run one attempt at a job, or one shared task if `job_id` names one; does nothing if the job is not queued.

    No exception of the job is raised: it becomes the problem of the job's record. An attempt's output is stored under its own
    number, and only that of the attempt that finishes the record is ever read. SystemExit, upon which the worker must end,
    returns the job to the queue and is raised.

    Parameters
    ----------
    worker
        The worker that runs the job.
    job_id
        Id of a job, or name of a shared task.
    limit
        Returns a context manager that limits the run time.

    """
    if is_task(job_id):
        _run_shared_task(worker, job_id, limit)
        return
    record = _retry_until_available(partial(worker.records.begin, job_id, worker.name))
    if record is None:
        return
    log = structlog.get_logger("atlas").bind(kind=record.submission.kind.value, attempt=record.attempt)
    structlog.contextvars.bind_contextvars(request_id=record.request_id)
    try:
        with _trace_attempt(worker, record) as span:
            _run_and_finish(worker, record, limit, log.bind(**span.log_fields()), span)
    except Superseded:
        log.warning("attempt superseded, its output is deleted")
        _delete_output(worker, record)
    except UnknownJob:
        log.error("the queue server has lost the record of the job, its output is deleted")
        _delete_output(worker, record)
    except _QUEUE_ERRORS:
        log.warning("the queue server was lost during the job, returning the job to the queue")
        _requeue(worker, record)
    except Interrupted as error:
        log.warning("the job was interrupted, returning it to the queue", detail=error.detail)
        _requeue(worker, record)
    except SystemExit:
        log.warning("the worker must end, returning its job to the queue")
        _requeue(worker, record)
        raise


def choose_job(submission: Submission) -> Job:
    """Return the job function of a submission."""
    if submission.kind is JobKind.CLUSTER and submission.options.fine_tune:
        return fine_tune_job
    if submission.kind is JobKind.LOCATE and submission.options.many:
        return locate_many_job
    return JOBS[submission.kind]


def _run_shared_task(worker: WorkerContext, task: str, limit: TimeLimit) -> None:
    """Run a task of another worker's job. Its exceptions are only logged, because that worker runs the task again."""
    try:
        with limit():
            run_task(worker.blobs, worker.records, task, partial(embed_packed, worker))
    except Exception as error:  # noqa: BLE001 -- the job's own worker runs the task again, and reports any error
        structlog.get_logger("atlas").warning(
            "a shared task failed, the job's own worker repeats it", task=task, error=type(error).__name__
        )


def _trace_attempt(worker: WorkerContext, record: JobRecord) -> AbstractContextManager[OpenSpan]:
    """Record the span of an attempt, and before the first one that of the wait for it."""
    if record.attempt == 1 and record.started_at is not None:
        worker.tracing.add_span("queue", record.created_at.timestamp(), record.started_at.timestamp(), record.trace_context)
    about = {"atlas.job": record.id, "atlas.kind": record.submission.kind.value, "atlas.attempt": record.attempt}
    return worker.tracing.trace_attempt(record.trace_context, about)


def _run_and_finish(worker: WorkerContext, record: JobRecord, limit: TimeLimit, log: structlog.stdlib.BoundLogger, span: OpenSpan) -> None:
    """Run the job and finish its record; the output is kept only where the job succeeded. Raises what `_run_attempt` does."""
    start_s = time.monotonic()
    final = _retry_until_available(_run_attempt(worker, record, limit))
    problem = {} if final.problem is None else {"problem": final.problem.type}
    log.info("job ended", status=final.status.value, took_s=round(time.monotonic() - start_s, 3), **problem)
    span.set_attributes({"atlas.status": final.status.value})
    if final.problem is not None:
        span.fail(final.problem.title)
    if final.status is not Status.SUCCEEDED:
        _delete_output(worker, record)


def _run_attempt(worker: WorkerContext, record: JobRecord, limit: TimeLimit) -> Callable[[], JobRecord]:
    """Run the job, store its output, return the step that finishes the record; raises Superseded, UnknownJob, Interrupted, queue errors."""
    finish = partial(worker.records.finish, record.id, record.attempt)
    progress = JobProgress(worker.records, record, clock=StageClock(worker.tracing.add_stage))
    job = JobContext(worker, record, progress)
    try:
        with limit():
            output = _produce_output(job)
    except (Superseded, UnknownJob, Interrupted, *_QUEUE_ERRORS):
        raise
    except Canceled:
        return partial(finish, Status.CANCELED)
    except Exception as error:
        cause = unwrap_signal(error)
        if not isinstance(cause, Exception):
            raise cause from error
        return partial(finish, Status.FAILED, problem=translate_and_log_error(cause), warnings=_cap_warnings(job.read_warnings))
    finally:
        _add_seconds(worker, record, progress)
    stored = {"figures": list(output.figures), "formats": list(output.products)}
    return partial(finish, Status.SUCCEEDED, warnings=_cap_warnings(output.warnings), **stored)


def unwrap_signal(error: Exception) -> BaseException:
    """
    Return what a signal handler raised inside native code, which the interpreter wraps in SystemErrors; else the error itself.

    Without this a worker that must end, or a job that takes too long, would look like a fault of the program.
    """
    cause: BaseException = error
    while isinstance(cause, SystemError) and cause.__cause__ is not None:
        cause = cause.__cause__
    return cause


def _add_seconds(worker: WorkerContext, record: JobRecord, progress: JobProgress) -> None:
    """Add the seconds of an attempt to the statistics: of each stage, of all, and those that its job waited for the first attempt."""
    stages = progress.clock.stop()
    seconds = {(STAGE, stage): value for stage, value in stages.items()} | {(RUN, ""): sum(stages.values())}
    if record.attempt == 1 and record.started_at is not None:
        seconds[WAIT, ""] = (record.started_at - record.created_at).total_seconds()
    worker.records.statistics.add_seconds(record.submission.kind.value, seconds)


def _produce_output(job: JobContext) -> JobOutput:
    """Run the job and store its output; both are repeated while the blob store fails, for `store_patience_s`."""
    deadline_s, wait_s = time.monotonic() + job.worker.settings.store_patience_s, _MIN_WAIT_S
    while True:
        try:
            job.check_model_versions()
            output = choose_job(job.record.submission)(job)
            job.progress("store", 0.97)
            _store_output(job.worker, job.record, output)
            return output
        except _STORE_ERRORS as error:
            if time.monotonic() + wait_s > deadline_s:
                raise
            structlog.get_logger("atlas").warning("the blob store failed, the job is repeated", detail=error.detail, wait_s=wait_s)
            job.progress("wait for the store", 0.0)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _MAX_WAIT_S)


def _store_output(worker: WorkerContext, record: JobRecord, output: JobOutput) -> None:
    for name, picture in output.figures.items():
        worker.blobs.put(figure_key(record, name), picture)
    for name, data in output.figure_data.items():
        worker.blobs.put(figure_data_key(record, name), data)
    for file_format, content in output.products.items():
        worker.blobs.put(result_key(record, file_format), content)
    worker.blobs.put(result_key(record), output.result.model_dump_json().encode())


def _cap_warnings(warnings: list[DataWarning]) -> list[DataWarning]:
    """Return the first warnings up to the maximum, and one with the number of the others."""
    excess = len(warnings) - _MAX_WARNINGS
    if excess <= 0:
        return warnings
    rest = DataWarning(trace=None, part=None, code="more-warnings", detail=f"{excess} further warnings are left out")
    return [*warnings[:_MAX_WARNINGS], rest]


def _retry_until_available[T](step: Callable[[], T]) -> T:
    """Repeat a step until the queue server answers, without which a worker can neither begin nor finish a job."""
    wait_s = _MIN_WAIT_S
    while True:
        try:
            return step()
        except _QUEUE_ERRORS:
            structlog.get_logger("atlas").warning("the queue server does not answer, trying again", wait_s=wait_s)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _MAX_WAIT_S)


def _requeue(worker: WorkerContext, record: JobRecord) -> None:
    """Return the job to the queue. If that fails, too, the supervisor's sweep finds it, as it is in no worker's heartbeat."""
    with suppress(Superseded, *_QUEUE_ERRORS):
        worker.dispatcher.release(record.id, record.attempt)
    _delete_output(worker, record)


def _delete_output(worker: WorkerContext, record: JobRecord) -> None:
    """Delete the attempt's output, unless the attempt has finished the job: the reply to that step may have been lost."""
    with suppress(AtlasError, RedisError):
        current = worker.records.get(record.id)
        if current is None or (current.status, current.attempt) != (Status.SUCCEEDED, record.attempt):
            worker.blobs.delete(attempt_prefix(record.id, record.attempt))
