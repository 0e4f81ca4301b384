"""Circuit breaker of the queue server: once it has failed to answer, calls fail at once until one of them is answered again."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Self

from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

OPEN_S: Final = 0.5
"""Seconds after a failure until one call is tried again."""

MAX_TRIAL_S: Final = 5.0
"""Seconds after which a trial whose outcome was never reported counts as failed."""

_RETRIES: Final = 2
_Failure = (RedisConnectionError, RedisTimeoutError)


class CircuitOpen(RedisError):
    """The queue server did not answer a moment ago, so it is not asked."""


class CircuitBreaker:
    """
    Shared by all threads and tasks of a process that talk to one server.

    Closed, it lets all calls pass. A failure opens it, and all calls fail at once until a trial succeeds. `probe_while_open` makes the
    trials; where it does not run, one caller may try `open_s` seconds after a failure.
    """

    def __init__(self, open_s: float = OPEN_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._open_s, self._clock = open_s, clock
        self._lock = threading.Lock()
        self._open = False
        self._next_trial_s = 0.0
        self._trying: object = None
        self._prober: object = None

    def check(self, caller: object) -> None:
        """Raise CircuitOpen unless this caller (a thread or task) may call the server now."""
        with self._lock:
            if not self._open or caller in (self._trying, self._prober):
                return
            if self._prober is not None or self._clock() < self._next_trial_s:
                raise CircuitOpen("the queue server does not answer")
            self._trying, self._next_trial_s = caller, self._clock() + MAX_TRIAL_S

    @property
    def is_open(self) -> bool:
        """Whether calls fail at once."""
        return self._open

    def set_prober(self, caller: object) -> None:
        """Let this caller, and no other, call the server while the circuit is open."""
        self._prober = caller

    def record_failure(self) -> None:
        """Open the circuit."""
        with self._lock:
            self._open, self._trying = True, None
            self._next_trial_s = self._clock() + self._open_s

    def record_success(self) -> None:
        """Close the circuit, unless a prober decides: a stalled server still accepts connections, which counts as a success here."""
        if self._prober is None:
            self.close()

    def close(self) -> None:
        """Close the circuit."""
        with self._lock:
            self._open, self._trying = False, None


async def probe_while_open(breaker: CircuitBreaker, redis: AsyncRedis) -> None:
    """Ping the server every `OPEN_S` seconds while the circuit is open, until canceled, so that no caller waits for a trial."""
    breaker.set_prober(asyncio.current_task())
    while True:
        await asyncio.sleep(OPEN_S)
        if breaker.is_open:
            with suppress(RedisError):
                await redis.ping()
                breaker.close()


class BreakingRetry(Retry):
    """
    Retries of a synchronous client that stop at a breaker.

    Broken connections are retried, because a restarted server breaks each pooled connection once; timeouts are not, because a stalled
    server would hold each caller for several of them.
    """

    def __init__(self, breaker: CircuitBreaker) -> None:
        super().__init__(ExponentialWithJitterBackoff(cap=0.2, base=0.05), _RETRIES, (RedisConnectionError,))
        self._breaker = breaker

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:  # each connection copies its retry object; the breaker stays shared
        return type(self)(self._breaker)

    def call_with_retry[T](self, do: Callable[[], T], *arguments: Any, **options: Any) -> T:  # noqa: ANN401 -- as in redis
        """Call the server unless the circuit is open; raises CircuitOpen."""
        self._breaker.check(threading.get_ident())
        try:
            result = super().call_with_retry(do, *arguments, **options)
        except _Failure:
            self._breaker.record_failure()
            raise
        self._breaker.record_success()
        return result


class AsyncBreakingRetry(AsyncRetry):
    """`BreakingRetry` of an asynchronous client."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        super().__init__(ExponentialWithJitterBackoff(cap=0.2, base=0.05), _RETRIES, (RedisConnectionError,))
        self._breaker = breaker

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self._breaker)

    async def call_with_retry[T](self, do: Callable[[], Awaitable[T]], *arguments: Any, **options: Any) -> T:  # noqa: ANN401 -- as in redis
        """Call the server unless the circuit is open; raises CircuitOpen."""
        self._breaker.check(asyncio.current_task())
        try:
            result = await super().call_with_retry(do, *arguments, **options)
        except _Failure:
            self._breaker.record_failure()
            raise
        self._breaker.record_success()
        return result
