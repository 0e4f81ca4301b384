"""Control headers of SEED volumes (SEED 2.4 manual, chapters 4 to 6): metadata before the data records, or alone in a dataless volume."""

import re
from typing import Final

_VOLUME: Final = re.compile(rb"\d{6}V[ *](?:010|008|005)[ \d]{4}[ \d.]{4}(?P<exponent>[ \d]{2})")
_RECORD: Final = re.compile(rb"[0-9 ]{6}(?P<type>[VAST ])[ *]")
_MIN_EXPONENT, _MAX_EXPONENT = 7, 16
"""Type V, A, S or T; blank for the records that fill a volume up."""
STATION_HEADER: Final = b"S"


def split_control_headers(data: bytes | memoryview) -> tuple[memoryview, memoryview]:
    """Split a SEED volume into its control headers, empty for miniSEED, and what follows: data records, or nothing where it is dataless."""
    view = memoryview(data)
    end = sum(length for _, length in _list_control_headers(view))
    return view[:end], view[end:]


def has_station_headers(data: bytes | memoryview) -> bool:
    """Whether the control headers of a SEED volume describe stations (a volume header alone does not)."""
    return any(kind == STATION_HEADER for kind, _ in _list_control_headers(memoryview(data)))


def _list_control_headers(view: memoryview) -> list[tuple[bytes, int]]:
    """List type and length in bytes of the control header records at the beginning of a volume."""
    volume = _VOLUME.match(view)
    if volume is None or not volume["exponent"].strip():
        return []
    exponent = int(volume["exponent"])
    if not _MIN_EXPONENT <= exponent <= _MAX_EXPONENT:
        return []
    headers, position, length = [], 0, 2**exponent
    while record := _RECORD.match(view, position):
        headers.append((record["type"], min(length, len(view) - position)))
        position += length
    return headers
