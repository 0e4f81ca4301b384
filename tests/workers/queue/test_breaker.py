import os
import signal
import time

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from workers.queue.breaker import CircuitBreaker, CircuitOpen
from workers.queue.connection import CALL_TIMEOUT_S, QueueUnreachable, connect_with_breaker, queue_errors
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:  # noqa: D102
        return self.now


def test_a_failure_opens_the_circuit_until_one_caller_succeeds():
    clock = Clock()
    breaker = CircuitBreaker(open_s=1.0, clock=clock)
    breaker.check("a")
    breaker.record_failure()
    with pytest.raises(CircuitOpen):
        breaker.check("a")
    clock.now = 1.0
    breaker.check("a")
    breaker.check("a")  # the caller that tries may call several times
    with pytest.raises(CircuitOpen):
        breaker.check("b")
    breaker.record_success()
    breaker.check("b")


def test_a_trial_that_fails_or_is_never_reported_keeps_the_circuit_open_for_the_others():
    clock = Clock()
    breaker = CircuitBreaker(open_s=1.0, clock=clock)
    breaker.record_failure()
    clock.now = 1.0
    breaker.check("a")
    breaker.record_failure()
    with pytest.raises(CircuitOpen):
        breaker.check("b")
    clock.now = 2.0
    breaker.check("a")
    clock.now = 100.0
    breaker.check("b")


def test_where_a_prober_runs_no_other_caller_tries():
    clock = Clock()
    breaker = CircuitBreaker(open_s=1.0, clock=clock)
    breaker.set_prober("prober")
    breaker.record_failure()
    clock.now = 100.0
    with pytest.raises(CircuitOpen):
        breaker.check("a")
    breaker.check("prober")
    breaker.record_success()  # of a connection that was opened before
    with pytest.raises(CircuitOpen):
        breaker.check("a")
    breaker.close()
    breaker.check("a")


@pytest.mark.anyio
async def test_a_stalled_server_costs_one_timeout_and_later_calls_nothing(tmp_path):
    """Of both clients, which share the breaker; once the server goes on, both are served again."""
    settings = Settings(data_dir=tmp_path)
    redis, async_redis = connect_with_breaker(settings, CircuitBreaker(open_s=0.2))
    with EmbeddedQueue(settings):
        pid = int(redis.info("server")["process_id"])
        await async_redis.ping()
        os.kill(pid, signal.SIGSTOP)
        try:
            assert CALL_TIMEOUT_S - 0.1 < seconds_of(redis.ping) < CALL_TIMEOUT_S + 0.4
            with pytest.raises(CircuitOpen):
                await async_redis.ping()
            with pytest.raises(QueueUnreachable), queue_errors():
                redis.ping()
        finally:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)
        assert redis.ping()
        assert await async_redis.ping()
    await async_redis.aclose()
    redis.close()


def seconds_of(call) -> float:
    start_s = time.monotonic()
    with pytest.raises(RedisTimeoutError):
        call()
    return time.monotonic() - start_s


@pytest.mark.anyio
async def test_a_restarted_server_is_found_again_without_an_error(tmp_path):
    """Its restart breaks each pooled connection once."""
    settings = Settings(data_dir=tmp_path)
    redis, async_redis = connect_with_breaker(settings, CircuitBreaker())
    for _ in range(2):
        with EmbeddedQueue(settings):
            assert redis.ping()
            assert await async_redis.ping()
    await async_redis.aclose()
    redis.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
