"""Heartbeats of a worker: sent while it lives, and the end of a stuck one."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from workers.contracts import WorkerState
from workers.queue.records import Records
from workers.runtime.heartbeat import OVERDUE_EXIT, Heartbeat


class CountingRecords(Records):
    """Records that release a semaphore at each heartbeat."""

    heartbeats = threading.Semaphore(0)

    def record_heartbeat(self, state: WorkerState) -> None:  # noqa: D102
        super().record_heartbeat(state)
        self.heartbeats.release()


class FakeExit:
    """Stands for `os._exit`, and keeps the exit code."""

    def __init__(self) -> None:
        self.code, self.called = None, threading.Event()

    def __call__(self, code: int) -> None:  # noqa: D102
        self.code = code
        self.called.set()


@pytest.fixture
def state() -> WorkerState:
    return WorkerState(id="w", pid=1, started_at=datetime.now(UTC), execution_provider="CPU", models={"offset": "1"})


@pytest.fixture
def counting(redis, settings) -> Iterator[CountingRecords]:
    CountingRecords.heartbeats = threading.Semaphore(0)
    return CountingRecords(redis, settings)


def test_heartbeats_are_sent_until_the_worker_stops(counting: CountingRecords, state: WorkerState):
    heartbeat = Heartbeat(counting, state, 0.02, 60.0)
    heartbeat.start()
    for _ in range(3):
        assert counting.heartbeats.acquire(timeout=5.0)
    [found] = counting.list_workers()
    assert found.model_copy(update={"memory_bytes": 0, "cpu_s": 0.0}) == state
    assert found.memory_bytes > 10 * 2**20
    assert found.cpu_s > 0.1
    heartbeat.stop()
    assert counting.list_workers() == []


def test_a_worker_reports_at_once_that_it_is_warm(counting: CountingRecords, state: WorkerState):
    heartbeat = Heartbeat(counting, state.model_copy(update={"warm": False}), 60.0, 60.0)
    heartbeat.start()
    assert [found.warm for found in counting.list_workers()] == [False]
    heartbeat.mark_warm()
    assert [found.warm for found in counting.list_workers()] == [True]
    heartbeat.stop()


def test_a_job_is_in_the_heartbeat_before_it_is_begun(counting: CountingRecords, state: WorkerState):
    heartbeat = Heartbeat(counting, state, 60.0, 60.0)
    heartbeat.start_job("one")
    assert counting.current_job("w") == "one"


def test_a_worker_stuck_in_a_job_ends_itself(counting: CountingRecords, state: WorkerState):
    fake_exit = FakeExit()
    heartbeat = Heartbeat(counting, state, 0.02, 0.05, fake_exit)
    heartbeat.start()
    heartbeat.start_job("one")
    assert fake_exit.called.wait(5.0)
    assert fake_exit.code == OVERDUE_EXIT
    heartbeat.stop()


def test_an_idle_worker_is_never_overdue(counting: CountingRecords, state: WorkerState):
    fake_exit = FakeExit()
    heartbeat = Heartbeat(counting, state, 0.02, 0.0, fake_exit)
    heartbeat.start_job("one")
    heartbeat.end_job()
    heartbeat.start()
    for _ in range(4):
        assert counting.heartbeats.acquire(timeout=5.0)
    assert not fake_exit.called.is_set()
    heartbeat.stop()


def test_a_worker_interrupted_while_it_starts_leaves_no_heartbeat(counting: CountingRecords, state: WorkerState):
    heartbeat = Heartbeat(counting, state, 60.0, 60.0)
    counting.record_heartbeat(state)  # the first step of `start`, before its thread is started
    heartbeat.stop()
    assert counting.list_workers() == []


def test_an_outage_of_the_queue_server_is_logged_once(counting: CountingRecords, state: WorkerState, monkeypatch: pytest.MonkeyPatch):
    heartbeat, refused = Heartbeat(counting, state, 60.0, 60.0), RedisConnectionError("refused")
    answers = iter([None, refused, refused, refused, None, None])

    def answer(_state: WorkerState) -> None:
        if (error := next(answers)) is not None:
            raise error

    monkeypatch.setattr(counting, "record_heartbeat", answer)
    with capture_logs() as lines:
        for _ in range(6):
            heartbeat._send()
    assert [line["event"] for line in lines] == [
        "heartbeats fail, the queue server does not answer",
        "heartbeats succeed again",
    ]
