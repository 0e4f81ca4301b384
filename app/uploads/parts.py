"""One part of an upload on its way to the blob store, and its name made fit to be shown."""

import unicodedata
from dataclasses import dataclass

from app.uploads.sniffing import HEAD_BYTES, plausible
from workers.contracts import Part
from workers.storage.upload_transaction import UploadTransaction

MAX_NAME = 120
"""Characters kept of a file name."""


@dataclass(frozen=True)
class StoredPart:
    """A part as stored, and whether it may be of an accepted kind."""

    part: Part
    plausible: bool


class PartWriter:
    """Writes one part and remembers its first bytes."""

    def __init__(self, intake: UploadTransaction, name: str, media_type: str = "") -> None:
        self._intake, self._writer = intake, intake.writer()
        self._name, self._media_type = name, media_type
        self._head = b""

    def write(self, data: bytes) -> None:
        """Append."""
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self._writer.write(data)

    def seal(self) -> StoredPart:
        """It is whole; the intake keeps it."""
        blob = self._intake.seal(self._writer)
        part = Part(name=self._name, digest=blob.digest, size_bytes=blob.size_bytes)
        return StoredPart(part, plausible(self._name, self._head, self._media_type))

    def abort(self) -> None:
        """Forget it, unless it is whole."""
        self._writer.abort()


def display_name(raw: str, number: int) -> str:
    """
    A client's file name for people and reports: its last component, printable, of bounded length.

    It is never used as a path. A name of nothing becomes `part_<number>`.
    """
    last = unicodedata.normalize("NFC", raw).replace("\\", "/").rstrip("/").rpartition("/")[2]
    printable = "".join(letter if letter.isprintable() else "_" for letter in last).strip()
    if printable.strip(".") == "":
        return f"part_{number}"
    return _shortened(printable)


def _shortened(name: str) -> str:
    """Cut in the middle of the stem, for the ending tells the kind."""
    stem, dot, ending = name.rpartition(".")
    if len(name) <= MAX_NAME:
        return name
    if not dot or len(ending) > MAX_NAME // 4:
        return name[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
