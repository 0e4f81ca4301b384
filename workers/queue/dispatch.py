"""The way into the queue: the record first, then RQ, which carries nothing but the job's id."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from models.errors import AtlasError
from workers.contracts import JobRecord, Submission
from workers.queue.records import Records, Superseded
from workers.settings import Settings

QUEUE = "atlas"
FINE_TUNE_QUEUE = "atlas-fine-tune"  # jobs that train on their upload, for workers that do nothing else
JOB_FUNCTION = "workers.jobs.index.run"
_SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107, macOS 103


class QueueFull(AtlasError):
    """More jobs wait than the service takes on."""

    code = "queue-full"


class TooManyJobs(AtlasError):
    """The owner has as many jobs waiting or running as one may have."""

    code = "too-many-jobs"


class QueueUnreachable(AtlasError):
    """The queue server does not answer."""

    code = "queue-unreachable"


def queue_socket(settings: Settings) -> Path:
    """
    Where the embedded queue server listens: in the data folder.

    A path too long for a unix socket is replaced by one in the folder for temporary files, named after the data folder
    so that every process finds the same.
    """
    folder = settings.data_dir.resolve() / "queue"
    direct = folder / "queue.sock"
    if len(os.fsencode(direct)) <= _SOCKET_PATH_LIMIT:
        return direct
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"atlas-{os.getuid()}-{name}" / "queue.sock"


def queue_url(settings: Settings) -> str:
    """Where the queue server is: `redis_url`, else the embedded server's socket. It may hold a password: not for logs."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return f"unix://{quote(str(queue_socket(settings)))}"


def connect(settings: Settings, *, timeout_s: float = 5.0, retries: int = 3) -> Redis:
    """A client of the queue server that gives up rather than hang; nothing is sent before its first command."""
    return Redis.from_url(
        queue_url(settings),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), retries),
        health_check_interval=30,
    )


class Dispatcher:
    """Takes jobs on."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self._records = Records(redis, settings)
        names = (QUEUE, FINE_TUNE_QUEUE)
        self._queues = {name: Queue(name, connection=redis, serializer=JSONSerializer) for name in names}

    def submit(self, submission: Submission, owner: str, job_id: str, request_id: str = "") -> JobRecord:
        """
        A queued job; once this returns, the job ends in one of the terminal statuses.

        Should the queue server be lost between record and enqueueing, the next sweep enqueues. Raises what `check_room` raises.
        """
        self.check_room(owner)
        with queue_errors():
            record = self._records.create(job_id, submission, owner, request_id)
        with suppress(QueueUnreachable, QueueFull):
            self.enqueue(record)
        return record

    def check_room(self, owner: str) -> None:
        """Raises QueueFull, TooManyJobs (of one owner; none is limited where there are no owners), QueueUnreachable."""
        if self.queued() >= self._settings.max_queued:
            raise QueueFull(f"{self._settings.max_queued} jobs wait already")
        with queue_errors():
            if owner and self._records.unfinished_count(owner) >= self._settings.max_unfinished_jobs:
                raise TooManyJobs(f"{self._settings.max_unfinished_jobs} jobs of this owner wait or run already")

    def enqueue(self, record: JobRecord) -> None:
        """Hand the job to RQ, before all others where it was begun before; twice is harmless, for a record is begun once."""
        self._enqueue(queue_of(record.submission, self._settings), record.id, rq_id(record), first=record.attempt > 0)

    def enqueue_piece(self, piece: str) -> None:
        """Offer a piece of a job to whichever worker is free; nobody need take it. Raises QueueUnreachable, QueueFull."""
        self._enqueue(QUEUE, piece, piece)

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
        """Back into the queue, unless it has been begun too often; raises Superseded, QueueUnreachable."""
        with queue_errors():
            record = self._records.release(job_id, attempt)
        if not record.status.terminal:
            self.enqueue(record)
        return record

    def enqueued(self) -> set[str]:
        """RQ's ids of the jobs in its queue."""
        with queue_errors():
            return {job_id for queue in self._queues.values() for job_id in queue.get_job_ids()}

    def queued(self) -> int:
        """How many jobs wait; raises QueueUnreachable."""
        with queue_errors():
            return self._records.queued_count()

    def ping(self) -> None:
        """Raises QueueUnreachable unless the queue server answers."""
        with queue_errors():
            self._redis.ping()


class Recovery:
    """Finds jobs that nobody would run: call `sweep` every few seconds in at least one living process."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._records, self._dispatcher = Records(redis, settings), Dispatcher(redis, settings)
        self._missing: set[str] = set()

    def sweep(self) -> list[str]:
        """Requeue jobs that their worker does not run, enqueue what RQ has lost; the ids. Raises QueueUnreachable."""
        with queue_errors():
            return [*self._abandoned(), *self._lost()]

    def _abandoned(self) -> Iterator[str]:
        """A worker states a job before it begins it; one that is dead, or states another, has left it."""
        for job_id, worker in self._records.running().items():
            record = self._records.get(job_id)
            if self._records.job_of(worker) == job_id or record is None or record.worker != worker:
                continue
            with suppress(Superseded):
                self._dispatcher.release(job_id, record.attempt)
                yield job_id

    def _lost(self) -> Iterator[str]:
        """Queued by the record and not in RQ's queue, seen twice: a worker may just have taken it out."""
        waiting, enqueued = self._records.queued(), {name.rpartition("-")[0] for name in self._dispatcher.enqueued()}
        records = {job_id: self._records.get(job_id) for job_id in waiting if job_id not in enqueued}
        again = {job_id for job_id in records if job_id in self._missing}
        self._missing = set(records) - again
        for job_id in sorted(again):
            record = records[job_id]
            if record is not None:
                self._dispatcher.enqueue(record)
                yield job_id


def queue_of(submission: Submission, settings: Settings) -> str:
    """Where a submission waits: jobs that train wait apart, if there are workers for them (else the job says that there are none)."""
    return FINE_TUNE_QUEUE if submission.options.fine_tune and settings.fine_tune_workers else QUEUE


def time_limit_s(queue: str, settings: Settings) -> int:
    """Seconds that a job of that queue may run."""
    return settings.fine_tune_timeout_s if queue == FINE_TUNE_QUEUE else settings.job_timeout_s


def rq_id(record: JobRecord) -> str:
    """RQ's id of the attempt that comes next: what RQ still remembers of an earlier one must not touch it."""
    return f"{record.id}-{record.attempt + 1}"


@contextmanager
def queue_errors() -> Iterator[None]:
    """Redis errors as QueueUnreachable, or QueueFull where the server is out of memory."""
    try:
        yield
    except OutOfMemoryError as error:
        raise QueueFull("the queue server is out of memory") from error
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise QueueUnreachable("the queue server does not answer") from error
    except RedisError as error:
        raise QueueUnreachable("the queue server refused a command") from error
