"""A worker runs the jobs on its allowlist and refuses all others."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Callback, Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from structlog.testing import capture_logs

from workers.contracts import Submission, WorkerState
from workers.queue.connection import connect
from workers.queue.dispatch import JOB_FUNCTION, QUEUE, Dispatcher
from workers.queue.records import Records
from workers.runtime.allowlist_worker import AllowlistWorker
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.runtime.heartbeat import Heartbeat
from workers.settings import Settings


class Performed:
    """Collects the jobs performed, and the job in the worker's heartbeat during each."""

    def __init__(self, records: Records) -> None:
        self.records, self.ids, self.in_heartbeat = records, [], []

    def __call__(self, job_id: str) -> None:  # noqa: D102
        self.ids.append(job_id)
        self.in_heartbeat.append(self.records.current_job("w"))


@pytest.fixture
def performed(records: Records) -> Performed:
    return Performed(records)


@pytest.fixture
def worker(settings: Settings, redis: Redis, records: Records, performed: Performed) -> Iterator[AllowlistWorker]:
    state = WorkerState(id="w", pid=os.getpid(), started_at=datetime.now(UTC), execution_provider="CPU", models={})
    own = connect(settings)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield AllowlistWorker(own, "w", performed, Heartbeat(records, state, 60.0, 60.0))
    for number, handler in before.items():
        signal.signal(number, handler)
    own.close()


@pytest.fixture
def queue(redis: Redis) -> Queue:
    return Queue(QUEUE, connection=redis, serializer=JSONSerializer)


def test_an_allowed_job_is_run_and_leaves_nothing_in_rq(
    worker: AllowlistWorker, performed: Performed, dispatcher: Dispatcher, redis: Redis, submission: Submission
):
    dispatcher.submit(submission, "", "one")
    worker.work(burst=True, logging_level="ERROR")
    assert performed.ids == ["one"]
    assert performed.in_heartbeat == ["one"]
    assert redis.keys("rq:job:*") == []
    assert redis.keys("rq:*intermediate*") == []


def test_a_worker_outlives_a_queue_server_that_is_away_at_the_end_of_a_job(settings: Settings, submission: Submission, tmp_path: Path):
    """During the first of two jobs the server is stopped; it is started again a second after the job has ended."""
    own = settings.model_copy(update={"data_dir": tmp_path})
    redis, performed, ended = connect(own, retries=0), [], threading.Event()
    state = WorkerState(id="w", pid=os.getpid(), started_at=datetime.now(UTC), execution_provider="CPU", models={})
    server = EmbeddedQueue(own)

    def restart() -> None:  # the server ends with the thread that has started it
        time.sleep(1.0)
        server.start()
        ended.wait(30.0)

    def perform(job_id: str) -> None:
        performed.append(job_id)
        if len(performed) == 1:
            server.stop()
            threading.Thread(target=restart).start()
        else:
            os.kill(os.getpid(), signal.SIGTERM)

    with server:
        for job in ("one", "two"):
            Dispatcher(redis, own).submit(submission, "", job)
        AllowlistWorker(redis, "w", perform, Heartbeat(Records(redis, own), state, 60.0, 60.0)).work(logging_level="CRITICAL")
        ended.set()
    redis.close()
    assert performed == ["one", "two"]


def test_a_worker_listens_to_no_commands_of_rq(worker: AllowlistWorker, dispatcher: Dispatcher, redis: Redis, submission: Submission):
    """RQ's own thread for them would also log each attempt to reach a queue server that is away."""
    subscribed = []
    worker._perform = lambda _job_id: subscribed.append(redis.pubsub_channels())
    dispatcher.submit(submission, "", "one")
    worker.work(burst=True, logging_level="ERROR")
    assert subscribed == [[]]


def test_a_worker_logs_once_that_no_job_can_be_taken(
    worker: AllowlistWorker, queue: Queue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    failures = iter([RedisConnectionError("refused")] * 3)

    def fail_first(*arguments: object, **options: object) -> tuple[Job, Queue] | None:
        if (error := next(failures, None)) is not None:
            raise error
        return taken(*arguments, **options)

    taken = Queue.dequeue_any
    monkeypatch.setattr(Queue, "dequeue_any", fail_first)
    monkeypatch.setattr("workers.runtime.allowlist_worker._RETRY_S", 0.01)
    queue.enqueue_call(JOB_FUNCTION, args=("one",))
    with capture_logs() as lines:
        assert worker.dequeue_job_and_maintain_ttl(None) is not None
    assert [line["event"] for line in lines] == ["no job can be taken, trying again"]
    assert caplog.records == []  # nor does RQ


def test_a_worker_outlives_a_queue_server_that_has_lost_the_job(worker: AllowlistWorker, performed: Performed, redis: Redis, queue: Queue):
    worker._perform = lambda job_id: (performed(job_id), redis.flushall())
    queue.enqueue_call(JOB_FUNCTION, args=("one",))
    worker.execute_job(*worker.dequeue_job_and_maintain_ttl(None))
    assert performed.ids == ["one"]


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        ("os.makedirs", ("{folder}",), {}),
        ("shutil.rmtree", ("{folder}",), {}),
        (f"{JOB_FUNCTION}_", ("one",), {}),
        (JOB_FUNCTION, (), {}),
        (JOB_FUNCTION, ("one", "two"), {}),
        (JOB_FUNCTION, (1,), {}),
        (JOB_FUNCTION, ("one",), {"limit": 1}),
    ],
)
def test_a_foreign_function_is_refused(
    worker: AllowlistWorker,
    performed: Performed,
    queue: Queue,
    tmp_path: Path,
    function: str,
    args: tuple[object, ...],
    kwargs: dict[str, int],
):
    folder = tmp_path / "made"
    queue.enqueue_call(function, args=tuple(str(folder) if arg == "{folder}" else arg for arg in args), kwargs=kwargs)
    worker.work(burst=True, logging_level="ERROR")
    assert performed.ids == []
    assert not folder.exists()
    assert len(queue) == 0


def test_a_pickled_job_is_refused(worker: AllowlistWorker, performed: Performed, redis: Redis, tmp_path: Path):
    """RQ's own default would have run it."""
    folder = tmp_path / "made"
    Queue(QUEUE, connection=redis).enqueue_call("os.makedirs", args=(str(folder),))
    worker.work(burst=True, logging_level="CRITICAL")
    assert performed.ids == []
    assert not folder.exists()


def test_callbacks_of_a_job_are_never_called(
    worker: AllowlistWorker, performed: Performed, queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    marker = tmp_path / "called"
    (tmp_path / "stranger.py").write_text(f"from pathlib import Path\ndef call(*_):\n    Path({str(marker)!r}).touch()\n")
    monkeypatch.syspath_prepend(tmp_path)
    called = Callback("stranger.call")
    queue.enqueue_call(JOB_FUNCTION, args=("one",), on_success=called, on_failure=called)
    worker.work(burst=True, logging_level="ERROR")
    assert performed.ids == ["one"]
    assert not marker.exists()
