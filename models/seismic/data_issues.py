"""Issues found in the data of an upload that did not stop its reading: nothing is dropped or repaired without one."""

from dataclasses import dataclass
from typing import Final

_MAX_CAUSE: Final = 120


@dataclass(frozen=True)
class DataIssue:
    """
    One issue to report to the owner of the data.

    `trace` and `part` name the trace id, and the uploaded file or archive member, where there is one. `code` is stable: bad-codes,
    bad-rate, bad-station, bad-time, clipped, contradicting-coordinates, damaged-record, dead, distances-not-read, empty, gaps,
    ground-motion, mixed-rates, no-coordinates, no-depth-or-force, no-event, no-response, no-vertical, non-finite, not-chosen, not-vertical,
    not-waveform, outside-window, overlap, skipped-bytes, or the code of an AtlasError. `detail` says what was found and what was done.
    """

    trace: str | None
    part: str | None
    code: str
    detail: str


def describe_cause(error: Exception) -> str:
    """Describe what a reader complained of in one short printable line: its text repeats bytes of the file."""
    first = str(error).split("; ")[0].split(" :: ")[0].split("\n")[0].removeprefix("Error: ")
    return "".join(character if character.isprintable() else "?" for character in first)[:_MAX_CAUSE] or type(error).__name__
