"""The life of a job, kept in Redis: every step one transaction, fenced by the attempt, published to whoever listens."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import WatchError

from workers.contracts import DataWarning, JobRecord, Problem, Status, Submission, WorkerState
from workers.queue.lifecycle import AlreadyEnded, Canceled, Superseded, UnknownJob, advance, begin, finish, release, request_cancel
from workers.settings import Settings

__all__ = ["AlreadyEnded", "Canceled", "Records", "Superseded", "UnknownJob", "job_key", "worker_key"]

JOBS = "atlas:jobs"  # sorted set: id by time of creation, of every job whose record or blobs may still be there
QUEUED = "atlas:queued"  # sorted set: id by the time since when it waits
RUNNING = "atlas:running"  # hash: id to the worker that runs it
WORKERS = "atlas:workers"  # set of worker ids, some of them dead


def unfinished_key(owner: str) -> str:
    """Redis key of the set of an owner's jobs that wait or run."""
    return f"atlas:unfinished:{owner}"


def job_key(job_id: str) -> str:
    """Redis key of a record, and the name of the channel on which its changes appear."""
    return f"atlas:job:{job_id}"


def worker_key(worker: str) -> str:
    """Redis key of a worker's heartbeat."""
    return f"atlas:worker:{worker}"


class Records:
    """
    Job records as JSON.

    Redis errors are passed on as they are (`failures` knows them). A step whose answer was lost on the way may be tried
    again without harm: `begin` gives a worker what it already holds, everything else says Superseded.
    """

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._settings = redis, settings

    def create(self, job_id: str, submission: Submission, owner: str, request_id: str = "") -> JobRecord:
        """A queued job; an id that is there already keeps the record it has."""
        record = JobRecord(id=job_id, owner=owner, request_id=request_id, submission=submission, created_at=datetime.now(UTC))

        def body(pipe: Pipeline) -> JobRecord:
            known = cast(bytes | None, pipe.get(job_key(job_id)))
            pipe.multi()
            if known is not None:
                return JobRecord.model_validate_json(known)
            pipe.zadd(JOBS, {job_id: record.created_at.timestamp()})
            self._write(pipe, record)
            return record

        return self._transaction(job_key(job_id), body)

    def get(self, job_id: str) -> JobRecord | None:
        """The record, or None."""
        text = cast(bytes | None, self._redis.get(job_key(job_id)))
        return None if text is None else JobRecord.model_validate_json(text)

    def begin(self, job_id: str, worker: str) -> JobRecord | None:
        """The job for this worker to run, as a new attempt; None where there is nothing to do (ended, run by another)."""
        record = self._change(job_id, lambda record: begin(record, worker))
        mine = record is not None and record.status is Status.RUNNING and record.worker == worker
        return record if mine else None

    def advance(self, job_id: str, attempt: int, stage: str, progress: float) -> JobRecord:
        """State how far the attempt is, 0 to 1; raises Canceled or Superseded, on which the attempt must stop."""
        return self._must(job_id, lambda record: advance(record, attempt, stage, progress))

    def finish(
        self,
        job_id: str,
        attempt: int,
        status: Status,
        *,
        problem: Problem | None = None,
        warnings: list[DataWarning] | None = None,
        figures: list[str] | None = None,
        formats: list[str] | None = None,
    ) -> JobRecord:
        """End the job, once; a job that was to be canceled ends as canceled whatever came of it. Raises Superseded."""
        end = partial(finish, problem=problem, warnings=warnings, figures=figures, formats=formats)
        return self._must(job_id, lambda record: end(record, attempt, status))

    def request_cancel(self, job_id: str) -> JobRecord:
        """Queued: canceled at once. Running: asked to stop at its next step. Raises AlreadyEnded, UnknownJob."""
        return self._must(job_id, request_cancel)

    def release(self, job_id: str, attempt: int) -> JobRecord:
        """Back among the queued, or failed after `max_attempts`; raises Superseded, UnknownJob."""
        return self._must(job_id, lambda record: release(record, attempt, self._settings.max_attempts))

    def queued(self) -> dict[str, float]:
        """Ids of the queued jobs and since when they wait, POSIX seconds."""
        pairs = cast(list[tuple[bytes, float]], self._redis.zrange(QUEUED, 0, -1, withscores=True))
        return {job_id.decode(): since for job_id, since in pairs}

    def queued_count(self) -> int:
        """How many jobs wait."""
        return self._redis.zcard(QUEUED)

    def unfinished_count(self, owner: str) -> int:
        """How many jobs of an owner wait or run."""
        return self._redis.scard(unfinished_key(owner))

    def running(self) -> dict[str, str]:
        """Ids of the running jobs and the worker of each."""
        pairs = cast(dict[bytes, bytes], self._redis.hgetall(RUNNING))
        return {job_id.decode(): worker.decode() for job_id, worker in pairs.items()}

    def expired(self, before_s: float) -> list[str]:
        """Ids of jobs created before a time (POSIX seconds) whose records are gone; what they left may go, too."""
        ids = [job_id.decode() for job_id in cast(list[bytes], self._redis.zrangebyscore(JOBS, "-inf", before_s))]
        return [job_id for job_id in ids if not self._redis.exists(job_key(job_id))]

    def forget(self, job_ids: list[str]) -> None:
        """Nothing is left of these jobs."""
        if job_ids:
            self._redis.zrem(JOBS, *job_ids)

    def beat(self, state: WorkerState) -> None:
        """A worker says that it lives; it counts as dead `heartbeat_ttl_s` after the last time."""
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.sadd(WORKERS, state.id)
            pipe.set(worker_key(state.id), state.model_dump_json(), px=round(self._settings.heartbeat_ttl_s * 1000))
            pipe.execute()

    def claim(self, piece: str, seconds: int) -> bool:
        """Whether a piece of a job is the caller's to do, for so long."""
        return bool(self._redis.set(f"atlas:piece:{piece}", "claimed", nx=True, ex=seconds))

    def let_go(self, piece: str) -> None:
        """A piece may be claimed again."""
        self._redis.delete(f"atlas:piece:{piece}")

    def leave(self, worker: str) -> None:
        """A worker says that it goes."""
        self._redis.delete(worker_key(worker))
        self._redis.srem(WORKERS, worker)

    def job_of(self, worker: str) -> str | None:
        """The job that a living worker states; None for an idle or dead one."""
        text = cast(bytes | None, self._redis.get(worker_key(worker)))
        return None if text is None else WorkerState.model_validate_json(text).job

    def workers(self) -> list[WorkerState]:
        """The workers that live, by id; the dead are forgotten on the way."""
        ids = sorted(name.decode() for name in cast(set[bytes], self._redis.smembers(WORKERS)))
        texts = cast(list[bytes | None], self._redis.mget([worker_key(name) for name in ids])) if ids else []
        dead = [name for name, text in zip(ids, texts, strict=True) if text is None]
        if dead:
            self._redis.srem(WORKERS, *dead)
        return [WorkerState.model_validate_json(text) for text in texts if text is not None]

    def _must(self, job_id: str, step: Callable[[JobRecord], JobRecord]) -> JobRecord:
        record = self._change(job_id, step)
        if record is None:
            raise UnknownJob(f"no job {job_id}")
        return record

    def _change(self, job_id: str, step: Callable[[JobRecord], JobRecord | None]) -> JobRecord | None:
        """One transaction: read, step, write and publish; the record as it stands afterwards. None: no such job."""

        def body(pipe: Pipeline) -> JobRecord | None:
            text = cast(bytes | None, pipe.get(job_key(job_id)))
            pipe.multi()
            if text is None:
                return None
            record = JobRecord.model_validate_json(text)
            changed = step(record)
            if changed is not None:
                self._write(pipe, changed)
            return changed or record

        return self._transaction(job_key(job_id), body)

    def _transaction[T](self, key: str, body: Callable[[Pipeline], T]) -> T:
        """What `body` has queued after its `multi()` happens as a whole, or `body` is asked again because the key changed."""
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
            (pipe.srem if record.status.terminal else pipe.sadd)(unfinished_key(record.owner), record.id)
        if record.status is Status.RUNNING:
            pipe.hset(RUNNING, record.id, record.worker or "")
        else:
            pipe.hdel(RUNNING, record.id)
