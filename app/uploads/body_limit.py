"""The limits of a request body in bytes and time, enforced while it is read."""

import asyncio
import math

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import BodyTooSlow
from models.errors import LimitExceeded


class BodyLimit:
    """
    Pure ASGI: the body's bytes are counted as they arrive, so that nobody below ever holds more than the limit.

    Who sends them drop by drop is not waited for. Errors are raised out of `receive`, in the middle of whoever reads, and
    answered like all others (FastAPI's own `max_body_size` answers a long Content-Length in plain text).
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_body_s: float = math.inf) -> None:
        self._app, self._max_bytes, self._max_s = app, max_body_bytes, max_body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a `receive` that counts."""
        counted = self._counting(scope, receive) if scope["type"] == "http" else receive
        await self._app(scope, counted, send)

    def _counting(self, scope: Scope, receive: Receive) -> Receive:
        announced = _content_length(scope)
        seen, ended = 0, False
        deadline = asyncio.get_running_loop().time() + self._max_s

        async def counted() -> Message:
            nonlocal seen, ended
            if announced > self._max_bytes:
                raise self._too_large()
            try:
                async with asyncio.timeout_at(None if ended or deadline == math.inf else deadline):
                    message = await receive()
            except TimeoutError as error:
                raise BodyTooSlow(f"the request body was not there within {self._max_s:g} s") from error
            seen += len(message.get("body", b""))
            ended = not message.get("more_body", False)  # what follows is the wait for a disconnect, which may last
            if seen > self._max_bytes:
                raise self._too_large()
            return message

        return counted

    def _too_large(self) -> LimitExceeded:
        return LimitExceeded(f"the request body is larger than {self._max_bytes:,} bytes")


def _content_length(scope: Scope) -> int:
    """The announced length; 0 where none is announced (chunked), which the counting then takes care of."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
