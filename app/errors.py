"""Errors at the edge: what the API itself turns down, and every error as application/problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException

from models.errors import AtlasError
from workers.contracts import PartProblem, Problem
from workers.problems import problem_type, translate_and_log_error

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class Refused(AtlasError):
    """A request that the edge itself turns down; status, code and title are the class's, and stay."""

    status = 400
    title = "Malformed request"
    code = "malformed-request"
    retryable = False

    def __init__(self, detail: str, *, parts: Sequence[PartProblem] = (), headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.parts, self.headers = list(parts), dict(headers or {})

    def problem(self) -> Problem:
        """What the client is told."""
        return Problem(
            type=problem_type(self.code),
            title=self.title,
            status=self.status,
            detail=self.detail,
            parts=self.parts,
            retryable=self.retryable,
        )


class MalformedRequest(Refused):
    """Not what the endpoint takes: a broken body, an unknown field, a value out of range."""


class EmptyUpload(Refused):
    """No part, or none that holds a byte."""

    code, title = "empty-upload", "Empty upload"


class Unauthorized(Refused):
    """Keys are asked for and the request has none that is good."""

    status, code, title = 401, "unauthorized", "A key is needed"


class Forbidden(Refused):
    """The key is good, but not for this."""

    status, code, title = 403, "forbidden", "Not allowed"


class TooManyRequests(Refused):
    """More often or more at once than an owner may."""

    status, code, title, retryable = 429, "too-many-requests", "Too many requests", True


class BodyTooSlow(Refused):
    """The body was not there within the time for it."""

    status, code, title, retryable = 408, "body-too-slow", "The body took too long", True


class KeysUnreadable(Refused):
    """Nobody is let in while the keys cannot be read."""

    status, code, title, retryable = 503, "keys-unreadable", "The keys cannot be read", True


class UnknownFigure(Refused):
    """The job has no figure of that name."""

    status, code, title = 404, "unknown-figure", "No such figure"


class UnknownFormat(Refused):
    """The result is not kept in that format."""

    status, code, title = 404, "unknown-format", "No such format"


class NotFinished(Refused):
    """A result or figure is asked for that is not there yet."""

    status, code, title, retryable = 409, "not-finished", "The job has not ended", True


class KeyInFlight(Refused):
    """Another request with the same Idempotency-Key is being taken in."""

    status, code, title, retryable = 409, "idempotency-key-in-flight", "The idempotency key is in flight", True


class KeyReused(Refused):
    """The Idempotency-Key stands for another submission."""

    status, code, title = 422, "idempotency-key-reused", "The idempotency key was used for something else"


class UnsupportedParts(Refused):
    """Not one part is of an accepted kind."""

    status, code, title = 415, "unsupported-part", "Unsupported kind of file"


class JobFailed(Refused):
    """The result of a job that has failed is its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self._problem = problem

    def problem(self) -> Problem:
        """The job's own."""
        return self._problem


class NotReady(Refused):
    """The service runs and cannot serve."""

    status, code, title, retryable = 503, "not-ready", "Not ready", True


def respond(problem: Problem, headers: Mapping[str, str] | None = None, **members: object) -> JSONResponse:
    """The problem as an answer; `parts` appears where files are at fault, further members are RFC 9457 extensions."""
    body = problem.model_dump(mode="json", exclude=None if problem.parts else {"parts"}) | members
    retry = {"Retry-After": str(RETRY_AFTER_S)} if problem.retryable else {}
    return JSONResponse(body, problem.status, {**retry, **(headers or {})}, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Every error that leaves a route, as a problem; what is not named here is caught by `envelope` and answered as a 500."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(AtlasError, _failed)
    app.add_exception_handler(RedisError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)  # noqa: S101 - what it is registered for
    return respond(error.problem(), error.headers)


async def _failed(_: Request, error: Exception) -> JSONResponse:
    return respond(translate_and_log_error(error))


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    return respond(MalformedRequest(validation_message(error.errors())).problem())


async def _http(_: Request, error: Exception) -> JSONResponse:
    """Routing's own refusals: no such path, method not allowed."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    status = HTTPStatus(error.status_code)
    code = status.phrase.lower().replace(" ", "-")
    detail = "there is nothing at this address" if status is HTTPStatus.NOT_FOUND else status.description or status.phrase
    return respond(Problem(type=problem_type(code), title=status.phrase, status=status, detail=detail), error.headers)


def validation_message(errors: Sequence[Mapping[str, Any]]) -> str:
    """Validation errors of pydantic in one line; the values themselves are not repeated."""
    return "; ".join(f"{_field(error['loc'])}: {error['msg'].removeprefix('Value error, ')}" for error in errors)


def _field(place: Sequence[object]) -> str:
    names = [str(name) for name in place if name not in ("query", "path", "header", "body")]
    return ".".join(names) or "the request"
