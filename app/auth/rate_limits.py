"""Rate limits of an owner: sliding windows in Redis, shared by all API processes; concurrent requests within this process."""

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
    """State of a quota after a request; stated in the headers of draft-ietf-httpapi-ratelimit-headers-10."""

    policy: str
    quota: int
    remaining: int
    reset_s: int
    refused: bool

    def headers(self) -> dict[str, str]:
        """Return the headers RateLimit-Policy and RateLimit."""
        return {
            "RateLimit-Policy": f'"{self.policy}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{self.policy}";r={self.remaining};t={self.reset_s}',
        }


class RateLimiter:
    """
    Sliding-window counters: the count of this minute plus that of the last one, times the fraction of it less than a minute ago.

    Two counters and no server-side script, because most severe vulnerabilities of the queue server were in scripting (hazard H15 of
    `docs/explanation/security.md`).
    """

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._quotas = {"requests": settings.max_requests_per_minute, "submissions": settings.max_submissions_per_minute}
        self._concurrent, self._max_concurrent = Counter[str](), settings.max_requests_at_once

    async def consume(self, owner: str, policy: str) -> RateLimitStatus:
        """Count one request against the quota of an owner; a refused request does not count. Raises Redis errors."""
        now, quota = time.time(), self._quotas[policy]
        window, elapsed = divmod(now, WINDOW_S)
        this, last = (f"atlas:rate:{policy}:{owner}:{int(window) - back}" for back in (0, 1))
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(this)
            pipe.expire(this, 2 * WINDOW_S)
            pipe.get(last)
            count, _, before = await pipe.execute()
        earlier = int(before or 0)
        remaining = quota - window_usage(earlier, count, elapsed)
        if remaining < 0:
            await self._redis.decr(this)
            return RateLimitStatus(policy, quota, 0, seconds_until_allowed(earlier, count - 1, elapsed, quota), refused=True)
        return RateLimitStatus(policy, quota, math.floor(remaining), math.ceil(WINDOW_S - elapsed), refused=False)

    @contextmanager
    def limit_concurrency(self, owner: str) -> Iterator[None]:
        """Count a request of the owner as in progress; raises TooManyRequests where its limit is reached."""
        if self._concurrent[owner] >= self._max_concurrent:
            detail = f"{self._max_concurrent} requests of this owner are in progress, the most allowed; retry when one has ended"
            raise TooManyRequests(detail, headers={"Retry-After": "1"})
        self._concurrent[owner] += 1
        try:
            yield
        finally:
            self._concurrent[owner] -= 1
            if not self._concurrent[owner]:
                del self._concurrent[owner]


def window_usage(before: int, count: int, elapsed_s: float) -> float:
    """
    Estimate the number of requests within the last minute.

    `count` requests were made in the `elapsed_s` seconds of the current window; the `before` requests of the previous window
    are taken as evenly spread over it.
    """
    return before * (1 - elapsed_s / WINDOW_S) + count


def seconds_until_allowed(before: int, count: int, elapsed_s: float, quota: int) -> int:
    """
    Compute after how many seconds without requests one more is within the quota; at least 1.

    `before`, `count` and `elapsed_s` as in `window_usage`.
    """
    if count < quota:
        fraction = 1 - (quota - count - 1) / before if before else 0.0
        return max(1, math.ceil(WINDOW_S * fraction - elapsed_s))
    return math.ceil(WINDOW_S - elapsed_s + WINDOW_S * max(0.0, 1 - (quota - 1) / count))
