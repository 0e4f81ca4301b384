"""Client of the service in the standard library: submit a bundle, follow its job, download its figures."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from app.demo.report import JsonObject

TERMINAL = ("succeeded", "failed", "canceled")
TIMEOUT_S = 300.0


class DemoFailed(Exception):
    """The demonstration cannot go on; the message says why."""


class Client(NamedTuple):
    """The service at an address; every call opens a connection of its own."""

    host: str
    port: int

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """
        Send a request; return status and body of the answer. Raises OSError if nothing listens at the address.

        Parameters
        ----------
        method, path
            HTTP method, and path with the query.
        body
            Bytes of the request body.
        headers
            Request headers.

        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Return whether the service is ready: its queue answers and a worker has verified all models."""
        try:
            status, _ = self.call("GET", "/health/ready")
        except (OSError, http.client.HTTPException):
            return False
        return status == http.HTTPStatus.OK

    def submit(self, path: str, bundle: Path) -> JsonObject:
        """Submit a zip archive as a raw body; return the job. Raises DemoFailed with the problem if it is refused."""
        status, body = self.call("POST", path, bundle.read_bytes(), {"Content-Type": "application/zip"})
        if status not in (http.HTTPStatus.OK, http.HTTPStatus.ACCEPTED):
            raise DemoFailed(f"{path} answered {status}: {body.decode(errors='replace')}")
        return _parse_json(body)

    def read_job(self, job: JsonObject, wait_s: int = 0) -> JsonObject:
        """Read the job, waiting up to `wait_s` seconds for its end; raises DemoFailed."""
        status, body = self.call("GET", f"{job['links']['self']}?wait={wait_s}")
        if status != http.HTTPStatus.OK:
            raise DemoFailed(f"{job['links']['self']} answered {status}: {body.decode(errors='replace')}")
        return _parse_json(body)

    def follow(self, job: JsonObject, report_progress: Callable[[str, float], None]) -> JsonObject:
        """Follow the events of a job, calling `report_progress(stage, fraction)`; return the succeeded job, or raise DemoFailed."""
        for state in self._stream_events(job["links"]["events"]):
            report_progress(str(state.get("stage", "")), float(state.get("progress", 0.0)))
            if state.get("status") in TERMINAL:
                break
        ended = self._wait_for_end(job)
        if ended["status"] != "succeeded":
            raise DemoFailed(f"the job {ended['status']}: {(ended.get('problem') or {}).get('detail', 'no reason given')}")
        return ended

    def _wait_for_end(self, job: JsonObject) -> JsonObject:
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            state = self.read_job(job, wait_s=20)
            if state["status"] in TERMINAL:
                return state
        raise DemoFailed(f"{job['links']['self']} did not end within {TIMEOUT_S:.0f} s")

    def _stream_events(self, path: str) -> Iterator[JsonObject]:
        """Yield the parsed `data` of each server-sent event."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path, headers={"Accept": "text/event-stream"})
            for line in connection.getresponse():
                if line.startswith(b"data:"):
                    yield _parse_json(line[5:])
        finally:
            connection.close()

    def download_figures(self, job: JsonObject, folder: Path) -> list[Path]:
        """Save the figures of a job in a folder; return their paths. Raises DemoFailed."""
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


def _parse_json(body: bytes) -> JsonObject:
    parsed: JsonObject = json.loads(body)
    return parsed
