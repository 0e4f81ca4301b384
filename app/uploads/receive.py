"""From a request body to stored parts: streamed, hashed on the way, never whole in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from anyio import CancelScope
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header

from app.errors import EmptyUpload, MalformedRequest, UnsupportedParts
from app.uploads.multipart import FormReceiver
from app.uploads.options import RAW_NAME
from app.uploads.parts import PartWriter, StoredPart, display_name
from workers.contracts import Part, PartProblem
from workers.storage.blobs import BlobStore
from workers.storage.upload_transaction import UploadTransaction

BLOCK_BYTES: Final = 2**20
"""What is gathered before a thread parses, hashes and stores it: the hop to a thread costs more than a small chunk."""

MAX_NAMED: Final = 20
"""Parts at fault that an answer names."""


@dataclass(frozen=True)
class Upload:
    """What a request body held."""

    parts: tuple[Part, ...]
    fields: dict[str, str]
    intake: UploadTransaction

    async def keep(self) -> None:
        """From here on the parts are the store's; raises StoreFull, StoreUnreachable."""
        await run_in_threadpool(self.intake.commit)


class BodyReceiver(Protocol):
    """Takes in a body block by block."""

    parts: list[StoredPart]
    fields: dict[str, str]

    def feed(self, data: bytes) -> None: ...  # noqa: D102
    def finish(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class RawReceiver:
    """A body that is a bundle of one part."""

    def __init__(self, intake: UploadTransaction, name: str, media_type: str) -> None:
        self.parts: list[StoredPart] = []
        self.fields: dict[str, str] = {}
        self._writer: PartWriter | None = PartWriter(intake, name, media_type)

    def feed(self, data: bytes) -> None:
        """Take in the next block."""
        if self._writer is not None:
            self._writer.write(data)

    def finish(self) -> None:
        """The body has ended."""
        if self._writer is not None:
            self.parts.append(self._writer.seal())
            self._writer = None

    def close(self) -> None:
        """Harmless after `finish`."""
        if self._writer is not None:
            self._writer.abort()


@asynccontextmanager
async def receive_upload(request: Request, blobs: BlobStore, max_parts: int) -> AsyncIterator[Upload]:
    """
    A multipart form or a raw body, taken in; `keep` the upload inside the block, or nothing of it stays.

    Raises MalformedRequest, EmptyUpload, UnsupportedParts (not one part may be of an accepted kind) and LimitExceeded.
    """
    intake = UploadTransaction(blobs)
    try:
        receiver = await run_in_threadpool(_receiver, request, intake, max_parts)
        try:
            async for block in _blocks(request.stream()):
                await run_in_threadpool(receiver.feed, block)
            await run_in_threadpool(receiver.finish)
        finally:
            receiver.close()
        _judge(receiver.parts)
        yield Upload(tuple(stored.part for stored in receiver.parts), receiver.fields, intake)
    finally:
        with CancelScope(shield=True):  # also when the request was cut off: thousands of files are no work for the event loop
            await run_in_threadpool(intake.rollback)


def _receiver(request: Request, intake: UploadTransaction, max_parts: int) -> BodyReceiver:
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    media_type = kind.decode("latin-1")
    if media_type != "multipart/form-data":
        return RawReceiver(intake, _raw_name(request), media_type)
    if not parameters.get(b"boundary"):
        raise MalformedRequest("the Content-Type names no multipart boundary")
    return FormReceiver(intake, parameters[b"boundary"], max_parts)


def _raw_name(request: Request) -> str:
    """From ?name=, else the file name of Content-Disposition, else `bundle`."""
    _, parameters = parse_options_header(request.headers.get("content-disposition", ""))
    named = request.query_params.get(RAW_NAME) or parameters.get(b"filename", b"").decode("utf-8", "replace")
    return display_name(named or "bundle", 1)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    gathered = bytearray()
    async for chunk in chunks:
        gathered += chunk
        if len(gathered) >= BLOCK_BYTES:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _judge(parts: list[StoredPart]) -> None:
    """An upload with one part that may be readable goes to the reader, which warns of the others."""
    if not any(stored.part.size_bytes for stored in parts):
        raise EmptyUpload("the upload holds no bytes; send at least one part named bundle, or a raw body")
    if any(stored.plausible for stored in parts):
        return
    detail = "neither miniSEED, StationXML, stations.csv nor a zip, tar or tar.gz of those"
    faults = [PartProblem(name=stored.part.name, code=UnsupportedParts.code, detail=detail) for stored in parts[:MAX_NAMED]]
    raise UnsupportedParts(f"not one part is of an accepted kind: {detail}", parts=faults)
