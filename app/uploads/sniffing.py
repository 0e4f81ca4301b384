"""Early rejection of uploaded parts of an unsupported kind, by first bytes, name and media type; nothing is parsed here."""

from workers.bundles.formats import WAVEFORM_SUFFIXES, sniff_format

ACCEPTED_SUFFIXES = (*WAVEFORM_SUFFIXES, ".xml", ".csv", ".zip", ".tar", ".tgz", ".gz")
"""File name suffixes of accepted kinds: a part with one is stored whatever its bytes, and the parser reports what is wrong with it."""

MEDIA_TYPES = ("application/vnd.fdsn.mseed", "application/zip", "application/x-tar", "application/gzip")
"""Media types of raw bodies of an accepted kind."""


def plausible(name: str, head: bytes, media_type: str = "") -> bool:
    """Return whether a part may be of an accepted kind, from its name, its first `HEAD_BYTES` bytes and its media type."""
    return name.lower().endswith(ACCEPTED_SUFFIXES) or media_type in MEDIA_TYPES or sniff_format(head) is not None
