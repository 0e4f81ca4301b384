"""
Errors raised by the API itself, and the answer to every error as application/problem+json (RFC 9457).

The status, code and title of an error raised below `app` come from the table in `workers.problems`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from models.errors import AtlasError
from workers.contracts import PartProblem, Problem
from workers.problems import problem_type, translate_and_log_error

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class RequestError(AtlasError):
    """A request that the API refuses; a subclass states its HTTP status, stable code, title, and whether a retry may succeed."""

    status = 400
    title = "Malformed request"
    code = "malformed-request"
    retryable = False

    def __init__(self, detail: str, *, parts: Sequence[PartProblem] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.parts, self.headers = list(parts), dict(headers or {})

    def problem(self) -> Problem:
        """Return the problem details (RFC 9457) of this error."""
        return Problem(
            type=problem_type(self.code),
            title=self.title,
            status=self.status,
            detail=self.detail,
            parts=self.parts,
            retryable=self.retryable,
        )


class MalformedRequest(RequestError):
    """A request that the endpoint does not accept: a broken body, an unknown field, a value out of range."""


class EmptyUpload(RequestError):
    """An upload without a part, or whose parts hold no bytes."""

    code, title = "empty-upload", "Empty upload"


class Unauthorized(RequestError):
    """A request without a valid API key, where keys are required."""

    status, code, title = 401, "unauthorized", "API key required"


class Forbidden(RequestError):
    """A request that its caller is not allowed to make."""

    status, code, title = 403, "forbidden", "Forbidden"


class TooManyRequests(RequestError):
    """More requests per minute, or more concurrent requests, than an owner may make."""

    status, code, title, retryable = 429, "too-many-requests", "Too many requests", True


class BodyTooSlow(RequestError):
    """A request body that did not arrive in time."""

    status, code, title, retryable = 408, "body-too-slow", "Request body timeout", True


class HeadTooLarge(RequestError):
    """A request head with too many lines, or (answered in `app.connections`) too many bytes."""

    status, code, title = 431, "head-too-large", "Request head too large"


class HeadTooSlow(RequestError):
    """A request head that did not arrive in time; answered in `app.connections`."""

    status, code, title, retryable = 408, "head-too-slow", "Request head timeout", True


class TooManyConnections(RequestError):
    """A connection over a limit while all others have requests in progress; answered in `app.connections`."""

    status, code, title, retryable = 503, "too-many-connections", "Too many connections", True


class KeysUnreadable(RequestError):
    """The key file cannot be read, so no caller can be authenticated."""

    status, code, title, retryable = 503, "keys-unreadable", "API keys unreadable", True


class UnknownFigure(RequestError):
    """The job has no figure of that name."""

    status, code, title = 404, "unknown-figure", "Unknown figure"


class UnknownProblem(RequestError):
    """No problem of this service has that type."""

    status, code, title = 404, "unknown-problem", "Unknown problem"


class NoCallbacks(RequestError):
    """The service sends no callbacks."""

    status, code, title = 404, "no-callbacks", "No callbacks"


class NoEvents(RequestError):
    """No finished location fulfills the conditions of a query of fdsnws-event that asks for this status."""

    status, code, title = 404, "no-events", "No events"


class NotAcceptable(RequestError):
    """The result is available in none of the media types of the Accept header."""

    status, code, title = 406, "not-acceptable", "Not acceptable"


class UnknownFormat(RequestError):
    """The result is not available in that format."""

    status, code, title = 404, "unknown-format", "Unknown format"


class NotFinished(RequestError):
    """A result or figure of a job that has not ended yet."""

    status, code, title, retryable = 409, "not-finished", "Job not finished", True


class IdempotencyKeyInFlight(RequestError):
    """Another request with the same Idempotency-Key is being received."""

    status, code, title, retryable = 409, "idempotency-key-in-flight", "Idempotency key in use", True


class IdempotencyKeyReused(RequestError):
    """The Idempotency-Key belongs to a different submission."""

    status, code, title = 422, "idempotency-key-reused", "Idempotency key reused"


class UnsupportedParts(RequestError):
    """No part of the upload is of an accepted format."""

    status, code, title = 415, "unsupported-part", "Unsupported file format"


class JobFailed(RequestError):
    """The result of a failed job: the answer is the problem of the job."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self._problem = problem

    def problem(self) -> Problem:
        """Return the problem of the job."""
        return self._problem


class NotReady(RequestError):
    """The API process runs, but the service cannot process jobs."""

    status, code, title, retryable = 503, "not-ready", "Not ready", True


def respond(problem: Problem, headers: Mapping[str, str] | None = None, **members: object) -> JSONResponse:
    """
    Build the response to an error.

    `parts` is included only where files are at fault; `members` are extension members of RFC 9457. A retryable problem gets a
    Retry-After header, unless `headers` has one.
    """
    body = problem.model_dump(mode="json", exclude=None if problem.parts else {"parts"}) | members
    retry = {"Retry-After": str(RETRY_AFTER_S)} if problem.retryable else {}
    return JSONResponse(body, problem.status, {**retry, **(headers or {})}, MEDIA_TYPE)


def install_error_handlers(app: FastAPI) -> None:
    """Answer every known error of a route with a problem; RequestMiddleware answers any other with status 500."""
    app.add_exception_handler(RequestError, _handle_request_error)
    app.add_exception_handler(AtlasError, _handle_service_error)
    app.add_exception_handler(RedisError, _handle_service_error)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)


async def _handle_request_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestError)  # noqa: S101 - what it is registered for
    return respond(error.problem(), error.headers)


async def _handle_service_error(_: Request, error: Exception) -> JSONResponse:
    return respond(translate_and_log_error(error))


async def _handle_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    return respond(MalformedRequest(validation_message(error.errors())).problem())


async def _handle_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Answer an error of the routing: unknown path, method not allowed. Then `Allow` has the methods of all routes of the path."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_find_methods(request.app.routes, request.scope)))
    code = status.phrase.lower().replace(" ", "-")
    detail = _description(status)
    if status is HTTPStatus.NOT_FOUND:
        detail = "there is no resource at this path; /docs lists the endpoints"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"this resource answers {headers['Allow']}; /docs lists the endpoints"
    return respond(Problem(type=problem_type(code), title=status.phrase, status=status, detail=detail), headers)


def _find_methods(routes: Sequence[BaseRoute], scope: Scope) -> set[str]:
    """Return the methods with which a route answers the path of a request."""
    found = {method for method in _METHODS for route in routes if route.matches({**scope, "method": method})[0] is Match.FULL}
    return found | ({"HEAD"} if "GET" in found else set())  # `app.middleware.head`


def _description(status: HTTPStatus) -> str:
    return status.description or status.phrase


def validation_message(errors: Sequence[Mapping[str, Any]]) -> str:
    """Format validation errors of pydantic in one line: `field: message`; the rejected values are not repeated."""
    return "; ".join(f"{_field_path(error['loc'])}: {error['msg'].removeprefix('Value error, ')}" for error in errors)


def _field_path(location: Sequence[object]) -> str:
    names = [str(name) for name in location if name not in ("query", "path", "header", "body")]
    return ".".join(names) or "the request"
