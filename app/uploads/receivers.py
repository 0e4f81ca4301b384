"""
Receivers of a request body: a multipart form or a raw body, parsed while it arrives.

`bundle` parts are written to the blob store as they come in, option fields to a dictionary. All calls block (they write to the
store), so they run in the thread pool.
"""

import unicodedata
from typing import Final, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import MalformedRequest
from app.uploads.options import FIELDS
from app.uploads.sniffing import may_be_accepted
from models.errors import LimitExceeded
from workers.bundles.formats import HEAD_BYTES, describe_content
from workers.contracts import MAX_CALLBACK_URL, Part
from workers.storage.upload_transaction import UploadTransaction

BUNDLE: Final = "bundle"
MAX_NAME: Final = 120
"""Characters kept of a file name."""

MAX_VALUE_BYTES: Final = 4 * MAX_CALLBACK_URL
"""Longest value of an option field: that of the longest option, an address, in UTF-8."""


class BodyReceiver(Protocol):
    """
    Push parser of a request body: `feed` it blocks, then `finish` it; `close` it in any case.

    `parts` are the stored files in the order of the upload, and `contents` says what the first bytes of each look like; `accepted` is true
    once one of them may be of an accepted format.
    """

    parts: list[Part]
    contents: list[str]
    accepted: bool
    fields: dict[str, str]

    def feed(self, data: bytes) -> None: ...  # noqa: D102
    def finish(self) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class PartWriter:
    """Write one part to the blob store and keep its first bytes, from which its format is recognized."""

    def __init__(self, transaction: UploadTransaction, name: str, media_type: str = "") -> None:
        self._transaction, self._writer = transaction, transaction.writer()
        self._name, self._media_type = name, media_type
        self._head = b""

    @property
    def accepted(self) -> bool:
        """Whether the part may be of an accepted format, by its name, media type and first bytes."""
        return may_be_accepted(self._name, self._head, self._media_type)

    @property
    def content(self) -> str:
        """What the first bytes look like, and what to do, if no part is of an accepted format."""
        return "; ".join(describe_content(self._head))

    def write(self, data: bytes) -> None:
        """Append bytes."""
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self._writer.write(data)

    def seal(self) -> Part:
        """Complete the part within the transaction; raises StoreFull, StoreUnreachable."""
        blob = self._transaction.seal(self._writer)
        return Part(name=self._name, digest=blob.digest, size_bytes=blob.size_bytes)

    def abort(self) -> None:
        """Delete what was written, unless the part is sealed."""
        self._writer.abort()


class RawReceiver:
    """Receive a raw body as a bundle of one part."""

    def __init__(self, transaction: UploadTransaction, name: str, media_type: str) -> None:
        self.parts: list[Part] = []
        self.contents: list[str] = []
        self.accepted = False
        self.fields: dict[str, str] = {}
        self._writer: PartWriter | None = PartWriter(transaction, name, media_type)

    def feed(self, data: bytes) -> None:
        """Write the next block."""
        if self._writer is not None:
            self._writer.write(data)

    def finish(self) -> None:
        """Seal the part: the body is complete."""
        if self._writer is not None:
            self.parts, self.contents, self.accepted = [self._writer.seal()], [self._writer.content], self._writer.accepted
            self._writer = None

    def close(self) -> None:
        """Abort an unfinished part; does nothing after `finish`."""
        if self._writer is not None:
            self._writer.abort()


