import json

import pytest
import structlog

from models.errors import NoUsableTrace
from workers.queue.records import Records

pytestmark = pytest.mark.anyio


async def test_a_safe_request_id_is_kept_and_an_unsafe_one_replaced(client):
    kept = await client.get("/health/live", headers={"X-Request-ID": "abc-1"})
    replaced = await client.get("/health/live", headers={"X-Request-ID": 'a"b' + "c" * 100})
    assert kept.headers["X-Request-ID"] == "abc-1"
    assert len(replaced.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize("path", ["/", "/docs", "/health/live", "/nowhere", "/static/page.js"])
async def test_every_answer_has_the_security_headers(client, path):
    headers = (await client.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "Server" not in headers


async def test_an_unhandled_error_is_a_500_without_details_and_is_logged(client, monkeypatch):
    def broken(self, job_id):
        raise RuntimeError("/srv/secret/path of the server")

    monkeypatch.setattr(Records, "get", broken)
    with structlog.testing.capture_logs() as lines:
        answer = await client.get("/jobs/1", headers={"X-Request-ID": "abc-1"})
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    assert "secret" not in answer.text
    assert answer.headers["X-Request-ID"] == "abc-1"
    assert "X-Content-Type-Options" in answer.headers
    assert isinstance(next(line for line in lines if line["event"] == "unhandled error")["exc_info"], RuntimeError)


async def test_an_error_of_the_domain_keeps_its_code_and_part(client, monkeypatch):
    def broken(self, job_id):
        raise NoUsableTrace("no vertical record", part="a.mseed")

    monkeypatch.setattr(Records, "get", broken)
    answer = await client.get("/jobs/1")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/no-usable-trace")
    assert answer.json()["parts"] == [{"name": "a.mseed", "code": "no-usable-trace", "detail": "no vertical record"}]


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [("GET", "/nowhere", 404, "not-found"), ("PUT", "/jobs/1", 405, "method-not-allowed"), ("GET", "/models/oracle", 404, "unknown-model")],
)
async def test_routing_errors_are_problems(client, method, path, status, kind):
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"/problems/{kind}"
    assert set(answer.json()) >= {"type", "title", "status", "detail"}


async def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(client):
    answer = await client.put("/jobs/1")
    assert {"DELETE", "GET"} <= set(answer.headers["Allow"].split(", "))
    assert "PUT" not in answer.headers["Allow"]


async def test_the_access_log_has_one_escaped_line_for_each_request(client):
    with structlog.testing.capture_logs() as lines:
        await client.get("/nowhere/%0a%7b%22event%22:%22forged%22%7d")
    (line,) = [line for line in lines if line["event"] == "request"]
    assert (line["status"], line["method"]) == (404, "GET")
    assert "\n" not in json.dumps(line["path"])
