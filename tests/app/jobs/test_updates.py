import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.jobs.updates import JobUpdates
from workers.contracts import JobKind, JobRecord, Options, Status, Submission
from workers.queue.connection import connect, queue_url
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings

pytestmark = pytest.mark.anyio


def record(status: Status, progress: float = 0.0) -> JobRecord:
    submission = Submission(kind=JobKind.LOCATE, parts=(), options=Options())
    return JobRecord(id="1", submission=submission, status=status, progress=progress, created_at=datetime.now(UTC))


@pytest.fixture
async def updates(settings):
    redis = Redis.from_url(queue_url(settings))
    job_updates = JobUpdates(redis)
    task = asyncio.create_task(job_updates.run())
    yield job_updates
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


async def test_a_record_is_read_only_after_a_message_about_its_job(updates, worker):
    reads, states = [], iter([record(Status.QUEUED), record(Status.RUNNING), record(Status.RUNNING, 0.5), record(Status.SUCCEEDED)])

    async def read(job_id):
        reads.append(job_id)
        return next(states)

    seen = []
    async with aclosing(updates.follow("1", read)) as changes:
        async for state in changes:
            seen.append(state.status)
            worker.redis.publish("atlas:job:2", "of another job")
            worker.redis.publish("atlas:job:1", "of this one")
    assert seen == [Status.QUEUED, Status.RUNNING, Status.RUNNING, Status.SUCCEEDED]
    assert len(reads) == 4


async def test_a_wait_that_times_out_returns_the_latest_record(updates):
    async def read(job_id):
        return record(Status.RUNNING, 0.3)

    assert (await updates.wait_for_end(record(Status.QUEUED), read, 0.05)).progress == 0.3


async def test_without_a_wait_no_record_is_read(updates):
    async def read(job_id):
        pytest.fail("read")

    assert (await updates.wait_for_end(record(Status.QUEUED), read, 0)).status is Status.QUEUED
    assert (await updates.wait_for_end(record(Status.FAILED), read, 9)).status is Status.FAILED


async def test_a_wait_that_has_ended_leaves_no_registration(updates):
    async def read(job_id):
        return record(Status.RUNNING)

    await updates.wait_for_end(record(Status.QUEUED), read, 0.05)
    assert updates._waiting == {}


async def test_the_subscription_is_renewed_when_the_queue_server_returns(tmp_path):
    """A change that was missed meanwhile is read when the subscription is renewed."""
    settings = Settings(data_dir=tmp_path)
    redis = Redis.from_url(queue_url(settings))
    updates = JobUpdates(redis)
    ended = asyncio.Event()

    async def read(job_id):
        return record(Status.SUCCEEDED if ended.is_set() else Status.RUNNING)

    task = asyncio.create_task(updates.run())
    waiting = asyncio.create_task(updates.wait_for_end(record(Status.QUEUED), read, 60))
    await asyncio.sleep(0)
    ended.set()
    with EmbeddedQueue(settings), connect(settings) as client:
        assert client.ping()
        assert (await asyncio.wait_for(waiting, 30)).status is Status.SUCCEEDED
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await redis.aclose()


async def test_an_outage_of_the_queue_server_is_logged_once_at_its_beginning_and_once_at_its_end(tmp_path, monkeypatch):
    """A queue server that is away for a night would fill the log otherwise."""
    monkeypatch.setattr("app.jobs.updates.RECONNECT_S", 0.01)
    settings, attempts = Settings(data_dir=tmp_path), 0
    redis = Redis.from_url(queue_url(settings))
    updates = JobUpdates(redis)
    listen = updates._listen

    async def count_and_listen():
        nonlocal attempts
        attempts += 1
        await listen()

    monkeypatch.setattr(updates, "_listen", count_and_listen)
    with capture_logs() as lines:
        task = asyncio.create_task(updates.run())
        while attempts < 3:
            await asyncio.sleep(0.01)
        with EmbeddedQueue(settings):
            while len(lines) < 2:
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await redis.aclose()
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("warning", "lost the subscription to job updates, reconnecting"),
        ("info", "the subscription to job updates is renewed"),
    ]
    assert lines[1]["away_s"] >= 0.0
