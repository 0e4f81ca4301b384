"""Job records and worker heartbeats in Redis. Each change of a record is one transaction, and is published on the job's channel."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Unpack, cast

import structlog
from pydantic import ValidationError
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from models.errors import AtlasError
from workers.contracts import SCHEMA_VERSION, JobRecord, Status, Submission, WorkerState
from workers.queue.callback_queue import schedule_callback
from workers.queue.lifecycle import AlreadyEnded, Canceled, Outcome, Superseded, UnknownJob, advance, begin, finish, release, request_cancel
from workers.queue.statistics import Statistics, count_outcome
from workers.settings import Settings

__all__ = ["AlreadyEnded", "Canceled", "Records", "Superseded", "UnknownJob", "UnreadableRecord", "job_key", "worker_key"]

JOBS = "atlas:jobs"  # sorted set: job id by time of creation, of every job whose record or blobs may still exist
OWNER_INDEX = "atlas:owner-jobs:"  # prefix of sorted sets: job id by time of creation, for each owner
QUEUED = "atlas:queued"  # sorted set: job id by the time it was queued
RUNNING = "atlas:running"  # hash: job id to the worker that runs it
WORKERS = "atlas:workers"  # set of worker ids; some may be dead


class UnreadableRecord(AtlasError):
    """The record of a job is damaged, or of a release that this one cannot read."""

    code = "unreadable-record"


def owner_jobs_key(owner: str) -> str:
    """Return the Redis key of the set of an owner's queued and running jobs."""
    return f"atlas:unfinished:{owner}"


def owner_index_key(owner: str) -> str:
    """Return the Redis key of the sorted set of all jobs of an owner, by time of creation; records of some may have expired."""
    return f"{OWNER_INDEX}{owner}"


def job_key(job_id: str) -> str:
    """Return the Redis key of a job record, which is also the name of the channel that publishes its changes."""
    return f"atlas:job:{job_id}"


def worker_key(worker: str) -> str:
    """Return the Redis key of a worker's heartbeat."""
    return f"atlas:worker:{worker}"


