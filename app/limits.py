"""The byte limit of a request body, enforced while it is read."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import LimitExceeded


class BodyLimit:
    """
    Pure ASGI: the body's bytes are counted as they arrive, so that nobody below ever holds more than the limit.

    The error is raised out of `receive`, in the middle of whoever reads, and is answered like every other error
    (FastAPI's own `max_body_size` answers a long Content-Length in plain text).
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app, self._max_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a `receive` that counts."""
        counted = self._counting(scope, receive) if scope["type"] == "http" else receive
        await self._app(scope, counted, send)

    def _counting(self, scope: Scope, receive: Receive) -> Receive:
        announced = _content_length(scope)
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            if announced > self._max_bytes:
                raise self._too_large()
            message = await receive()
            seen += len(message.get("body", b""))
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
