"""Everything of a finished job as one zip archive, which is written while it is sent."""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO, Final

from workers.contracts import JobRecord
from workers.storage.blobs import BlobMissing, BlobStore
from workers.storage.result_keys import figure_key, result_key

_CHUNK: Final = 2**20
_SUFFIXES: Final = (("json", "result.json"), ("quakeml", "result.xml"), ("geojson", "result.geojson"), ("csv", "result.csv"))
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

OpenFile = Callable[[], BinaryIO]


def list_files(record: JobRecord, job: bytes, blobs: BlobStore) -> Iterator[tuple[str, OpenFile]]:
    """
    List the files of a job's archive, with a function that opens each.

    `job.json` is the job as the API answers it, then its result in every format, its figures, and its uploads in `inputs/`.

    Parameters
    ----------
    record
        The record of the job.
    job
        The job as JSON.
    blobs
        The store of its results and uploads.

    """
    yield "job.json", partial(io.BytesIO, job)
    names = dict(_SUFFIXES)
    if record.formats or record.figures:
        for file_format in ("json", *(name for name in record.formats if name != "json")):
            yield names[file_format], partial(_open_blob, blobs, result_key(record, file_format))
    for name in record.figures:
        yield f"figures/{name}.png", partial(_open_blob, blobs, figure_key(record, name))
    for number, part in enumerate(record.submission.parts, start=1):
        name = PurePosixPath(part.name.replace("\\", "/")).name.lstrip(".") or "part"
        yield f"inputs/{number:04d}_{name}", partial(blobs.open_upload, part.digest)


def stream_zip(files: Iterator[tuple[str, OpenFile]]) -> Iterator[bytes]:
    """Write files to a zip archive and yield its bytes as they come; uploads that are no longer kept are left out."""
    buffer = _Drain()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, open_file in files:
            with suppress(BlobMissing):
                stream = open_file()
                with stream, archive.open(zipfile.ZipInfo(name, _EPOCH), "w", force_zip64=True) as entry:
                    while chunk := stream.read(_CHUNK):
                        entry.write(chunk)
                        yield buffer.drain()
            yield buffer.drain()
    yield buffer.drain()


def _open_blob(blobs: BlobStore, key: str) -> BinaryIO:
    return io.BytesIO(blobs.get(key))


class _Drain(io.RawIOBase):
    """A file that cannot be sought, as zipfile writes it in sequence, and whose bytes are taken out as they come."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(data)  # type: ignore[call-overload]
        self._chunks.append(chunk)
        return len(chunk)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        data, self._chunks = b"".join(self._chunks), []
        return data
