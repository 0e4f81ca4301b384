import asyncio
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

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
async def watch(settings):
    redis = Redis.from_url(queue_url(settings))
    watching = JobUpdates(redis)
    task = asyncio.create_task(watching.run())
    yield watching
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await redis.aclose()


async def test_a_job_is_read_only_when_something_was_said_of_it(watch, hand):
    reads, states = [], iter([record(Status.QUEUED), record(Status.RUNNING), record(Status.RUNNING, 0.5), record(Status.SUCCEEDED)])

    async def read(job_id):
        reads.append(job_id)
        return next(states)

    seen = []
    async with aclosing(watch.changes("1", read)) as changes:
        async for state in changes:
            seen.append(state.status)
            hand.redis.publish("atlas:job:2", "of another job")
            hand.redis.publish("atlas:job:1", "of this one")
    assert seen == [Status.QUEUED, Status.RUNNING, Status.RUNNING, Status.SUCCEEDED]
    assert len(reads) == 4


async def test_a_wait_gives_up_after_its_time_with_what_is_known(watch):
    async def read(job_id):
        return record(Status.RUNNING, 0.3)

    assert (await watch.ended(record(Status.QUEUED), read, 0.05)).progress == 0.3


async def test_no_wait_reads_nothing(watch):
    async def read(job_id):
        pytest.fail("read")

    assert (await watch.ended(record(Status.QUEUED), read, 0)).status is Status.QUEUED
    assert (await watch.ended(record(Status.FAILED), read, 9)).status is Status.FAILED


async def test_who_waits_is_forgotten_when_they_go(watch):
    async def read(job_id):
        return record(Status.RUNNING)

    await watch.ended(record(Status.QUEUED), read, 0.05)
    assert watch._waiting == {}


async def test_a_queue_server_that_comes_back_is_listened_to_again(tmp_path):
    """What happened while it was away is read when the subscription stands again."""
    settings = Settings(data_dir=tmp_path)
    redis = Redis.from_url(queue_url(settings))
    watching = JobUpdates(redis)
    ended = asyncio.Event()

    async def read(job_id):
        return record(Status.SUCCEEDED if ended.is_set() else Status.RUNNING)

    task = asyncio.create_task(watching.run())
    waiting = asyncio.create_task(watching.ended(record(Status.QUEUED), read, 60))
    await asyncio.sleep(0)
    ended.set()
    with EmbeddedQueue(settings), connect(settings) as client:
        assert client.ping()
        assert (await asyncio.wait_for(waiting, 30)).status is Status.SUCCEEDED
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await redis.aclose()
