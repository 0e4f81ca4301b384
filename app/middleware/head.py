"""Answer HEAD wherever GET is answered: with the same status and headers, and without the body (RFC 9110, section 9.3.2)."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Pure ASGI: passes HEAD on as GET and drops the body; a stream is ended once its headers are sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_without_body(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                await send(message)
            elif not started:
                started = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            if message.get("more_body"):
                raise ConnectionError("the answer to HEAD has no body")  # ends a stream, as the loss of a client does

        scope["method"] = "GET"  # in place, so that the route found is in the scope that is logged
        try:
            await self._app(scope, receive, send_without_body)
        except ClientDisconnect:
            if not started:
                raise
        finally:
            scope["method"] = "HEAD"
