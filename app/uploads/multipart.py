"""A multipart form taken in as it arrives: `bundle` parts go to the blob store, option fields to a dictionary."""

from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import MalformedRequest
from app.uploads.options import FIELDS
from app.uploads.parts import PartWriter, StoredPart, display_name
from models.errors import LimitExceeded
from workers.storage.upload_transaction import UploadTransaction

BUNDLE: Final = "bundle"
MAX_VALUE_BYTES: Final = 1024
"""An option is a number or a word."""


class FormReceiver:
    """
    Push parser: `feed` blocks of the body, then `finish`; `close` forgets a part left in the middle.

    Blocking (it writes to the blob store); python-multipart bounds the headers of a part in number and size.
    """

    def __init__(self, intake: UploadTransaction, boundary: bytes, max_parts: int) -> None:
        self._intake, self._max_parts = intake, max_parts
        self.parts: list[StoredPart] = []
        self.fields: dict[str, str] = {}
        self._count, self._ended = 0, False
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = b"", b""
        self._writer: PartWriter | None = None
        self._field: tuple[str, bytearray] | None = None
        self._named = False
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
            raise MalformedRequest("the multipart boundary is too long") from error

    def feed(self, data: bytes) -> None:
        """Take in the next block; raises MalformedRequest, LimitExceeded."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise MalformedRequest("the multipart body is malformed") from error

    def finish(self) -> None:
        """The body has ended; raises MalformedRequest where the form has not."""
        if not self._ended:
            raise MalformedRequest("the multipart body ends in the middle")

    def close(self) -> None:
        """Harmless after `finish`."""
        if self._writer is not None:
            self._writer.abort()

    def _on_part_begin(self) -> None:
        self._count += 1
        if self._count > self._max_parts:
            raise LimitExceeded(f"the form has more than {self._max_parts:,} parts")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        kind, parameters = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        if kind != b"form-data" or b"name" not in parameters:
            raise MalformedRequest(f"part {self._count} of the form has no name")
        name = parameters[b"name"].decode("utf-8", "replace")
        if name == BUNDLE:
            self._begin_file(parameters.get(b"filename"))
        else:
            self._begin_field(name)

    def _begin_file(self, filename: bytes | None) -> None:
        self._named = bool(filename)
        name = display_name((filename or b"").decode("utf-8", "replace"), len(self.parts) + 1)
        media_type, _ = parse_options_header(self._headers.get(b"content-type", b"").decode("latin-1"))
        self._writer = PartWriter(self._intake, name, media_type.decode("latin-1"))

    def _begin_field(self, name: str) -> None:
        if name not in FIELDS:
            raise MalformedRequest(f"unknown form field {name[:40]!r}; there are {BUNDLE}, {', '.join(FIELDS)}")
        if name in self.fields:
            raise MalformedRequest(f"the form field {name} is given twice")
        self._field = (name, bytearray())

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._writer is not None:
            self._writer.write(data[start:end])
        elif self._field is not None:
            self._field[1].extend(data[start:end])
            if len(self._field[1]) > MAX_VALUE_BYTES:
                raise LimitExceeded(f"the form field {self._field[0]} is longer than {MAX_VALUE_BYTES} bytes")

    def _on_part_end(self) -> None:
        if self._writer is not None:
            self._end_file(self._writer)
        elif self._field is not None:
            self.fields[self._field[0]] = self._field[1].decode("utf-8", "replace")
        self._writer, self._field = None, None

    def _end_file(self, writer: PartWriter) -> None:
        """A browser sends a file input that was left empty as a part without name and bytes: that is no part."""
        stored = writer.seal()
        if self._named or stored.part.size_bytes:
            self.parts.append(stored)

    def _on_end(self) -> None:
        self._ended = True
