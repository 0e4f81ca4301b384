"""Whether an uploaded part can be of an accepted kind, told from its first bytes and its name; nothing is parsed here."""

from workers.contracts import WAVEFORM_NAMES

HEAD_BYTES = 512
"""How much of a part is looked at: a tar header's block."""

CLAIMS = (*WAVEFORM_NAMES, ".xml", ".csv", ".zip", ".tar", ".tgz", ".gz")
"""Names that claim an accepted kind: such a part goes to the reader, which says what is wrong with it."""

MEDIA_TYPES = ("application/vnd.fdsn.mseed", "application/zip", "application/x-tar", "application/gzip")
"""Raw bodies' media types that claim an accepted kind."""


def plausible(name: str, head: bytes, media_type: str = "") -> bool:
    """Whether the reader is to see this part; when in doubt, yes."""
    return name.lower().endswith(CLAIMS) or media_type in MEDIA_TYPES or _known(head)


def _known(head: bytes) -> bool:
    return _miniseed(head) or _archive(head) or _stationxml(head) or _stations_csv(head)


def _miniseed(head: bytes) -> bool:
    """By the magic of miniSEED 3 or the fixed header of 2; leading zero blocks occur in real files (they are salvaged)."""
    if head.startswith(b"MS\x03"):
        return True
    if head and not head.strip(b"\0"):
        return True
    return len(head) >= 48 and not head[:6].strip(b"0123456789 \0") and head[6:7] in (b"D", b"R", b"Q", b"M") and head[7:8] in (b" ", b"\0")


def _archive(head: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b")) or head[257:262] == b"ustar"


def _stationxml(head: bytes) -> bool:
    """XML in UTF-8 or UTF-16; which XML it is, the reader finds out."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or head[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<")


def _stations_csv(head: bytes) -> bool:
    first_line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0].lower()
    return b"station" in first_line and b"latitude" in first_line
