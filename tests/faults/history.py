"""History of a fault test, a JSON line an event: recorded during the test, checked afterwards (`checker`)."""

import json
import threading
import time
from pathlib import Path
from typing import Any, Self

Event = dict[str, Any]


class History:
    """
    Lines of `{"t": seconds, "event": ..., ...}`; thread-safe.

    Events: `reference` (case, answer), `offered` (key), `accepted` (key, case, job), `refused` (key or job, status, retry_after),
    `unanswered` (key or job), `seen` (job, status, answer; answer: null unless the job has ended; status: null for an unknown job),
    `gave-up` (key or job), `fault` (name, recovered_s, within_s), `left-out` (name, why), `existing` (jobs that the service
    knows at the end).
    """

    def __init__(self, path: Path) -> None:
        self._file, self._lock, self._start_s = path.open("w"), threading.Lock(), time.monotonic()

    def add(self, event: str, **facts: object) -> None:
        """Record an event at the current time."""
        with self._lock:
            self._file.write(json.dumps({"t": round(time.monotonic() - self._start_s, 3), "event": event, **facts}) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read(path: Path) -> list[Event]:
    """Read the events of a history."""
    return [json.loads(line) for line in path.read_text().splitlines()]
