"""From a request body to stored parts: streamed, hashed on the way, never whole in memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.multipart import parse_options_header

from app.errors import EmptyUpload, MalformedRequest, UnsupportedParts
from app.forms import FormReceiver
from app.options import RAW_NAME
from app.parts import PartWriter, StoredPart, display_name
from workers.blobs import BlobStore
from workers.contracts import Part, PartProblem

BLOCK_BYTES: Final = 2**20
"""What is gathered before a thread parses, hashes and stores it: the hop to a thread costs more than a small chunk."""

MAX_NAMED: Final = 20
"""Parts at fault that an answer names."""


@dataclass(frozen=True)
class Upload:
    """What a request body held."""

    parts: tuple[Part, ...]
    fields: dict[str, str]


class Receiver(Protocol):
    """Takes in a body block by block."""

    parts: list[StoredPart]
    fields: dict[str, str]

    def feed(self, data: bytes) -> None: ...  # noqa: D102
    def finish(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class RawReceiver:
    """A body that is a bundle of one part."""

    def __init__(self, blobs: BlobStore, name: str, media_type: str) -> None:
        self.parts: list[StoredPart] = []
        self.fields: dict[str, str] = {}
        self._writer = PartWriter(blobs, name, media_type)

    def feed(self, data: bytes) -> None:
        """Take in the next block."""
        self._writer.write(data)

    def finish(self) -> None:
        """The body has ended."""
        self.parts.append(self._writer.commit())

    def close(self) -> None:
        """Harmless after `finish`."""
        self._writer.abort()


async def receive(request: Request, blobs: BlobStore, max_parts: int) -> Upload:
    """
    Take in a multipart form or a raw body.

    Raises MalformedRequest, EmptyUpload, UnsupportedParts (not one part may be of an accepted kind) and LimitExceeded.
    """
    receiver = await run_in_threadpool(_receiver, request, blobs, max_parts)
    try:
        async for block in _blocks(request.stream()):
            await run_in_threadpool(receiver.feed, block)
        await run_in_threadpool(receiver.finish)
    finally:
        receiver.close()
    _judge(receiver.parts)
    return Upload(tuple(stored.part for stored in receiver.parts), receiver.fields)


def _receiver(request: Request, blobs: BlobStore, max_parts: int) -> Receiver:
    kind, parameters = parse_options_header(request.headers.get("content-type", ""))
    media_type = kind.decode("latin-1")
    if media_type != "multipart/form-data":
        return RawReceiver(blobs, _raw_name(request), media_type)
    if not parameters.get(b"boundary"):
        raise MalformedRequest("the Content-Type names no multipart boundary")
    return FormReceiver(blobs, parameters[b"boundary"], max_parts)


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
