"""The blob store on a local folder and on an S3-compatible server."""

import errno
import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from workers.bundles.sandbox import as_files
from workers.settings import Settings
from workers.storage.blobs import Blob, BlobMissing, BlobStore, StoreFull, StoreUnreachable, open_blobs, upload_key
from workers.storage.upload_transaction import UploadTransaction

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def s3_store(url: str, bucket: str) -> BlobStore:
    return BlobStore(
        f"s3://{bucket}/atlas", {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": url, "region_name": "us-east-1"}}
    )


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return BlobStore(tmp_path.as_uri())
    url = request.getfixturevalue("s3_server")
    client = boto3.client("s3", endpoint_url=url, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1")  # noqa: S106
    bucket = f"bucket-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"
    client.create_bucket(Bucket=bucket)
    client.close()
    return s3_store(url, bucket)


def upload(store: BlobStore, *chunks: bytes) -> Blob:
    with store.writer() as writer:
        for chunk in chunks:
            writer.write(chunk)
        return writer.commit()


def test_an_upload_is_stored_under_its_digest(store: BlobStore):
    blob = upload(store, b"one ", b"two")
    assert blob == Blob(hashlib.sha256(b"one two").hexdigest(), 7)
    assert store.read_upload(blob.digest) == b"one two"
    with store.open_upload(blob.digest) as file:
        assert file.read(3) == b"one"


def test_an_upload_is_a_source_for_the_parser(store: BlobStore):
    source = store.upload_source(upload(store, b"a file").digest)
    with open(source, "rb") if isinstance(source, str) else source() as file:
        assert file.read() == b"a file"
    with pytest.raises(BlobMissing):
        store.upload_source("0" * 64)


def test_equal_uploads_share_one_blob(store: BlobStore):
    first, second = upload(store, b"again"), upload(store, b"ag", b"ain")
    assert first == second
    assert store.read_upload(first.digest) == b"again"


def test_an_empty_upload_is_an_upload(store: BlobStore):
    assert store.read_upload(upload(store).digest) == b""


def test_an_upload_that_is_not_committed_is_deleted(store: BlobStore):
    with store.writer() as writer:
        writer.write(b"half")
    assert not store.exists(upload_key(hashlib.sha256(b"half").hexdigest()))


def test_put_replaces_an_existing_blob(store: BlobStore):
    store.put("results/job/1/result.json", b"old")
    store.put("results/job/1/result.json", b"new")
    assert store.get("results/job/1/result.json") == b"new"


def test_delete_removes_all_below_a_prefix_and_nothing_else(store: BlobStore):
    for key in ("results/job/1/result.json", "results/job/1/figures/section.png", "results/jobber/1/result.json"):
        store.put(key, b"x")
    store.delete("results/job")
    store.delete("results/job")
    assert not store.exists("results/job/1/result.json")
    assert not store.exists("results/job/1/figures/section.png")
    assert store.exists("results/jobber/1/result.json")


def test_reading_a_blob_that_does_not_exist_raises(store: BlobStore):
    with pytest.raises(BlobMissing):
        store.get("results/nobody/1/result.json")
    with pytest.raises(BlobMissing):
        store.read_upload("0" * 64)


def test_blobs_are_listed_by_age(store: BlobStore):
    digest = upload(store, b"old").digest
    hour = timedelta(hours=1)
    assert store.list_older("uploads", datetime.now(UTC) + hour) == [upload_key(digest)]
    assert store.list_older("uploads", datetime.now(UTC) - hour) == []
    assert store.list_older("incoming", datetime.now(UTC) + hour) == []


def test_keys_of_a_folder_are_those_of_its_blobs_and_prefixes(store: BlobStore):
    store.put("results/a/1/result.json", b"x")
    store.put("results/b/1/figures/map.png", b"x")
    digest = upload(store, b"one").digest
    assert sorted(store.list_keys("results")) == ["results/a", "results/b"]
    assert store.list_keys("uploads") == [upload_key(digest)]
    assert store.list_keys("incoming") == []


def test_blobs_below_a_prefix_are_deleted_if_all_of_them_are_older(store: BlobStore):
    hour = timedelta(hours=1)
    for name in ("a/1/result.json", "a/2/figures/map.png", "b/1/result.json"):
        store.put(f"results/{name}", b"x")
    assert not store.delete_older("results/a", datetime.now(UTC) - hour)
    assert store.exists("results/a/2/figures/map.png")
    assert store.delete_older("results/a", datetime.now(UTC) + hour)
    assert not store.exists("results/a/2/figures/map.png")
    assert store.exists("results/b/1/result.json")
    assert store.delete_older("results/b/1/result.json", datetime.now(UTC) + hour)
    assert not store.delete_older("results/a", datetime.now(UTC) + hour)


@pytest.mark.parametrize(
    "key", ["", "results", "results/../uploads/x", "/etc/passwd", "results//x", "results/.hidden", "other/x", "results/a b"]
)
def test_a_key_outside_the_store_is_refused(tmp_path: Path, key: str):
    store = BlobStore(tmp_path.as_uri())
    for call in (store.get, store.exists, store.delete):
        with pytest.raises(ValueError, match="not a key"):
            call(key)


@pytest.mark.parametrize("digest", ["", "0" * 63, "G" * 64, "../" + "0" * 61])
def test_a_string_that_is_not_a_digest_is_refused(tmp_path: Path, digest: str):
    with pytest.raises(ValueError, match="not a SHA-256"):
        BlobStore(tmp_path.as_uri()).read_upload(digest)


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_on_a_full_disk_the_upload_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str):
    store = BlobStore(tmp_path.as_uri())

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    def fill() -> None:
        with store.writer() as writer:
            if failing == "write":
                monkeypatch.setattr(writer._file, "write", no_room)
            else:
                monkeypatch.setattr(os, "fsync", no_room)
            writer.write(b"x" * 100)
            writer.commit()

    with pytest.raises(StoreFull) as caught:
        fill()
    assert str(tmp_path) not in caught.value.detail
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_server_that_does_not_answer_is_unreachable():
    store = BlobStore(
        "s3://bucket/atlas",
        {"key": "k", "secret": "s", "client_kwargs": {"endpoint_url": NOWHERE}, "config_kwargs": {"retries": {"max_attempts": 0}}},
    )
    with pytest.raises(StoreUnreachable) as caught:
        store.get("results/job/1/result.json")
    assert "127.0.0.1" not in caught.value.detail


def test_a_sealed_upload_that_is_aborted_is_deleted(store: BlobStore):
    writer = store.writer()
    writer.write(b"refused")
    digest = writer.seal().digest
    with pytest.raises(BlobMissing):
        store.read_upload(digest)
    writer.abort()
    assert store.list_older("incoming", datetime.now(UTC) + timedelta(days=1)) == []


def test_thousands_of_uploads_are_flushed_in_parallel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In sequence each flush takes about 5 ms; a journaling file system writes parallel flushes together."""
    store, synced, lock = BlobStore(tmp_path.as_uri()), [], threading.Lock()
    everybody = threading.Barrier(8)

    def slow(descriptor: int) -> None:
        with lock:
            synced.append(descriptor)
            first = len(synced) <= 8
        if first:
            everybody.wait(20)  # eight at once, or the barrier breaks

    monkeypatch.setattr(os, "fsync", slow)
    transaction = UploadTransaction(store)
    for number in range(400):
        writer = transaction.writer()
        writer.write(b"%d" % number)
        transaction.seal(writer)
    transaction.commit()
    assert len(synced) == 401, "every part, and once the folder of all"
    assert len(list((tmp_path / "uploads").iterdir())) == 400
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_transaction_that_fails_deletes_all_its_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    transaction = UploadTransaction(BlobStore(tmp_path.as_uri()))
    for number in range(3):
        writer = transaction.writer()
        writer.write(b"%d" % number)
        transaction.seal(writer)

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(StoreFull):
        transaction.commit()
    transaction.rollback()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_default_store_is_in_the_data_folder(tmp_path: Path):
    blob = upload(open_blobs(Settings(data_dir=tmp_path)), b"here")
    assert (tmp_path / "blobs" / "uploads" / blob.digest).read_bytes() == b"here"


def test_paths_of_blobs_are_not_interned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Pathlib interns the components of every path, and Python 3.12 never frees an interned string: a leak of a name a job."""
    store, kept = BlobStore(tmp_path.as_uri()), []
    monkeypatch.setattr(sys, "intern", lambda name: kept.append(name) or name)
    blob = upload(store, b"a file")
    source = store.upload_source(blob.digest)
    store.put("results/one.json", b"{}")
    with as_files([("part", source), ("bytes", b"more")]) as files:
        assert files[0][1] == source
    assert kept == []
