"""Bundles: files, folders, bytes, open files and objects of ObsPy as the parts of a submission."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Union, cast

from seismic_atlas_client.errors import NothingToSend
from seismic_atlas_client.obspy_parts import is_inventory, is_stream, write_inventory, write_stream

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz")
IGNORED_FOLDERS = ("__MACOSX",)
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Time of every member, so that the same files make the same archive, and a retry the same submission."""

COMPRESSION_LEVEL = 1

Source = Union[str, os.PathLike[str], bytes, IO[bytes], "tuple[str, Any]", Iterable[Any], Any]
"""
What `classify`, `locate` and `cluster` take: a path of a file or folder, bytes, an open binary file, an ObsPy `Stream`, `Trace` or
`Inventory`, a pair of a name and one of those, or a list of them.
"""


@dataclass(frozen=True)
class Part:
    """One file of a submission: its name, and its bytes, path, or temporary file."""

    name: str
    content: bytes | Path | IO[bytes]

    def open(self) -> IO[bytes]:
        """Open the part from its beginning; a path is opened at the first read only, so that thousands of parts need no descriptors."""
        if isinstance(self.content, Path):
            return cast(IO[bytes], _LazyFile(self.content))
        if isinstance(self.content, bytes):
            return io.BytesIO(self.content)
        self.content.seek(0)
        return self.content

    def read(self) -> bytes:
        """Read the bytes of the part."""
        return self.content.read_bytes() if isinstance(self.content, Path) else self.open().read()


class _LazyFile(io.RawIOBase):
    """A file that is open between its first read and its end."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._size, self._position = path, path.stat().st_size, 0
        self._file: IO[bytes] | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence] + offset
        self.close_file()
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._file is None:
            self._file = self._path.open("rb")
            self._file.seek(self._position)
        block = self._file.read(size)
        self._position += len(block)
        if not block or size < 0:
            self.close_file()
        return block

    def close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def close(self) -> None:
        self.close_file()
        super().close()


class Bundle:
    """The parts of one submission. As a context it deletes its temporary archives at the end."""

    def __init__(self, sources: Iterable[Source], *, many_events: bool = False) -> None:
        """
        Collect the parts of the sources; raises NothingToSend, FileNotFoundError.

        Parameters
        ----------
        sources
            Files, folders, bytes, open files, objects of ObsPy.
        many_events
            Each file and each folder is an event of its own, as in a clustering. One folder alone then holds the events; of several
            folders each is an event. Otherwise all files together are one event.

        """
        self._stack, self._many_events = ExitStack(), many_events
        self._parts: list[Part] = []
        try:
            self._collect(list(_flatten(sources)))
        except BaseException:
            self.close()
            raise

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts in the order of the sources."""
        return tuple(self._parts)

    def __enter__(self) -> Bundle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete temporary archives."""
        self._stack.close()

    def _collect(self, sources: Sequence[Source]) -> None:
        folders: list[Path] = []
        for source in sources:
            if isinstance(source, (str, os.PathLike)) and Path(source).is_dir():
                folders.append(Path(source))
            else:
                self._parts.append(self._make_part(source))
        if self._many_events and len(folders) > 1:
            self._add_folder(
                "events", [(f"{_folder_name(folder)}/{name}", path) for folder in folders for name, path in _list_files(folder)]
            )
        else:
            for folder in folders:
                self._add_folder(_folder_name(folder), list(_list_files(folder)))
        if not self._parts:
            raise NothingToSend("there is no file to send in " + (", ".join(map(str, folders)) or "an empty list of sources"))

    def _make_part(self, source: Source, name: str = "") -> Part:
        """Return a source that is no folder as a part, under the name that a pair gives it."""
        if isinstance(source, tuple):
            name, source = source
            return self._make_part(source, name)
        number = len(self._parts) + 1
        if is_stream(source):
            return Part(_with_suffix(name or (f"event_{number:03d}" if self._many_events else "waveforms"), ".mseed"), write_stream(source))
        if is_inventory(source):
            return Part(_with_suffix(name or "stations", ".xml"), write_inventory(source))
        if isinstance(source, (bytes, bytearray, memoryview)):
            return Part(name or f"part_{number}", bytes(source))
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            if not path.is_file():
                raise FileNotFoundError(f"there is no file or folder {path}")
            return Part(name or path.name, path)
        if hasattr(source, "read"):
            file = cast(IO[bytes], source)
            return Part(name or Path(str(getattr(file, "name", f"part_{number}"))).name, file.read())
        raise TypeError(
            f"cannot send a {type(source).__name__}; give paths, bytes, open binary files, or a Stream and an Inventory of ObsPy"
        )

    def _add_folder(self, name: str, files: Sequence[tuple[str, Path]]) -> None:
        """Add the files of a folder as one archive, and the archives among them as parts, since archives in archives are refused."""
        plain = [(member, path) for member, path in files if not is_archive(path)]
        self._parts += [Part(path.name, path) for _, path in files if is_archive(path)]
        if not plain:
            return
        file = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 -- the stack closes it
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL) as archive:
            for member, path in plain:
                with path.open("rb") as content, archive.open(zipfile.ZipInfo(member, ZIP_TIME), "w", force_zip64=True) as target:
                    while block := content.read(2**20):
                        target.write(block)
        self._parts.append(Part(f"{name}.zip", file))


def is_archive(path: Path) -> bool:
    """Return whether a file is an archive, by its name."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _flatten(sources: Iterable[Source]) -> Iterator[Source]:
    """Yield the sources, those of lists and generators one by one."""
    for source in sources:
        if isinstance(source, (list, set, frozenset)) or (isinstance(source, Iterator) and not hasattr(source, "read")):
            yield from _flatten(source)
        else:
            yield source


def _list_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield name relative to the folder and path of each file below it, in order; hidden files and folders are left out."""
    for base, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS)
        for name in sorted(files):
            if not name.startswith("."):
                path = Path(base) / name
                yield path.relative_to(folder).as_posix(), path


def _folder_name(folder: Path) -> str:
    return folder.resolve().name or "folder"


def _with_suffix(name: str, suffix: str) -> str:
    return name if name.lower().endswith(suffix) else name + suffix
