"""Spans of requests, and the trace context that a job is given."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from workers.logs import configure_logs
from workers.telemetry import Tracing, make_provider

pytestmark = pytest.mark.anyio

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def exporter(monkeypatch) -> InMemorySpanExporter:
    """Holds the spans of every application that is opened."""
    made = InMemorySpanExporter()
    monkeypatch.setattr("app.dependencies.open_tracing", lambda *_: Tracing(make_provider("api", 1.0, SimpleSpanProcessor(made))))
    return made


async def test_a_submission_is_a_span_of_the_callers_trace_and_hands_it_to_the_job(exporter, client, files, worker):
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "X-Request-ID": "mine"}
    answer = await client.post("/events/classify", files=files, headers=headers)
    (span,) = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("POST /events/classify", SpanKind.SERVER)
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, CALLER)
    assert dict(span.attributes) == {
        "http.request.method": "POST",
        "http.route": "/events/classify",
        "http.response.status_code": 202,
        "atlas.request_id": "mine",
    }
    record = worker.records.get(answer.json()["id"])
    assert record.trace_context == f"00-{TRACE}-{span.context.span_id:016x}-01"


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Leave the logging of the process as it was: later tests read their own standard error."""
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configuration)


async def test_lines_of_the_log_state_the_trace(exporter, client, logging_restored, capsys):
    configure_logs()
    await client.get("/jobs/unknown", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["trace_id"] for line in lines if line["event"] == "request"] == [TRACE]


async def test_a_server_error_is_an_error_of_its_span_and_a_wrong_request_is_not(exporter, client, monkeypatch):
    await client.get("/jobs/unknown")
    monkeypatch.setattr("workers.queue.records.Records.get", lambda *_: 1 / 0)
    await client.get("/jobs/unknown")
    codes = [(span.attributes["http.response.status_code"], span.status.status_code) for span in exporter.get_finished_spans()]
    assert codes == [(404, StatusCode.UNSET), (500, StatusCode.ERROR)]


async def test_probes_and_metrics_are_not_traced(exporter, client):
    for path in ("/health/live", "/health/ready", "/metrics"):
        await client.get(path)
    assert exporter.get_finished_spans() == ()


async def test_a_service_without_an_endpoint_gives_jobs_no_trace(client, files, worker):
    answer = await client.post("/events/classify", files=files, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    assert worker.records.get(answer.json()["id"]).trace_context == ""
