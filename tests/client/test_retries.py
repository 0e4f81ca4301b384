"""Requests are repeated where that may help, and problems become exceptions."""

import json

import httpx
import pytest

from seismic_atlas_client import (
    BadRequest,
    Client,
    Conflict,
    InvalidAddress,
    LimitExceeded,
    NotFound,
    PermissionRefused,
    RetryPolicy,
    ServiceFailed,
    ServiceUnavailable,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
    UnexpectedAnswer,
    UnsupportedFormat,
    UnusableData,
)
from tests.support.job_answers import JOB

POLICY = RetryPolicy(attempts=4, first_pause_s=0.001, max_pause_s=0.002)


def problem(status, code="queue-full", **members):
    body = {"type": f"/problems/{code}", "title": "Title", "status": status, "detail": "what was found", **members}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


class Script:
    """A transport that gives one answer after the other, and keeps the requests and the pauses between them."""

    def __init__(self, *answers, policy=POLICY, monkeypatch=None):
        self.answers, self.requests, self.pauses = list(answers), [], []
        self.client = Client("http://atlas.test/prefix", "key", retries=policy, transport=httpx.MockTransport(self.answer))
        if monkeypatch is not None:
            monkeypatch.setattr("time.sleep", self.pauses.append)

    def answer(self, request):
        """Keep the request, and return or raise what is next."""
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_submission_is_repeated_with_the_same_idempotency_key_and_files(tmp_path):
    path = tmp_path / "a.mseed"
    path.write_bytes(b"waveform" * 10_000)
    script = Script(httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), problem(503), httpx.Response(202, json=JOB))
    assert script.client.submit_locate(path, ("b.csv", b"stations"), event_type="glacial").id == "j1"
    assert len(script.requests) == 4
    assert len({request.headers["Idempotency-Key"] for request in script.requests}) == 1
    assert all(b"waveform" * 10_000 in request.content and b"stations" in request.content for request in script.requests)
    assert b'name="event_type"\r\n\r\nglacial' in script.requests[3].content
    assert str(script.requests[0].url) == "http://atlas.test/prefix/events/locate"


