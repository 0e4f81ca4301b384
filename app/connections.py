"""
Limits of connections, below HTTP: size and duration of request heads, clients that stop reading, connections in all and of an address.

uvicorn limits neither the time of a request head nor the number of silent connections; `GuardedProtocol` adds that to its h11 protocol.
"""

import asyncio
import ipaddress
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

from app.errors import MEDIA_TYPE, RETRY_AFTER_S, HeadTooLarge, HeadTooSlow, MalformedRequest, RequestError, TooManyConnections
from app.middleware.metrics import Metrics
from workers.settings import Settings

LOG_EVERY_S: Final = 10.0
"""Closed connections are logged together, so that an attack does not fill the disk with log lines."""

RESERVED_DESCRIPTORS: Final = 200
"""Open files of the API besides connections: the queue, uploads, results, libraries."""

MAX_DESCRIPTORS: Final = 65_536


class ConnectionGuard:
    """
    All connections of the server, and those without a request in progress in the order in which they began to wait.

    Where a new connection exceeds a limit, the one that has waited longest is closed in its place; where every connection has a request in
    progress, the new one is refused. So silent connections cannot keep others out.
    """

    def __init__(self, max_connections: int, max_per_address: int, metrics: Metrics) -> None:
        self._max, self._max_per_address, self._metrics = max_connections, max_per_address, metrics
        self._counts = Counter[str]()
        self._waiting: dict[GuardedProtocol, None] = {}
        self._total = 0
        self._unlogged, self._next_log_s = Counter[str](), 0.0

    def admit(self, connection: "GuardedProtocol") -> bool:
        """Count a new connection, and make room for it if a limit is reached; False if it must be refused."""
        self._total += 1
        self._counts[connection.address] += 1
        self._metrics.set_connections(self._total)
        if self._counts[connection.address] > self._max_per_address:
            return self._make_room(lambda other: other.address == connection.address)
        return self._total <= self._max or self._make_room(lambda _: True)

    def remove(self, connection: "GuardedProtocol") -> None:
        """Forget a connection that has ended."""
        self._total -= 1
        self._counts[connection.address] -= 1
        if not self._counts[connection.address]:
            del self._counts[connection.address]
        self._waiting.pop(connection, None)
        self._metrics.set_connections(self._total)

    def mark_waiting(self, connection: "GuardedProtocol") -> None:
        """Note that a connection has no request in progress, from now on unless it already had none."""
        self._waiting.setdefault(connection)

    def mark_busy(self, connection: "GuardedProtocol") -> None:
        """Note that a connection has a request in progress."""
        self._waiting.pop(connection, None)

    def report_closed(self, reason: str, address: str) -> None:
        """Count a connection closed by a limit, and log the counts at most every `LOG_EVERY_S` seconds."""
        self._metrics.count_closed_connection(reason)
        self._unlogged[reason] += 1
        if time.monotonic() >= self._next_log_s:
            counts = dict(self._unlogged)
            structlog.get_logger("atlas").warning("connections closed by a limit", **counts, last_address=address, open=self._total)
            self._unlogged.clear()
            self._next_log_s = time.monotonic() + LOG_EVERY_S

    def _make_room(self, may_close: Callable[["GuardedProtocol"], bool]) -> bool:
        """Close the connection that has waited longest among those that may be closed; False if there is none."""
        oldest = next((connection for connection in self._waiting if may_close(connection)), None)
        if oldest is not None:
            oldest.close("evicted")
        return oldest is not None


class GuardedProtocol(H11Protocol):
    """
    HTTP/1.1 connection with deadlines.

    A request head must be complete `max_head_s` seconds after its first byte, the first head after the connection was opened. A client
    must read its answer: `max_pause_s` seconds without progress end the connection.
    """

    def __init__(self, *, guard: ConnectionGuard, settings: Settings, **uvicorn_arguments: Any) -> None:  # noqa: ANN401 -- uvicorn's own
        super().__init__(**uvicorn_arguments)
        self._guard, self._head_s, self._pause_s = guard, settings.max_head_s, settings.max_pause_s
        self.address = ""
        self._head_timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Start the deadline of the first head, or refuse the connection."""
        super().connection_made(transport)
        self.address = group_address(self.client[0] if self.client else "")
        if self._guard.admit(self):
            self._update()
        else:
            transport.write(_format_answer(TooManyConnections("the service has reached its limit of connections; retry later")))
            self.close("refused")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._guard.remove(self)
        for timer in (self._head_timer, self._answer_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse bytes of the client; once the connection is being closed, discard them."""
        if not self.transport.is_closing():
            super().data_received(data)
            self._update()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._update()

    def pause_writing(self) -> None:
        """Stop writing, since the client does not read as fast; begin to watch whether it reads at all."""
        super().pause_writing()
        self._watch_answer()

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 -- as in uvicorn
        """Answer a malformed or too large request head with a problem, and close the connection."""
        too_large = getattr(sys.exception(), "error_status_hint", 0) == HeadTooLarge.status
        error = HeadTooLarge("the request head is too large") if too_large else MalformedRequest("this is not a request of HTTP/1.1")
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # else an answer has begun
            self.transport.write(_format_answer(error))
        self.transport.close()

    def close(self, reason: str) -> None:
        """Close the connection because of a limit, after what was written so far."""
        self._guard.mark_busy(self)  # it is not to be closed again
        self._guard.report_closed(reason, self.address)
        self.transport.close()

    def _update(self) -> None:
        """Start or end the deadline of a request head, by whether a request is in progress."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self._guard.mark_busy(self)
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
            return
        self._guard.mark_waiting(self)
        if self._head_timer is None and self.timeout_keep_alive_task is None:  # uvicorn closes idle connections by the latter
            self._head_timer = self.loop.call_later(self._head_s, self._end_slow_head)

    def _end_slow_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_format_answer(HeadTooSlow(f"the request head did not arrive within {self._head_s:g} s")))
            self.close("slow_head")

    def _watch_answer(self, unread_bytes: int | None = None) -> None:
        """Abort the connection if the client has read nothing since the last call, else look again later."""
        left = self.transport.get_write_buffer_size()
        if unread_bytes is not None and left >= unread_bytes:
            self._guard.report_closed("unread_answer", self.address)
            self.transport.abort()
        else:
            self._answer_timer = self.loop.call_later(self._pause_s, self._watch_answer, left)


def group_address(address: str) -> str:
    """Return the address that connections are counted by: an IPv4 address, or the /64 network that one IPv6 client has."""
    if ":" not in address:
        return address
    number = ipaddress.IPv6Address(address.partition("%")[0])
    return str(number.ipv4_mapped or ipaddress.IPv6Network((number, 64), strict=False))


def fit_connections(wanted: int) -> int:
    """Return how many connections the limit of open files permits, at most `wanted`, after raising that limit as far as allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    raised = max(soft, min(hard, MAX_DESCRIPTORS)) if hard != resource.RLIM_INFINITY else max(soft, MAX_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
    permitted = max(1, raised - RESERVED_DESCRIPTORS)
    if permitted < wanted:
        structlog.get_logger("atlas").warning("fewer connections than set, because of the limit of open files", permitted=permitted)
    return min(wanted, permitted)


def _format_answer(error: RequestError) -> bytes:
    """Format a whole answer for a connection that has no request; it is closed afterwards."""
    problem = error.problem()
    body = json.dumps(problem.model_dump(mode="json", exclude={"parts"})).encode()
    status = HTTPStatus(problem.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Type: {MEDIA_TYPE}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"Retry-After: {RETRY_AFTER_S}"] if problem.retryable else []
    return "\r\n".join([*lines, "", ""]).encode() + body
