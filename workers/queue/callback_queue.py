"""Callbacks that are due, in Redis: written in the transaction that ends a job, and removed once received or given up."""

import time
from typing import Final, cast

from redis import Redis
from redis.client import Pipeline

CALLBACKS: Final = "atlas:callbacks"  # sorted set: job id by the time at which its callback is due, POSIX seconds
ATTEMPTS: Final = "atlas:callback-attempts"  # hash: job id to the number of failed attempts
LEASE_S: Final = 120
_BATCH: Final = 20


def schedule_callback(pipe: Pipeline, job_id: str) -> None:
    """Make the callback of a job due now, within the transaction that ends the job."""
    pipe.zadd(CALLBACKS, {job_id: time.time()})


class CallbackQueue:
    """Takes and puts back due callbacks; a callback that was taken is due again after `LEASE_S`, unless it is removed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def take_due(self) -> list[str]:
        """Take the ids of jobs whose callback is due, each for this process alone."""
        now = time.time()
        due = [job_id.decode() for job_id in cast(list[bytes], self._redis.zrangebyscore(CALLBACKS, "-inf", now, start=0, num=_BATCH))]
        return [job_id for job_id in due if self._take(job_id, now)]

    def _take(self, job_id: str, now: float) -> bool:
        if not self._redis.set(f"atlas:callback-lease:{job_id}", "taken", nx=True, ex=LEASE_S):
            return False
        self._redis.zadd(CALLBACKS, {job_id: now + LEASE_S}, xx=True)
        return True

    def count_attempt(self, job_id: str) -> int:
        """Count a failed attempt and return the number of them."""
        return self._redis.hincrby(ATTEMPTS, job_id, 1)

    def postpone(self, job_id: str, time_s: float) -> None:
        """Make a callback due again at a time, POSIX seconds."""
        self._redis.zadd(CALLBACKS, {job_id: time_s}, xx=True)
        self._redis.delete(f"atlas:callback-lease:{job_id}")

    def remove(self, job_id: str) -> None:
        """Forget a callback that was received or is given up."""
        self._redis.zrem(CALLBACKS, job_id)
        self._redis.hdel(ATTEMPTS, job_id)
        self._redis.delete(f"atlas:callback-lease:{job_id}")
