"""Submission of jobs and recovery of lost ones."""

import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from workers.contracts import Status, Submission, WorkerState
from workers.queue.connection import QueueFull, QueueUnreachable, connect, queue_socket
from workers.queue.dispatch import JOB_FUNCTION, Dispatcher, Recovery
from workers.queue.records import Records
from workers.settings import Settings

PICKLES = (b"\x80\x04", b"\x80\x05", b"csys", b"cposix", b"cbuiltins")


def beat(records: Records, job: str | None, worker: str = "w") -> None:
    records.record_heartbeat(WorkerState(id=worker, pid=1, started_at=datetime.now(UTC), execution_provider="CPU", models={}, job=job))


def test_a_submitted_job_is_recorded_and_enqueued(dispatcher: Dispatcher, records: Records, submission: Submission):
    record = dispatcher.submit(submission, "me", "one")
    assert records.get("one") == record
    assert dispatcher.list_enqueued() == {"one-1"}
    assert dispatcher.count_queued() == 1


def test_rq_carries_the_id_and_nothing_else(dispatcher: Dispatcher, redis: Redis, submission: Submission):
    dispatcher.submit(submission, "me", "one")
    job = Job.fetch("one-1", connection=redis, serializer=JSONSerializer)
    assert (job.func_name, tuple(job.args), dict(job.kwargs)) == (JOB_FUNCTION, ("one",), {})


def test_no_pickle_is_in_redis(dispatcher: Dispatcher, records: Records, redis: Redis, submission: Submission):
    dispatcher.submit(submission, "me", "one")
    dispatcher.submit(submission, "me", "two")
    records.begin("two", "w")
    beat(records, "two")
    values = [value for key in redis.keys("*") for value in everything(redis, key)]
    assert len(values) > 10
    for value in values:
        assert not any(mark in value for mark in PICKLES), value


def everything(redis: Redis, key: bytes) -> list[bytes]:
    """Every stored value, with RQ's compressed ones also decompressed."""
    readers = {
        b"string": lambda: [redis.get(key)],
        b"hash": lambda: list(redis.hgetall(key).values()),
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: list(redis.smembers(key)),
        b"zset": lambda: redis.zrange(key, 0, -1),
    }
    raw = readers[redis.type(key)]()
    return [*raw, *(zlib.decompress(value) for value in raw if value.startswith(b"x\x9c"))]


def test_a_full_queue_refuses(dispatcher: Dispatcher, submission: Submission, settings: Settings):
    for number in range(settings.max_queued):
        dispatcher.submit(submission, "", f"job{number}")
    with pytest.raises(QueueFull):
        dispatcher.submit(submission, "", "one-more")


def test_without_a_server_every_call_raises_queue_unreachable(tmp_path: Path, submission: Submission):
    settings = Settings(data_dir=tmp_path)
    client = connect(settings, timeout_s=0.2, retries=0)
    nowhere = Dispatcher(client, settings)
    for call in (nowhere.ping, nowhere.count_queued, lambda: nowhere.submit(submission, "", "one")):
        with pytest.raises(QueueUnreachable):
            call()
    client.close()


def test_the_socket_path_of_a_deep_folder_is_shortened(tmp_path: Path):
    deep = Settings(data_dir=tmp_path / ("x" * 120))
    other = Settings(data_dir=tmp_path / ("y" * 120))
    assert len(str(queue_socket(deep))) < 104
    assert queue_socket(deep) == queue_socket(deep.model_copy())
    assert queue_socket(deep) != queue_socket(other)


def test_a_job_of_a_dead_worker_is_requeued(
    dispatcher: Dispatcher, records: Records, recovery: Recovery, redis: Redis, submission: Submission
):
    dispatcher.submit(submission, "", "one")
    redis.delete("rq:queue:atlas")
    beat(records, "one")
    records.begin("one", "w")
    assert recovery.sweep() == []
    records.remove_worker("w")
    assert recovery.sweep() == ["one"]
    record = records.get("one")
    assert record is not None
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert dispatcher.list_enqueued() == {"one-2"}


def test_a_damaged_record_does_not_keep_other_jobs_from_recovery(
    dispatcher: Dispatcher, records: Records, recovery: Recovery, redis: Redis, submission: Submission
):
    for name in ("a", "b"):
        dispatcher.submit(submission, "", name)
        records.begin(name, "dead")
    redis.set("atlas:job:a", "{")
    assert recovery.sweep() == ["b"]


def test_a_running_job_that_is_not_in_its_workers_heartbeat_is_requeued(
    dispatcher: Dispatcher, records: Records, recovery: Recovery, submission: Submission
):
    dispatcher.submit(submission, "", "one")
    records.begin("one", "w")
    beat(records, None)
    assert recovery.sweep() == ["one"]


def test_a_requeued_job_is_first_in_the_queue(
    dispatcher: Dispatcher, records: Records, recovery: Recovery, redis: Redis, submission: Submission
):
    for name in ("one", "two", "three"):
        dispatcher.submit(submission, "", name)
    redis.lrem("rq:queue:atlas", 1, "one-1")
    records.begin("one", "lost")
    assert recovery.sweep() == ["one"]
    assert redis.lrange("rq:queue:atlas", 0, -1) == [b"one-2", b"two-1", b"three-1"]


def test_after_the_last_attempt_a_job_fails_and_is_not_enqueued(
    dispatcher: Dispatcher, records: Records, recovery: Recovery, redis: Redis, submission: Submission
):
    dispatcher.submit(submission, "", "one")
    for _ in range(3):
        redis.delete("rq:queue:atlas")
        assert records.begin("one", "w") is not None
        assert recovery.sweep() == ["one"]
    assert dispatcher.list_enqueued() == set()
    record = records.get("one")
    assert record is not None
    assert record.status is Status.FAILED


def test_a_job_lost_from_rq_is_enqueued_at_the_second_sweep(
    dispatcher: Dispatcher, recovery: Recovery, redis: Redis, submission: Submission
):
    """At the first sweep a worker may just have taken the job out of RQ."""
    dispatcher.submit(submission, "", "one")
    redis.delete("rq:queue:atlas")
    assert recovery.sweep() == []
    assert recovery.sweep() == ["one"]
    assert dispatcher.list_enqueued() == {"one-1"}
    assert recovery.sweep() == []


def test_jobs_are_enqueued_again_after_all_keys_of_rq_are_lost(
    dispatcher: Dispatcher, recovery: Recovery, redis: Redis, submission: Submission
):
    for name in ("one", "two"):
        dispatcher.submit(submission, "", name)
    redis.delete(*redis.keys("rq:*"))
    recovery.sweep()
    assert recovery.sweep() == ["one", "two"]
    assert len(Queue("atlas", connection=redis, serializer=JSONSerializer)) == 2
