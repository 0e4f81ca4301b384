"""
`python -m tests.faults.connections --servers atlas uvicorn-h11 uvicorn-httptools hypercorn granian`: attacks below HTTP.

Each server runs the application alone, with 1,024 file descriptors, and meets three attacks: a flood of short header lines on four
requests that never end, 1,100 silent connections, and 50 request heads that arrive one byte a second. Meanwhile /health/live is requested
over new connections. The report is build/faults/connections.json. Exit status: 0 if `atlas` keeps its memory within 20 MiB, answers
/health/live throughout and closes all slow connections. Servers that are not installed are left out.
"""

import argparse
import importlib.util
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from tests.faults import processes
from tests.faults.service import ROOT, end, free_port

FOLDER = ROOT / "build" / "faults"
DESCRIPTORS = 1024
FLOOD_MIB, FLOOD_CONNECTIONS = 120, 4
SILENT, DRIPPING = 1100, 50
HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
LINES = b"a: b\r\n" * 10_000
START_S, IDLE_S = 60.0, 4.0
MODULES = {"uvicorn-h11": "h11", "uvicorn-httptools": "httptools", "hypercorn": "hypercorn", "granian": "granian"}


def main(arguments: list[str]) -> int:
    """Attack each server, write the report and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--servers", nargs="+", choices=["atlas", *MODULES], default=["atlas"])
    parser.add_argument("--seconds", type=float, default=45.0, help="duration of the slow attacks (default: 45)")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {}
    for server in options.servers:
        if server == "atlas" or importlib.util.find_spec(MODULES[server]) is not None:
            report[server] = attack_server(server, options.seconds)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "connections.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 1 if "atlas" in report and find_violations(report["atlas"]) else 0


def find_violations(report: dict[str, Any]) -> list[str]:
    """Return what one server's report has that the service must not show."""
    flood, silent, slow = report["header_flood"], report["silent_connections"], report["slow_heads"]
    found = {
        "a header flood takes memory": flood["memory_mib"] - flood["memory_at_rest_mib"] > 20,
        "unfinished heads are accepted": flood["sent_mib"] > FLOOD_MIB / 2,
        "silent connections make the API unreachable": silent["unanswered"] > 0,
        "silent connections stay open": silent["open_at_end"] > 0,
        "slow heads stay open": slow["open_at_end"] > 0,
    }
    return [violation for violation, seen in found.items() if seen]


def attack_server(server: str, seconds: float) -> dict[str, Any]:
    """Attack a new server and return what was measured."""
    with tempfile.TemporaryDirectory() as folder, run_server(server, Path(folder)) as (pid, port):
        return {
            "cpu_ms_per_request": measure_cpu(pid, port),
            "header_flood": flood_headers(pid, port),
            "silent_connections": hold_silent(port, seconds),
            "slow_heads": drip_heads(port, seconds),
        }


@contextmanager
def run_server(server: str, folder: Path, settings: dict[str, str] | None = None) -> Iterator[tuple[int, int]]:
    """Run the application without queue and workers, with 1,024 descriptors; yield process id and port once it answers."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL" and not name.startswith("ATLAS_")}
    own = {"ATLAS_DATA_DIR": str(folder / "data"), "ATLAS_WORKERS": "0", **(settings or {})}
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {DESCRIPTORS} && exec "$@"', "sh", sys.executable, "-m", *_command(server, port)],
            cwd=ROOT,
            env=clean | own,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_alive(port)
            yield process.pid, port
        finally:
            end(process)


def _command(server: str, port: int) -> list[str]:
    application = "tests.faults.bare_app:create"
    match server:
        case "atlas":
            return ["app", "--port", str(port)]
        case "hypercorn":
            return ["hypercorn", "--bind", f"127.0.0.1:{port}", "-k", "uvloop", f"{application}()"]
        case "granian":
            return ["granian", "--interface", "asgi", "--factory", "--port", str(port), application]
        case _:
            http = server.removeprefix("uvicorn-")
            return ["uvicorn", "--factory", "--http", http, "--port", str(port), "--log-level", "warning", application]


def _wait_until_alive(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if _is_alive(port):
            return
        time.sleep(0.1)
    raise TimeoutError(f"the server does not answer within {START_S:g} s")


def _is_alive(port: int) -> bool:
    """Request /health/live over a new connection; return whether it was answered with 200 within 5 s."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def measure_cpu(pid: int, port: int, requests: int = 1000) -> float:
    """Return the CPU time of the server for one request on a kept connection, without what it needs at rest, ms."""
    at_rest = _measure_cpu_rate(pid, lambda: time.sleep(IDLE_S))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        client.get("/health/live")
        start_s, before_s = time.monotonic(), processes.cpu_s(pid)
        for _ in range(requests):
            client.get("/health/live")
        used_s = processes.cpu_s(pid) - before_s - at_rest * (time.monotonic() - start_s)
    return round(1000 * used_s / requests, 3)


