"""A client of the service in the standard library: submit, follow, fetch."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ENDED = ("succeeded", "failed", "canceled")
TIMEOUT_S = 300.0

Job = dict[str, Any]


class DemoFailed(Exception):
    """What went wrong, in words for the person at the terminal."""


class Client(NamedTuple):
    """The service at an address; every call opens its own connection."""

    host: str
    port: int

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of the answer; raises OSError where nothing listens."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether the queue answers and a worker is alive with verified models."""
        try:
            status, _ = self.call("GET", "/health/ready")
        except (OSError, http.client.HTTPException):
            return False
        return status == http.HTTPStatus.OK

    def submit(self, path: str, bundle: Path) -> Job:
        """Post a zip as it is; raises DemoFailed with the service's own words where it is refused."""
        status, body = self.call("POST", path, bundle.read_bytes(), {"Content-Type": "application/zip"})
        if status not in (http.HTTPStatus.OK, http.HTTPStatus.ACCEPTED):
            raise DemoFailed(f"{path} answered {status}: {body.decode(errors='replace')}")
        return _parsed(body)

    def job(self, job: Job, wait_s: int = 0) -> Job:
        """The job as it stands, up to `wait_s` seconds later if it has not ended before."""
        status, body = self.call("GET", f"{job['links']['self']}?wait={wait_s}")
        if status != http.HTTPStatus.OK:
            raise DemoFailed(f"{job['links']['self']} answered {status}: {body.decode(errors='replace')}")
        return _parsed(body)

    def follow(self, job: Job, tell: Callable[[str, float], None]) -> Job:
        """Listen to the job's events until it ends; `tell(stage, progress)` hears each of them."""
        for state in self._events(job["links"]["events"]):
            tell(str(state.get("stage", "")), float(state.get("progress", 0.0)))
            if state.get("status") in ENDED:
                break
        ended = self._ended(job)
        if ended["status"] != "succeeded":
            raise DemoFailed(f"the job ended {ended['status']}: {(ended.get('problem') or {}).get('detail', 'no reason given')}")
        return ended

    def _ended(self, job: Job) -> Job:
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            state = self.job(job, wait_s=20)
            if state["status"] in ENDED:
                return state
        raise DemoFailed(f"{job['links']['self']} did not end within {TIMEOUT_S:.0f} s")

    def _events(self, path: str) -> Iterator[Job]:
        """The `data` of each server-sent event, parsed."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"Accept": "text/event-stream"})
            for line in connection.getresponse():
                if line.startswith(b"data:"):
                    yield _parsed(line[5:])
        finally:
            connection.close()

    def figures(self, job: Job, folder: Path) -> list[Path]:
        """Download what was drawn; paths of the files."""
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for link in job["links"]["figures"]:
            status, body = self.call("GET", link)
            if status != http.HTTPStatus.OK:
                raise DemoFailed(f"{link} answered {status}")
            path = folder / Path(link).name
            path.write_bytes(body)
            paths.append(path)
        return paths


def _parsed(body: bytes) -> Job:
    parsed: Job = json.loads(body)
    return parsed
