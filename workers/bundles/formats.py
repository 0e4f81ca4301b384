"""
Recognition of the file formats of a bundle from a file's first bytes.

Light: the API process uses it on uploads, the parsing child on members of archives.
"""

import re
from enum import StrEnum

HEAD_BYTES = 4096
"""Number of a file's first bytes to pass to `sniff_format`."""

WAVEFORM_SUFFIXES = (".mseed", ".miniseed", ".msd", ".ms", ".mseed2", ".mseed3", ".ms3", ".seed")
"""File name suffixes of miniSEED."""

# miniSEED 3 by its magic bytes; miniSEED 2 by sequence number, record type (data qualities and SEED control headers) and the
# reserved byte. Leading zero blocks occur in real files and are skipped when these are read.
_MINISEED = re.compile(rb"MS\x03|\x00*[0-9 \x00]{6}[DRQMVASTDE][ \x00]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_XML = (b"\xff\xfe<\0", b"\xfe\xff\0<")


class FileKind(StrEnum):
    """Format of a file, as far as its first bytes show it."""

    WAVEFORM = "waveform"
    STATIONXML = "stationxml"
    STATIONS_CSV = "stations-csv"
    XML = "xml"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"


ARCHIVES = (FileKind.ZIP, FileKind.TAR, FileKind.GZIP)


def sniff_format(head: bytes) -> FileKind | None:
    """
    Recognize a file's format by its first `HEAD_BYTES` bytes; None if it is none of `FileKind`.

    WAVEFORM is miniSEED 2 or 3, or zero bytes only. STATIONXML is XML with the element FDSNStationXML, or XML in UTF-16; other
    XML, whose element may follow later, is XML. STATIONS_CSV is a first line with the columns station and latitude.
    """
    if archive := _sniff_archive(head):
        return archive
    if _MINISEED.match(head):
        return FileKind.WAVEFORM
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if (text.startswith(b"<") and b"FDSNStationXML" in head) or head.startswith(_UTF16_XML):
        return FileKind.STATIONXML
    first_line = text.split(b"\n", 1)[0].lower()
    if b"station" in first_line and b"latitude" in first_line:
        return FileKind.STATIONS_CSV
    if head and not head.strip(b"\0"):
        return FileKind.WAVEFORM
    return FileKind.XML if text.startswith(b"<") else None


def _sniff_archive(head: bytes) -> FileKind | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    if head[257:262] == b"ustar":
        return FileKind.TAR
    return FileKind.GZIP if head.startswith(b"\x1f\x8b") else None


def classify_file(name: str, head: bytes) -> FileKind | None:
    """
    Return the format of a file that is not an archive, by its first bytes, or by its name where these do not show it.

    None is an unsupported file. WAVEFORM and STATIONS_CSV may be claimed by the name alone, so that a damaged file is
    reported as such; other XML is STATIONXML if its name ends in .xml.
    """
    kind = sniff_format(head)
    if kind not in (None, FileKind.XML):
        return kind
    lowered = name.lower().removesuffix(".gz")
    if lowered.endswith(WAVEFORM_SUFFIXES):
        return FileKind.WAVEFORM
    if lowered.endswith(".csv"):
        return FileKind.STATIONS_CSV
    return FileKind.STATIONXML if lowered.endswith(".xml") and kind is FileKind.XML else None
