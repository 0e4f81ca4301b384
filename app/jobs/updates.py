"""Wait for changes of jobs without polling: one Redis subscription to all jobs, shared by all waiting requests."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from workers.contracts import JobRecord
from workers.logs import OutageLog
from workers.queue.records import job_key

RECONNECT_S: Final = 0.5
REREAD_S: Final = 5.0
"""A record is read again at least this often: a message may be lost while the subscription is interrupted, and a key may be revoked."""

ReadRecord = Callable[[str], Awaitable[JobRecord]]


class JobUpdates:
    """Wake the requests that wait for a job whenever its record may have changed."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._ending = False
        self._outage = OutageLog("lost the subscription to job updates, reconnecting", "the subscription to job updates is renewed")

    async def run(self) -> None:
        """Listen until canceled; reconnect whenever the queue server was away."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                self._outage.record_failure(error=type(error).__name__)
                await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:
            await pubsub.psubscribe(job_key("*"))
            async for message in pubsub.listen():
                if message["type"] == "pmessage":
                    self._wake(message["channel"].decode())
                else:
                    self._outage.record_success()
                    self._wake_all()  # subscribed, perhaps anew: changes in between were missed and have to be read

    def end_waits(self) -> None:
        """End all waits, and those that begin later, with the present state of their jobs: the service stops."""
        self._ending = True
        self._wake_all()

    def _wake(self, channel: str) -> None:
        for event in self._waiting.get(channel, ()):
            event.set()

    def _wake_all(self) -> None:
        for channel in self._waiting:
            self._wake(channel)

    @contextmanager
    def _register(self, channel: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set at each message of a channel."""
        event = asyncio.Event()
        self._waiting.setdefault(channel, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[channel].discard(event)
            if not self._waiting[channel]:
                del self._waiting[channel]

    async def follow(self, job_id: str, read: ReadRecord) -> AsyncGenerator[JobRecord]:
        """
        Yield the record now and after each change, the terminal record last; changes in quick succession may be merged.

        While the service stops, the record is yielded once.
        """
        with self._register(job_key(job_id)) as changed:
            while True:
                changed.clear()  # before reading, so that a change during the read is not missed
                record = await read(job_id)
                yield record
                if record.status.terminal or self._ending:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), REREAD_S)

    async def wait_for_end(self, record: JobRecord, read: ReadRecord, wait_s: float) -> JobRecord:
        """Return the terminal record, or the latest one after `wait_s` seconds."""
        latest = record
        if wait_s > 0 and not record.status.terminal:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s), aclosing(self.follow(record.id, read)) as changes:
                    async for state in changes:
                        latest = state
        return latest
