"""Files of zip, tar and gzip archives, read in memory: nothing is extracted to disk, and unpacked bytes are limited."""

import gzip
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from models.errors import LimitExceeded, UnreadableArchive
from workers.bundles.formats import HEAD_BYTES

MIN_CHECKED_BYTES = 2**20
"""The expansion ratio of an archive is limited where it unpacks to more than this."""

_CHUNK = 2**20
_SYMLINK, _FORMAT = 0o120000, 0o170000
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)


@dataclass(frozen=True)
class Entry:
    """A regular file of an archive: its path there, its first bytes, and a function that reads all of it."""

    path: PurePosixPath
    head: bytes
    load: Callable[[], bytes]


class Budget:
    """
    Remaining numbers of files and unpacked bytes that a bundle may hold.

    Each method raises LimitExceeded, naming `part`, when its limit is exceeded.
    """

    def __init__(self, max_files: int, max_bytes: int, max_ratio: float) -> None:
        self._files, self._bytes, self._ratio = max_files, max_bytes, max_ratio
        self._max_files, self._max_bytes = max_files, max_bytes

    def count_file(self, part: str) -> None:
        """Count one more file."""
        self._files -= 1
        if self._files < 0:
            raise LimitExceeded(f"more than {self._max_files:,} files in the bundle; split it", part=part)

    def count_bytes(self, count: int, part: str) -> None:
        """Count unpacked bytes."""
        self._bytes -= count
        if self._bytes < 0:
            raise LimitExceeded(f"the bundle unpacks to more than {self._max_bytes:,} bytes; split it", part=part)

    def check_expansion(self, unpacked: int, packed: int, part: str) -> None:
        """Check the unpacked size of an archive against the remaining bytes and the maximum ratio to its packed size."""
        if unpacked > self._bytes:
            raise LimitExceeded(f"the bundle unpacks to more than {self._max_bytes:,} bytes; split it", part=part)
        if unpacked > MIN_CHECKED_BYTES and unpacked > self._ratio * packed:
            raise LimitExceeded(f"{part} expands more than {self._ratio:g} times", part=part)


def walk_zip(path: Path, part: str, budget: Budget) -> Iterator[Entry]:
    """Yield the files of a zip archive; raises UnreadableArchive for links, encryption and paths outside the archive."""
    with _archive_errors(part):
        archive = zipfile.ZipFile(path)
        files = [info for info in archive.infolist() if not info.is_dir()]
        budget.check_expansion(sum(info.file_size for info in files), path.stat().st_size, part)
    for info in files:
        inner = _safe_path(info.filename, part)
        if info.external_attr >> 16 & _FORMAT == _SYMLINK:
            raise UnreadableArchive(f"{info.filename!r} is a link, which is refused; pack the file itself", part=part)
        if info.flag_bits & 1:
            raise UnreadableArchive(f"{info.filename!r} is encrypted; pack it without a password", part=part)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableArchive(f"{info.filename!r} is compressed by a method other than deflate; pack it with deflate", part=part)
        budget.count_file(part)
        yield _read_entry(inner, partial(archive.open, info), info.file_size, part, budget)


def walk_tar(data: bytes, part: str, budget: Budget) -> Iterator[Entry]:
    """Yield the files of a tar archive; raises UnreadableArchive for links, devices and paths outside the archive."""
    with _archive_errors(part):
        archive = tarfile.TarFile(fileobj=io.BytesIO(data), mode="r")
    while info := _next_entry(archive, part):
        inner = _safe_path(info.name, part)
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            raise UnreadableArchive(f"{info.name!r} is a link or not a regular file, which is refused; pack the file itself", part=part)
        budget.count_file(part)
        yield _read_entry(inner, partial(_extract, archive, info), info.size, part, budget)


def gunzip(data: bytes, part: str, budget: Budget) -> bytes:
    """Decompress a gzip file; raises LimitExceeded while it does so, and UnreadableArchive if the file is damaged."""
    chunks, size = [], 0
    with _archive_errors(part), gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            budget.check_expansion(size, len(data), part)
            chunks.append(chunk)
    budget.count_bytes(size, part)
    return b"".join(chunks)


def gunzip_head(head: bytes) -> bytes:
    """Decompress the first bytes of a gzip file; empty if it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def member_label(part: str, path: PurePosixPath) -> str:
    """Return the name of an archive's member for messages: `part/path`, printable characters only, at most 300 of them."""
    return "".join(c if c.isprintable() else "?" for c in f"{part}/{path}")[:300]


def _read_entry(path: PurePosixPath, open_file: Callable[[], IO[bytes]], size: int, part: str, budget: Budget) -> Entry:
    name = member_label(part, path)

    def load() -> bytes:
        with _archive_errors(name), open_file() as file:
            data = file.read(size + 1)  # the size in a header may be too small
        budget.count_bytes(len(data), name)
        return data

    with _archive_errors(name), open_file() as file:
        return Entry(path, file.read(HEAD_BYTES), load)


def _next_entry(archive: tarfile.TarFile, part: str) -> tarfile.TarInfo | None:
    with _archive_errors(part):
        return archive.next()


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    if file is None:
        raise ValueError("no regular file")
    return file


def _safe_path(name: str, part: str) -> PurePosixPath:
    """Return a member's path; raises UnreadableArchive if it is absolute or points outside the archive."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise UnreadableArchive(f"{name!r} points outside the archive, which is refused; pack with relative paths", part=part)
    return path


@contextmanager
def _archive_errors(part: str) -> Iterator[None]:
    """Translate the standard library's exceptions on a damaged archive into UnreadableArchive."""
    try:
        yield
    except _DAMAGE as error:
        # The text of an OSError holds the file's path on the server, which a client must not see.
        cause = error.strerror if isinstance(error, OSError) and error.errno is not None else error
        raise UnreadableArchive(f"{part} is damaged: {cause}; pack or upload it again", part=part) from error
