"""Issues found in the data of an upload that did not stop its reading: nothing is dropped or repaired without one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DataIssue:
    """
    One issue to report to the owner of the data.

    `trace` and `part` name the trace id, and the uploaded file or archive member, where there is one. `code` is stable: bad-codes,
    bad-rate, bad-station, bad-time, clipped, contradicting-coordinates, damaged-record, dead, empty, gaps, ground-motion, mixed-rates,
    no-coordinates, no-depth-or-force, no-response, no-vertical, non-finite, not-chosen, not-vertical, not-waveform, overlap,
    skipped-bytes, or the code of an AtlasError. `detail` says what was found and what was done.
    """

    trace: str | None
    part: str | None
    code: str
    detail: str
