"""Address of the queue server (Redis protocol), clients for it, and its errors in the words of this service."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from models.errors import AtlasError
from workers.queue.breaker import AsyncBreakingRetry, BreakingRetry, CircuitBreaker, CircuitOpen
from workers.settings import Settings

CALL_TIMEOUT_S = 1.0
"""Timeout of a call that somebody waits for: with a circuit breaker a stalled server costs each caller at most that, once."""

_SOCKET_PATH_LIMIT = 100  # bytes; the kernel allows 107, macOS 103


class QueueFull(AtlasError):
    """The maximum number of queued jobs is reached, or the queue server is out of memory."""

    code = "queue-full"


class QueueUnreachable(AtlasError):
    """The queue server does not answer, or rejects a command."""

    code = "queue-unreachable"


def queue_socket(settings: Settings) -> Path:
    """
    Return the path of the embedded queue server's unix socket, `queue/queue.sock` in the data folder.

    Unix sockets limit the length of their path. A longer one is replaced by a path in the system's temporary folder,
    derived from a hash of the data folder so that every process computes the same.
    """
    folder = settings.data_dir.resolve() / "queue"
    direct = folder / "queue.sock"
    if len(os.fsencode(direct)) <= _SOCKET_PATH_LIMIT:
        return direct
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"atlas-{os.getuid()}-{name}" / "queue.sock"


def queue_url(settings: Settings) -> str:
    """Return the URL of the queue server: `redis_url`, else the embedded server's socket. It may hold a password: do not log it."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return f"unix://{quote(str(queue_socket(settings)))}"


def _credentials(settings: Settings) -> dict[str, Any]:
    """Return the password that is not in the URL. One in the URL takes precedence; the embedded server has none."""
    if settings.redis_url is None or settings.queue_password is None:
        return {}
    return {"password": settings.queue_password.get_secret_value()}


def connect(settings: Settings, *, timeout_s: float = 5.0, retries: int = 3) -> Redis:
    """Return a client of the queue server with timeouts in seconds; it connects with its first command."""
    return Redis.from_url(
        queue_url(settings),
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(ExponentialWithJitterBackoff(cap=0.5, base=0.05), retries),
        health_check_interval=30,
        **_credentials(settings),
    )


def connect_with_breaker(settings: Settings, breaker: CircuitBreaker) -> tuple[Redis, AsyncRedis]:
    """Return a synchronous and an asynchronous client that share a circuit breaker and have short timeouts, since somebody waits."""
    limits: dict[str, Any] = {"socket_timeout": CALL_TIMEOUT_S, "socket_connect_timeout": CALL_TIMEOUT_S, "health_check_interval": 30}
    limits |= _credentials(settings)
    url = queue_url(settings)
    return (
        Redis.from_url(url, retry=BreakingRetry(breaker), **limits),
        AsyncRedis.from_url(url, retry=AsyncBreakingRetry(breaker), **limits),
    )


def connect_listener(settings: Settings) -> AsyncRedis:
    """Return a client for a subscription, which waits for messages without a timeout; TCP notices that the server's machine is gone."""
    url = queue_url(settings)
    keepalive = {} if url.startswith("unix:") else {"socket_keepalive": True}
    return AsyncRedis.from_url(url, socket_connect_timeout=CALL_TIMEOUT_S, **keepalive, **_credentials(settings))


@contextmanager
def queue_errors() -> Iterator[None]:
    """Translate Redis errors inside the block: QueueFull where the server is out of memory, QueueUnreachable for all others."""
    try:
        yield
    except OutOfMemoryError as error:
        raise QueueFull("the queue server is out of memory") from error
    except (RedisConnectionError, RedisTimeoutError, CircuitOpen) as error:
        raise QueueUnreachable("the queue server does not answer") from error
    except RedisError as error:
        raise QueueUnreachable("the queue server refused a command") from error