def _measure_cpu_rate(pid: int, wait: Callable[[], object]) -> float:
    start_s, before_s = time.monotonic(), processes.cpu_s(pid)
    wait()
    return (processes.cpu_s(pid) - before_s) / (time.monotonic() - start_s)


def flood_headers(pid: int, port: int) -> dict[str, float]:
    """Send 120 MiB of short header lines in four requests that never end; memory before and at its maximum, MiB."""
    before = _memory_mib(pid)
    watch = _Watch(port, lambda: _memory_mib(pid))
    with watch:
        connections = [_open(port) for _ in range(FLOOD_CONNECTIONS)]
        sent = sum(_send_head_lines(connection, FLOOD_MIB * 2**20 // FLOOD_CONNECTIONS) for connection in connections)
    for connection in connections:
        connection.close()
    return {"memory_at_rest_mib": before, "memory_mib": max(watch.seen), "sent_mib": round(sent / 2**20, 1), **watch.report()}


def _send_head_lines(connection: socket.socket, count: int) -> int:
    """Send header lines until the server closes the connection or stops reading; return the bytes sent."""
    sent = 0
    with suppress(OSError):
        connection.sendall(HEAD)
        while sent < count:
            connection.sendall(LINES)
            sent += len(LINES)
    return sent


def hold_silent(port: int, seconds: float, count: int = SILENT) -> dict[str, float]:
    """Open connections that send nothing, and request /health/live meanwhile."""
    with _Watch(port) as watch:
        held = [connection for _ in range(count) if (connection := _try_open(port)) is not None]
        time.sleep(seconds)
        still = sum(_is_open(connection) for connection in held)
    for connection in held:
        connection.close()
    return {"connections": count, "opened": len(held), "open_at_end": still, **watch.report()}


def drip_heads(port: int, seconds: float, count: int = DRIPPING) -> dict[str, float]:
    """Send request heads at one byte a second."""
    held = [_open(port) for _ in range(count)]
    with _Watch(port) as watch:
        for second in range(int(seconds)):
            for connection in held:
                with suppress(OSError):
                    connection.send(HEAD[second : second + 1] or b"a")
            time.sleep(1)
        still = sum(_is_open(connection) for connection in held)
    for connection in held:
        connection.close()
    return {"connections": count, "open_at_end": still, **watch.report()}


class _Watch:
    """Requests /health/live five times a second over new connections, and calls `look` each time, until the block ends."""

    def __init__(self, port: int, look: Callable[[], float] = lambda: 0.0) -> None:
        self._port, self._look, self._ended = port, look, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen: list[float] = []
        self._seconds: list[float] = []
        self._unanswered = 0

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self.seen.append(self._look())

    def _run(self) -> None:
        while True:
            start_s = time.monotonic()
            self._unanswered += not _is_alive(self._port)
            self._seconds.append(time.monotonic() - start_s)
            self.seen.append(self._look())
            if self._ended.wait(0.2):
                return

    def report(self) -> dict[str, float]:
        """Return how many requests were made and not answered, and the median and longest time of an answer, ms."""
        figures = {"median_ms": median(self._seconds) * 1000, "longest_ms": max(self._seconds) * 1000}
        return {
            "requests": len(self._seconds),
            "unanswered": self._unanswered,
            **{name: round(value, 1) for name, value in figures.items()},
        }


def _memory_mib(pid: int) -> float:
    return round(sum(processes.resident_mib(one) for one in processes.tree(pid) if processes.role(one) != "queue"), 1)


def _open(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def _try_open(port: int) -> socket.socket | None:
    try:
        return _open(port)
    except OSError:
        return None


def _is_open(connection: socket.socket) -> bool:
    """Return whether the other side has not closed the connection, reading what it has sent."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def raise_descriptor_limit(needed: int) -> None:
    """Allow this process so many open files; raises ValueError where the system forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _run(arguments: Sequence[str]) -> int:
    raise_descriptor_limit(4 * DESCRIPTORS)
    return main(list(arguments))


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))
