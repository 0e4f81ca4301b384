"""Limit the lines of a request head, and size and duration of a request body while it is read."""

import asyncio
import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooSlow, HeadTooLarge, respond
from models.errors import LimitExceeded


class BodyLimit:
    """
    Pure ASGI middleware that counts the bytes of a body as they arrive, so that no layer below holds more than the limit.

    `max_body_s` limits the time of the whole body, `max_pause_s` that between two chunks. A head of more than `max_head_lines` lines is
    refused (`app.connections` limits the bytes and the time of a head). LimitExceeded and BodyTooSlow are raised out of `receive`, into the
    reader of the body, and answered as any other error is.
    (FastAPI's own `max_body_size` answers a Content-Length over the limit in plain text.)
    """

    def __init__(
        self, app: ASGIApp, max_body_bytes: int, max_body_s: float = math.inf, max_pause_s: float = math.inf, max_head_lines: int = 100
    ) -> None:
        self._app, self._max_bytes, self._max_s = app, max_body_bytes, max_body_s
        self._max_pause_s, self._max_lines = max_pause_s, max_head_lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that enforces the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif len(scope["headers"]) > self._max_lines:
            problem = HeadTooLarge(f"the request has more than {self._max_lines} header lines").problem()
            await respond(problem, {"Connection": "close"})(scope, receive, send)
        else:
            await self._app(scope, self._limit_receive(scope, receive), send)

    def _limit_receive(self, scope: Scope, receive: Receive) -> Receive:
        content_length = _content_length(scope)
        received_bytes, ended = 0, False
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._max_s

        async def limited_receive() -> Message:
            nonlocal received_bytes, ended
            if content_length > self._max_bytes:
                raise self._too_large()
            until = min(deadline, loop.time() + self._max_pause_s)
            try:
                async with asyncio.timeout_at(None if ended or until == math.inf else until):
                    message = await receive()
            except TimeoutError as error:
                raise self._too_slow(paused=until < deadline) from error
            received_bytes += len(message.get("body", b""))
            ended = not message.get("more_body", False)  # from here on `receive` waits for a disconnect, without a deadline
            if received_bytes > self._max_bytes:
                raise self._too_large()
            return message

        return limited_receive

    def _too_slow(self, *, paused: bool) -> BodyTooSlow:
        if paused:
            return BodyTooSlow(f"no byte of the request body arrived for {self._max_pause_s:g} s")
        return BodyTooSlow(f"the request body did not arrive within {self._max_s:g} s")

    def _too_large(self) -> LimitExceeded:
        return LimitExceeded(f"the request body is larger than {self._max_bytes:,} bytes; send fewer or shorter records")


def _content_length(scope: Scope) -> int:
    """The announced length; 0 for a chunked body, whose bytes are counted."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
