"""Heartbeat of a worker, sent by a thread of its own so that a long job does not delay it."""

import os
import resource
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

import structlog
from redis.exceptions import RedisError

from workers.contracts import WorkerState
from workers.logs import OutageLog
from workers.queue.records import Records

OVERDUE_EXIT = 70


class Heartbeat:
    """
    Stores the worker's state every `every_s` seconds from `start` to `stop`.

    Calls `end` (by default `os._exit`) where the process cannot end by itself: when its supervisor has ended, and when a job
    runs longer than `overdue_s`, stuck in a call that no signal interrupts. The supervisor's sweep then requeues the job.
    """

    def __init__(
        self, records: Records, state: WorkerState, every_s: float, overdue_s: float, end: Callable[[int], None] = os._exit
    ) -> None:
        self._records, self._state = records, state
        self._every_s, self._overdue_s, self._end = every_s, overdue_s, end
        self._parent, self._job_start_s = os.getppid(), time.monotonic()
        self._outage = OutageLog("heartbeats fail, the queue server does not answer", "heartbeats succeed again")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Send the first heartbeat and start the thread that sends the others."""
        self._send()
        self._thread.start()

    def mark_warm(self) -> None:
        """Report that the worker has loaded its compiled loops: from now on it counts for readiness."""
        self._state = self._state.model_copy(update={"warm": True})
        with suppress(RedisError):  # the next heartbeat reports it too
            self._records.record_heartbeat(self._state)

    def start_job(self, job_id: str) -> None:
        """Add a job to the heartbeat. Call before `Records.begin`, so that a running job is always in its worker's heartbeat."""
        self._state, self._job_start_s = self._state.model_copy(update={"job": job_id}), time.monotonic()
        self._records.record_heartbeat(self._state)

    def end_job(self) -> None:
        """Remove the job from the heartbeat."""
        self._state = self._state.model_copy(update={"job": None})

    def stop(self) -> None:
        """Stop the thread and delete the heartbeat, so that the worker counts as gone at once."""
        self._stopped.set()
        if self._thread.is_alive():  # a signal may interrupt `start`
            self._thread.join()
        with suppress(RedisError):
            self._records.remove_worker(self._state.id)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._check_process()
            self._send(measure_process())

    def _send(self, measured: Mapping[str, float] = MappingProxyType({})) -> None:
        try:
            self._records.record_heartbeat(self._state.model_copy(update=measured))
        except RedisError as error:
            self._outage.record_failure(worker=self._state.id, error=type(error).__name__)
        else:
            self._outage.record_success(worker=self._state.id)

    def _check_process(self) -> None:
        if os.getppid() != self._parent:
            self._end(0)
        if self._state.job is not None and time.monotonic() - self._job_start_s > self._overdue_s:
            structlog.get_logger("atlas").error("job is stuck, ending the worker", job=self._state.job)
            self._end(OVERDUE_EXIT)


def measure_process() -> dict[str, float]:
    """Measure this process: `memory_bytes` resident (where the system does not tell, the maximum so far), and `cpu_s` since its start."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    try:
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        memory = usage.ru_maxrss
    return {"memory_bytes": memory, "cpu_s": round(usage.ru_utime + usage.ru_stime, 3)}
