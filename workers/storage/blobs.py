"""Blob store on any fsspec URL (a folder, S3, ...): uploads under their SHA-256, results under their job."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from errno import EDQUOT, ENOSPC
from functools import partial
from types import TracebackType
from typing import Any, BinaryIO, Self, cast
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from models.environment import BadSettings
from models.errors import AtlasError
from workers.settings import Settings

# Each component begins with a letter or digit, so that neither `..` nor a hidden file is a key.
_KEY = re.compile(r"(uploads|results|incoming)(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){1,6}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROBE_BYTES = 2**16
_PARALLEL_FLUSHES = 16  # a journaling file system writes parallel flushes together


class BlobMissing(AtlasError):
    """There is no blob under the key."""

    code = "blob-missing"


class StoreFull(AtlasError):
    """The store has no space left; the rejected blob is deleted."""

    code = "store-full"


class StoreUnreachable(AtlasError):
    """The store did not answer, or failed."""

    code = "store-unreachable"


@dataclass(frozen=True)
class Blob:
    """A written upload: SHA-256 of its bytes, hexadecimal, and their number."""

    digest: str
    size_bytes: int


class BlobStore:
    """
    Atomic storage of blobs under the keys `uploads/<digest>` and `results/<job>/...`.

    Every method may raise StoreUnreachable, and every write StoreFull.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        with _store_errors("the blob store"):
            # A cached listing would hide blobs that another process has written.
            self._fs, self._root = fsspec.core.url_to_fs(url, **{"use_listings_cache": False, **(options or {})})
        self._local = isinstance(self._fs, LocalFileSystem)

    def writer(self) -> "BlobWriter":
        """Return a writer for a new upload, which is hashed while it is written."""
        return BlobWriter(self, f"incoming/{uuid4().hex}")

    def open_upload(self, digest: str) -> BinaryIO:
        """Open the upload with that digest for reading; raises BlobMissing."""
        key = upload_key(digest)
        with _store_errors(key):
            return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    def read_upload(self, digest: str) -> bytes:
        """Return the bytes of the upload with that digest; raises BlobMissing."""
        return self.get(upload_key(digest))

    def upload_source(self, digest: str) -> str | Callable[[], BinaryIO]:
        """
        Return an upload as `parse_in_sandbox` takes it; raises BlobMissing.

        For a local store this is the path of the store's own file, which must not be written to; otherwise a function that
        opens the upload.
        """
        key = upload_key(digest)
        if not self.exists(key):
            raise BlobMissing(f"no blob under {key}")
        return self._path(key) if self._local else partial(self.open_upload, digest)

    def get(self, key: str) -> bytes:
        """Return the bytes under a key; raises BlobMissing."""
        with _store_errors(key):
            return bytes(self._fs.cat_file(self._path(key)))

    def put(self, key: str, data: bytes) -> None:
        """Write bytes under a key, replacing an existing blob."""
        temporary = f"incoming/{uuid4().hex}" if self._local else key
        with _store_errors(key), self._delete_on_error(temporary):
            with self._create(temporary) as file:
                file.write(data)
            if temporary != key:
                _sync(self._path(temporary))
                self._move(temporary, key)
                _sync(os.path.dirname(self._path(key)))

    def exists(self, key: str) -> bool:
        """Return whether there is a blob under the key."""
        with _store_errors(key):
            return bool(self._fs.exists(self._path(key)))

    def delete(self, prefix: str) -> None:
        """Delete the blob under a key, or all blobs below a prefix; deleting nothing is no error."""
        with _store_errors(prefix), suppress(FileNotFoundError):
            self._fs.rm(self._path(prefix), recursive=True)

    def list_older(self, folder: str, before: datetime) -> list[str]:
        """
        Return the keys directly in a folder (`uploads`, `incoming`) whose blobs were last written before a time.

        What others have put there, under names that are no keys, is passed over.
        """
        with _store_errors(folder), suppress(FileNotFoundError):
            entries = self._fs.ls(f"{self._root}/{folder}", detail=True)
            keys = {f"{folder}/{str(entry['name']).rpartition('/')[2]}": entry for entry in entries}
            return [key for key, entry in keys.items() if _KEY.fullmatch(key) and self._last_written(entry) < before]
        return []

    def list_keys(self, folder: str) -> list[str]:
        """Return the keys directly in a folder, of blobs and of the prefixes of others (`results`: one for each job)."""
        with _store_errors(folder), suppress(FileNotFoundError):
            names = [str(path).rstrip("/").rpartition("/")[2] for path in self._fs.ls(f"{self._root}/{folder}", detail=False)]
            return [key for key in (f"{folder}/{name}" for name in names) if _KEY.fullmatch(key)]
        return []

    def delete_older(self, prefix: str, before: datetime) -> bool:
        """Delete the blob under a key, or all below a prefix, unless one was written since a time; return whether it was deleted."""
        with _store_errors(prefix), suppress(FileNotFoundError):
            path = self._path(prefix)
            found = self._fs.find(path, detail=True)
            entries = [{"name": name, **entry} for name, entry in found.items()] or [{"name": path}]  # the latter for an empty folder
            if max(map(self._last_written, entries)) < before:
                self._fs.rm(path, recursive=True)
                return True
        return False

    def _last_written(self, entry: Mapping[str, Any]) -> datetime:
        """Return when an entry of a listing was last written; from the listing itself where it says so, as each request takes time."""
        if isinstance(stated := entry.get("LastModified"), datetime):
            return stated
        return cast(datetime, self._fs.modified(entry["name"]))

    def probe(self) -> None:
        """Check that the store takes, returns and deletes a small blob, and that its folders can be read."""
        key, data = f"incoming/{uuid4().hex}", os.urandom(_PROBE_BYTES)
        with _store_errors("the blob store"):
            if self._local:
                _list_local_folders(self._root)
            with self._delete_on_error(key):
                with self._create(key) as file:
                    file.write(data)
                if self._local:
                    _sync(self._path(key))
                intact = self._fs.cat_file(self._path(key)) == data
            self._fs.rm(self._path(key))
        if not intact:
            raise StoreUnreachable("the blob store returned other bytes than it was given")

    def commit_uploads(self, sealed: Sequence[tuple[str, str]]) -> None:
        """
        Move sealed uploads, pairs of temporary key and digest, to their digests, flushed to disk.

        Files are flushed in parallel, because thousands of sequential flushes take about a minute.
        """
        with _store_errors("the upload"), ThreadPoolExecutor(min(_PARALLEL_FLUSHES, len(sealed) or 1)) as pool:
            if self._local:
                list(pool.map(lambda pair: _sync(self._path(pair[0])), sealed))
            list(pool.map(lambda pair: self._move(pair[0], upload_key(pair[1])), sealed))
            if self._local and sealed:
                _sync(f"{self._root}/uploads")

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a key of the blob store: {key!r}")
        return f"{self._root}/{key}"

    def _create(self, key: str) -> BinaryIO:
        path = self._path(key)
        if self._local:
            os.makedirs(os.path.dirname(path), exist_ok=True)  # pathlib interns names, and Python 3.12 never frees them
        return cast(BinaryIO, self._fs.open(path, "wb"))

    def _move(self, source: str, target: str) -> None:
        """Move a blob atomically: by a rename in a folder, by a copy in an object store."""
        if self._local:
            os.makedirs(os.path.dirname(self._path(target)), exist_ok=True)
            os.replace(self._path(source), self._path(target))
        else:
            self._fs.mv(self._path(source), self._path(target))

    @contextmanager
    def _delete_on_error(self, temporary: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self._fs.rm(self._path(temporary))
            raise


class BlobWriter:
    """Writer of one upload under a temporary key, hashing it on the way; leaving the `with` block without `commit` deletes it."""

    def __init__(self, store: BlobStore, temporary: str) -> None:
        self._store, self.temporary = store, temporary
        self._hash, self._size, self._sealed = hashlib.sha256(), 0, False
        with _store_errors(temporary):
            self._file: BinaryIO | None = store._create(temporary)

    def write(self, chunk: bytes) -> None:
        """Append bytes; raises StoreFull or StoreUnreachable."""
        if self._file is None:
            raise ValueError("the upload has ended")
        self._hash.update(chunk)
        self._size += len(chunk)
        with _store_errors("the upload"):
            self._file.write(chunk)

    def seal(self) -> Blob:
        """End writing; the bytes stay under the temporary key until `BlobStore.commit_uploads` moves or `abort` deletes them."""
        if self._file is None:
            raise ValueError("the upload has ended")
        file, self._file = self._file, None
        with _store_errors("the upload"), self._store._delete_on_error(self.temporary):
            file.close()
        self._sealed = True
        return Blob(self._hash.hexdigest(), self._size)

    def commit(self) -> Blob:
        """Move the upload to its digest, where equal uploads share one blob."""
        with self._store._delete_on_error(self.temporary):
            blob = self.seal()
            self._store.commit_uploads([(self.temporary, blob.digest)])
        self._sealed = False
        return blob

    def abort(self) -> None:
        """Delete the upload; without effect after `commit`."""
        if self._file is not None:
            with suppress(OSError, AtlasError), _store_errors("the upload"):
                self._file.close()
        elif not self._sealed:
            return
        self._file, self._sealed = None, False
        self._store.delete(self.temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.abort()


def open_blobs(settings: Settings) -> BlobStore:
    """Open the store at `blob_url` of the settings, by default the folder `blobs` in the data folder; raises BadSettings."""
    try:
        return BlobStore(settings.blob_url or (settings.data_dir.resolve() / "blobs").as_uri())
    except (ValueError, StoreUnreachable) as error:
        cause = error.__cause__ or error
        known = isinstance(cause, ValueError | ImportError)  # of fsspec itself; texts of its backends may hold passwords of the URL
        raise BadSettings(
            f"ATLAS_BLOB_URL names no store that can be opened ({cause if known else type(cause).__name__}); "
            f"expected: {Settings.model_fields['blob_url'].description}"
        ) from error


def _list_local_folders(root: str) -> None:
    """Open each folder of a local store for reading; raises OSError where one cannot be read, except a missing one."""
    for name in ("uploads", "results"):
        with suppress(FileNotFoundError), os.scandir(f"{root}/{name}") as entries:
            next(entries, None)


def _sync(path: str) -> None:
    """Flush a file's bytes or a folder's entries to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def upload_key(digest: str) -> str:
    """Return the key of the upload with that digest; raises ValueError if it is not a SHA-256."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return f"uploads/{digest}"


@contextmanager
def _store_errors(subject: str) -> Iterator[None]:
    """Translate a backend's exceptions into BlobMissing, StoreFull and StoreUnreachable, without the addresses in their texts."""
    try:
        yield
    except (AtlasError, ValueError):
        raise
    except FileNotFoundError as error:
        raise BlobMissing(f"no blob under {subject}") from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise StoreFull("the blob store is full") from error
        raise StoreUnreachable(f"the blob store failed on {subject}") from error
    except Exception as error:  # each fsspec backend has exception classes of its own, which cannot be imported here
        raise StoreUnreachable(f"the blob store failed on {subject}") from error
