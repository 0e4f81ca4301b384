"""What was found wrong with data, or done to it, and did not stop the reading: nothing is dropped or mended silently."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataIssue:
    """
    One thing worth telling the owner of the data.

    `trace` and `part` name the trace id and the file or archive member concerned, where there is one. `code` is stable:
    bad-codes, bad-rate, bad-station, bad-time, clipped, damaged-record, dead, empty, gaps, ground-motion, mixed-rates,
    no-coordinates, no-response, no-vertical, non-finite, not-chosen, not-vertical, overlap, skipped-bytes, or the code of an AtlasError.
    """

    trace: str | None
    part: str | None
    code: str
    detail: str
