"""Receive a request body as stored parts: streamed and hashed while it arrives, never whole in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from anyio import CancelScope
from fastapi import Request
from python_multipart.multipart import parse_options_header

from app.errors import EmptyUpload, MalformedRequest, UnsupportedParts
from app.store_access import StoreAccess
from app.uploads.options import RAW_NAME
from app.uploads.receivers import BodyReceiver, FormReceiver, RawReceiver, display_name
from workers.bundles.formats import ACCEPTED_FORMATS
from workers.contracts import Part, PartProblem
from workers.storage.blobs import BlobStore, StoreUnreachable
from workers.storage.upload_transaction import UploadTransaction

BLOCK_BYTES: Final = 2**20
"""Bytes collected before a thread parses, hashes and stores them: handing over a small chunk costs more than its work."""

MAX_PART_PROBLEMS: Final = 20
"""Unsupported parts that an error lists."""


@dataclass(frozen=True)
class Upload:
    """A received body: its parts in the order of the upload, its option fields, and the transaction that stored the parts."""

    store: StoreAccess
    parts: tuple[Part, ...]
    fields: dict[str, str]
    transaction: UploadTransaction

    async def keep(self) -> None:
        """Commit the parts to the store; raises StoreFull, StoreUnreachable."""
        await self.store.run(self.transaction.commit)


@asynccontextmanager
async def receive_upload(request: Request, blobs: BlobStore, store: StoreAccess, max_parts: int) -> AsyncIterator[Upload]:
    """
    Receive a multipart form or a raw body; call `keep` on the upload inside the block, otherwise nothing of it stays stored.

    Raises MalformedRequest, EmptyUpload, UnsupportedParts (no part may be of an accepted format), LimitExceeded, StoreFull and
    StoreUnreachable.
    """
    transaction = UploadTransaction(blobs)
    try:
        receiver = await store.run(_new_receiver, request, transaction, max_parts)
        try:
            async for block in _collect_blocks(request.stream()):
                await store.run(receiver.feed, block)
            await store.run(receiver.finish)
        finally:
            with CancelScope(shield=True), suppress(StoreUnreachable):
                await store.run(receiver.close)
        _check_formats(receiver)
        yield Upload(store, tuple(receiver.parts), receiver.fields, transaction)
    finally:
        # Also after a disconnect. Housekeeping deletes what a store that does not answer keeps.
        with CancelScope(shield=True), suppress(StoreUnreachable):
            await store.run(transaction.rollback)


def _new_receiver(request: Request, transaction: UploadTransaction, max_parts: int) -> BodyReceiver:
    content_type, parameters = parse_options_header(request.headers.get("content-type", ""))
    media_type = content_type.decode("latin-1")
    if media_type != "multipart/form-data":
        return RawReceiver(transaction, _raw_name(request), media_type)
    if not parameters.get(b"boundary"):
        raise MalformedRequest("the Content-Type multipart/form-data has no boundary parameter")
    return FormReceiver(transaction, parameters[b"boundary"], max_parts)


def _raw_name(request: Request) -> str:
    """Name of a raw body: the query parameter `name`, else the file name of Content-Disposition, else `bundle`."""
    _, parameters = parse_options_header(request.headers.get("content-disposition", ""))
    name = request.query_params.get(RAW_NAME) or parameters.get(b"filename", b"").decode("utf-8", "replace")
    return display_name(name or "bundle", 1)


async def _collect_blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join chunks to blocks of at least `BLOCK_BYTES`, except for the last one."""
    block = bytearray()
    async for chunk in chunks:
        block += chunk
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _check_formats(receiver: BodyReceiver) -> None:
    """
    Refuse an upload without bytes, and one without any part of an accepted format.

    Where at least one part may be readable, the job decides and warns of the others.
    """
    if not any(part.size_bytes for part in receiver.parts):
        named = f"holds only empty files ({receiver.parts[0].name})" if receiver.parts else "holds no bytes"
        raise EmptyUpload(f"the upload {named}; send at least one file with content, as a form part named bundle or a raw body")
    if receiver.accepted:
        return
    found = list(zip(receiver.parts, receiver.contents, strict=True))[:MAX_PART_PROBLEMS]
    problems = [PartProblem(name=part.name, code=UnsupportedParts.code, detail=content) for part, content in found]
    raise UnsupportedParts(f"no part of the upload is of an accepted format; send {ACCEPTED_FORMATS}", parts=problems)
