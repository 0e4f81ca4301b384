"""Bytes that outlive a request: uploads under their digest, results under their job, on any fsspec URL."""

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

from models.errors import AtlasError
from workers.settings import Settings

# A component begins with a letter or digit, so neither `..` nor a hidden file can be named.
_KEY = re.compile(r"(uploads|results|incoming)(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){1,6}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 16  # files flushed side by side: a journal writes them together


class BlobMissing(AtlasError):
    """No blob lies under that key."""

    code = "blob-missing"


class StoreFull(AtlasError):
    """The store has no room left; nothing of the refused blob stays behind."""

    code = "store-full"


class StoreUnreachable(AtlasError):
    """The store did not answer, or not as it should."""

    code = "store-unreachable"


@dataclass(frozen=True)
class Blob:
    """What a writer has kept: SHA-256 of the bytes, hexadecimal, and their number."""

    digest: str
    size_bytes: int


class BlobStore:
    """Keys are `uploads/<digest>` and `results/<job>/...`; a blob is either there as a whole or not at all."""

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        with _clean_errors(url="the blob store"):
            # A listing that is remembered would hide what another process has written.
            self._fs, self._root = fsspec.core.url_to_fs(url, **{"use_listings_cache": False, **(options or {})})
        self._local = isinstance(self._fs, LocalFileSystem)

    def writer(self) -> "BlobWriter":
        """A new upload, hashed while it is written."""
        return BlobWriter(self, f"incoming/{uuid4().hex}")

    def open(self, digest: str) -> BinaryIO:
        """The upload of that digest for reading; raises BlobMissing."""
        key = upload_key(digest)
        with _clean_errors(key):
            return cast(BinaryIO, self._fs.open(self._path(key), "rb"))

    def read(self, digest: str) -> bytes:
        """The bytes of the upload of that digest; raises BlobMissing."""
        return self.get(upload_key(digest))

    def source(self, digest: str) -> str | Callable[[], BinaryIO]:
        """The upload as the reader takes it: the store's own file (do not write to it), else what opens it; raises BlobMissing."""
        key = upload_key(digest)
        if not self.exists(key):
            raise BlobMissing(f"no blob under {key}")
        return self._path(key) if self._local else partial(self.open, digest)

    def get(self, key: str) -> bytes:
        """The bytes under a key; raises BlobMissing."""
        with _clean_errors(key):
            return bytes(self._fs.cat_file(self._path(key)))

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, over what was there."""
        temporary = f"incoming/{uuid4().hex}" if self._local else key
        with _clean_errors(key), self._discarding(temporary):
            with self._create(temporary) as file:
                file.write(data)
            if temporary != key:
                _sync(self._path(temporary))
                self._move(temporary, key)
                _sync(os.path.dirname(self._path(key)))

    def exists(self, key: str) -> bool:
        """Whether a blob lies under the key."""
        with _clean_errors(key):
            return bool(self._fs.exists(self._path(key)))

    def delete(self, prefix: str) -> None:
        """Remove the blob under that key, or all below it; nothing there is no error."""
        with _clean_errors(prefix), suppress(FileNotFoundError):
            self._fs.rm(self._path(prefix), recursive=True)

    def older(self, room: str, before: datetime) -> list[str]:
        """Keys directly in a room (`uploads`, `incoming`) whose blobs were last written before a time."""
        with _clean_errors(room), suppress(FileNotFoundError):
            paths = [str(path) for path in self._fs.ls(f"{self._root}/{room}", detail=False)]
            return [f"{room}/{path.rpartition('/')[2]}" for path in paths if self._fs.modified(path) < before]
        return []

    def keep(self, sealed: Sequence[tuple[str, str]]) -> None:
        """
        Give sealed uploads (temporary key, digest) their place; they are on the disk when this returns.

        Side by side: one after the other, thousands of files take a disk a minute.
        """
        with _clean_errors("the upload"), ThreadPoolExecutor(min(_AT_ONCE, len(sealed) or 1)) as pool:
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
        """Local: one rename. Elsewhere a copy, which object stores make atomic."""
        if self._local:
            os.makedirs(os.path.dirname(self._path(target)), exist_ok=True)
            os.replace(self._path(source), self._path(target))
        else:
            self._fs.mv(self._path(source), self._path(target))

    @contextmanager
    def _discarding(self, temporary: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with suppress(OSError):
                self._fs.rm(self._path(temporary))
            raise


class BlobWriter:
    """Hashes while it writes under a temporary key; leaving the `with` block without `commit` leaves nothing behind."""

    def __init__(self, store: BlobStore, temporary: str) -> None:
        self._store, self.temporary = store, temporary
        self._hash, self._size, self._sealed = hashlib.sha256(), 0, False
        with _clean_errors(temporary):
            self._file: BinaryIO | None = store._create(temporary)

    def write(self, chunk: bytes) -> None:
        """Append; raises StoreFull or StoreUnreachable."""
        if self._file is None:
            raise ValueError("the upload has ended")
        self._hash.update(chunk)
        self._size += len(chunk)
        with _clean_errors("the upload"):
            self._file.write(chunk)

    def seal(self) -> Blob:
        """Nothing more is written; the bytes stay under the temporary key until the store keeps or `abort` removes them."""
        if self._file is None:
            raise ValueError("the upload has ended")
        file, self._file = self._file, None
        with _clean_errors("the upload"), self._store._discarding(self.temporary):
            file.close()
        self._sealed = True
        return Blob(self._hash.hexdigest(), self._size)

    def commit(self) -> Blob:
        """Keep what was written under its digest, once however often it is uploaded."""
        with self._store._discarding(self.temporary):
            blob = self.seal()
            self._store.keep([(self.temporary, blob.digest)])
        self._sealed = False
        return blob

    def abort(self) -> None:
        """Forget what was written; harmless after `commit`."""
        if self._file is not None:
            with suppress(OSError, AtlasError), _clean_errors("the upload"):
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
    """The store that the settings name: `blob_url`, else the folder `blobs` in the data folder."""
    return BlobStore(settings.blob_url or (settings.data_dir.resolve() / "blobs").as_uri())


def _sync(path: str) -> None:
    """Put a file's bytes, or a folder's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def upload_key(digest: str) -> str:
    """Where an upload lies; raises ValueError for what is no SHA-256."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return f"uploads/{digest}"


@contextmanager
def _clean_errors(key: str = "", *, url: str = "") -> Iterator[None]:
    """Whatever a backend raises, in the words of this module and without its addresses."""
    what = url or key
    try:
        yield
    except (AtlasError, ValueError):
        raise
    except FileNotFoundError as error:
        raise BlobMissing(f"no blob under {what}") from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise StoreFull("the blob store is full") from error
        raise StoreUnreachable(f"the blob store failed on {what}") from error
    except Exception as error:  # each backend of fsspec has exceptions of its own, behind imports that are not ours
        raise StoreUnreachable(f"the blob store failed on {what}") from error
