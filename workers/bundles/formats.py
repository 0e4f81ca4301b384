"""
Recognition of the file formats of a bundle from a file's first bytes.

Light: the API process uses it on uploads, the parsing child on members of archives.
"""

import re
import struct
from enum import StrEnum

HEAD_BYTES = 4096
"""Number of a file's first bytes to pass to `sniff_format`."""

WAVEFORM_SUFFIXES = (".mseed", ".miniseed", ".msd", ".ms", ".mseed2", ".mseed3", ".ms3", ".seed")
"""File name suffixes of miniSEED."""

SAC_SUFFIXES = (".sac",)
METADATA_SUFFIXES = (".dataless", ".resp", ".pz", ".sacpz", ".scml", ".sc3ml")

ACCEPTED_FORMATS = (
    "miniSEED, SAC, StationXML, stations.csv, FDSN station text, dataless SEED, RESP, SAC poles and zeros, SeisComP XML, "
    "or a zip, tar or tar.gz of those"
)
"""What a bundle may hold, for messages."""

# miniSEED 3 by its magic bytes; miniSEED 2 by sequence number, record type (data qualities and SEED control headers) and the
# reserved byte. Leading zero blocks occur in real files and are skipped when these are read.
_MINISEED = re.compile(rb"MS\x03|\x00*[0-9 \x00]{6}[DRQMVASTDE][ \x00]")
_SEED_VOLUME = re.compile(rb"\d{6}V[ *]0(?:10|08|05)")
# The first line that is no comment; lines of RESP begin with blockette and field.
# A piece that repeats must match in one way only: `\s*\n` repeated, or numbers without a space between them, take exponential time.
_EMPTY_LINE = rb"[^\S\n]*\n"
_RESP = re.compile(rb"(?:#[^\n]*\n|" + _EMPTY_LINE + rb")*[Bb]0[1-6]\dF\d\d[ -]")
_SAC_POLES_ZEROS = re.compile(rb"(?:\*[^\n]*\n|" + _EMPTY_LINE + rb")*(?:ZEROS|POLES|CONSTANT)\s+[\d+-]")
_NUMBER = rb"[+-]?\d+\.\d+(?:[Ee][+-]?\d+)?"
_SAC_TEXT = re.compile(rb"\s*" + _NUMBER + rb"(?:\s+" + _NUMBER + rb"){4}\s*\n")
_SAC_COMMENT = re.compile(rb"\*[ *]*\n?\* *(?:NETWORK|CHANNEL\(NSCL\))")
_SAC_HEADER_BYTES = 632
_SAC_VERSIONS = (6, 7)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_XML = (b"\xff\xfe<\0", b"\xfe\xff\0<")


# What is sent by mistake, or in a format that has to be converted first: the first bytes, and what they are.
_FOREIGN = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x89HDF", "HDF5"),
    (b"WID2", "GSE2 waveforms"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"{", "JSON"),
)
_HTML = re.compile(rb"\s*<(?:!doctype html|html)", re.IGNORECASE)
_QUAKEML = re.compile(rb"\s*<[^\x00]{0,400}quakeml", re.IGNORECASE)


class FileKind(StrEnum):
    """Format of a file, as far as its first bytes show it."""

    WAVEFORM = "waveform"
    SAC = "sac"
    SEED = "seed"
    RESP = "resp"
    SAC_POLES_ZEROS = "sac-poles-zeros"
    SEISCOMP = "seiscomp"
    STATIONXML = "stationxml"
    STATIONS_CSV = "stations-csv"
    XML = "xml"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"


ARCHIVES = (FileKind.ZIP, FileKind.TAR, FileKind.GZIP)
WAVEFORMS = (FileKind.WAVEFORM, FileKind.SAC)


