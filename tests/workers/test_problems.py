"""The table from exceptions to problem details."""

import inspect
from http import HTTPStatus

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.timeouts import JobTimeoutException

from models import errors
from models.environment import BadSettings
from workers.problems import RULES, FineTuneUnavailable, translate_error
from workers.queue import connection, dispatch, lifecycle
from workers.storage import blobs

CONTRACT = {400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503}


def named_errors() -> list[type[errors.AtlasError]]:
    modules = (errors, blobs, connection, dispatch, lifecycle)
    found = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass) if issubclass(kind, errors.AtlasError)}
    return sorted(found - {errors.AtlasError, BadSettings}, key=lambda kind: kind.__name__)  # settings end the start, not a request


@pytest.mark.parametrize("kind", named_errors(), ids=lambda kind: kind.__name__)
def test_every_named_error_has_its_rule(kind: type[errors.AtlasError]):
    problem = translate_error(kind("what is wrong", part="a.mseed"))
    assert problem.type == f"/problems/{kind.code}"
    assert problem.status in CONTRACT
    assert problem.detail == "what is wrong"
    assert [(part.name, part.code) for part in problem.parts] == [("a.mseed", kind.code)]


def test_no_rule_is_hidden_behind_a_wider_one():
    for index, rule in enumerate(RULES):
        assert not any(issubclass(rule.error, before.error) for before in RULES[:index]), rule.error


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable"),
    [
        (errors.UnreadableWaveform("x"), "unreadable-waveform", HTTPStatus.UNPROCESSABLE_ENTITY, False),
        (errors.UnsupportedPart("x"), "unsupported-part", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, False),
        (errors.LimitExceeded("x"), "limit-exceeded", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, False),
        (FineTuneUnavailable("x"), "fine-tune-unavailable", HTTPStatus.UNPROCESSABLE_ENTITY, False),
        (connection.QueueFull("x"), "queue-full", HTTPStatus.SERVICE_UNAVAILABLE, True),
        (RedisConnectionError("redis at 10.0.0.1"), "queue-unreachable", HTTPStatus.SERVICE_UNAVAILABLE, True),
        (JobTimeoutException("x"), "job-timeout", HTTPStatus.SERVICE_UNAVAILABLE, True),
        (MemoryError(), "out-of-memory", HTTPStatus.SERVICE_UNAVAILABLE, True),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_exception_has_its_code_status_and_retryability(error: BaseException, code: str, status: int, retryable: bool):
    problem = translate_error(error)
    assert (problem.type, problem.status, problem.retryable) == (f"/problems/{code}", status, retryable)


def test_an_unknown_exception_does_not_reveal_its_text():
    problem = translate_error(KeyError("/home/somebody/secret"))
    assert (problem.type, problem.status) == ("/problems/internal-error", 500)
    assert "secret" not in problem.model_dump_json()


def test_a_server_address_is_not_repeated():
    assert "10.0.0.1" not in translate_error(RedisConnectionError("Error connecting to 10.0.0.1:6379")).model_dump_json()
