"""Spans of attempts and their stages, in memory and over HTTP to a collector; and what happens without packages or a collector."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel

from models.errors import TooFewStations
from workers.contracts import JobKind, Submission
from workers.jobs import runner
from workers.jobs.context import JobContext, JobOutput, WorkerContext
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobStore
from workers.telemetry import Tracing, current_trace_context, make_provider, open_tracing

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACE_CONTEXT = f"00-{TRACE}-{CALLER}-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    opened = Tracing(make_provider("worker", 1.0, SimpleSpanProcessor(exporter)))
    yield opened
    opened.close()


class Answer(BaseModel):
    """A result."""

    value: str = "yes"


@pytest.fixture
def run_traced(
    settings: Settings, blobs: BlobStore, records: Records, dispatcher: Dispatcher, submission: Submission, monkeypatch, tracing
):
    """Submit a job with a trace context and run it once."""

    def run_once(work) -> None:
        monkeypatch.setattr(runner, "JOBS", {JobKind.CLASSIFY: work})
        dispatcher.submit(submission, "", "one", "request", TRACE_CONTEXT)
        runner.run_job(WorkerContext(settings, blobs, records, dispatcher, None, "w", tracing), "one", nullcontext)

    yield run_once
    blobs.delete("results/one")


def select_span(exporter: InMemorySpanExporter, name: str) -> ReadableSpan:
    (found,) = [span for span in exporter.get_finished_spans() if span.name == name]
    return found


def test_a_job_continues_the_trace_of_its_request_with_its_wait_its_attempt_and_every_stage(run_traced, exporter):
    def work(job: JobContext) -> JobOutput:
        for stage in ("read", "draw"):
            job.progress(stage, 0.1)
            time.sleep(0.03)
        return JobOutput(Answer())

    run_traced(work)
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["queue", "read", "draw", "store", "attempt"]
    assert {f"{span.context.trace_id:032x}" for span in spans} == {TRACE}
    attempt = select_span(exporter, "attempt")
    parents = {span.name: f"{span.parent.span_id:016x}" for span in spans}
    inside = f"{attempt.context.span_id:016x}"
    assert parents == {"queue": CALLER, "attempt": CALLER, "read": inside, "draw": inside, "store": inside}
    assert attempt.kind is SpanKind.CONSUMER
    assert dict(attempt.attributes) == {"atlas.job": "one", "atlas.kind": "classify", "atlas.attempt": 1, "atlas.status": "succeeded"}
    draw = select_span(exporter, "draw")
    assert 0.03 <= (draw.end_time - draw.start_time) / 1e9 < 3.0
    assert attempt.start_time <= draw.start_time
    assert draw.end_time <= attempt.end_time


def test_the_span_of_a_failed_job_is_an_error_with_the_title_of_its_problem(run_traced, exporter):
    def work(_: JobContext) -> JobOutput:
        raise TooFewStations("two")

    run_traced(work)
    status = select_span(exporter, "attempt").status
    assert status.status_code is StatusCode.ERROR
    assert status.description


def test_the_span_of_an_attempt_that_is_returned_to_the_queue_ends_with_an_error(run_traced, exporter):
    def work(_: JobContext) -> JobOutput:
        raise SystemExit

    with pytest.raises(SystemExit):
        run_traced(work)
    assert select_span(exporter, "attempt").status.description == "SystemExit"


def test_a_trace_that_the_caller_does_not_sample_is_not_recorded(tracing, exporter):
    with tracing.trace_request("GET", f"00-{TRACE}-{CALLER}-00"):
        assert current_trace_context().endswith("-00")
    assert exporter.get_finished_spans() == ()


def test_a_malformed_context_begins_a_new_trace(tracing, exporter):
    with tracing.trace_request("GET", "00-zz-zz-zz"):
        pass
    assert select_span(exporter, "GET").parent is None


def test_nothing_is_traced_by_default():
    tracing = open_tracing(Settings(), "worker")
    with tracing.trace_attempt(TRACE_CONTEXT, {}) as span:
        span.fail("no span")
        assert span.log_fields() == {}
        assert current_trace_context() == ""
    tracing.add_stage("read", 1.0)
    tracing.close()


def test_without_the_packages_a_warning_is_logged_and_nothing_is_traced(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    tracing = open_tracing(Settings(telemetry_endpoint="http://127.0.0.1:4318/v1/traces"), "api")
    with tracing.trace_request("GET", ""):
        assert current_trace_context() == ""
    assert "requirements/telemetry.txt is not installed" in "".join(capsys.readouterr())


@pytest.fixture
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """A collector on loopback: its address, and what it has received."""
    received: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        """Takes spans."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", received
        server.shutdown()


def test_spans_are_sent_to_the_collector_at_the_latest_when_the_process_ends(collector):
    address, received = collector
    tracing = open_tracing(Settings(telemetry_endpoint=address), "worker")
    tracing.add_span("queue", 10.0, 12.5, TRACE_CONTEXT)
    tracing.close()
    (resource,) = received[0].resource_spans
    assert ("service.name", "seismic-atlas-worker") in [(item.key, item.value.string_value) for item in resource.resource.attributes]
    (span,) = resource.scope_spans[0].spans
    assert (span.name, span.trace_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano) == ("queue", TRACE, 10**10, 12_500_000_000)


def test_a_collector_that_is_away_delays_the_end_by_a_few_seconds_at_most(caplog):
    tracing = open_tracing(Settings(telemetry_endpoint="http://127.0.0.1:9/v1/traces"), "worker")
    tracing.add_span("queue", 10.0, 12.5, TRACE_CONTEXT)
    start_s = time.monotonic()
    tracing.close()
    assert time.monotonic() - start_s < 5.0
