"""What happened, one JSON line an event, in the order in which it was seen: written while it happens, judged afterwards."""

import json
import threading
import time
from pathlib import Path
from typing import Any, Self

Event = dict[str, Any]


class History:
    """
    Lines of `{"t": seconds, "event": ..., ...}`; many threads may write.

    Events: `reference` (case, answer), `offered` (key), `accepted` (key, case, job), `refused` (key or job, status, retry_after),
    `unanswered` (key or job), `seen` (job, status, answer; the answer only of an ended job, null where there is no such job),
    `gave-up` (key or job), `fault` (name, recovered_s, within_s), `left-out` (name, why), `existing` (jobs: what the service itself knows
    in the end).
    """

    def __init__(self, path: Path) -> None:
        self._file, self._lock, self._began = path.open("w"), threading.Lock(), time.monotonic()

    def add(self, event: str, **facts: object) -> None:
        """One event, now."""
        with self._lock:
            self._file.write(json.dumps({"t": round(time.monotonic() - self._began, 3), "event": event, **facts}) + "\n")
            self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def read(path: Path) -> list[Event]:
    """The events of a history."""
    return [json.loads(line) for line in path.read_text().splitlines()]
