"""Recognize uploaded parts of an unsupported format early, by name, media type and first bytes; nothing is parsed here."""

from workers.bundles.formats import METADATA_SUFFIXES, SAC_SUFFIXES, WAVEFORM_SUFFIXES, sniff_format

ACCEPTED_SUFFIXES = (*WAVEFORM_SUFFIXES, *SAC_SUFFIXES, *METADATA_SUFFIXES, ".xml", ".csv", ".zip", ".tar", ".tgz", ".gz")
"""Suffixes of accepted formats. A part with one is stored whatever its bytes are; the parser reports what is wrong with it."""

MEDIA_TYPES = ("application/vnd.fdsn.mseed", "application/zip", "application/x-tar", "application/gzip")
"""Media types of raw bodies in an accepted format."""


def may_be_accepted(name: str, head: bytes, media_type: str = "") -> bool:
    """Return whether a part may be of an accepted format, by its name, its first `HEAD_BYTES` bytes and its media type."""
    return name.lower().endswith(ACCEPTED_SUFFIXES) or media_type in MEDIA_TYPES or sniff_format(head) is not None
