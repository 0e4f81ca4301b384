"""Repeat requests that may succeed later, with growing pauses, and turn refusals into exceptions."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from seismic_atlas_client.effects import Answer, Flow, Save, Send, Sleep
from seismic_atlas_client.errors import FaultyPart, ProblemDescription, ServiceUnreachable, UnexpectedAnswer, make_problem_error

TRANSIENT = frozenset({408, 429, 502, 503, 504})
IN_FLIGHT = "idempotency-key-in-flight"
MAX_QUOTED = 200


@dataclass(frozen=True)
class RetryPolicy:
    """
    How often and after which pauses a request is repeated.

    The pause before attempt n + 1 is `first_pause_s` times 2 to the power n - 1, at most `max_pause_s`, and a random part of up to half
    of it is taken off, so that many clients do not come back at once. A `Retry-After` of the service takes its place; the request is
    given up where that is longer than `max_retry_after_s`.
    """

    attempts: int = 6
    first_pause_s: float = 0.5
    max_pause_s: float = 20.0
    max_retry_after_s: float = 120.0

    def choose_pause(self, attempt: int) -> float:
        """Return the pause in seconds after an attempt, counted from 1."""
        pause_s = min(self.first_pause_s * 2.0 ** (attempt - 1), self.max_pause_s)
        return pause_s * random.uniform(0.5, 1.0)  # noqa: S311 -- no secret


def send(effect: Send | Save, policy: RetryPolicy) -> Flow[Answer]:
    """
    Send a request until it is answered with success, and return that answer.

    Connection failures, timeouts and transient refusals (408, 429, 502, 503, 504, and an idempotency key in flight) are repeated:
    submissions carry an idempotency key, and all other requests of the API have no further effect when repeated.

    Raises
    ------
    ServiceUnreachable
        No attempt was answered.
    ProblemError
        The service refused the request; the subclass belongs to the status.
    UnexpectedAnswer
        The answer is a redirection.

    """
    for attempt in range(1, policy.attempts + 1):
        last = attempt == policy.attempts
        try:
            answer: Answer = yield effect
        except httpx.RequestError as error:
            if last:
                raise ServiceUnreachable(_describe_failure(error, attempt)) from error
            yield Sleep(policy.choose_pause(attempt))
            continue
        if answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer
        pause_s = _pause_before_retry(answer, policy, attempt)
        if last or pause_s is None:
            raise read_refusal(answer)
        yield Sleep(pause_s)
    raise AssertionError("a policy has at least one attempt")


def _describe_failure(error: httpx.RequestError, attempts: int) -> str:
    what = str(error) or type(error).__name__
    times = "once" if attempts == 1 else f"{attempts} times"
    return f"the service did not answer ({what}; tried {times}); is it running at this address (argument `url`, variable ATLAS_URL)?"


def _pause_before_retry(answer: Answer, policy: RetryPolicy, attempt: int) -> float | None:
    """Return the pause before the next attempt, in seconds; None if repeating the request has no prospect."""
    in_flight = answer.status == HTTPStatus.CONFLICT and describe_problem(answer).type.endswith(IN_FLIGHT)
    if answer.status not in TRANSIENT and not in_flight:
        return None
    asked_s = read_retry_after(answer.headers)
    if asked_s is None:
        return policy.choose_pause(attempt)
    return asked_s if asked_s <= policy.max_retry_after_s else None


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header, which has seconds or a date; None without one, or if it cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isdigit():
        return float(text)
    try:
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None


def read_refusal(answer: Answer) -> Exception:
    """Return the exception of an answer that is no success."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        target = answer.headers.get("location", "another address")
        return UnexpectedAnswer(f"the service answered {answer.status} and points to {target}; give that address as `url` or ATLAS_URL")
    return make_problem_error(describe_problem(answer))


def describe_problem(answer: Answer) -> ProblemDescription:
    """Read the problem details of an answer; of a body that has none, such as that of a proxy, the beginning is quoted."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "detail" not in body:
        quoted = answer.content[:MAX_QUOTED].decode("utf-8", "replace").strip()
        body = {"detail": f"the answer has no problem details; it begins with {quoted!r}" if quoted else "the answer is empty"}
    return describe_problem_object(body, answer.status, read_retry_after(answer.headers))


def describe_problem_object(body: Mapping[str, Any], status: int, retry_after_s: float | None = None) -> ProblemDescription:
    """Return the description of problem details (RFC 9457); members that are missing are filled from the status."""
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else "Error"
    listed = [part for part in body.get("parts") or [] if isinstance(part, dict)]
    return ProblemDescription(
        status=status,
        type=str(body.get("type") or f"/problems/{phrase.lower().replace(' ', '-')}"),
        title=str(body.get("title") or phrase),
        detail=str(body["detail"]),
        parts=tuple(FaultyPart(*(str(part.get(name, "")) for name in ("name", "code", "detail"))) for part in listed),
        retryable=bool(body.get("retryable", False)),
        retry_after_s=retry_after_s,
    )
