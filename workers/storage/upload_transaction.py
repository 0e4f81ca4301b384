"""All uploads of one submission, committed together or not at all."""

from contextlib import suppress

from models.errors import AtlasError
from workers.storage.blobs import Blob, BlobStore, BlobWriter


class UploadTransaction:
    """Uploads are written and sealed one by one; `commit` moves all of them to their digests, `rollback` deletes them."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._sealed: list[tuple[BlobWriter, Blob]] = []

    def writer(self) -> BlobWriter:
        """Return a writer for one more upload, to be passed to `seal` or aborted."""
        return self._blobs.writer()

    def seal(self, writer: BlobWriter) -> Blob:
        """End writing an upload and add it to the transaction; raises StoreFull, StoreUnreachable."""
        blob = writer.seal()
        self._sealed.append((writer, blob))
        return blob

    def commit(self) -> None:
        """Move all sealed uploads to their digests, flushed to disk; raises StoreFull, StoreUnreachable."""
        self._blobs.commit_uploads([(writer.temporary, blob.digest) for writer, blob in self._sealed])
        self._sealed.clear()

    def rollback(self) -> None:
        """Delete all sealed uploads that are not committed; housekeeping deletes what the store does not delete now."""
        for writer, _ in self._sealed:
            with suppress(AtlasError):
                writer.abort()
        self._sealed.clear()
