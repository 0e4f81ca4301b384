"""How often and how much at once an owner may ask: windows in Redis, shared by all API processes; requests at once in this one."""

import math
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from app.errors import TooManyRequests
from workers.settings import Settings

WINDOW_S: Final = 60


@dataclass(frozen=True)
class RateLimitStatus:
    """What is left of an allowance, in the fields of draft-ietf-httpapi-ratelimit-headers-10."""

    policy: str
    quota: int
    left: int
    reset_s: int
    refused: bool

    def headers(self) -> dict[str, str]:
        """RateLimit-Policy and RateLimit."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={self.left};t={self.reset_s}',
        }


class RateLimiter:
    """
    Sliding windows: this minute's count, and the last one's by the share of it that still lies within a minute.

    Two counters a window and no script, for scripting is what the queue server's worst holes were in (H15).
    """

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._quotas = {"requests": settings.max_requests_per_minute, "submissions": settings.max_submissions_per_minute}
        self._at_once, self._most_at_once = Counter[str](), settings.max_requests_at_once

    async def take(self, owner: str, policy: str) -> RateLimitStatus:
        """Count one; a refused one does not count. Raises Redis errors."""
        now, quota = time.time(), self._quotas[policy]
        window, elapsed = divmod(now, WINDOW_S)
        this, last = (f"atlas:rate:{policy}:{owner}:{int(window) - back}" for back in (0, 1))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(this)
            pipe.expire(this, 2 * WINDOW_S)
            pipe.get(last)
            count, _, before = await pipe.execute()
        earlier = int(before or 0)
        left = quota - window_usage(earlier, count, elapsed)
        if left < 0:
            await self._redis.decr(this)
            return RateLimitStatus(policy, quota, 0, wait_s(earlier, count - 1, elapsed, quota), refused=True)
        return RateLimitStatus(policy, quota, math.floor(left), math.ceil(WINDOW_S - elapsed), refused=False)

    @contextmanager
    def one_more_at_once(self, owner: str) -> Iterator[None]:
        """One request in progress more; raises TooManyRequests."""
        if self._at_once[owner] >= self._most_at_once:
            raise TooManyRequests(f"{self._most_at_once} requests of this owner are in progress already", headers={"Retry-After": "1"})
        self._at_once[owner] += 1
        try:
            yield
        finally:
            self._at_once[owner] -= 1
            if not self._at_once[owner]:
                del self._at_once[owner]


def window_usage(before: int, count: int, elapsed_s: float) -> float:
    """Requests of the last minute, those of the window before taken as evenly spread."""
    return before * (1 - elapsed_s / WINDOW_S) + count


def wait_s(before: int, count: int, elapsed_s: float, quota: int) -> int:
    """Seconds until one more is within the quota, where nothing is asked meanwhile; at least 1."""
    if count < quota:
        share = 1 - (quota - count - 1) / before if before else 0.0
        return max(1, math.ceil(WINDOW_S * share - elapsed_s))
    return math.ceil(WINDOW_S - elapsed_s + WINDOW_S * max(0.0, 1 - (quota - 1) / count))