def sniff_format(head: bytes) -> FileKind | None:
    """
    Recognize a file's format by its first `HEAD_BYTES` bytes; None if it is none of `FileKind`.

    WAVEFORM is miniSEED 2 or 3, or zero bytes only. SEED is a volume with control headers, with or without data records. STATIONXML is XML
    with the element FDSNStationXML, or XML in UTF-16; other XML, whose element may follow later, is XML. STATIONS_CSV is a first line with
    the columns station and latitude.
    """
    if archive := _sniff_archive(head):
        return archive
    if _SEED_VOLUME.match(head):
        return FileKind.SEED
    if _MINISEED.match(head):
        return FileKind.WAVEFORM
    if _is_binary_sac(head):
        return FileKind.SAC
    return _sniff_text(head) or (FileKind.WAVEFORM if head and not head.strip(b"\0") else None)


def _sniff_text(head: bytes) -> FileKind | None:
    text = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if head.startswith(_UTF16_XML):
        return FileKind.STATIONXML
    if text.startswith(b"<"):
        if b"FDSNStationXML" in head:
            return FileKind.STATIONXML
        return FileKind.SEISCOMP if b"<seiscomp" in head else FileKind.XML
    first_line = text.split(b"\n", 1)[0].lower()
    if b"station" in first_line and b"latitude" in first_line:
        return FileKind.STATIONS_CSV
    unix = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if _RESP.match(unix):
        return FileKind.RESP
    if _SAC_POLES_ZEROS.match(unix) or _SAC_COMMENT.match(unix):
        return FileKind.SAC_POLES_ZEROS
    return FileKind.SAC if _SAC_TEXT.match(head) and b"-12345" in head else None


def _is_binary_sac(head: bytes) -> bool:
    """Whether the bytes are a SAC header: its version, 6 or 7, and the flag of even sampling, in either byte order."""
    if len(head) < _SAC_HEADER_BYTES:
        return False
    for order in ("<", ">"):
        version, even = (struct.unpack_from(f"{order}i", head, offset)[0] for offset in (304, 420))
        if version in _SAC_VERSIONS and even in (0, 1):
            return True
    return False


def _sniff_archive(head: bytes) -> FileKind | None:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.ZIP
    if head[257:262] == b"ustar":
        return FileKind.TAR
    return FileKind.GZIP if head.startswith(b"\x1f\x8b") else None


def classify_file(name: str, head: bytes) -> FileKind | None:
    """
    Return the format of a file that is not an archive, by its first bytes, or by its name where these do not show it.

    None is an unsupported file. WAVEFORM, SAC, STATIONS_CSV and SEISCOMP may be claimed by the name alone, so that a damaged file is
    reported as such; other XML is STATIONXML if its name ends in .xml.
    """
    kind = sniff_format(head)
    if kind not in (None, FileKind.XML):
        return kind
    lowered = name.lower().removesuffix(".gz")
    if kind is FileKind.XML:
        if lowered.endswith((".sc3ml", ".scml")):
            return FileKind.SEISCOMP
        return FileKind.STATIONXML if lowered.endswith(".xml") else None
    claimed = ((WAVEFORM_SUFFIXES, FileKind.WAVEFORM), (SAC_SUFFIXES, FileKind.SAC), ((".csv",), FileKind.STATIONS_CSV))
    return next((kind for suffixes, kind in claimed if lowered.endswith(suffixes)), None)


def describe_unsupported(head: bytes) -> str:
    """Say, after the name of a file, what its first bytes look like, which formats are accepted, and what to do."""
    found, *advice = describe_content(head)
    return "; ".join((found, f"accepted are {ACCEPTED_FORMATS}", *advice))


def describe_content(head: bytes) -> tuple[str, ...]:
    """Say, after the name of a file of an unsupported format, what its first bytes look like, and what to do, if anything."""
    if not head:
        return ("is empty",)
    if _HTML.match(head):
        return ("is a web page (HTML), perhaps an error message of a data center",)
    if _QUAKEML.match(head):
        return ("is QuakeML, which describes events and holds no waveforms",)
    kind = next((kind for first, kind in _FOREIGN if head.startswith(first)), None)
    found = f"is {kind}" if kind else "is text" if _is_text(head) else "is not recognized"
    return found, "ObsPy converts many other formats"


def _is_text(head: bytes) -> bool:
    return bool(head) and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head[:200])
