"""Supervisor: starts and restarts worker processes and the embedded queue server, and requeues abandoned jobs."""

import logging
import os
import shutil
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
from workers.callbacks.sender import CallbackSender
from workers.logs import OutageLog
from workers.queue.connection import connect
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE, Recovery
from workers.queue.records import Records
from workers.runtime import die_with_parent
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.runtime.housekeeping import clean_up
from workers.settings import Settings
from workers.storage.blobs import open_blobs

ROOT = Path(__file__).resolve().parents[2]
TICK_S, SWEEP_S, CLEANING_S = 0.2, 3.0, 600.0
MIN_BACKOFF_S, MAX_BACKOFF_S, HEALTHY_RUN_S = 0.5, 10.0, 60.0
QUEUE_PAUSE_S = 1.0  # minimum time between two starts of a queue server that keeps ending
FORCE_S = 1.0

_PARENT_ONLY = ("redis_url", "queue_password", "keys_file", "callback_secret")
"""Settings that a worker is not given, or given in another way."""


@dataclass
class _WorkerSlot:
    """One worker to keep running: its queue, the current process with its start, and the earliest start of the next (monotonic seconds)."""

    queue: str
    name: str = ""
    process: subprocess.Popen[bytes] | None = None
    start_s: float = 0.0
    next_start_s: float = 0.0
    backoff_s: float = field(default=MIN_BACKOFF_S)


class Supervisor:
    """
    Keeps `settings.workers` and `settings.fine_tune_workers` worker processes running; start it from the main thread.

    `start()` returns when the queue server answers and the workers are being started; a worker's first heartbeat, after
    seconds of loading models, shows that it is ready. `stop()` takes little longer than `job_grace_s`: each worker finishes its job or
    returns it to the queue. With `embedded` and no REDIS_URL the supervisor also runs the embedded queue server, and restarts
    it when it ends. Workers are new processes, never forks, and end with this process, even if it is killed.
    """

    def __init__(self, settings: Settings, *, embedded: bool = True) -> None:
        self._settings = settings
        self._queue = EmbeddedQueue(settings) if embedded and settings.redis_url is None else None
        self._redis = connect(settings, timeout_s=2.0, retries=0)
        self._records, self._recovery = Records(self._redis, settings), Recovery(self._redis, settings)
        self._callbacks = CallbackSender(settings, self._redis)
        queues = [QUEUE] * settings.workers + [FINE_TUNE_QUEUE] * settings.fine_tune_workers
        self._slots = [_WorkerSlot(queue) for queue in queues]
        self._next_queue_start_s = 0.0
        self._stopping, self._thread = threading.Event(), threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._log = structlog.get_logger("atlas")
        self._queue_outage = OutageLog("the queue server ended, starting it again and again", "the queue server runs again", logging.ERROR)
        self._start_outage = OutageLog("the queue server did not start", "the queue server was started", logging.ERROR)
        self._outage = OutageLog("sweeps for abandoned jobs fail", "sweeps for abandoned jobs succeed again")

    def start(self) -> None:
        """Start the queue server if it is embedded, then the supervising thread; raises what EmbeddedQueue.start raises."""
        if self._queue is not None:
            self._queue.start()
        self._thread.start()
        self._callbacks.start()

    def stop(self) -> None:
        """Stop the workers, then the queue server."""
        self._stopping.set()
        self._callbacks.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._redis.close()
        if self._queue is not None:
            self._queue.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        """Start, check and stop the workers in one thread, which for the kernel is their parent (`die_with_parent`)."""
        duties = [(self._check_processes, TICK_S), (self._sweep, SWEEP_S), (self._clean, CLEANING_S)]
        due = [0.0, 0.0, time.monotonic() + TICK_S]
        while not self._stopping.is_set():
            for number, (duty, every_s) in enumerate(duties):
                if time.monotonic() >= due[number]:
                    self._run_duty(duty)
                    due[number] = time.monotonic() + every_s
            self._stopping.wait(TICK_S)
        self._stop_workers()

    def _run_duty(self, duty: Callable[[], None]) -> None:
        """Run a duty; log any exception, so that a full disk or an unreadable record does not end supervision."""
        try:
            duty()
        except Exception:  # noqa: BLE001 -- jobs would be lost if supervision ended
            self._log.exception("a supervision step failed, supervision continues")

    def _check_processes(self) -> None:
        self._check_queue()
        for slot in self._slots:
            self._check_worker(slot)

    def _check_queue(self) -> None:
        if self._queue is None:
            return
        now_s = time.monotonic()
        if self._queue.is_running():
            if now_s > self._next_queue_start_s + QUEUE_PAUSE_S:
                self._queue_outage.record_success()
            return
        if now_s < self._next_queue_start_s:
            return
        self._next_queue_start_s = now_s + QUEUE_PAUSE_S
        self._queue_outage.record_failure(free_bytes=shutil.disk_usage(self._settings.data_dir).free)
        try:
            self._queue.stop()
            self._queue.start()
        except AtlasError as error:
            self._start_outage.record_failure(detail=error.detail)
        else:
            self._start_outage.record_success()

    def _check_worker(self, slot: _WorkerSlot) -> None:
        """Start the slot's worker when it is due; after one has ended, with exponential backoff."""
        now_s = time.monotonic()
        if slot.process is None:
            if now_s >= slot.next_start_s:
                self._start_worker(slot)
            return
        code = slot.process.poll()
        if code is None:
            return
        if now_s - slot.start_s > HEALTHY_RUN_S:
            slot.backoff_s = MIN_BACKOFF_S
        self._log.warning("a worker ended, starting another", worker=slot.name, code=code, after_s=slot.backoff_s)
        self._remove_worker(slot)
        slot.process, slot.next_start_s = None, now_s + slot.backoff_s
        slot.backoff_s = min(2 * slot.backoff_s, MAX_BACKOFF_S)

    def _start_worker(self, slot: _WorkerSlot) -> None:
        slot.name, slot.start_s = f"{os.uname().nodename}-{uuid4().hex[:12]}", time.monotonic()
        worker = [sys.executable, "-m", "workers", "--one", slot.name, "--queue", slot.queue]
        slot.process = subprocess.Popen(  # noqa: S603 -- our own program
            [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *worker],
            cwd=ROOT,
            env=os.environ | worker_environment(self._settings) | choose_kernel_folder(self._settings),
            stdin=subprocess.DEVNULL,
            process_group=0,
        )

    def _remove_worker(self, slot: _WorkerSlot) -> None:
        """Delete the heartbeat of a worker that has ended and requeue its job, without waiting for the heartbeat to expire."""
        try:
            self._records.remove_worker(slot.name)
            self._sweep()
        except RedisError:
            self._log.warning("the queue server does not answer")

    def _sweep(self) -> None:
        try:
            for job_id in self._recovery.sweep():
                self._log.warning("job requeued, its worker is gone", job=job_id)
        except AtlasError as error:
            self._outage.record_failure(detail=error.detail)
        else:
            self._outage.record_success()

    def _clean(self) -> None:
        try:
            removed = clean_up(self._records, open_blobs(self._settings), self._settings)
            self._log.info("cleaned up", removed=removed, tempdirs=sweep_tempdirs())
        except (AtlasError, RedisError) as error:
            self._log.warning("cleanup failed", error=type(error).__name__)

    def _stop_workers(self) -> None:
        """Send SIGTERM, then again (upon which a worker returns its job to the queue), then SIGKILL."""
        for grace_s in (self._settings.job_grace_s, FORCE_S):
            for slot in self._slots:
                if slot.process is not None:
                    slot.process.terminate()
            if self._wait_for_workers(time.monotonic() + grace_s):
                return
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()
                slot.process.wait()
                self._remove_worker(slot)

    def _wait_for_workers(self, deadline_s: float) -> bool:
        """Wait until all workers have ended; False if one still runs at the deadline (monotonic seconds)."""
        for slot in self._slots:
            try:
                if slot.process is not None:
                    slot.process.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                return False
        return True


