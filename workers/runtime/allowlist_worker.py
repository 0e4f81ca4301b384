"""RQ worker with an allowlist of one function: no other name, callback or pickle that Redis may hold is ever run."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import InvalidJobOperation
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker, WorkerStatus

from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.dispatch import JOB_FUNCTION, QUEUE
from workers.runtime.heartbeat import Heartbeat

# RQ's own heartbeat is not used; a short time to live keeps RQ's blocking reads short.
_RQ_TTL_S = 60
_RETRY_S = 1.0


class _QuietQueue(Queue):
    """RQ's queue with the errors of this service, because RQ's loop would log and repeat its own every five seconds."""

    @classmethod
    def dequeue_any(cls, *arguments: Any, **options: Any) -> tuple[Job, Queue] | None:  # noqa: ANN401 -- as in RQ
        """Take the next job; raises QueueUnreachable and QueueFull."""
        with queue_errors():
            return super().dequeue_any(*arguments, **options)


class AllowlistWorker(SimpleWorker):
    """
    RQ's work loop with `perform(job_id)` in place of its execution of jobs.

    RQ would import any function that a job names and run its callbacks and webhooks. This worker compares the name with
    `JOB_FUNCTION` and imports nothing. Status, results and retries are kept in `queue.records`; of RQ only the queue is used.

    Where RQ's loop would end because the queue server is away, stalls or has lost its data, this one goes on: a new process would load and
    compile for a minute, and fail again.
    """

    def __init__(self, redis: Redis, name: str, perform: Callable[[str], None], heartbeat: Heartbeat, queue: str = QUEUE) -> None:
        super().__init__([queue], name=name, connection=redis, serializer=JSONSerializer, worker_ttl=_RQ_TTL_S, queue_class=_QuietQueue)
        self._perform, self._heartbeat = perform, heartbeat
        self._failing = False

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run an allowed job; delete and log any other. If the queue server is lost beside it, the next sweep finds the job."""
        try:
            self.set_state(WorkerStatus.BUSY)
            self._perform_allowed(job)
        except RedisError as error:
            structlog.get_logger("atlas").warning("the queue server was lost before a job", rq=job.id, error=type(error).__name__)
        finally:
            self._heartbeat.end_job()
            with suppress(RedisError, InvalidJobOperation):  # the latter where the server has lost its data
                queue.intermediate_queue.remove(job.id)
                job.delete(remove_from_queue=False)
            with suppress(RedisError):
                self.set_state(WorkerStatus.IDLE)

    def _perform_allowed(self, job: Job) -> None:
        job_id = read_job_id(job)
        if job_id is None:
            structlog.get_logger("atlas").error("refused a job that is not on the allowlist", rq=job.id)
            return
        self._heartbeat.start_job(job_id)
        # The runner sets request_id from the job's record; binding it here removes it from the log when the job ends.
        with structlog.contextvars.bound_contextvars(job=job_id, request_id=""):
            self._perform(job_id)

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> tuple[Job, Queue] | None:
        """Take the next job, from a server that is away or refuses the command once it answers; the heartbeat logs that it does."""
        while True:
            try:
                job = super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except (RedisError, QueueUnreachable, QueueFull) as error:
                if not self._failing:
                    structlog.get_logger("atlas").warning(
                        "no job can be taken, trying again", error=type(error.__cause__ or error).__name__
                    )
                self._failing = True
                time.sleep(_RETRY_S)
            else:
                self._failing = False
                return job

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Renew RQ's own entry of the worker, which nothing here reads."""
        with suppress(RedisError):
            super().heartbeat(timeout, pipeline)

    def subscribe(self) -> None:
        """Do nothing: this service sends no commands through Redis, and RQ's thread for them would log each attempt to connect."""

    def teardown(self) -> None:
        """Remove RQ's own entry of the worker."""
        with suppress(RedisError):
            super().teardown()  # type: ignore[no-untyped-call]

    def check_for_suspension(self, burst: bool) -> None:
        """Do nothing: this service never suspends its workers."""

    def run_maintenance_tasks(self) -> None:
        """Do nothing but note the time: abandoned jobs are requeued by `dispatch.Recovery`."""
        self.last_cleaned_at = datetime.now(UTC)  # type: ignore[assignment]  # untyped in RQ


def read_job_id(job: Job) -> str | None:
    """Return the record's id if the RQ job calls `JOB_FUNCTION` with one string; None for any other job, readable or not."""
    with suppress(Exception):  # a job in Redis may hold anything, valid JSON or not
        if job.func_name == JOB_FUNCTION and len(job.args) == 1 and isinstance(job.args[0], str) and not job.kwargs:
            return str(job.args[0])
    return None
