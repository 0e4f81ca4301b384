"""The sign of life of a worker, sent by a thread of its own so that a long job cannot silence it."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from workers.contracts import WorkerState
from workers.queue.records import Records

OVERDUE_EXIT = 70


class Heartbeat:
    """
    Beats every `every_s` seconds from `start` to `stop`.

    It also ends the process where nothing else can: when the supervisor is gone, and when a job is far beyond its time,
    stuck in a call that no signal interrupts. A job so abandoned is found by the sweep.
    """

    def __init__(
        self, records: Records, state: WorkerState, every_s: float, overdue_s: float, end: Callable[[int], None] = os._exit
    ) -> None:
        self._records, self._state = records, state
        self._every_s, self._overdue_s, self._end = every_s, overdue_s, end
        self._parent, self._since = os.getppid(), time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Send the first beat, then go on in the background."""
        self._records.beat(self._state)
        self._thread.start()

    def busy(self, job_id: str) -> None:
        """State the job before it is begun, so that a running job is always one that its worker states."""
        self._state, self._since = self._state.model_copy(update={"job": job_id}), time.monotonic()
        self._records.beat(self._state)

    def idle(self) -> None:
        """No job any more."""
        self._state = self._state.model_copy(update={"job": None})

    def stop(self) -> None:
        """The last beat: the worker goes."""
        self._stopped.set()
        self._thread.join()
        with suppress(RedisError):
            self._records.leave(self._state.id)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            self._watch()
            try:
                self._records.beat(self._state)
            except RedisError:
                structlog.get_logger("atlas").warning("heartbeat not heard", worker=self._state.id)

    def _watch(self) -> None:
        if os.getppid() != self._parent:
            self._end(0)
        if self._state.job is not None and time.monotonic() - self._since > self._overdue_s:
            structlog.get_logger("atlas").error("job is stuck, ending the worker", job=self._state.job)
            self._end(OVERDUE_EXIT)
