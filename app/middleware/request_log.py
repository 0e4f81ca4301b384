"""What every answer has around it: a request id, security headers, a line in the log, a count, and never a traceback."""

import re
import time
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import respond
from app.middleware.metrics import Metrics
from workers.problems import translate_error

REQUEST_ID: Final = "X-Request-ID"
CLIENT_GONE: Final = 499
"""In log and metrics only: the client went before it was answered."""

SECURITY: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; font-src 'self' data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
_ADDED: Final = "atlas.headers"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_FIT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class _Exchange:
    """One request and what has become of it."""

    request_id: str
    begun: float = field(default_factory=time.monotonic)
    status: int = 0
    received_bytes: int = 0
    added: dict[str, str] = field(default_factory=dict)


class RequestMiddleware:
    """Pure ASGI and outermost, so that answers stream through it and errors in middleware end here as well."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(_request_id(Headers(scope=scope).get(REQUEST_ID)))
        scope[_ADDED] = exchange.added
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            try:
                await self._guarded(scope, _counted(exchange, receive), _dressed(exchange, send), exchange)
            finally:
                self._account(scope, exchange)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        """Whatever no handler knows becomes a 500 that says nothing of the inside; the log has the traceback."""
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            exchange.status = CLIENT_GONE
        except Exception as error:
            if exchange.status:  # half an answer is out: the server must break the connection
                raise
            structlog.get_logger("atlas").error("unhandled", exc_info=error)
            await respond(translate_error(error))(scope, receive, send)

    def _account(self, scope: Scope, exchange: _Exchange) -> None:
        seconds, status = time.monotonic() - exchange.begun, exchange.status or CLIENT_GONE
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, _route(scope), status, seconds, exchange.received_bytes)
        structlog.get_logger("atlas.access").info(
            "request",
            method=method,
            path=scope["path"][:200],
            status=status,
            ms=round(1000 * seconds, 1),
            received_bytes=exchange.received_bytes,
        )


def add_headers(scope: Scope, headers: dict[str, str]) -> None:
    """Headers that the answer is to have, whatever it becomes."""
    scope[_ADDED].update(headers)


def _request_id(given: str | None) -> str:
    """The client's own where it is fit to be logged and repeated."""
    return given if given is not None and _FIT_ID.fullmatch(given) else uuid4().hex


def _counted(exchange: _Exchange, receive: Receive) -> Receive:
    async def counted() -> Message:
        message = await receive()
        exchange.received_bytes += len(message.get("body", b""))
        return message

    return counted


def _dressed(exchange: _Exchange, send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = exchange.request_id
            for name, value in (*SECURITY, *exchange.added.items()):
                headers.setdefault(name, value)
        await send(message)

    return dressed


def _route(scope: Scope) -> str:
    """The template of the route, so that ids do not multiply the time series."""
    return str(getattr(scope.get("route"), "path", None) or ("static" if scope.get("app_root_path") is not None else "unmatched"))
