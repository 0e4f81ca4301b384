"""Limit the size and the duration of a request body while it is read."""

import asyncio
import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooSlow
from models.errors import LimitExceeded


class BodyLimit:
    """
    Pure ASGI middleware that counts the bytes of a body as they arrive, so that no layer below holds more than the limit.

    LimitExceeded and BodyTooSlow are raised out of `receive`, into the reader of the body, and answered as any other error is.
    (FastAPI's own `max_body_size` answers a Content-Length over the limit in plain text.)
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_body_s: float = math.inf) -> None:
        self._app, self._max_bytes, self._max_s = app, max_body_bytes, max_body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with a `receive` that enforces the limits."""
        limited = self._limit_receive(scope, receive) if scope["type"] == "http" else receive
        await self._app(scope, limited, send)

    def _limit_receive(self, scope: Scope, receive: Receive) -> Receive:
        content_length = _content_length(scope)
        received_bytes, ended = 0, False
        deadline = asyncio.get_running_loop().time() + self._max_s

        async def limited_receive() -> Message:
            nonlocal received_bytes, ended
            if content_length > self._max_bytes:
                raise self._too_large()
            try:
                async with asyncio.timeout_at(None if ended or deadline == math.inf else deadline):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(f"the request body did not arrive within {self._max_s:g} s") from error
            received_bytes += len(message.get("body", b""))
            ended = not message.get("more_body", False)  # from here on `receive` waits for a disconnect, without a deadline
            if received_bytes > self._max_bytes:
                raise self._too_large()
            return message

        return limited_receive

    def _too_large(self) -> LimitExceeded:
        return LimitExceeded(f"the request body is larger than {self._max_bytes:,} bytes; send fewer or shorter records")


def _content_length(scope: Scope) -> int:
    """The announced length; 0 for a chunked body, whose bytes are counted."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
