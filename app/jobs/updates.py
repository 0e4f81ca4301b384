"""Waiting for a job without asking again and again: one subscription to every job's changes, shared by all who wait."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.contracts import JobRecord
from workers.queue.records import job_key

RECONNECT_S: Final = 0.5
REREAD_S: Final = 15.0
"""A message lost while the subscription was away costs no more than this."""

Read = Callable[[str], Awaitable[JobRecord]]


class JobUpdates:
    """Wakes those who wait for a job whenever its record may have changed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def run(self) -> None:
        """Listen until canceled; the queue server may come and go."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                structlog.get_logger("atlas").warning("subscription lost", error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:
            await pubsub.psubscribe(job_key("*"))
            async for message in pubsub.listen():
                if message["type"] == "pmessage":
                    self._wake(message["channel"].decode())
                else:
                    self._wake_all()  # subscribed, perhaps again: what happened in between has to be read

    def _wake(self, channel: str) -> None:
        for event in self._waiting.get(channel, ()):
            event.set()

    def _wake_all(self) -> None:
        for channel in self._waiting:
            self._wake(channel)

    @contextmanager
    def _listening(self, channel: str) -> Iterator[asyncio.Event]:
        event = asyncio.Event()
        self._waiting.setdefault(channel, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[channel].discard(event)
            if not self._waiting[channel]:
                del self._waiting[channel]

    async def changes(self, job_id: str, read: Read) -> AsyncGenerator[JobRecord]:
        """The record now and at each change, the terminal one last; changes in quick succession come as one."""
        with self._listening(job_key(job_id)) as changed:
            while True:
                changed.clear()  # before reading, so that a change during the read is not missed
                record = await read(job_id)
                yield record
                if record.status.terminal:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), REREAD_S)

    async def ended(self, record: JobRecord, read: Read, wait_s: float) -> JobRecord:
        """The record once it is terminal, or as it stands after `wait_s`."""
        latest = record
        if wait_s > 0 and not record.status.terminal:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s), aclosing(self.changes(record.id, read)) as changes:
                    async for state in changes:
                        latest = state
        return latest
