"""A queue server or a store that stops answering, without closing a connection."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.store_access import StoreAccess
from workers.queue.connection import connect
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.storage.blobs import BlobStore, StoreUnreachable

pytestmark = pytest.mark.anyio

LAG_S = 0.5
"""What sixty clients in this process, on a busy machine, add to the times that they measure."""


@pytest.fixture
def stalled_queue(settings, tmp_path) -> Iterator[tuple]:
    """Settings of a queue of this test, and functions that stop it and let it go on."""
    own = settings.model_copy(update={"data_dir": tmp_path / "own"})
    with EmbeddedQueue(own), connect(own) as redis:
        pid = int(redis.info("server")["process_id"])
        yield own, lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGCONT)


async def timed_get(client: httpx.AsyncClient, path: str) -> tuple[httpx.Response, float]:
    start_s = time.monotonic()
    return await client.get(path), time.monotonic() - start_s


async def test_a_stalled_queue_costs_a_caller_two_seconds_at_most_and_other_calls_nothing(make_client, stalled_queue):
    settings, stop, go_on = stalled_queue
    async with make_client(settings) as client:
        assert (await client.get("/jobs/x")).status_code == 404
        stop()
        pollers = [asyncio.create_task(timed_get(client, "/jobs/x")) for _ in range(60)]
        await asyncio.sleep(0.1)
        others = [await timed_get(client, path) for path in ("/health/live", "/models", "/health/ready")]
        answers = await asyncio.gather(*pollers)
        assert {(answer.status_code, "Retry-After" in answer.headers) for answer, _ in answers} == {(503, True)}
        assert max(seconds for _, seconds in answers) < 2 + LAG_S
        assert [answer.status_code for answer, _ in others] == [200, 200, 503]
        assert max(seconds for _, seconds in others[:2]) < 0.9
        assert others[2][1] < 1
        assert (await timed_get(client, "/jobs/x"))[1] < 1 + LAG_S
        go_on()
        await asyncio.sleep(0.7)
        assert (await client.get("/jobs/x")).status_code == 404


class StallingStore(BlobStore):
    """A store whose calls wait while `running` is not set."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.running, self.calls = threading.Event(), 0
        self.running.set()

    def _wait(self) -> None:
        self.calls += 1
        self.running.wait(20)

    def get(self, key: str) -> bytes:
        """Read a blob."""
        self._wait()
        return super().get(key)

    def probe(self) -> None:
        """Probe the store."""
        self._wait()
        super().probe()


@asynccontextmanager
async def stalling(tmp_path) -> AsyncIterator[tuple[StallingStore, StoreAccess]]:
    blobs = StallingStore(tmp_path.as_uri())
    blobs.put("results/a/b", b"data")
    try:
        yield blobs, StoreAccess(blobs)
    finally:
        blobs.running.set()


async def test_a_stalled_store_costs_a_call_two_seconds_at_most_and_holds_few_threads(tmp_path):
    async with stalling(tmp_path) as (blobs, store):
        blobs.running.clear()
        start_s = time.monotonic()
        calls = [asyncio.create_task(store.run(blobs.get, "results/a/b")) for _ in range(30)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnreachable}
        assert time.monotonic() - start_s < 2
        held = blobs.calls
        for call in (store.check, lambda: store.run(blobs.get, "results/a/b")):
            start_s = time.monotonic()
            with pytest.raises(StoreUnreachable):
                await call()
            assert time.monotonic() - start_s < 0.1
        assert blobs.calls == held, "no further thread waits for the store"
        blobs.running.set()
        await asyncio.sleep(0.1)
        assert await store.run(blobs.get, "results/a/b") == b"data"


async def test_a_slow_call_is_waited_for_while_the_store_answers_probes(tmp_path):
    async with stalling(tmp_path) as (blobs, store):
        start_s = time.monotonic()
        assert await store.run(lambda: time.sleep(1.5) or blobs.get("results/a/b")) == b"data"
        assert time.monotonic() - start_s > 1.4


async def test_an_upload_into_a_stalled_store_is_refused_within_two_seconds(client, files):
    service = client._transport.app.state.service
    running = threading.Event()
    service.blobs.probe = lambda: running.wait(20)
    service.blobs.commit_uploads = lambda _: running.wait(20)
    start_s = time.monotonic()
    answer = await client.post("/events/classify", files=files)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/store-unreachable")
    assert "Retry-After" in answer.headers
    assert time.monotonic() - start_s < 2.2
    assert (await client.get("/health/ready")).status_code == 503
    running.set()
