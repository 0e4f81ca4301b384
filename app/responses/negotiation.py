"""Choice of a media type by the Accept header (RFC 9110, section 12.5.1)."""

from collections.abc import Sequence
from typing import Final

ANYTHING: Final = "*/*"


def choose_media_type(accept: str, offered: Sequence[str]) -> str | None:
    """
    Choose the offered media type that the header prefers, the first offered one where it prefers none; None where it accepts none.

    Of several ranges that match a type the most specific one counts; a malformed quality counts as 1.
    """
    ranges = [_parse_range(item) for item in accept.split(",") if item.strip()] or [(ANYTHING, 1.0)]
    qualities = {media: _quality(media, ranges) for media in offered}
    best = max(offered, key=qualities.__getitem__)
    return best if qualities[best] > 0.0 else None


def _parse_range(item: str) -> tuple[str, float]:
    media, *parameters = (part.strip().lower() for part in item.split(";"))
    quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return media, min(max(float(quality), 0.0), 1.0)
    except ValueError:
        return media, 1.0


def _quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Quality of a media type by the most specific range that matches it, 0 without one."""
    plain = media.partition(";")[0]
    for pattern in (plain, f"{plain.partition('/')[0]}/*", ANYTHING):
        matching = [quality for given, quality in ranges if given == pattern]
        if matching:
            return max(matching)
    return 0.0
