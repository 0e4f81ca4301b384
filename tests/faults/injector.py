"""What can go wrong beside the service, done to its real processes and files; each fault says how long until all was well again."""

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
"""What is promised of a dead worker's job; and of the service, which starts anew as fast as the machine is."""

SEEN_S, MORE_AFTER_S = 60.0, 2.0
"""How long a victim is waited for; and how long without one before more jobs are asked for."""


class Running(NamedTuple):
    """An attempt that a worker is at."""

    job: str
    attempt: int
    worker_pid: int


class NoVictim(Exception):
    """Nothing was there to be hit."""


class Injector:
    """
    Faults by name; durations are multiplied by `scale`. Recovery counts from a kill, or from the end of what lasts.

    `more()` is called where a victim is wanted and nobody has anything to do.
    """

    def __init__(self, service: Service, history: History, scale: float = 1.0, more: Callable[[], None] = lambda: None) -> None:
        self._service, self._history, self._scale, self._more = service, history, scale, more
        self._of_jobs: dict[str, Callable[[], float | None]] = {
            "worker killed": self._worker_killed,
            "parser killed": self._parser_killed,
            "parser server killed": self._parser_server_killed,
            "worker's machine lost": self._machine_lost,
            "worker paused": self._worker_paused,
        }
        self.faults = self._of_jobs | {
            "API killed": self._api_killed,
            "queue killed": self._queue_killed,
            "queue restarted": self._queue_restarted,
            "queue paused": self._queue_paused,
            "disk full": self._disk_full,
            "store away": self._store_away,
        }

    def inject(self, name: str) -> None:
        """One fault, from its beginning until its job is begun again, or the service is ready again."""
        self._await_spare_attempts()
        try:
            recovered_s = self.faults[name]()
        except (NoVictim, ProcessLookupError) as error:
            self._history.add("left-out", name=name, why=str(error) or "the victim went by itself")
        else:
            within_s = PICKED_UP_WITHIN_S if name in self._of_jobs else READY_WITHIN_S
            self._history.add("fault", name=name, recovered_s=recovered_s, within_s=within_s)

    def _await_spare_attempts(self) -> None:
        """No job is at its last attempt: one that is hit once more fails, as it should, and the judge could not tell."""
        deadline = time.monotonic() + SEEN_S
        while time.monotonic() < deadline:
            with suppress(RedisError):
                records = [
                    self._service.records.get(job) for job in (*self._service.records.list_running(), *self._service.records.list_queued())
                ]
                begun = [record.attempt + (record.status is Status.QUEUED) for record in records if record is not None]
                if max(begun, default=0) < Settings().max_attempts:
                    return
            time.sleep(0.05)

    def running(self, among: list[int] | None = None, within_s: float = SEEN_S) -> Running:
        """An attempt in progress, of those workers if any are named; raises NoVictim."""
        for _ in self._patiently(within_s):
            with suppress(RedisError):
                for state in self._service.records.list_workers():
                    if state.job is None or (among is not None and state.pid not in among):
                        continue
                    record = self._service.records.get(state.job)
                    if record is not None and record.status is Status.RUNNING and record.worker == state.id:
                        return Running(record.id, record.attempt, state.pid)
            time.sleep(0.01)
        raise NoVictim("no worker had a job")

    def _patiently(self, within_s: float) -> Iterator[None]:
        """Again and again for so long, with more jobs now and then."""
        began = asked = time.monotonic()
        while time.monotonic() < began + within_s:
            yield
            if time.monotonic() > asked + MORE_AFTER_S:
                self._more()
                asked = time.monotonic()

    def picked_up(self, hit: Running, began: float) -> float | None:
        """Seconds from `began` until the job is begun again, or has ended; None where that is not seen."""
        while time.monotonic() < began + READY_WITHIN_S:
            with suppress(RedisError):
                record = self._service.records.get(hit.job)
                if record is not None and (record.attempt > hit.attempt or record.status.terminal):
                    return round(time.monotonic() - began, 3)
            time.sleep(0.02)
        return None

    def _ready(self, began: float) -> float | None:
        with suppress(TimeoutError):
            self._service.await_ready(READY_WITHIN_S)
            return round(time.monotonic() - began, 3)
        return None

    def _worker_killed(self) -> float | None:
        hit = self.running()
        os.kill(hit.worker_pid, signal.SIGKILL)
        return self.picked_up(hit, time.monotonic())

    def _parser_killed(self) -> float | None:
        hit = self.hit_parser(signal.SIGKILL)
        return self.picked_up(hit, time.monotonic())

    def hit_parser(self, number: signal.Signals) -> Running:
        """Send a signal to a parsing child as soon as there is one; the attempt that it worked for. Raises NoVictim."""
        servers: dict[int, int] = {}
        for turn, _ in enumerate(self._patiently(SEEN_S)):
            if turn % 1000 == 0:  # workers come and go
                servers = self._service.parser_servers()
            for server, worker in servers.items():
                for child in processes.children(server):
                    with suppress(ProcessLookupError, NoVictim):
                        hit = self.running([worker], within_s=0.02)
                        os.kill(child, number)
                        return hit
            time.sleep(0.0005)
        raise NoVictim("no parser was seen")

    def _parser_server_killed(self) -> float | None:
        for _ in self._patiently(SEEN_S):  # a worker starts another one only with its next job
            hit = self.running()
            for server in processes.children(hit.worker_pid):
                if processes.role(server) == "parser server":
                    os.kill(server, signal.SIGKILL)
                    return self.picked_up(hit, time.monotonic())
            time.sleep(0.01)
        raise NoVictim("no parser server was seen")

    def _machine_lost(self) -> float | None:
        """A worker and its supervisor die together: nobody sees it, only the heartbeats end."""
        node = self._service.nodes[0]
        assert node is not None
        hit = self.running(processes.children(node.pid))
        everything = processes.tree(node.pid)
        node.kill()
        for pid in everything[1:]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        recovered = self.picked_up(hit, time.monotonic())
        node.wait()
        self._service.start_node(0)
        return recovered

    def _worker_paused(self) -> float | None:
        """Longer than it counts as alive; when it goes on, its job is another's."""
        hit = self.running()
        os.kill(hit.worker_pid, signal.SIGSTOP)
        try:
            return self.picked_up(hit, time.monotonic())
        finally:
            with suppress(ProcessLookupError):
                os.kill(hit.worker_pid, signal.SIGCONT)

    def _api_killed(self) -> float | None:
        assert self._service.api is not None
        began = time.monotonic()
        self._service.api.kill()
        with suppress(TimeoutError):
            self._service.revive()
        return self._ready(began)

    def _queue(self) -> int:
        pid = self._service.queue_pid()
        if pid is None:
            raise NoVictim("the queue server was not there")
        return pid

    def _queue_killed(self) -> float | None:
        os.kill(self._queue(), signal.SIGKILL)
        return self._ready(time.monotonic())

    def _queue_restarted(self) -> float | None:
        os.kill(self._queue(), signal.SIGTERM)
        return self._ready(time.monotonic())

    def _queue_paused(self) -> float | None:
        pid = self._queue()
        os.kill(pid, signal.SIGSTOP)
        time.sleep(8.0 * self._scale)
        os.kill(pid, signal.SIGCONT)
        return self._ready(time.monotonic())

    def _disk_full(self) -> float | None:
        """Only where the data folder has a disk of its own, so that nobody else's is filled."""
        if not self._service.data.is_mount():
            raise NoVictim("the data folder is no file system of its own here (needs the right to mount)")
        with filled(self._service.data / "ballast"):
            time.sleep(5.0 * self._scale)
        return self._ready(time.monotonic())

    def _store_away(self) -> float | None:
        """The store's folder is gone, as an unmounted volume's is, and a file lies in its place."""
        store, aside = self._service.data / "blobs", self._service.data / "blobs-aside"
        aside.touch()
        processes.exchange(store, aside)
        time.sleep(4.0 * self._scale)
        processes.exchange(store, aside)
        aside.unlink()
        return self._ready(time.monotonic())


@contextmanager
def filled(path: Path) -> Iterator[None]:
    """No byte is left on the file system of `path` inside the block."""
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
