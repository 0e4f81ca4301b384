"""Signs of life."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from workers.contracts import WorkerState
from workers.queue.records import Records
from workers.runtime.heartbeat import OVERDUE_EXIT, Heartbeat


class Watched(Records):
    """Says when a beat was heard."""

    heard = threading.Semaphore(0)

    def beat(self, state: WorkerState) -> None:  # noqa: D102
        super().beat(state)
        self.heard.release()


class Ended:
    """Stands for the end of the process."""

    def __init__(self) -> None:
        self.code, self.told = None, threading.Event()

    def __call__(self, code: int) -> None:  # noqa: D102
        self.code = code
        self.told.set()


@pytest.fixture
def state() -> WorkerState:
    return WorkerState(id="w", pid=1, started_at=datetime.now(UTC), execution_provider="CPU", models={"offset": "1"})


@pytest.fixture
def watched(redis, settings) -> Iterator[Watched]:
    Watched.heard = threading.Semaphore(0)
    return Watched(redis, settings)


def test_a_worker_is_heard_again_and_again(watched: Watched, state: WorkerState):
    heartbeat = Heartbeat(watched, state, 0.02, 60.0)
    heartbeat.start()
    for _ in range(3):
        assert watched.heard.acquire(timeout=5.0)
    assert watched.workers() == [state]
    heartbeat.stop()
    assert watched.workers() == []


def test_a_job_is_stated_before_it_is_begun(watched: Watched, state: WorkerState):
    heartbeat = Heartbeat(watched, state, 60.0, 60.0)
    heartbeat.busy("one")
    assert watched.job_of("w") == "one"


def test_a_worker_stuck_in_a_job_ends_itself(watched: Watched, state: WorkerState):
    ended = Ended()
    heartbeat = Heartbeat(watched, state, 0.02, 0.05, ended)
    heartbeat.start()
    heartbeat.busy("one")
    assert ended.told.wait(5.0)
    assert ended.code == OVERDUE_EXIT
    heartbeat.stop()


def test_an_idle_worker_is_never_overdue(watched: Watched, state: WorkerState):
    ended = Ended()
    heartbeat = Heartbeat(watched, state, 0.02, 0.0, ended)
    heartbeat.busy("one")
    heartbeat.idle()
    heartbeat.start()
    for _ in range(4):
        assert watched.heard.acquire(timeout=5.0)
    assert not ended.told.is_set()
    heartbeat.stop()
