"""Issues found in the data of an upload that did not stop its reading: nothing is dropped or repaired without one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MAX_CAUSE: Final = 120
_MAX_LISTED: Final = 3
_ADVICE: Final = {
    "bad-codes": "write the codes of network, station, location and channel into the headers",
    "bad-rate": "decimate the records, or correct their headers",
    "bad-time": "correct the clock, or the headers",
    "dead": "send records of stations that were working",
    "non-finite": "check the conversion to floating point",
    "no-vertical": "send the channels whose codes end in Z",
    "not-waveform": "send time series with a constant sampling rate",
    "outside-window": "correct starttime and endtime",
}
"""What to do about an issue where it leaves no record at all; docs/reference/warnings.md has it for all codes."""


@dataclass(frozen=True)
class DataIssue:
    """
    One issue to report to the owner of the data.

    `trace` and `part` name the trace id, and the uploaded file or archive member, where there is one. `code` is stable: bad-codes,
    bad-rate, bad-station, bad-time, begins-late, clipped, common-disturbance, contradicting-coordinates, contradicting-distances,
    contradicting-stations, contradicting-times, damaged-record, dead, distances-not-read, empty, ends-early, gaps, ground-motion,
    mixed-rates, no-coordinates, no-depth-or-force, no-event, no-response, no-vertical, non-finite, not-chosen, not-vertical, not-waveform,
    outside-window, overlap, skipped-bytes, two-events, unused-metadata, or the code of an AtlasError. `detail`: what was found and done.
    """

    trace: str | None
    part: str | None
    code: str
    detail: str


def describe_cause(error: Exception) -> str:
    """Describe what a reader complained of in one short printable line: its text repeats bytes of the file."""
    first = str(error).split("; ")[0].split(" :: ")[0].split("\n")[0].removeprefix("Error: ")
    return "".join(character if character.isprintable() else "?" for character in first)[:_MAX_CAUSE] or type(error).__name__


def describe_issues(issues: Sequence[DataIssue]) -> str:
    """
    Describe why no record is left: each distinct finding once, with the traces or files that it is about, and the first thing to do.

    At most three findings, and three names of each, are listed; the numbers of further ones are stated.
    """
    found: dict[str, list[str]] = {}
    for issue in issues:
        finding, name = issue.detail.removesuffix("; left out").removesuffix("; not used"), issue.trace or issue.part or ""
        if issue.code == "no-vertical":  # begins with the station, of which a file may have many
            name, _, finding = finding.partition(" has ")
        found.setdefault(finding, []).append(name)
    if not found:
        return "no samples"
    listed = [f"{finding} ({join_names(list(dict.fromkeys(names)))})" for finding, names in list(found.items())[:_MAX_LISTED]]
    rest = [f"{len(found) - _MAX_LISTED} further findings"] if len(found) > _MAX_LISTED else []
    advice = next((_ADVICE[issue.code] for issue in issues if issue.code in _ADVICE), "")
    return "; ".join([*listed, *rest, *([advice] if advice else [])])


def join_names(names: Sequence[str]) -> str:
    """Join names by commas, at most three of them and the number of further ones."""
    shown = ", ".join(names[:_MAX_LISTED])
    return f"{shown} and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else shown