def worker_environment(settings: Settings) -> dict[str, str]:
    """
    Return the settings as environment variables of a worker process, without the path of the API keys and the secret of callbacks.

    What is secret is left out where the worker reads it itself, from a variable or a file: no variable then shows what a file holds.
    """
    values = {f"ATLAS_{name.upper()}": value for name, value in settings if value is not None and name not in _PARENT_ONLY}
    resolved = {name: str(value.resolve() if isinstance(value, Path) else value) for name, value in values.items()}
    read = Settings()
    secrets = {"REDIS_URL": (settings.redis_url, read.redis_url), "ATLAS_QUEUE_PASSWORD": (settings.queue_password, read.queue_password)}
    return resolved | {name: value.get_secret_value() for name, (value, own) in secrets.items() if value is not None and value != own}


def choose_kernel_folder(settings: Settings, installation: Path = ROOT / "models") -> dict[str, str]:
    """
    Return the variable that tells numba where compiled kernels are kept, `kernels` in the data folder; nothing where it needs none.

    By default they lie beside the code, and where that cannot be written, as under ProtectSystem=strict of systemd, no worker would start.
    The folder is private, because whoever can write it can run code in a worker.
    """
    if "NUMBA_CACHE_DIR" in os.environ or os.access(installation, os.W_OK):
        return {}
    folder = settings.data_dir.resolve() / "kernels"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return {"NUMBA_CACHE_DIR": str(folder)}
