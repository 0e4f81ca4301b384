"""The service as processes: `python -m app` with the embedded queue, and `python -m workers` as on a second machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

from tests.faults import processes
from workers.queue.connection import connect
from workers.queue.records import Records
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
READY_S = 180.0
"""Timeout of the start, for a busy machine."""


class Service:
    """
    API, supervisor, queue server and workers on one data folder, and `nodes` further supervisors with one worker each.

    A killed API is restarted by `revive`, as by a service manager.
    """

    def __init__(self, data: Path, artifacts: Path, *, workers: int = 1, nodes: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        own = {"ATLAS_DATA_DIR": str(data), "ATLAS_ARTIFACTS_DIR": str(artifacts), "ATLAS_THREADS": "1", **(settings or {})}
        clean = {name: value for name, value in os.environ.items() if name != "REDIS_URL" and not name.startswith("ATLAS_")}
        self._environment, self._workers = clean | own, workers
        self._log = (data.parent / f"{data.name}.log").open("ab")
        self.api: subprocess.Popen[bytes] | None = None
        self.nodes: list[subprocess.Popen[bytes] | None] = [None] * nodes
        self.redis = connect(Settings(data_dir=data), timeout_s=2.0, retries=0)
        self.records = Records(self.redis, Settings(data_dir=data))

    def __enter__(self) -> Self:
        try:
            self.start_api()
            self.wait_until_ready()
            for number in range(len(self.nodes)):
                self.start_node(number)
            self._wait_for_workers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_for_workers(self) -> None:
        deadline = time.monotonic() + READY_S
        while len(self.records.list_workers()) < self._workers + len(self.nodes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all workers were ready within {READY_S:g} s; see {self._log.name}")
            time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        for process in (*self.nodes, self.api):
            if process is not None:
                end(process)
        self.redis.close()
        self._log.close()

    def start_api(self) -> None:
        """Start the service; it may end at once while the queue server of a killed one still runs."""
        self.api = self._start("-m", "app", "--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self._workers))

    def start_node(self, number: int) -> None:
        """Start a supervisor with one worker."""
        self.nodes[number] = self._start("-m", "workers", "--workers", "1")

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=self._environment, stdout=self._log, stderr=self._log)

    def revive(self) -> None:
        """Restart the API until it keeps running, as a service manager does, and wait until the service is ready."""
        assert self.api is not None
        self.api.wait()
        self.start_api()
        self.wait_until_ready()

    def wait_until_ready(self, within_s: float = READY_S) -> None:
        """Wait until /health/ready answers 200, and restart an API that ended by itself. Raises TimeoutError."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.api is not None and self.api.poll() is not None:
                time.sleep(0.2)
                self.start_api()
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise TimeoutError(f"not ready within {within_s:g} s; see {self._log.name}")

    def queue_pid(self) -> int | None:
        """Return the process id of the embedded queue server."""
        assert self.api is not None
        return next((pid for pid in processes.children(self.api.pid) if processes.role(pid) == "queue"), None)

    def worker_pids(self) -> list[int]:
        """Return the process ids of all workers."""
        roots = [process.pid for process in (self.api, *self.nodes) if process is not None]
        return [pid for root in roots for pid in processes.children(root) if processes.role(pid) == "worker"]

    def parser_servers(self) -> dict[int, int]:
        """Return the fork servers of parsing children, each with its worker."""
        found = {pid: worker for worker in self.worker_pids() for pid in processes.children(worker)}
        return {pid: worker for pid, worker in found.items() if processes.role(pid) == "parser server"}

    def pids(self) -> list[int]:
        """Return the process ids of the whole service."""
        roots = [process.pid for process in (self.api, *self.nodes) if process is not None]
        return [pid for root in roots for pid in processes.tree(root)]


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, and kill it if it does not end in time."""
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