class FormReceiver:
    """
    Receive a multipart form: files named `bundle`, and option fields.

    python-multipart bounds the headers of a part in number and size; the number of parts and the length of a field are bounded
    here.
    """

    def __init__(self, transaction: UploadTransaction, boundary: bytes, max_parts: int) -> None:
        self._transaction, self._max_parts = transaction, max_parts
        self._delimiter, self._delimiters = b"\r\n--" + boundary, 0
        self.parts: list[Part] = []
        self.contents: list[str] = []
        self.accepted = False
        self.fields: dict[str, str] = {}
        self._count, self._ended = 0, False
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._writer: PartWriter | None = None
        self._field: tuple[str, bytearray] | None = None
        self._has_filename = False
        self._parser = self._new_parser(boundary)

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise MalformedRequest("the multipart boundary in Content-Type is too long") from error

    def feed(self, data: bytes) -> None:
        """
        Parse the next block; raises MalformedRequest, LimitExceeded.

        Delimiters are counted first, because storing ten thousand small parts before the limit is noticed takes tens of seconds.
        """
        self._delimiters += data.count(self._delimiter)
        if self._delimiters > self._max_parts:  # the last delimiter ends the form, and the first one has no line break before it
            raise self._too_many_parts()
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedRequest("the multipart body is malformed; check its boundary and the headers of its parts") from error

    def finish(self) -> None:
        """Check that the form is complete; raises MalformedRequest where its closing boundary is missing."""
        if not self._ended:
            raise MalformedRequest("the multipart body is incomplete: its closing boundary is missing")

    def close(self) -> None:
        """Abort an unfinished part; does nothing after `finish`."""
        if self._writer is not None:
            self._writer.abort()

    def _on_part_begin(self) -> None:
        self._count += 1
        if self._count > self._max_parts:
            raise self._too_many_parts()
        self._headers = {}

    def _too_many_parts(self) -> LimitExceeded:
        return LimitExceeded(f"the form has more than {self._max_parts:,} parts; send the files in one archive")

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        disposition, parameters = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        if disposition != b"form-data" or b"name" not in parameters:
            raise MalformedRequest(f"part {self._count} of the form has no name in its Content-Disposition")
        name = parameters[b"name"].decode("utf-8", "replace")
        if name == BUNDLE:
            self._begin_file(parameters.get(b"filename"))
        else:
            self._begin_field(name)

    def _begin_file(self, filename: bytes | None) -> None:
        self._has_filename = bool(filename)
        name = display_name((filename or b"").decode("utf-8", "replace"), len(self.parts) + 1)
        media_type, _ = parse_options_header(self._headers.get(b"content-type", b"").decode("latin-1"))
        self._writer = PartWriter(self._transaction, name, media_type.decode("latin-1"))

    def _begin_field(self, name: str) -> None:
        if name not in FIELDS:
            raise MalformedRequest(f"unknown form field {name[:40]!r}; known fields: {BUNDLE}, {', '.join(FIELDS)}")
        if name in self.fields:
            raise MalformedRequest(f"the form field {name} is given twice")
        self._field = (name, bytearray())

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(data[start:end])
        elif self._field is not None:
            self._field[1].extend(data[start:end])
            if len(self._field[1]) > MAX_VALUE_BYTES:
                raise LimitExceeded(f"the form field {self._field[0]} is longer than {MAX_VALUE_BYTES:,} bytes")

    def _on_part_end(self) -> None:
        if self._writer is not None:
            self._end_file(self._writer)
        elif self._field is not None:
            self.fields[self._field[0]] = self._field[1].decode("utf-8", "replace")
        self._writer, self._field = None, None

    def _end_file(self, writer: PartWriter) -> None:
        """Keep the part, unless it is a browser's empty file input: a part without file name and without bytes."""
        part = writer.seal()
        if self._has_filename or part.size_bytes:
            self.parts.append(part)
            self.contents.append(writer.content)
            self.accepted = self.accepted or writer.accepted

    def _on_end(self) -> None:
        self._ended = True


def display_name(raw: str, number: int) -> str:
    """
    Reduce a client's file name to its last component, printable and at most `MAX_NAME` characters long.

    The name is shown to people and never used as a path. Where nothing is left, it is `part_<number>`.
    """
    last = unicodedata.normalize("NFC", raw).replace("\\", "/").rstrip("/").rpartition("/")[2]
    printable = "".join(letter if letter.isprintable() else "_" for letter in last).strip()
    if printable.strip(".") == "":
        return f"part_{number}"
    return _shorten(printable)


def _shorten(name: str) -> str:
    """Cut the stem of a long name; its suffix stays, because the format is recognized by it."""
    stem, dot, suffix = name.rpartition(".")
    if len(name) <= MAX_NAME:
        return name
    if not dot or len(suffix) > MAX_NAME // 4:
        return name[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(suffix) - 1]}.{suffix}"
