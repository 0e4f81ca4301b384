"""Metrics of jobs from the counts that all processes add to in the queue server."""

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from workers.queue.statistics import BOUNDS_S, RUN, STAGE, WAIT, Counts, Durations

_HISTOGRAMS: Final = {
    WAIT: ("atlas_job_wait_seconds", "Time from submission to the first attempt"),
    RUN: ("atlas_job_run_seconds", "Time of an attempt, whatever its end"),
    STAGE: ("atlas_job_stage_seconds", "Time of a stage of an attempt"),
}


class JobMetrics(Collector):
    """Counters and histograms of jobs as last read; the same from every API process, so aggregate them by `max`, not by `sum`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts = Counts({}, {}, {})
        registry.register(self)

    def update(self, counts: Counts) -> None:
        """Set the counts that the next scrape returns."""
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        outcomes = CounterMetricFamily("atlas_jobs_ended", "Jobs that have ended", labels=("kind", "status", "problem"))
        for labels, count in self._counts.outcomes.items():
            outcomes.add_metric(labels, count)
        lost = CounterMetricFamily("atlas_lost_parsers", "Parsing processes that were ended or crashed", labels=("reason",))
        for reason, count in self._counts.lost_parsers.items():
            lost.add_metric((reason,), count)
        yield from (outcomes, lost)
        for name, (metric, text) in _HISTOGRAMS.items():
            names = ("kind", "stage") if name == STAGE else ("kind",)
            family = HistogramMetricFamily(metric, text, labels=names)
            for (found, kind, stage), durations in self._counts.durations.items():
                if found == name:
                    family.add_metric((kind, stage)[: len(names)], _to_buckets(durations), durations.sum_s)
            yield family


def _to_buckets(durations: Durations) -> list[tuple[str, float]]:
    """Return upper bounds with cumulative numbers of observations."""
    bounds = (*(str(bound) for bound in BOUNDS_S), "+Inf")
    return list(zip(bounds, accumulate(durations.counts), strict=True))
