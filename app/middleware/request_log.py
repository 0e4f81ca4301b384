"""Middleware around every request: request id, security headers, access log, metrics, and a 500 without a traceback."""

import re
import time
from contextlib import AbstractContextManager, nullcontext
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
from workers.telemetry import OpenSpan, Tracing

REQUEST_ID: Final = "X-Request-ID"
CLIENT_CLOSED_REQUEST: Final = 499
"""Status in log and metrics of a request whose client disconnected before the answer (as nginx has it)."""

SECURITY_HEADERS: Final = (
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
_SCOPE_KEY: Final = "atlas.headers"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_UNTRACED: Final = ("/health/", "/metrics")
MIN_SERVER_ERROR: Final = 500
_SAFE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass
class _Exchange:
    """One request and its answer."""

    request_id: str
    start: float = field(default_factory=time.monotonic)
    status: int = 0
    received_bytes: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class RequestMiddleware:
    """Pure ASGI and outermost, so that answers are streamed through it and it catches the errors of all other middleware."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(_request_id(Headers(scope=scope).get(REQUEST_ID)))
        scope[_SCOPE_KEY] = exchange.headers
        with (
            structlog.contextvars.bound_contextvars(request_id=exchange.request_id),
            _trace_request(scope) as span,
            structlog.contextvars.bound_contextvars(**span.log_fields()),
        ):
            try:
                await self._run_app(scope, _wrap_receive(exchange, receive), _wrap_send(scope, exchange, send), exchange)
            finally:
                self._log_request(scope, exchange)
                _finish_span(span, scope, exchange)

    async def _run_app(self, scope: Scope, receive: Receive, send: Send, exchange: _Exchange) -> None:
        """Answer an unhandled error with status 500 and no details; its traceback goes to the log."""
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            exchange.status = CLIENT_CLOSED_REQUEST
        except Exception as error:
            if exchange.status:  # the answer has begun: the server must close the connection
                raise
            structlog.get_logger("atlas").error("unhandled error", exc_info=error)
            await respond(translate_error(error))(scope, receive, send)

    def _log_request(self, scope: Scope, exchange: _Exchange) -> None:
        seconds, status = time.monotonic() - exchange.start, exchange.status or CLIENT_CLOSED_REQUEST
        method = _method(scope)
        self._metrics.count_request(method, _route_template(scope), status, seconds, exchange.received_bytes)
        structlog.get_logger("atlas.access").info(
            "request",
            method=method,
            path=scope["path"][:200],
            status=status,
            ms=round(1000 * seconds, 1),
            received_bytes=exchange.received_bytes,
        )


def _trace_request(scope: Scope) -> AbstractContextManager[OpenSpan]:
    """Record the span of a request; those of probes and metrics, which come every few seconds, are left out."""
    tracing: Tracing = scope["app"].state.service.tracing
    if scope["path"].removeprefix(scope.get("root_path", "")).startswith(_UNTRACED):
        return nullcontext(OpenSpan())
    return tracing.trace_request(_method(scope), Headers(scope=scope).get("traceparent", ""))


def _finish_span(span: OpenSpan, scope: Scope, exchange: _Exchange) -> None:
    """Name the span after the route, which is known by now, and state how the request ended."""
    route, status = _route_template(scope), exchange.status or CLIENT_CLOSED_REQUEST
    span.rename(f"{_method(scope)} {route}")
    span.set_attributes({"http.route": route, "http.response.status_code": status, "atlas.request_id": exchange.request_id})
    if status >= MIN_SERVER_ERROR:
        span.fail(str(status))


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def add_headers(scope: Scope, headers: dict[str, str]) -> None:
    """Add headers to the answer of a request, whether it succeeds or fails."""
    scope[_SCOPE_KEY].update(headers)


def _request_id(given: str | None) -> str:
    """Return the request id of the client if it is safe to log and to send back, else a new one."""
    return given if given is not None and _SAFE_REQUEST_ID.fullmatch(given) else uuid4().hex


def _wrap_receive(exchange: _Exchange, receive: Receive) -> Receive:
    """Count the bytes of the request body."""

    async def counting_receive() -> Message:
        message = await receive()
        exchange.received_bytes += len(message.get("body", b""))
        return message

    return counting_receive


def _wrap_send(scope: Scope, exchange: _Exchange, send: Send) -> Send:
    """Add request id, security headers and the headers of `add_headers` to the answer; while the service stops, close the connection."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = exchange.request_id
            for name, value in (*SECURITY_HEADERS, *exchange.headers.items()):
                headers.setdefault(name, value)
            if scope["app"].state.service.readiness.draining:
                headers["Connection"] = "close"
        await send(message)

    return send_with_headers


def _route_template(scope: Scope) -> str:
    """Return the path template of the route, so that job ids do not multiply the time series."""
    return str(getattr(scope.get("route"), "path", None) or ("static" if scope.get("app_root_path") is not None else "unmatched"))
