"""
Traces by OpenTelemetry: one trace from a request through the wait of its job to the stages of each attempt.

Off unless `telemetry_endpoint` is set. The packages (requirements/telemetry.txt) are imported only then; where they are absent, a line of
the log says so and nothing is traced. No global provider is set.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

import structlog

from workers.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span

Attributes = Mapping[str, str | int]

EXPORT_TIMEOUT_S, FLUSH_S = 2.0, 1.0
"""Time limits of one export, and of the last one when the process ends."""

_trace_context: ContextVar[str] = ContextVar("atlas_trace_context", default="")


class OpenSpan:
    """A span that is being recorded; without one, nothing is."""

    def __init__(self, span: "Span | None" = None) -> None:
        self._span = span

    def log_fields(self) -> dict[str, str]:
        """Return what lines of the log state, so that they are found by the trace: its id."""
        return {} if self._span is None else {"trace_id": f"{self._span.get_span_context().trace_id:032x}"}

    def rename(self, name: str) -> None:
        """Give the span another name."""
        if self._span is not None:
            self._span.update_name(name)

    def set_attributes(self, attributes: Attributes) -> None:
        """Set attributes of the span."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def fail(self, reason: str) -> None:
        """Mark the span as failed."""
        if self._span is not None:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 -- optional

            self._span.set_status(StatusCode.ERROR, reason)


class Tracing:
    """
    Records spans of requests, of waits in the queue, of attempts and of their stages; does nothing without a provider.

    A trace context is handed over as the text of the header `traceparent` (W3C Trace Context); it is empty where nothing is traced.
    """

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self._provider = provider
        self._tracer = None if provider is None else provider.get_tracer("seismic-atlas")

    @contextmanager
    def trace_request(self, method: str, trace_context: str) -> Iterator[OpenSpan]:
        """Record the span of a request, under the caller's if its trace context names one."""
        with self._record(method, "SERVER", trace_context, {"http.request.method": method}) as span:
            yield span

    @contextmanager
    def trace_attempt(self, trace_context: str, attributes: Attributes) -> Iterator[OpenSpan]:
        """Record the span of an attempt at a job, under the request that submitted it; an exception that ends it is noted."""
        with self._record("attempt", "CONSUMER", trace_context, attributes) as span:
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)
                raise

    @contextmanager
    def _record(self, name: str, kind: Literal["SERVER", "CONSUMER"], trace_context: str, attributes: Attributes) -> Iterator[OpenSpan]:
        """Record a span whose trace context is the current one inside the block."""
        if self._tracer is None:
            yield OpenSpan()
            return
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 -- optional

        span = self._tracer.start_span(name, _read_context(trace_context), SpanKind[kind], attributes)
        token = _trace_context.set(_write_context(span))
        try:
            yield OpenSpan(span)
        finally:
            _trace_context.reset(token)
            span.end()

    def add_span(self, name: str, start_s: float, end_s: float, trace_context: str) -> None:
        """Add a span that is over, from `start_s` to `end_s` (POSIX seconds), under that of a trace context."""
        if self._tracer is not None:
            span = self._tracer.start_span(name, _read_context(trace_context), start_time=round(start_s * 1e9))
            span.end(round(end_s * 1e9))

    def add_stage(self, stage: str, seconds: float) -> None:
        """Add the span of a stage that ends now, under the current attempt."""
        now_s = time.time()
        self.add_span(stage, now_s - seconds, now_s, current_trace_context())

    def close(self) -> None:
        """Send what is left, within a second, and end."""
        if self._provider is not None:
            self._provider.force_flush(round(1000 * FLUSH_S))
            self._provider.shutdown()


def current_trace_context() -> str:
    """Return the trace context of the request or attempt that runs here; empty where nothing is traced."""
    return _trace_context.get()


def open_tracing(settings: Settings, part: Literal["api", "worker"]) -> Tracing:
    """Open the tracing of a part of the service; without an endpoint, or without the packages, nothing is traced."""
    if settings.telemetry_endpoint is None:
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- optional
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- optional
    except ImportError as error:
        detail = "ATLAS_TELEMETRY_ENDPOINT is set, but requirements/telemetry.txt is not installed; nothing is traced"
        structlog.get_logger("atlas").warning(detail, missing=error.name)
        return Tracing()
    exporter = OTLPSpanExporter(settings.telemetry_endpoint, timeout=EXPORT_TIMEOUT_S)
    return Tracing(make_provider(part, settings.telemetry_ratio, BatchSpanProcessor(exporter)))


def make_provider(part: str, ratio: float, processor: "SpanProcessor") -> "TracerProvider":
    """Make a provider that passes a fraction of all traces to a processor; where the caller's trace is sampled, so is ours."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- optional
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- optional
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased  # noqa: PLC0415 -- optional

    resource = Resource.create({"service.name": f"seismic-atlas-{part}"})
    provider = TracerProvider(ParentBased(TraceIdRatioBased(ratio)), resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def _read_context(trace_context: str) -> "Context":
    """Read the text of a trace context; where it is empty or malformed, a new trace begins."""
    from opentelemetry.context import Context  # noqa: PLC0415 -- optional
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 -- optional

    return TraceContextTextMapPropagator().extract({"traceparent": trace_context}, Context())


def _write_context(span: "Span") -> str:
    """Write the trace context of a span as text."""
    from opentelemetry.trace import set_span_in_context  # noqa: PLC0415 -- optional
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 -- optional

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
    return carrier.get("traceparent", "")
