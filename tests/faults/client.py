"""Well-behaved clients: they repeat each submission with its key until it is accepted, and follow the job to its end."""

import queue
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from tests.faults.bundles import PATHS, Case
from tests.faults.checker import ENDED, MAY_BE_REFUSED
from tests.faults.history import History

PATIENCE_S = 300.0
"""Longer than any fault, its recovery and the queue; a client that gives up after this time is a violation."""

PAUSE_S = 0.3


class Client:
    """A client that records the service's answers in the history."""

    def __init__(self, url: str, history: History, patience_s: float = PATIENCE_S, headers: Mapping[str, str] | None = None) -> None:
        self._http = httpx.Client(base_url=url, timeout=30.0, headers=headers)
        self._history, self._patience_s = history, patience_s

    def submit(self, key: str, case: Case) -> str | None:
        """Submit until the job is accepted and return its id; None if the client gave up."""
        self._history.add("offered", key=key)
        deadline = time.monotonic() + self._patience_s
        files = [("bundle", part) for part in case.files]
        while time.monotonic() < deadline:
            try:
                answer = self._http.post(PATHS[case.kind], files=files, data=case.options, headers={"Idempotency-Key": key})
            except httpx.TransportError as error:
                self._history.add("unanswered", key=key, error=type(error).__name__)
                time.sleep(PAUSE_S)
                continue
            if answer.status_code in (httpx.codes.OK, httpx.codes.ACCEPTED):
                job = str(answer.json()["id"])
                self._history.add("accepted", key=key, case=case.name, job=job)
                return job
            self._history.add("refused", key=key, status=answer.status_code, retry_after=answer.headers.get("retry-after"))
            if answer.status_code not in MAY_BE_REFUSED:
                break
            time.sleep(min(float(answer.headers.get("retry-after", 1)), 2.0))
        self._history.add("gave-up", key=key)
        return None

    def wait_for_end(self, job: str) -> dict | None:
        """Wait until a job has ended and return its answer; None if it is unknown or the client gave up."""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            try:
                answer = self._http.get(f"/jobs/{job}", params={"wait": 5})
            except httpx.TransportError as error:
                self._history.add("unanswered", job=job, error=type(error).__name__)
                time.sleep(PAUSE_S)
                continue
            if answer.status_code == httpx.codes.NOT_FOUND:
                self._history.add("seen", job=job, status=None, answer=None)
                return None
            if answer.status_code != httpx.codes.OK:
                self._history.add("refused", job=job, status=answer.status_code, retry_after=answer.headers.get("retry-after"))
                time.sleep(PAUSE_S)
                continue
            state = answer.json()
            final = comparable_answer(state) if state["status"] in ENDED else None
            self._history.add("seen", job=job, status=state["status"], answer=final)
            if final is not None:
                return final
        self._history.add("gave-up", job=job)
        return None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def comparable_answer(job: dict) -> dict:
    """Return the answer of a job that has ended, without ids and times."""
    problem = job["problem"] and {
        "type": job["problem"]["type"],
        "status": job["problem"]["status"],
        "parts": [part["name"] for part in job["problem"].get("parts", [])],
    }
    figures = sorted(link.rpartition("/")[2] for link in job["links"]["figures"])
    result, warnings = job["result"], job["warnings"]
    return {
        "status": job["status"],
        "result": result,
        "problem": problem,
        "warnings": warnings,
        "formats": job["formats"],
        "figures": figures,
    }


class Crowd:
    """Concurrent clients that submit jobs from a common queue; `options` are those of `Client`."""

    def __init__(self, url: str, history: History, clients: int = 6, **options: Any) -> None:
        self._url, self._history, self._options = url, history, options
        self._work: queue.SimpleQueue[tuple[str, Case] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def start(self) -> None:
        """Start all clients."""
        for thread in self._threads:
            thread.start()

    def submit(self, work: Iterable[tuple[str, Case]]) -> None:
        """Add submissions with their keys to the queue."""
        for item in work:
            self._work.put(item)

    def count_waiting(self) -> int:
        """Count the submissions that no client has taken up yet."""
        return self._work.qsize()

    def finish(self) -> None:
        """Wait until all submissions of the queue have ended."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        client = Client(self._url, self._history, **self._options)
        while (item := self._work.get()) is not None:
            job = client.submit(*item)
            if job is not None:
                client.wait_for_end(job)
        client.close()
