"""The uploads of one submission on their way in: kept all together, or none of them."""

from contextlib import suppress

from models.errors import AtlasError
from workers.storage.blobs import Blob, BlobStore, BlobWriter


class UploadTransaction:
    """Writers seal one by one; `keep` gives all of them their place, `discard` leaves nothing of what was not kept."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._sealed: list[tuple[BlobWriter, Blob]] = []

    def writer(self) -> BlobWriter:
        """For one more upload; seal it with `seal`, or abort it."""
        return self._blobs.writer()

    def seal(self, writer: BlobWriter) -> Blob:
        """The upload has been written; raises StoreFull, StoreUnreachable."""
        blob = writer.seal()
        self._sealed.append((writer, blob))
        return blob

    def keep(self) -> None:
        """Under their digests, on the disk; raises StoreFull, StoreUnreachable."""
        self._blobs.keep([(writer.temporary, blob.digest) for writer, blob in self._sealed])
        self._sealed.clear()

    def discard(self) -> None:
        """Harmless after `keep`; what the store does not remove now, housekeeping does."""
        for writer, _ in self._sealed:
            with suppress(AtlasError):
                writer.abort()
        self._sealed.clear()
