"""Submission of jobs and recovery of lost ones: the record is written first, then RQ is given the job's id and nothing else."""

from collections.abc import Iterator
from contextlib import suppress

import structlog
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from models.errors import AtlasError
from workers.contracts import JobRecord, Submission
from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.records import Records, Superseded, UnreadableRecord
from workers.settings import Settings

QUEUE = "atlas"
FINE_TUNE_QUEUE = "atlas-fine-tune"  # jobs that train on their upload, for workers that do nothing else

JOB_FUNCTION = "workers.jobs.index.run"
"""
Identifier that a job in RQ must name as its function; `runtime.allowlist_worker` refuses every other one and imports none.

A fixed string and not an import path: jobs queued by an earlier version hold it, wherever the code has moved since.
"""


class TooManyJobs(AtlasError):
    """The owner has reached the maximum number of queued and running jobs."""

    code = "too-many-jobs"


class Dispatcher:
    """Creates job records and enqueues them in RQ."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self._records = Records(redis, settings)
        names = (QUEUE, FINE_TUNE_QUEUE)
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in names}

    def submit(self, submission: Submission, owner: str, job_id: str, request_id: str = "", trace_context: str = "") -> JobRecord:
        """
        Create a queued job and enqueue it; once this returns, the job reaches a terminal status.

        If the queue server is lost after the record is written, the next sweep of `Recovery` enqueues the job. Raises what
        `check_capacity` raises.

        Parameters
        ----------
        submission
            What the client requested.
        owner
            Owner of the API key; empty if no keys are required.
        job_id
            Id of the job.
        request_id, trace_context
            Id of the HTTP request, and its trace context (`workers.telemetry`).

        Returns
        -------
        JobRecord
            The record of the job.

        """
        self.check_capacity(owner)
        with queue_errors():
            record = self._records.create(job_id, submission, owner, request_id, trace_context)
        with suppress(QueueUnreachable, QueueFull):
            self.enqueue(record)
        return record

    def check_capacity(self, owner: str) -> None:
        """
        Check that one more job of this owner may be submitted.

        Raises QueueFull, TooManyJobs (the limit of one owner; an empty owner has none) and QueueUnreachable.
        """
        if self.count_queued() >= self._settings.max_queued:
            raise QueueFull(f"{self._settings.max_queued} jobs are queued, the maximum; submit again later")
        with queue_errors():
            if owner and self._records.count_unfinished(owner) >= self._settings.max_unfinished_jobs:
                raise TooManyJobs(
                    f"{self._settings.max_unfinished_jobs} jobs of this owner are queued or running, the maximum; "
                    "submit again when one has ended"
                )

    def enqueue(self, record: JobRecord) -> None:
        """
        Enqueue a job in RQ, at the front of the queue if an earlier attempt at it was started.

        Enqueueing twice is harmless, because `Records.begin` starts a queued record once.
        """
        self._enqueue(choose_queue(record.submission, self._settings), record.id, rq_id(record), first=record.attempt > 0)

    def enqueue_task(self, task: str) -> None:
        """Offer a shared task (`jobs.shared_tasks`) to idle workers; none need take it. Raises QueueUnreachable, QueueFull."""
        self._enqueue(QUEUE, task, task)

    def _enqueue(self, queue: str, argument: str, name: str, *, first: bool = False) -> None:
        with queue_errors():
            self._queues[queue].enqueue_call(
                JOB_FUNCTION,
                args=(argument,),
                job_id=name,
                timeout=time_limit_s(queue, self._settings),
                result_ttl=0,
                failure_ttl=60,
                description=name,
                at_front=first,
            )

    def release(self, job_id: str, attempt: int) -> JobRecord:
        """Return a running job to the queue, or end it after `max_attempts` attempts; raises Superseded, QueueUnreachable."""
        with queue_errors():
            record = self._records.release(job_id, attempt)
        if not record.status.terminal:
            self.enqueue(record)
        return record

    def list_enqueued(self) -> set[str]:
        """Return RQ's ids (`rq_id`) of the jobs in its queues; raises QueueUnreachable."""
        with queue_errors():
            return {job_id for queue in self._queues.values() for job_id in queue.get_job_ids()}

    def count_queued(self) -> int:
        """Count the jobs with status queued; raises QueueUnreachable."""
        with queue_errors():
            return self._records.count_queued()

    def ping(self) -> None:
        """Check that the queue server answers; raises QueueUnreachable."""
        with queue_errors():
            self._redis.ping()


class Recovery:
    """Requeues jobs that no worker would run any more; at least one living process has to call `sweep` every few seconds."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._records, self._dispatcher = Records(redis, settings), Dispatcher(redis, settings)
        self._missing: set[str] = set()

    def sweep(self) -> list[str]:
        """
        Requeue running jobs whose worker is gone and enqueue queued jobs that RQ has lost.

        Returns the ids of those jobs. Raises QueueUnreachable.
        """
        with queue_errors():
            return [*self._requeue_abandoned(), *self._enqueue_lost()]

    def _requeue_abandoned(self) -> Iterator[str]:
        """Requeue running jobs that are not in their worker's heartbeat. A worker names a job there before it begins it."""
        for job_id, worker in self._records.list_running().items():
            record = self._get(job_id)
            if self._records.current_job(worker) == job_id or record is None or record.worker != worker:
                continue
            with suppress(Superseded):
                self._dispatcher.release(job_id, record.attempt)
                yield job_id

    def _enqueue_lost(self) -> Iterator[str]:
        """Enqueue queued records missing from RQ in two sweeps in a row: in one alone, a worker may just have taken the job."""
        waiting, enqueued = self._records.list_queued(), {name.rpartition("-")[0] for name in self._dispatcher.list_enqueued()}
        records = {job_id: self._get(job_id) for job_id in waiting if job_id not in enqueued}
        again = {job_id for job_id in records if job_id in self._missing}
        self._missing = set(records) - again
        for job_id in sorted(again):
            record = records[job_id]
            if record is not None:
                self._dispatcher.enqueue(record)
                yield job_id

    def _get(self, job_id: str) -> JobRecord | None:
        """Return a record; None for one that cannot be read, which must not keep others from recovery."""
        try:
            return self._records.get(job_id)
        except UnreadableRecord:
            structlog.get_logger("atlas").error("the record of a job cannot be read", job=job_id)
            return None


def choose_queue(submission: Submission, settings: Settings) -> str:
    """
    Return the name of the RQ queue for a submission.

    Jobs that train on their upload have a queue and workers of their own. Where the service runs no such workers they go
    to the common queue, and fail there with FineTuneUnavailable.
    """
    return FINE_TUNE_QUEUE if submission.options.fine_tune and settings.fine_tune_workers else QUEUE


def time_limit_s(queue: str, settings: Settings) -> int:
    """Return the maximum run time in seconds of a job in that queue."""
    return settings.fine_tune_timeout_s if queue == FINE_TUNE_QUEUE else settings.job_timeout_s


def rq_id(record: JobRecord) -> str:
    """Return RQ's id of the job's next attempt. It differs for each attempt, because RQ may still remember an earlier one."""
    return f"{record.id}-{record.attempt + 1}"
