"""Fixtures: the real interface with a played worker, one for each file, and clients of it."""

from collections.abc import Iterator

import pytest

from seismic_atlas_client import Client, RetryPolicy
from tests.support.played_service import PlayedService, play_service

QUICK = RetryPolicy(first_pause_s=0.01, max_pause_s=0.02)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedService]:
    with play_service(tmp_path_factory.mktemp("played")) as running:
        yield running


@pytest.fixture
def client(service: PlayedService) -> Iterator[Client]:
    with Client(service.url, retries=QUICK) as opened:
        yield opened


@pytest.fixture
def mseed() -> bytes:
    """Bytes that begin with the fixed header of miniSEED 2; the interface does not parse further."""
    return b"000001D " + bytes(504)


@pytest.fixture
def event(mseed: bytes) -> tuple[str, bytes]:
    return "event.mseed", mseed


@pytest.fixture(autouse=True)
def _no_address_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ATLAS_URL", "ATLAS_API_KEY"):
        monkeypatch.delenv(name, raising=False)
