"""Deletion of expired results and uploads."""

import os
import time
from datetime import datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from workers.contracts import JobKind, Options, Part, Status, Submission
from workers.queue.records import JOBS, Records, job_key
from workers.runtime.housekeeping import clean_up
from workers.settings import Settings
from workers.storage.blobs import BlobStore

MONTH_S = 30 * 86400


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path.as_uri())


def upload(blobs: BlobStore, data: bytes) -> str:
    with blobs.writer() as writer:
        writer.write(data)
        return writer.commit().digest


def age(path: Path) -> None:
    os.utime(path, (time.time() - MONTH_S, time.time() - MONTH_S))


def test_results_are_deleted_when_their_record_has_expired(
    redis: Redis, records: Records, blobs: BlobStore, settings: Settings, submission: Submission
):
    for job_id in ("old", "kept", "new"):
        records.create(job_id, submission, "")
        records.begin(job_id, "w")
        records.finish(job_id, 1, Status.SUCCEEDED)
        blobs.put(f"results/{job_id}/1/result.json", b"{}")
    redis.zadd(JOBS, {"old": time.time() - MONTH_S, "kept": time.time() - MONTH_S})
    redis.delete(job_key("old"))
    assert clean_up(records, blobs, settings) == 1
    assert [blobs.exists(f"results/{job_id}/1/result.json") for job_id in ("old", "kept", "new")] == [False, True, True]
    assert clean_up(records, blobs, settings) == 0


def test_an_old_upload_is_deleted_unless_it_was_submitted_again(records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path):
    old, fresh, again = upload(blobs, b"old"), upload(blobs, b"fresh"), upload(blobs, b"again")
    for digest in (old, again):
        age(tmp_path / "uploads" / digest)
    upload(blobs, b"again")
    assert clean_up(records, blobs, settings) == 1
    assert [blobs.exists(f"uploads/{digest}") for digest in (old, fresh, again)] == [False, True, True]


def test_an_old_upload_that_a_queued_job_needs_is_kept(
    redis: Redis, records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path
):
    digest = upload(blobs, b"needed")
    submission = Submission(kind=JobKind.CLASSIFY, parts=(Part(name="a", digest=digest, size_bytes=6),), options=Options())
    records.create("waiting", submission, "")
    redis.zadd(JOBS, {"waiting": time.time() - 2 * MONTH_S})
    age(tmp_path / "uploads" / digest)
    assert clean_up(records, blobs, settings) == 0
    assert blobs.exists(f"uploads/{digest}")


def test_a_record_that_cannot_be_read_does_not_end_the_cleaning(
    redis: Redis, records: Records, blobs: BlobStore, settings: Settings, submission: Submission, tmp_path: Path
):
    """One of a later release, for example, whose workers may still run the job."""
    older, needed = upload(blobs, b"older"), upload(blobs, b"needed")
    records.create("strange", submission, "")
    redis.set(job_key("strange"), "{")
    redis.zadd(JOBS, {"strange": time.time() - 1.5 * MONTH_S})
    for digest, months in ((older, 2), (needed, 1)):
        os.utime(tmp_path / "uploads" / digest, (time.time() - months * MONTH_S,) * 2)
    assert clean_up(records, blobs, settings) == 1
    assert [blobs.exists(f"uploads/{digest}") for digest in (older, needed)] == [False, True]


def test_an_incomplete_upload_is_deleted_after_a_day(records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path):
    blobs.writer().write(b"half")
    blobs.writer().write(b"half")
    broken, current = (tmp_path / "incoming").iterdir()
    age(broken)
    assert clean_up(records, blobs, settings) == 1
    assert not broken.exists()
    assert current.exists()


def age_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        age(path)


def test_results_of_jobs_that_the_queue_server_has_lost_are_deleted_at_the_end_of_their_retention(
    redis: Redis, records: Records, blobs: BlobStore, settings: Settings, submission: Submission, tmp_path: Path
):
    """A queue server that was started anew with an empty store lists neither the jobs nor their records."""
    for job_id in ("old", "young", "resumed"):
        records.create(job_id, submission, "")
        records.begin(job_id, "w")
        records.finish(job_id, 1, Status.SUCCEEDED)
        blobs.put(f"results/{job_id}/1/result.json", b"{}")
        blobs.put(f"results/{job_id}/1/figures/map.png", b"png")
    (tmp_path / "results" / "empty").mkdir()
    redis.flushall()
    for job_id in ("waiting", "running", "ended"):  # these it has: however old their blobs are, they stay until the record expires
        records.create(job_id, submission, "")
        blobs.put(f"results/{job_id}/1/result.json", b"{}")
    for job_id in ("running", "ended"):
        records.begin(job_id, "w")
    records.finish("ended", 1, Status.SUCCEEDED)
    blobs.writer().write(b"an upload in progress")
    for job_id in ("old", "empty", "resumed", "waiting", "running", "ended"):
        age_all(tmp_path / "results" / job_id)
    blobs.put("results/resumed/1/figures/section.png", b"png")  # by a worker that has not noticed the loss
    assert clean_up(records, blobs, settings) == 2
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["ended", "resumed", "running", "waiting", "young"]
    assert len(list((tmp_path / "incoming").iterdir())) == 1
    assert clean_up(records, blobs, settings) == 0


def test_nothing_is_deleted_while_the_queue_server_does_not_answer(
    records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    blobs.put("results/lost/1/result.json", b"{}")
    age_all(tmp_path / "results")
    monkeypatch.setattr(Redis, "execute_command", Mock(side_effect=RedisConnectionError))
    with pytest.raises(RedisConnectionError):
        clean_up(records, blobs, settings)
    assert blobs.exists("results/lost/1/result.json")


def test_an_upload_that_is_submitted_again_during_the_cleaning_is_kept(
    records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    digest, listed = upload(blobs, b"again"), blobs.list_older
    age(tmp_path / "uploads" / digest)

    def list_and_submit(folder: str, before: datetime) -> list[str]:
        keys = listed(folder, before)
        upload(blobs, b"again")
        return keys

    monkeypatch.setattr(blobs, "list_older", list_and_submit)
    assert clean_up(records, blobs, settings) == 0
    assert blobs.exists(f"uploads/{digest}")


def test_files_of_others_in_the_store_are_left_alone_and_do_not_end_the_cleaning(
    records: Records, blobs: BlobStore, settings: Settings, tmp_path: Path
):
    """Such as those that file systems and people leave behind."""
    digest = upload(blobs, b"old")
    foreign = [tmp_path / "uploads" / name for name in (".nfs000000a1", "copy of a bundle", ".DS_Store")]
    for path in (*foreign, tmp_path / "uploads" / digest):
        path.touch()
        age(path)
    assert clean_up(records, blobs, settings) == 1
    assert not blobs.exists(f"uploads/{digest}")
    assert all(path.exists() for path in foreign)


def test_an_empty_store_is_cleaned_without_error(records: Records, blobs: BlobStore, settings: Settings):
    assert clean_up(records, blobs, settings) == 0
