"""Prometheus metrics, in a registry of the application's own."""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.records import Records

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """What is counted at each request, and what is asked of the queue at each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("atlas_http_requests", "Requests answered", labels, registry=self.registry)
        self._seconds = Histogram(
            "atlas_http_request_seconds", "Time to the answer's end", ("method", "route"), buckets=_SECONDS, registry=self.registry
        )
        self._received = Counter("atlas_http_received_bytes", "Bytes of request bodies", registry=self.registry)
        self._queue_up = Gauge("atlas_queue_up", "Whether the queue server answers", registry=self.registry)
        self._queued = Gauge("atlas_jobs_queued", "Jobs that wait", registry=self.registry)
        self._oldest = Gauge("atlas_jobs_oldest_queued_seconds", "How long the oldest of them waits", registry=self.registry)
        self._running = Gauge("atlas_jobs_running", "Jobs that run", registry=self.registry)
        self._workers = Gauge("atlas_workers", "Workers alive", registry=self.registry)

    def answered(self, method: str, route: str, status: int, seconds: float, received_bytes: int) -> None:
        """One request more."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._received.inc(received_bytes)

    def scrape(self, records: Records) -> bytes:
        """Everything in Prometheus' text format; of a queue server that is away, `atlas_queue_up 0` and what was last known."""
        try:
            with queue_errors():
                self._ask(records)
        except (QueueUnreachable, QueueFull):
            self._queue_up.set(0)
        return generate_latest(self.registry)

    def _ask(self, records: Records) -> None:
        waiting = records.queued_jobs()
        self._queued.set(len(waiting))
        self._oldest.set(max(0.0, time.time() - min(waiting.values())) if waiting else 0.0)
        self._running.set(len(records.running_jobs()))
        self._workers.set(len(records.live_workers()))
        self._queue_up.set(1)
