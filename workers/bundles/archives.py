"""What an archive holds, listed and read in memory: nothing is extracted to disk, and nothing is unpacked beyond its budget."""

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

HEAD_BYTES = 4096
"""How much of a file is looked at to tell its kind."""

HARMLESS_BYTES = 2**20
"""An archive that unpacks to less than this may be as compressible as it likes."""

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
    """A regular file of an archive: where it lies in it, its first bytes, and how to read all of it."""

    path: PurePosixPath
    head: bytes
    load: Callable[[], bytes]


class Budget:
    """How many files and unpacked bytes a bundle may still hold; LimitExceeded when it is spent."""

    def __init__(self, max_files: int, max_bytes: int, max_ratio: float) -> None:
        self._files, self._bytes, self._ratio = max_files, max_bytes, max_ratio
        self._max_files, self._max_bytes = max_files, max_bytes

    def take_file(self, part: str) -> None:
        """One more file."""
        self._files -= 1
        if self._files < 0:
            raise LimitExceeded(f"more than {self._max_files:,} files in the bundle", part=part)

    def take_bytes(self, count: int, part: str) -> None:
        """Bytes that were unpacked."""
        self._bytes -= count
        if self._bytes < 0:
            raise LimitExceeded(f"the bundle unpacks to more than {self._max_bytes:,} bytes", part=part)

    def check(self, unpacked: int, packed: int, part: str) -> None:
        """Whether this much may come out of so little."""
        if unpacked > self._bytes:
            raise LimitExceeded(f"the bundle unpacks to more than {self._max_bytes:,} bytes", part=part)
        if unpacked > HARMLESS_BYTES and unpacked > self._ratio * packed:
            raise LimitExceeded(f"{part} expands more than {self._ratio:g} times", part=part)


def walk_zip(path: Path, part: str, budget: Budget) -> Iterator[Entry]:
    """The files of a zip archive; raises UnreadableArchive for links, encryption and names that lead out of it."""
    with _translated(part):
        archive = zipfile.ZipFile(path)
        files = [info for info in archive.infolist() if not info.is_dir()]
        budget.check(sum(info.file_size for info in files), path.stat().st_size, part)
    for info in files:
        where = _safe(info.filename, part)
        if info.external_attr >> 16 & _FORMAT == _SYMLINK:
            raise UnreadableArchive(f"{info.filename!r} is a link, which is refused", part=part)
        if info.flag_bits & 1:
            raise UnreadableArchive(f"{info.filename!r} is encrypted", part=part)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableArchive(f"{info.filename!r} is compressed in a way other than deflate", part=part)
        budget.take_file(part)
        yield _entry(where, partial(archive.open, info), info.file_size, part, budget)


def walk_tar(data: bytes, part: str, budget: Budget) -> Iterator[Entry]:
    """The files of a tar archive; raises UnreadableArchive for links, devices and names that lead out of it."""
    with _translated(part):
        archive = tarfile.TarFile(fileobj=io.BytesIO(data), mode="r")
    while info := _next(archive, part):
        where = _safe(info.name, part)
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            raise UnreadableArchive(f"{info.name!r} is a link or no regular file, which is refused", part=part)
        budget.take_file(part)
        yield _entry(where, partial(_extract, archive, info), info.size, part, budget)


def gunzip(data: bytes, part: str, budget: Budget) -> bytes:
    """What is in a gzip; raises LimitExceeded while it unpacks, UnreadableArchive where it is damaged."""
    chunks, size = [], 0
    with _translated(part), gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            budget.check(size, len(data), part)
            chunks.append(chunk)
    budget.take_bytes(size, part)
    return b"".join(chunks)


def gunzip_head(head: bytes) -> bytes:
    """The first bytes of what is in a gzip, from its own first bytes; empty where it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def label(part: str, path: PurePosixPath) -> str:
    """How a member is called in what a user reads: without characters that do not print, and not endless."""
    return "".join(c if c.isprintable() else "?" for c in f"{part}/{path}")[:300]


def _entry(where: PurePosixPath, opened: Callable[[], IO[bytes]], size: int, part: str, budget: Budget) -> Entry:
    name = label(part, where)

    def load() -> bytes:
        with _translated(name), opened() as file:
            data = file.read(size + 1)  # a header may promise less than there is
        budget.take_bytes(len(data), name)
        return data

    with _translated(name), opened() as file:
        return Entry(where, file.read(HEAD_BYTES), load)


def _next(archive: tarfile.TarFile, part: str) -> tarfile.TarInfo | None:
    with _translated(part):
        return archive.next()


def _extract(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    if file is None:
        raise ValueError("no regular file")
    return file


def _safe(name: str, part: str) -> PurePosixPath:
    """The member's path; raises UnreadableArchive where it is absolute or leads out of the archive."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name) or "\0" in name:
        raise UnreadableArchive(f"{name!r} leads out of the archive, which is refused", part=part)
    return path


@contextmanager
def _translated(part: str) -> Iterator[None]:
    """Whatever the standard library raises on a damaged archive, as UnreadableArchive."""
    try:
        yield
    except _DAMAGE as error:
        # What the system says of a file names it by its place on the server.
        said = error.strerror if isinstance(error, OSError) and error.errno is not None else error
        raise UnreadableArchive(f"{part} is damaged: {said}", part=part) from error
