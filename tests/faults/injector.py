"""Faults injected into the service's processes and files; each returns the seconds until the service had recovered."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from redis.exceptions import RedisError

from tests.faults import processes
from tests.faults.history import History
from tests.faults.service import Service
from workers.contracts import Status
from workers.settings import Settings

PICKED_UP_WITHIN_S, READY_WITHIN_S = 30.0, 120.0
"""Time limits for the restart of a dead worker's job, and for the service, whose start depends on the machine."""

TARGET_TIMEOUT_S, MORE_AFTER_S = 60.0, 2.0
"""How long to wait for a target; and how long before more jobs are submitted."""


class Running(NamedTuple):
    """A running attempt and its worker."""

    job: str
    attempt: int
    worker_pid: int


class NoTarget(Exception):
    """There was no process to inject the fault into."""


class Injector:
    """
    Faults by name; durations are multiplied by `scale`. Recovery counts from a kill, or from the end of a pause.

    `more()` is called to submit more jobs where a fault needs a running job and there is none.
    """

    def __init__(self, service: Service, history: History, scale: float = 1.0, more: Callable[[], None] = lambda: None) -> None:
        self._service, self._history, self._scale, self._more = service, history, scale, more
        self._job_faults: dict[str, Callable[[], float | None]] = {
            "worker killed": self._kill_worker,
            "parser killed": self._kill_parser,
            "parser server killed": self._kill_fork_server,
            "worker's machine lost": self._lose_machine,
            "worker paused": self._pause_worker,
        }
        self.faults = self._job_faults | {
            "API killed": self._kill_api,
            "queue killed": self._kill_queue,
            "queue restarted": self._restart_queue,
            "queue paused": self._pause_queue,
            "disk full": self._fill_disk,
            "store away": self._remove_store,
        }

    def inject(self, name: str) -> None:
        """Inject a fault and wait until its job is started again, or the service is ready again."""
        try:
            self._wait_for_spare_attempts()
            recovered_s = self.faults[name]()
        except (NoTarget, ProcessLookupError) as error:
            self._history.add("left-out", name=name, why=str(error) or "the target ended by itself")
        else:
            within_s = PICKED_UP_WITHIN_S if name in self._job_faults else READY_WITHIN_S
            self._history.add("fault", name=name, recovered_s=recovered_s, within_s=within_s)

    def _wait_for_spare_attempts(self) -> None:
        """
        Wait until no job is at its last attempt, as another fault would rightly fail it, which the checker cannot distinguish.

        A job whose worker is gone counts with its next attempt, which the next sweep begins. Raises NoTarget.
        """
        records, deadline = self._service.records, time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            with suppress(RedisError):
                found = [records.get(job) for job in (*records.list_running(), *records.list_queued())]
                unfinished = [record for record in found if record is not None and not record.status.terminal]
                lost = [record.worker is None or records.current_job(record.worker) != record.id for record in unfinished]
                begun = [record.attempt + gone for record, gone in zip(unfinished, lost, strict=True)]
                if max(begun, default=0) < Settings().max_attempts:
                    return
            time.sleep(0.05)
        raise NoTarget("a job stayed at its last attempt")

    def find_running(self, among: list[int] | None = None, within_s: float = TARGET_TIMEOUT_S, *, last: bool = False) -> Running:
        """
        Wait for a running attempt, of the given workers if any; raises NoTarget.

        The last attempt of a job only with `last`: an earlier fault may have ended one attempt more while this one was waited for.
        """
        attempts = Settings().max_attempts + last
        for _ in self._poll(within_s):
            with suppress(RedisError):
                for state in self._service.records.list_workers():
                    if state.job is None or (among is not None and state.pid not in among):
                        continue
                    record = self._service.records.get(state.job)
                    running = record is not None and record.status is Status.RUNNING and record.worker == state.id
                    if record is not None and running and record.attempt < attempts:
                        return Running(record.id, record.attempt, state.pid)
            time.sleep(0.02)
        raise NoTarget("no worker had a job")

    def _poll(self, within_s: float) -> Iterator[None]:
        """Yield until the time is over, and submit more jobs now and then."""
        start_s = submitted_s = time.monotonic()
        while time.monotonic() < start_s + within_s:
            yield
            if time.monotonic() > submitted_s + MORE_AFTER_S:
                self._more()
                submitted_s = time.monotonic()

    def wait_for_pickup(self, hit: Running, start_s: float) -> float | None:
        """Return seconds from `start_s` until the job is started again or has ended; None after the time limit."""
        while time.monotonic() < start_s + READY_WITHIN_S:
            with suppress(RedisError):
                record = self._service.records.get(hit.job)
                if record is not None and (record.attempt > hit.attempt or record.status.terminal):
                    return round(time.monotonic() - start_s, 3)
            time.sleep(0.02)
        return None

    def _wait_until_ready(self, start_s: float) -> float | None:
        with suppress(TimeoutError):
            self._service.wait_until_ready(READY_WITHIN_S)
            return round(time.monotonic() - start_s, 3)
        return None

    def _kill_worker(self) -> float | None:
        hit = self.find_running()
        os.kill(hit.worker_pid, signal.SIGKILL)
        return self.wait_for_pickup(hit, time.monotonic())

    def _kill_parser(self) -> float | None:
        hit = self.hit_parser(signal.SIGKILL)
        return self.wait_for_pickup(hit, time.monotonic())

    def hit_parser(self, number: signal.Signals) -> Running:
        """Send a signal to a parsing child as soon as there is one, and return its attempt. Raises NoTarget."""
        servers: dict[int, int] = {}
        for turn, _ in enumerate(self._poll(TARGET_TIMEOUT_S)):
            if turn % 250 == 0:  # workers may be restarted
                servers = self._service.parser_servers()
            for server, worker in servers.items():
                for child in processes.children(server):
                    with suppress(ProcessLookupError, NoTarget):
                        hit = self.find_running([worker], within_s=0.02)
                        os.kill(child, number)
                        return hit
            time.sleep(0.002)
        raise NoTarget("no parser was seen")

    def _kill_fork_server(self) -> float | None:
        for _ in self._poll(TARGET_TIMEOUT_S):  # a worker restarts its fork server only with its next job
            hit = self.find_running()
            for server in processes.children(hit.worker_pid):
                if processes.role(server) == "parser server":
                    os.kill(server, signal.SIGKILL)
                    return self.wait_for_pickup(hit, time.monotonic())
            time.sleep(0.01)
        raise NoTarget("no parser server was seen")

    def _lose_machine(self) -> float | None:
        """Kill a worker and its supervisor, so that only the missing heartbeats show it."""
        node = self._service.nodes[0]
        assert node is not None
        hit = self.find_running(processes.children(node.pid))
        everything = processes.tree(node.pid)
        node.kill()
        for pid in everything[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        recovered = self.wait_for_pickup(hit, time.monotonic())
        node.wait()
        self._service.start_node(0)
        return recovered

    def _pause_worker(self) -> float | None:
        """Pause a worker until it counts as dead; when it continues, another worker runs its job."""
        hit = self.find_running()
        os.kill(hit.worker_pid, signal.SIGSTOP)
        try:
            return self.wait_for_pickup(hit, time.monotonic())
        finally:
            with suppress(ProcessLookupError):
                os.kill(hit.worker_pid, signal.SIGCONT)

    def _kill_api(self) -> float | None:
        assert self._service.api is not None
        start_s = time.monotonic()
        self._service.api.kill()
        with suppress(TimeoutError):
            self._service.revive()
        return self._wait_until_ready(start_s)

    def _queue_pid(self) -> int:
        pid = self._service.queue_pid()
        if pid is None:
            raise NoTarget("the queue server was not running")
        return pid

    def _kill_queue(self) -> float | None:
        os.kill(self._queue_pid(), signal.SIGKILL)
        return self._wait_until_ready(time.monotonic())

    def _restart_queue(self) -> float | None:
        os.kill(self._queue_pid(), signal.SIGTERM)
        return self._wait_until_ready(time.monotonic())

    def _pause_queue(self) -> float | None:
        pid = self._queue_pid()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(8.0 * self._scale)
        os.kill(pid, signal.SIGCONT)
        return self._wait_until_ready(time.monotonic())

    def _fill_disk(self) -> float | None:
        """Fill the disk, only if the data folder is a file system of its own."""
        if not self._service.data.is_mount():
            raise NoTarget("the data folder is not a file system of its own here (mounting is not permitted)")
        with fill_disk(self._service.data / "ballast"):
            time.sleep(5.0 * self._scale)
        return self._wait_until_ready(time.monotonic())

    def _remove_store(self) -> float | None:
        """Replace the store's folder by a file, as when a volume is unmounted."""
        store, aside = self._service.data / "blobs", self._service.data / "blobs-aside"
        aside.touch()
        processes.exchange(store, aside)
        time.sleep(4.0 * self._scale)
        processes.exchange(store, aside)
        aside.unlink()
        return self._wait_until_ready(time.monotonic())


@contextmanager
def fill_disk(path: Path) -> Iterator[None]:
    """Leave no free byte on the file system of `path` during the block."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        size = 2**24
        while size >= 1:
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                os.posix_fallocate(descriptor, end, size)
            except OSError:
                size //= 2
        yield
    finally:
        os.close(descriptor)
        path.unlink()
