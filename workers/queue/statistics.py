"""
Counts of jobs that outlive every process, in Redis: outcomes, waiting and running times, seconds by stage, lost parsers.

Workers serve no HTTP, so the API exposes these counts on /metrics.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

from redis import Redis
from redis.client import Pipeline
from redis.exceptions import RedisError

from workers.contracts import JobRecord

OUTCOMES: Final = "atlas:statistics:outcomes"
"""Hash: `kind|status|code of the problem` to the number of jobs that ended so."""

SECONDS: Final = "atlas:statistics:seconds"
"""Hash: `name|kind|stage|bound` to a number of observations (not cumulative), and `name|kind|stage|sum` to seconds."""

LOST_PARSERS: Final = "atlas:statistics:lost-parsers"
"""Hash: reason to the number of parsing processes that ended so."""

BOUNDS_S: Final = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Upper bounds of the histograms of seconds; a last one is infinite."""

WAIT, RUN, STAGE = "wait", "run", "stage"
"""Names of the histograms: from submission to the first attempt, of a whole attempt, and of one stage of an attempt."""


class StageClock:
    """Sums the time that an attempt at a job spends in each stage; `report` is called with name and duration in seconds as a stage ends."""

    def __init__(self, report: Callable[[str, float], None] = lambda _stage, _seconds: None) -> None:
        self._report = report
        self._stage, self._start_s = "", time.monotonic()
        self._seconds: dict[str, float] = {}

    def enter(self, stage: str) -> None:
        """End the present stage, if any, and begin another; the same stage goes on."""
        if stage == self._stage:
            return
        now_s = time.monotonic()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now_s - self._start_s
            self._report(self._stage, now_s - self._start_s)
        self._stage, self._start_s = stage, now_s

    def stop(self) -> dict[str, float]:
        """End the present stage and return the seconds of each."""
        self.enter("")
        return self._seconds


@dataclass
class Durations:
    """Histogram of durations: numbers of observations up to each of BOUNDS_S and above the last, and the sum of all in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0


@dataclass(frozen=True)
class Counts:
    """Jobs by kind, status and problem; durations by name, kind and stage; lost parsers by reason."""

    outcomes: dict[tuple[str, str, str], int]
    durations: dict[tuple[str, str, str], Durations]
    lost_parsers: dict[str, int]


class Statistics:
    """Adds to the counts, and reads them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def add_seconds(self, kind: str, seconds: Mapping[tuple[str, str], float]) -> None:
        """Add durations in seconds by name of the histogram and stage. A queue server that does not answer loses them."""
        with suppress(RedisError), self._redis.pipeline(transaction=False) as pipe:
            for (name, stage), value in seconds.items():
                bound = next((str(bound) for bound in BOUNDS_S if value <= bound), "inf")
                pipe.hincrby(SECONDS, f"{name}|{kind}|{stage}|{bound}", 1)
                pipe.hincrbyfloat(SECONDS, f"{name}|{kind}|{stage}|sum", round(value, 6))
            pipe.execute()

    def count_lost_parser(self, reason: str) -> None:
        """Count a parsing process that was ended: `time`, `cpu`, `killed` from outside, or `crash`."""
        with suppress(RedisError):
            self._redis.hincrby(LOST_PARSERS, reason, 1)

    def read(self) -> Counts:
        """Read all counts; raises Redis errors."""
        outcomes, seconds, lost = (
            {name.decode(): value for name, value in cast(dict[bytes, bytes], self._redis.hgetall(key)).items()}
            for key in (OUTCOMES, SECONDS, LOST_PARSERS)
        )
        durations: dict[tuple[str, str, str], Durations] = {}
        for text, value in seconds.items():
            name, kind, stage, bound = text.split("|")
            histogram = durations.setdefault((name, kind, stage), Durations())
            if bound == "sum":
                histogram.sum_s = float(value)
            elif bound == "inf":
                histogram.counts[-1] = int(value)
            elif float(bound) in BOUNDS_S:  # not one of another release
                histogram.counts[BOUNDS_S.index(float(bound))] = int(value)
        ended = {cast(tuple[str, str, str], tuple(text.split("|"))): int(value) for text, value in outcomes.items()}
        return Counts(ended, durations, {reason: int(value) for reason, value in lost.items()})


def count_outcome(pipe: Pipeline, record: JobRecord) -> None:
    """Count a job that ends, in the transaction that writes its record, so that each job counts once."""
    code = "" if record.problem is None else record.problem.type.rpartition("/")[2]
    pipe.hincrby(OUTCOMES, f"{record.submission.kind.value}|{record.status.value}|{code}", 1)
