"""Prometheus metrics of the API, the queue and the workers, in a registry of the application."""

import time
from collections import Counter as Tally
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from app.middleware.job_metrics import JobMetrics
from workers.contracts import WorkerState
from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.records import Records

_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)


class Metrics:
    """Counters updated at each request, and figures of queue, jobs and workers updated at each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self._requests = Counter("atlas_http_requests", "Answered requests", labels, registry=self.registry)
        self._seconds = Histogram(
            "atlas_http_request_seconds",
            "Time until the end of the answer",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._received = Counter("atlas_http_received_bytes", "Bytes of request bodies", registry=self.registry)
        self._connections = Gauge("atlas_http_connections", "Open connections", registry=self.registry)
        self._closed = Counter("atlas_http_closed_connections", "Connections closed by a limit", ("reason",), registry=self.registry)
        self._queue_up = Gauge("atlas_queue_up", "1 if the queue server answers, else 0", registry=self.registry)
        self._queued = Gauge("atlas_jobs_queued", "Queued jobs", registry=self.registry)
        self._oldest = Gauge("atlas_jobs_oldest_queued_seconds", "Waiting time of the oldest queued job", registry=self.registry)
        self._running = Gauge("atlas_jobs_running", "Running jobs", registry=self.registry)
        self._workers = Gauge("atlas_workers", "Live workers", registry=self.registry)
        self._models = Gauge("atlas_models", "Live workers by model and version", ("model", "version"), registry=self.registry)
        self._memory = Gauge("atlas_worker_memory_bytes", "Resident memory of a worker", ("worker",), registry=self.registry)
        self._cpu = Gauge("atlas_worker_cpu_seconds", "CPU time of a worker since its start", ("worker",), registry=self.registry)
        self._jobs = JobMetrics(self.registry)

    def count_request(self, method: str, route: str, status: int, seconds: float, received_bytes: int) -> None:
        """
        Count an answered request.

        Parameters
        ----------
        method, route
            HTTP method, and template of the route's path.
        status
            HTTP status of the answer.
        seconds
            Time from the request to the end of the answer.
        received_bytes
            Size of the request body.

        """
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        self._received.inc(received_bytes)

    def set_connections(self, count: int) -> None:
        """Set the number of open connections."""
        self._connections.set(count)

    def count_closed_connection(self, reason: str) -> None:
        """Count a connection that a limit closed: `slow_head`, `evicted`, `refused` or `unread_answer`."""
        self._closed.labels(reason).inc()

    def scrape(self, records: Records) -> bytes:
        """
        Return all metrics in the text format of Prometheus.

        While the queue server does not answer, `atlas_queue_up` is 0 and the other figures of queue and workers keep their last values.
        """
        try:
            with queue_errors():
                self._update_gauges(records)
        except (QueueUnreachable, QueueFull):
            self._queue_up.set(0)
        return generate_latest(self.registry)

    def _update_gauges(self, records: Records) -> None:
        queued = records.list_queued()
        self._queued.set(len(queued))
        self._oldest.set(max(0.0, time.time() - min(queued.values())) if queued else 0.0)
        self._running.set(len(records.list_running()))
        self._update_workers(records.list_workers())
        self._jobs.update(records.statistics.read())
        self._queue_up.set(1)

    def _update_workers(self, workers: list[WorkerState]) -> None:
        """Set the figures of the live workers, and forget those of the others."""
        self._workers.set(len(workers))
        for gauge in (self._models, self._memory, self._cpu):
            gauge.clear()
        for (model, version), count in Tally(pair for worker in workers for pair in worker.models.items()).items():
            self._models.labels(model, version).set(count)
        for worker in workers:
            self._memory.labels(worker.id).set(worker.memory_bytes)
            self._cpu.labels(worker.id).set(worker.cpu_s)
