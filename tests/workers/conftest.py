"""A real queue server on a private socket, emptied for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from workers.contracts import JobKind, Options, Part, Submission
from workers.queue.connection import connect
from workers.queue.dispatch import Dispatcher, Recovery
from workers.queue.records import Records
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
from workers.storage.blobs import BlobStore, open_blobs


@pytest.fixture(scope="session")
def queue_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a running embedded server."""
    folder = tmp_path_factory.mktemp("served")
    with EmbeddedQueue(Settings(data_dir=folder)):
        yield folder


@pytest.fixture
def settings(queue_server: Path) -> Settings:
    return Settings(data_dir=queue_server, heartbeat_s=0.1, heartbeat_ttl_s=0.5, max_attempts=3, max_queued=5)


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    client = connect(settings)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def records(redis: Redis, settings: Settings) -> Records:
    return Records(redis, settings)


@pytest.fixture
def dispatcher(redis: Redis, settings: Settings) -> Dispatcher:
    return Dispatcher(redis, settings)


@pytest.fixture
def recovery(redis: Redis, settings: Settings) -> Recovery:
    return Recovery(redis, settings)


@pytest.fixture
def blobs(settings: Settings) -> BlobStore:
    return open_blobs(settings)


@pytest.fixture
def submission() -> Submission:
    part = Part(name="event.mseed", digest="0" * 64, size_bytes=1)
    return Submission(kind=JobKind.CLASSIFY, parts=(part,), options=Options())