class Records:
    """
    Job records as JSON in Redis.

    Redis errors are raised unchanged (`workers.problems` translates them). If the reply to a step is lost, repeating the step
    is harmless: `begin` returns the attempt that the worker already holds, every other step raises Superseded.
    """

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings
        self.statistics = Statistics(redis)

    def create(self, job_id: str, submission: Submission, owner: str, request_id: str = "", trace_context: str = "") -> JobRecord:
        """
        Create the record of a queued job, unless the id exists.

        Parameters
        ----------
        job_id
            Id of the job.
        submission
            What the client requested.
        owner
            Owner of the API key; empty if no keys are required.
        request_id, trace_context
            Id of the HTTP request, and its trace context (`workers.telemetry`).

        Returns
        -------
        JobRecord
            The new record, or the existing one unchanged.

        """
        record = JobRecord(
            schema_version=SCHEMA_VERSION,
            id=job_id,
            owner=owner,
            request_id=request_id,
            trace_context=trace_context,
            submission=submission,
            created_at=datetime.now(UTC),
        )

        def body(pipe: Pipeline) -> JobRecord:
            existing = cast(bytes | None, pipe.get(job_key(job_id)))
            pipe.multi()
            if existing is not None:
                return read_record(existing)
            pipe.zadd(JOBS, {job_id: record.created_at.timestamp()})
            pipe.zadd(owner_index_key(owner), {job_id: record.created_at.timestamp()})
            self._write(pipe, record)
            return record

        return self._transaction(job_key(job_id), body)

    def get(self, job_id: str) -> JobRecord | None:
        """Return the record of a job; None if there is none. Raises UnreadableRecord."""
        text = cast(bytes | None, self._redis.get(job_key(job_id)))
        return None if text is None else read_record(text)

    def get_many(self, job_ids: list[str]) -> list[JobRecord | None]:
        """Return the records of several jobs; None where there is none that can be read."""
        texts = cast(list[bytes | None], self._redis.mget([job_key(job_id) for job_id in job_ids])) if job_ids else []
        records: list[JobRecord | None] = []
        for text in texts:
            try:
                records.append(None if text is None else read_record(text))
            except UnreadableRecord:
                records.append(None)
        return records

    def begin(self, job_id: str, worker: str) -> JobRecord | None:
        """
        Start an attempt of a queued job on this worker and return its record.

        None if the job has ended, another worker runs it, or a newer release has written it, whose options this one might not know.
        """
        record = self._change(job_id, lambda record: begin(record, worker) if record.schema_version <= SCHEMA_VERSION else None)
        mine = record is not None and record.status is Status.RUNNING and record.worker == worker
        return record if mine else None

    def advance(self, job_id: str, attempt: int, stage: str, progress: float) -> JobRecord:
        """Set stage and progress of an attempt; raises Canceled or Superseded, upon which the attempt must stop, or UnknownJob."""
        return self._change_existing(job_id, lambda record: advance(record, attempt, stage, progress))

    def finish(self, job_id: str, attempt: int, status: Status, **outcome: Unpack[Outcome]) -> JobRecord:
        """End a job with what its record is to state; the status is CANCELED wherever that was requested. Raises Superseded, UnknownJob."""
        return self._change_existing(job_id, lambda record: finish(record, attempt, status, outcome))

    def request_cancel(self, job_id: str) -> JobRecord:
        """Cancel a queued job at once, and request that a running one stops at its next stage. Raises AlreadyEnded, UnknownJob."""
        return self._change_existing(job_id, request_cancel)

    def release(self, job_id: str, attempt: int) -> JobRecord:
        """Return a running job to the queue, or end it as failed after `max_attempts` attempts; raises Superseded, UnknownJob."""
        return self._change_existing(job_id, lambda record: release(record, attempt, self._settings.max_attempts))

    def list_queued(self) -> dict[str, float]:
        """Return the ids of queued jobs with the time at which each was queued, POSIX seconds."""
        pairs = cast(list[tuple[bytes, float]], self._redis.zrange(QUEUED, 0, -1, withscores=True))
        return {job_id: since for name, since in pairs for job_id in _decode_ids([name])}

    def count_queued(self) -> int:
        """Count the queued jobs."""
        return self._redis.zcard(QUEUED)

    def count_unfinished(self, owner: str) -> int:
        """Count the queued and running jobs of an owner."""
        return self._redis.scard(owner_jobs_key(owner))

    def list_running(self) -> dict[str, str]:
        """Return the ids of running jobs with the id of each one's worker."""
        pairs = cast(dict[bytes, bytes], self._redis.hgetall(RUNNING))
        return {
            job_id: worker
            for name, value in pairs.items()
            for job_id, worker in zip(_decode_ids([name]), _decode_ids([value]), strict=False)
        }

    def find_expired(self, before_s: float) -> list[str]:
        """Return the ids of jobs created before a time (POSIX seconds) whose records have expired, so that their blobs may be deleted."""
        ids = _decode_ids(cast(list[bytes], self._redis.zrangebyscore(JOBS, "-inf", before_s)))
        return [job_id for job_id in ids if not self._redis.exists(job_key(job_id))]

    def find_unknown(self, job_ids: Sequence[str]) -> list[str]:
        """Return those of some ids of jobs that have no record."""
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.exists(job_key(job_id))
            return [job_id for job_id, known in zip(job_ids, pipe.execute(), strict=True) if not known]

    def list_creation_times(self, job_ids: Sequence[str]) -> list[datetime]:
        """Return when jobs were created, also those whose records cannot be read; nothing for ids that are not listed."""
        scores = self._redis.zmscore(JOBS, list(job_ids)) if job_ids else []
        return [datetime.fromtimestamp(score, UTC) for score in scores if score is not None]

    def forget_jobs(self, job_ids: list[str]) -> None:
        """Remove ids from the lists of jobs, once their blobs are deleted."""
        if job_ids:
            self._redis.zrem(JOBS, *job_ids)
            for key in self._redis.scan_iter(match=f"{OWNER_INDEX}*"):
                self._redis.zrem(key, *job_ids)

    def record_heartbeat(self, state: WorkerState) -> None:
        """Store a worker's heartbeat; it expires after `heartbeat_ttl_s`, and the worker then counts as dead."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(WORKERS, state.id)
            pipe.set(worker_key(state.id), state.model_dump_json(), px=round(self._settings.heartbeat_ttl_s * 1000))
            pipe.execute()

    def claim(self, task: str, seconds: int) -> bool:
        """Claim a shared task for some seconds; False if another worker holds the claim."""
        return bool(self._redis.set(f"atlas:task:{task}", "claimed", nx=True, ex=seconds))

    def release_claim(self, task: str) -> None:
        """Release the claim on a shared task, so that any worker can claim it."""
        self._redis.delete(f"atlas:task:{task}")

    def remove_worker(self, worker: str) -> None:
        """Delete the heartbeat of a worker that has ended."""
        self._redis.delete(worker_key(worker))
        self._redis.srem(WORKERS, worker)

    def current_job(self, worker: str) -> str | None:
        """Return the job in a worker's heartbeat; None for an idle or dead worker."""
        state = _read_state(cast(bytes | None, self._redis.get(worker_key(worker))))
        return None if state is None else state.job

    def list_workers(self) -> list[WorkerState]:
        """Return the heartbeats of living workers in order of their ids, and remove dead workers from the set."""
        ids = sorted(_decode_ids(cast(set[bytes], self._redis.smembers(WORKERS))))
        texts = cast(list[bytes | None], self._redis.mget([worker_key(name) for name in ids])) if ids else []
        dead = [name for name, text in zip(ids, texts, strict=True) if text is None]
        if dead:
            self._redis.srem(WORKERS, *dead)
        return [state for text in texts if (state := _read_state(text)) is not None]

    def _change_existing(self, job_id: str, step: Callable[[JobRecord], JobRecord]) -> JobRecord:
        """`_change` for a step that always returns a record; raises UnknownJob."""
        record = self._change(job_id, step)
        if record is None:
            raise UnknownJob(f"no job {job_id}")
        return record

    def _change(self, job_id: str, step: Callable[[JobRecord], JobRecord | None]) -> JobRecord | None:
        """Read, change, write and publish a record in one transaction; the record afterwards, or None if there is no such job."""

        def body(pipe: Pipeline) -> JobRecord | None:
            text = cast(bytes | None, pipe.get(job_key(job_id)))
            pipe.multi()
            if text is None:
                return None
            record = read_record(text)
            changed = step(record)
            if changed is not None:
                self._write(pipe, changed)
            return changed or record

        return self._transaction(job_key(job_id), body)

    def _transaction[T](self, key: str, body: Callable[[Pipeline], T]) -> T:
        """Run `body` under optimistic locking of `key`: its commands after `multi()` are atomic, and it is repeated if the key changed."""
        with self._redis.pipeline() as pipe:
            while True:
                with suppress(WatchError):
                    pipe.watch(key)  # type: ignore[no-untyped-call]
                    result = body(pipe)
                    pipe.execute()
                    return result

    def _write(self, pipe: Pipeline, record: JobRecord) -> None:
        text = record.model_dump_json()
        expiry: dict[str, Any] = {"ex": self._settings.result_ttl_s} if record.status.terminal else {}
        pipe.set(job_key(record.id), text, **expiry)
        pipe.publish(job_key(record.id), text)
        if record.status is Status.QUEUED:
            pipe.zadd(QUEUED, {record.id: time.time()})
        else:
            pipe.zrem(QUEUED, record.id)
        if record.owner:
            (pipe.srem if record.status.terminal else pipe.sadd)(owner_jobs_key(record.owner), record.id)
        if record.status.terminal:
            count_outcome(pipe, record)
        if record.status.terminal and record.submission.options.callback_url is not None:
            schedule_callback(pipe, record.id)
        if record.status is Status.RUNNING:
            pipe.hset(RUNNING, record.id, record.worker or "")
        else:
            pipe.hdel(RUNNING, record.id)


def read_record(text: bytes) -> JobRecord:
    """Parse a record of this release, the one before (missing fields have defaults) or the next (unknown fields are ignored)."""
    try:
        return JobRecord.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise UnreadableRecord("the record of this job cannot be read; submit it again") from error


def _read_state(text: bytes | None) -> WorkerState | None:
    """Parse a heartbeat; None without one, and for one that cannot be read, which is logged."""
    try:
        return None if text is None else WorkerState.model_validate_json(text, extra="ignore")
    except ValidationError:
        structlog.get_logger("atlas").warning("a heartbeat in the queue server cannot be read")
        return None


def _decode_ids(names: Iterable[bytes]) -> Iterator[str]:
    """Yield ids as text; one that is no UTF-8, which this service never writes, is logged and left out."""
    for name in names:
        try:
            yield name.decode()
        except UnicodeDecodeError:
            structlog.get_logger("atlas").warning("an id in the queue server is no text", id=repr(name[:40]))
