"""Keeps worker processes alive, finds abandoned jobs, and ends everything when told."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

import structlog
from redis.exceptions import RedisError

from models.errors import AtlasError
from workers.bundles.tempdirs import sweep_tempdirs
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE, Recovery, connect
from workers.queue.records import Records
from workers.runtime import die_with_parent
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.runtime.housekeeping import clean_up
from workers.settings import Settings
from workers.storage.blobs import open_blobs

ROOT = Path(__file__).resolve().parents[2]
TICK_S, SWEEP_S, CLEANING_S = 0.2, 3.0, 600.0
MIN_BACKOFF_S, MAX_BACKOFF_S, HEALTHY_RUN_S = 0.5, 10.0, 60.0
QUEUE_PAUSE_S = 1.0  # between two starts of a queue server that does not stay
GRACE_S, FORCE_S = 2.5, 1.0


@dataclass
class _Place:
    """One worker's place: which queue it serves, who stands there, since when, and when the next one may."""

    queue: str
    name: str = ""
    process: subprocess.Popen[bytes] | None = None
    born: float = 0.0
    next_start: float = 0.0
    backoff_s: float = field(default=MIN_BACKOFF_S)


class Supervisor:
    """
    Start it from the main thread, or from one that lives as long.

    `start()` returns as soon as the queue answers and the workers are on their way (they load models for seconds; their first
    heartbeat says that they are ready). `stop()` takes less than five seconds: a worker's job is finished or released.
    With `embedded`, and where no REDIS_URL is set, the queue server runs here, too, and is restarted should it die. Workers
    are new processes, never forks. They end with this process, whatever ends it.
    """

    def __init__(self, settings: Settings, *, embedded: bool = True) -> None:
        self._settings = settings
        self._queue = EmbeddedQueue(settings) if embedded and settings.redis_url is None else None
        self._redis = connect(settings, timeout_s=2.0, retries=0)
        self._records, self._recovery = Records(self._redis, settings), Recovery(self._redis, settings)
        queues = [QUEUE] * settings.workers + [FINE_TUNE_QUEUE] * settings.fine_tune_workers
        self._places = [_Place(queue) for queue in queues]
        self._next_queue = 0.0
        self._stopping, self._thread = threading.Event(), threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._log = structlog.get_logger("atlas")

    def start(self) -> None:
        """Raises what EmbeddedQueue.start raises."""
        if self._queue is not None:
            self._queue.start()
        self._thread.start()

    def stop(self) -> None:
        """End the workers, then the queue server."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._redis.close()
        if self._queue is not None:
            self._queue.stop()

    def pids(self) -> list[int]:
        """Process ids of the workers that run."""
        return [place.process.pid for place in self._places if place.process is not None]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        """The workers' parent is this very thread (see `tied`), so it starts them and outlives them."""
        duties = [(self._keep_all, TICK_S), (self._sweep, SWEEP_S), (self._clean, CLEANING_S)]
        due = [0.0, 0.0, time.monotonic() + TICK_S]
        while not self._stopping.is_set():
            for number, (duty, every_s) in enumerate(duties):
                if time.monotonic() >= due[number]:
                    self._surviving(duty)
                    due[number] = time.monotonic() + every_s
            self._stopping.wait(TICK_S)
        self._end_workers()

    def _surviving(self, duty: Callable[[], None]) -> None:
        """A disk that is full, a process that cannot be started, a record that cannot be read must not end all supervision."""
        try:
            duty()
        except Exception:  # noqa: BLE001 -- the edge: jobs would be lost with it
            self._log.exception("supervision failed, going on")

    def _keep_all(self) -> None:
        self._keep_queue()
        for place in self._places:
            self._keep(place)

    def _keep_queue(self) -> None:
        if self._queue is None or self._queue.running() or time.monotonic() < self._next_queue:
            return
        self._next_queue = time.monotonic() + QUEUE_PAUSE_S
        self._log.error("the queue server died, starting it again")
        try:
            self._queue.stop()
            self._queue.start()
        except AtlasError as error:
            self._log.error("the queue server does not start", detail=error.detail)

    def _keep(self, place: _Place) -> None:
        now = time.monotonic()
        if place.process is None:
            if now >= place.next_start:
                self._spawn(place)
            return
        code = place.process.poll()
        if code is None:
            return
        if now - place.born > HEALTHY_RUN_S:
            place.backoff_s = MIN_BACKOFF_S
        self._log.warning("a worker ended, starting another", worker=place.name, code=code, after_s=place.backoff_s)
        self._forget(place)
        place.process, place.next_start = None, now + place.backoff_s
        place.backoff_s = min(2 * place.backoff_s, MAX_BACKOFF_S)

    def _spawn(self, place: _Place) -> None:
        place.name, place.born = f"{os.uname().nodename}-{uuid4().hex[:12]}", time.monotonic()
        worker = [sys.executable, "-m", "workers", "--one", place.name, "--queue", place.queue]
        place.process = subprocess.Popen(  # noqa: S603 -- our own program
            [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *worker],
            cwd=ROOT,
            env=os.environ | environment(self._settings),
            stdin=subprocess.DEVNULL,
            process_group=0,
        )

    def _forget(self, place: _Place) -> None:
        """A worker seen dead need not be waited for: the next sweep takes up its job."""
        try:
            self._records.leave(place.name)
            self._sweep()
        except RedisError:
            self._log.warning("the queue server does not answer")

    def _sweep(self) -> None:
        try:
            for job_id in self._recovery.sweep():
                self._log.warning("job taken up again", job=job_id)
        except AtlasError as error:
            self._log.warning("sweep failed", detail=error.detail)

    def _clean(self) -> None:
        try:
            removed = clean_up(self._records, open_blobs(self._settings), self._settings)
            self._log.info("cleaned", removed=removed, spools=sweep_tempdirs())
        except (AtlasError, RedisError) as error:
            self._log.warning("cleaning failed", error=type(error).__name__)

    def _end_workers(self) -> None:
        """Ask, ask again (which makes a worker release its job), then kill."""
        for grace_s in (GRACE_S, FORCE_S):
            for place in self._places:
                if place.process is not None:
                    place.process.terminate()
            if self._all_gone(time.monotonic() + grace_s):
                return
        for place in self._places:
            if place.process is not None:
                place.process.kill()
                place.process.wait()
                self._forget(place)

    def _all_gone(self, deadline: float) -> bool:
        for place in self._places:
            try:
                if place.process is not None:
                    place.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
        return True


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables for a worker; keys of clients are none of its business."""
    values = {f"ATLAS_{name.upper()}": value for name, value in settings if value is not None and name not in ("redis_url", "keys_file")}
    resolved = {name: str(value.resolve() if isinstance(value, Path) else value) for name, value in values.items()}
    secret = {} if settings.redis_url is None else {"REDIS_URL": settings.redis_url.get_secret_value()}
    return resolved | secret