def test_two_submissions_have_different_keys_and_the_caller_may_give_one():
    script = Script(httpx.Response(202, json=JOB))
    for options in ({}, {}, {"idempotency_key": "mine"}):
        script.client.submit_classify(b"x", **options)
    keys = [request.headers["Idempotency-Key"] for request in script.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"


def test_an_unknown_option_is_refused_before_anything_is_sent():
    script = Script(httpx.Response(202, json=JOB))
    with pytest.raises(TypeError, match="unknown option 'k_max'; the options are"):
        script.client.submit_locate(b"x", k_max=3)
    assert script.requests == []


def test_pauses_grow_and_retry_after_takes_their_place(monkeypatch):
    refusal = problem(429, "too-many-requests", retryable=True)
    refusal.headers["Retry-After"] = "7"
    policy = RetryPolicy(attempts=4, first_pause_s=1.0, max_pause_s=2.0)
    script = Script(problem(503), problem(503), refusal, httpx.Response(200, json=[]), policy=policy, monkeypatch=monkeypatch)
    assert script.client.models() == []
    assert 0.5 <= script.pauses[0] <= 1.0 <= script.pauses[1] <= 2.0
    assert script.pauses[2] == 7.0


def test_a_retry_after_that_is_too_long_is_not_waited_for(monkeypatch):
    refusal = problem(503)
    refusal.headers["Retry-After"] = "Fri, 01 Jan 2100 00:00:00 GMT"
    script = Script(refusal, monkeypatch=monkeypatch)
    with pytest.raises(ServiceUnavailable) as raised:
        script.client.models()
    assert raised.value.retry_after_s > 1e6
    assert script.pauses == []


def test_a_service_that_never_answers_is_unreachable():
    script = Script(httpx.ConnectError("connection refused"))
    with pytest.raises(ServiceUnreachable, match=r"connection refused; tried 4 times.*ATLAS_URL"):
        script.client.models()
    assert len(script.requests) == 4


@pytest.mark.parametrize(
    ("status", "error", "attempts"),
    [
        (400, BadRequest, 1),
        (401, Unauthorized, 1),
        (403, PermissionRefused, 1),
        (404, NotFound, 1),
        (406, BadRequest, 1),
        (409, Conflict, 1),
        (413, LimitExceeded, 1),
        (415, UnsupportedFormat, 1),
        (422, UnusableData, 1),
        (429, TooManyRequests, 4),
        (500, ServiceFailed, 1),
        (502, ServiceUnavailable, 4),
        (503, ServiceUnavailable, 4),
    ],
)
def test_a_status_has_its_exception_and_only_transient_ones_are_repeated(status, error, attempts):
    script = Script(problem(status))
    with pytest.raises(error) as raised:
        script.client.models()
    assert type(raised.value) is error
    assert len(script.requests) == attempts
    assert (raised.value.status, raised.value.code, raised.value.job_id) == (status, "queue-full", None)


def test_an_idempotency_key_in_flight_is_waited_for():
    script = Script(problem(409, "idempotency-key-in-flight", retryable=True), httpx.Response(202, json=JOB))
    assert script.client.submit_cluster(b"x").id == "j1"


def test_the_text_of_a_problem_names_the_parts_at_fault():
    parts = [{"name": f"photo{number}.jpg", "code": "unsupported-part", "detail": "not recognized"} for number in range(12)]
    script = Script(problem(415, "unsupported-part", parts=parts))
    with pytest.raises(UnsupportedFormat) as raised:
        script.client.submit_classify(b"x")
    text = str(raised.value)
    assert text.startswith("Title (415 unsupported-part): what was found\n  photo0.jpg: not recognized (unsupported-part)")
    assert "photo9.jpg" in text
    assert text.endswith("and 2 more")


def test_an_answer_of_a_proxy_is_quoted():
    script = Script(httpx.Response(404, text="<html>nginx</html>"))
    with pytest.raises(NotFound, match="no problem details; it begins with '<html>nginx</html>'"):
        script.client.models()


def test_a_redirection_names_the_address_to_use():
    script = Script(httpx.Response(308, headers={"Location": "https://atlas.test/"}))
    with pytest.raises(UnexpectedAnswer, match=r"points to https://atlas\.test/"):
        script.client.models()


def test_an_answer_that_is_no_job_is_unexpected():
    script = Script(httpx.Response(200, text="hello"))
    with pytest.raises(UnexpectedAnswer, match="not a job of a Seismic Atlas service"):
        script.client.job("j1")


def test_canceling_again_after_a_broken_connection_is_no_error():
    canceled = {**JOB, "status": "canceled"}
    script = Script(httpx.ReadError("broken"), problem(409, "already-ended"), httpx.Response(200, json=canceled))
    script.answers.insert(0, httpx.Response(200, json=JOB))
    assert script.client.job("j1").cancel().status == "canceled"
    assert [request.method for request in script.requests] == ["GET", "DELETE", "DELETE", "GET"]


def test_an_id_cannot_leave_the_path_of_jobs():
    script = Script(httpx.Response(200, json=JOB))
    script.client.job("../models?x=1")
    assert script.requests[0].url.raw_path == b"/prefix/jobs/..%2Fmodels%3Fx%3D1"


def test_the_address_and_the_key_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("ATLAS_URL", "https://atlas.example/")
    monkeypatch.setenv("ATLAS_API_KEY", "secret")
    script = Script(httpx.Response(200, json=[]))
    with Client(transport=httpx.MockTransport(script.answer)) as client:
        assert client.url == "https://atlas.example"
        client.models()
    assert script.requests[0].headers["X-API-Key"] == "secret"
    assert script.requests[0].url == "https://atlas.example/models"


@pytest.mark.parametrize("address", ["atlas.example", "ftp://atlas.example", "http://", "http://atlas:port"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InvalidAddress, match=r"is not (a URL|the address of a service)"):
        Client(address)


def test_a_figure_with_the_name_of_a_path_is_not_written(tmp_path):
    evil = {**JOB, "status": "succeeded", "links": {**JOB["links"], "figures": ["/jobs/j1/figures/..%2f..%2fx.png"]}}
    script = Script(httpx.Response(200, json=evil))
    with pytest.raises(UnexpectedAnswer, match="a figure with the name"):
        script.client.job("j1").save_figures(tmp_path)
    assert json.loads(script.answers[0].content)["id"] == "j1"
