"""What 0.1 has stored is read by this release: a data folder recorded with 0.1, in `tests/support/release_0_1`."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.auth.keys import Scope, add_key, keys_path, new_key, read_keys
from workers.contracts import Status
from workers.queue.connection import connect
from workers.queue.dispatch import Dispatcher, Recovery
from workers.queue.records import Records
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
from workers.storage.blobs import open_blobs

RECORDED = Path(__file__).parents[1] / "support" / "release_0_1"
STATUSES = {
    "queued": "queued",
    "running": "running",
    "classified": "succeeded",
    "located": "succeeded",
    "clustered": "succeeded",
    "failed": "failed",
    "canceled": "canceled",
}

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Settings:
    """Settings of a copy of the recorded folder, on which a queue server runs."""
    folder = tmp_path_factory.mktemp("old") / "data"
    shutil.copytree(RECORDED, folder)
    settings = Settings(data_dir=folder)
    with EmbeddedQueue(settings):
        yield settings


@pytest.fixture
async def old_client(make_client, old) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a new key of the owner of the recorded jobs."""
    assert "lab" in {key.owner for key in read_keys(keys_path(old))}
    key, text = new_key("lab", [Scope.READ, Scope.SUBMIT], 1.0)
    add_key(keys_path(old), key)
    async with make_client(old) as client:
        client.headers["X-API-Key"] = text
        yield client


async def test_jobs_of_the_release_before_are_shown_with_results_and_figures(old_client):
    jobs = {name: (await old_client.get(f"/jobs/{name}")).json() for name in STATUSES}
    assert {name: job["status"] for name, job in jobs.items()} == STATUSES
    assert jobs["located"]["result"]["epicenter"]["latitude"] == 18.7
    assert jobs["classified"]["result"]["event_type"] == "glacial"
    assert jobs["clustered"]["result"]["k"] == 2
    assert jobs["failed"]["problem"]["type"] == "/problems/no-usable-trace"
    for name in ("located", "classified", "clustered"):
        assert jobs[name]["warnings"][0]["code"] == "no-coordinates"
        assert (await old_client.get(f"/jobs/{name}/result")).status_code == 200
        assert (await old_client.get(jobs[name]["links"]["figures"][0])).content.startswith(b"\x89PNG")


def test_jobs_of_the_release_before_are_run(old):
    """The queued one, and after it was found abandoned, the running one."""
    with connect(old) as redis:
        records, recovery = Records(redis, old), Recovery(redis, old)
        assert "running" in {*recovery.sweep(), *recovery.sweep()}
        assert {name.rpartition("-")[0] for name in Dispatcher(redis, old).list_enqueued()} >= {"queued", "running"}
        begun = {name: records.begin(name, "new") for name in ("queued", "running")}
        assert [record.attempt for record in begun.values()] == [1, 2]
        submission = begun["queued"].submission
        assert (submission.options.latitude, submission.options.event_type) == (10.0, "earthquake")
        assert open_blobs(old).read_upload(submission.parts[0].digest).startswith(b"000001D ")
        assert records.finish("queued", 1, Status.SUCCEEDED).status is Status.SUCCEEDED
