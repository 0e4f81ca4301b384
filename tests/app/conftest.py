"""Fixtures: a real queue server on a unix socket, the real application, and `FakeWorker`, which plays the worker."""

import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from app.auth.keys import Scope, add_key, keys_path, new_key
from app.main import create_app
from app.server import create_server
from models.specs.index import MODELS
from tests.support.browser import Browser, find_chromium, open_browser
from workers.contracts import DataWarning, JobRecord, Problem, Status, WorkerState
from workers.queue.connection import connect
from workers.queue.records import Records
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
from workers.storage.blobs import open_blobs
from workers.storage.result_keys import figure_data_key, figure_key, result_key

CLASSIFIED = {
    "event_type": "glacial",
    "probabilities": {"earthquake": 0.03, "glacial": 0.96, "other": 0.01},
    "reference_point": {"latitude": 66.4, "longitude": -38.1, "source": "predicted"},
    "traces_used": 42,
    "model": {"name": "event_type", "version": "1"},
    "out_of_distribution": False,
    "novelty": 0.4,
}

MakeClient = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


class FakeWorker:
    """A worker played by the test."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.redis, self.records, self.blobs = redis, Records(redis, settings), open_blobs(settings)

    def begin(self, job_id: str) -> JobRecord:
        """Begin a job."""
        record = self.records.begin(job_id, "worker")
        assert record is not None
        return record

    def succeed(
        self,
        job_id: str,
        formats: dict[str, bytes] | None = None,
        figure_data: dict[str, bytes] | None = None,
        result: dict[str, Any] = CLASSIFIED,
        warnings: list[DataWarning] | None = None,
    ) -> None:
        """Finish a job with a result, a figure, data of figures, further formats of the result, and data warnings."""
        record = self.begin(job_id)
        self.blobs.put(result_key(record), json.dumps(result).encode())
        for name, data in (figure_data or {}).items():
            self.blobs.put(figure_data_key(record, name), data)
        for name, data in (formats or {}).items():
            self.blobs.put(result_key(record, name), data)
        self.blobs.put(figure_key(record, "section"), b"\x89PNG\r\n\x1a\n")
        self.records.finish(
            job_id,
            record.attempt,
            Status.SUCCEEDED,
            warnings=warnings or [],
            figures=list({"section": 0} | (figure_data or {})),
            formats=list(formats or {}),
        )

    def fail(self, job_id: str) -> None:
        """Finish a job with a problem."""
        record = self.begin(job_id)
        problem = Problem(type="/problems/no-usable-trace", title="No usable trace", status=422, detail="no vertical record")
        self.records.finish(job_id, record.attempt, Status.FAILED, problem=problem)

    def beat(self, **changes: Any) -> None:
        """Send the heartbeat of a worker."""
        state = {"id": "worker", "pid": 1, "started_at": datetime.now(UTC), "execution_provider": "CPUExecutionProvider"}
        self.records.record_heartbeat(WorkerState.model_validate({**state, "models": {spec.name: "1" for spec in MODELS}, **changes}))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = Settings(data_dir=tmp_path_factory.mktemp("queue"))
    with EmbeddedQueue(settings):
        yield settings


@pytest.fixture
def settings(queue: Settings, tmp_path: Path) -> Settings:
    """Settings of the queue of the session, emptied, with blobs, artifacts and keys of the test itself."""
    with connect(queue) as redis:
        redis.flushall()
    changes = {"blob_url": (tmp_path / "blobs").as_uri(), "artifacts_dir": tmp_path / "artifacts", "keys_file": tmp_path / "keys.json"}
    return queue.model_copy(update=changes)


@pytest.fixture
def worker(settings: Settings) -> Iterator[FakeWorker]:
    with connect(settings) as redis:
        yield FakeWorker(settings, redis)


@pytest.fixture
def make_client() -> MakeClient:
    """A function from settings to a client of a new application, without a socket."""

    @asynccontextmanager
    async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=20) as opened,
        ):
            yield opened

    return client


MakeKey = Callable[..., dict[str, str]]


@pytest.fixture
def make_key(settings: Settings) -> MakeKey:
    """A function from owner and scopes to headers with a new key; from then on keys are required."""

    def headers(owner: str, *scopes: str, days: float = 1.0) -> dict[str, str]:
        key, text = new_key(owner, [Scope(scope) for scope in scopes or ("submit", "read")], days)
        add_key(keys_path(settings), key)
        return {"X-API-Key": text}

    return headers


@pytest.fixture
async def client(make_client: MakeClient, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with make_client(settings) as opened:
        yield opened


@pytest.fixture
def mseed() -> bytes:
    """Bytes that begin with the fixed header of miniSEED 2; the API does not parse further."""
    return b"000001D " + bytes(504)


@pytest.fixture
def files(mseed: bytes) -> dict[str, tuple[str, bytes]]:
    """A form with one part, as an argument of httpx."""
    return {"bundle": ("event.mseed", mseed)}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(str(find_chromium()), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Browser:
    """The browser at the size of a desktop, without anything that an earlier test said or stored."""
    browser.set_screen(1100, 700)
    browser.messages.clear()
    browser.requests.clear()
    return browser


@pytest.fixture
def service(settings: Settings, worker: FakeWorker) -> Iterator[httpx.Client]:
    """A running service without workers; the test plays the worker."""
    server = create_server(settings.model_copy(update={"port": 0, "workers": 0, "artifacts_dir": Path("models/artifacts")}))
    thread = threading.Thread(target=server.run)
    thread.start()
    worker.beat()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        yield client
    server.should_exit = True
    thread.join(20)
