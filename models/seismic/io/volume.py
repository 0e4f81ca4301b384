"""Volumes: the headers of one waveform file, its segments still encoded, and the time window that is read of it."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from numpy.typing import NDArray
from pymseed import MS3Record, sourceid2nslc
from pymseed.mstracelist import MS3TraceID, MS3TraceList, MS3TraceSeg

from models.seismic.data_issues import DataIssue
from models.seismic.io.inventory import Inventory
from models.seismic.trace_id import TraceId

Samples = NDArray[Any]


@dataclass(frozen=True)
class TimeWindow:
    """Times from which and up to which samples are read, POSIX seconds; infinite where there is no bound."""

    start_s: float = -math.inf
    end_s: float = math.inf

    def __str__(self) -> str:
        return f"{_describe_time(self.start_s)} to {_describe_time(self.end_s)}"

    @property
    def is_bounded(self) -> bool:
        """Whether anything can lie outside."""
        return math.isfinite(self.start_s) or math.isfinite(self.end_s)

    def clip(self, start_time_ns: int, sampling_rate_hz: float, count: int) -> tuple[int, int]:
        """Return the range of samples (first, one past the last) of a segment that lie in the window; equal numbers where none does."""
        if not self.is_bounded or not sampling_rate_hz > 0.0:
            return 0, count
        tolerance = 1e-3  # of a sample, for times that are rounded
        first = (self.start_s - start_time_ns * 1e-9) * sampling_rate_hz - tolerance
        last = (self.end_s - start_time_ns * 1e-9) * sampling_rate_hz + tolerance
        begin = 0 if first <= 0 else math.ceil(min(first, count))
        end = count if last >= count - 1 else math.floor(max(last, -1.0)) + 1
        return begin, max(begin, end)


WHOLE: Final = TimeWindow()
"""All times."""


@dataclass(frozen=True)
class Segment:
    """
    A continuous segment of one channel as its headers state it, cut to the time window.

    `packed` holds the whole segment: encoded by libmseed, or its samples where the format does not compress them.
    """

    trace_id: TraceId
    part: str
    start_time_ns: int
    end_time_ns: int
    sampling_rate_hz: float
    count: int
    packed: MS3TraceSeg | Samples
    window: TimeWindow = WHOLE


@dataclass(frozen=True)
class Volume:
    """
    The headers of one waveform file: of miniSEED its trace list, of other formats the segments.

    `inventory` is the metadata of the stations that the file itself states, as SAC does.
    """

    part: str
    traces: MS3TraceList | tuple[()]
    issues: tuple[DataIssue, ...]
    segments: tuple[Segment, ...] = ()
    inventory: Inventory | None = None
    window: TimeWindow = WHOLE


def make_segment(
    trace_id: TraceId, part: str, start_time_ns: int, sampling_rate_hz: float, samples: Samples, window: TimeWindow
) -> Segment:
    """
    Make a segment of samples that need no decoding, cut to the window.

    Parameters
    ----------
    trace_id, part
        Channel, and name of the file.
    start_time_ns
        POSIX time of the first sample, nanoseconds.
    sampling_rate_hz
        Samples per second.
    samples
        All samples [n] of the segment.
    window
        The times to read.

    """
    first, end = window.clip(start_time_ns, sampling_rate_hz, len(samples))
    period_ns = 1e9 / sampling_rate_hz if sampling_rate_hz > 0.0 else 0.0
    start_ns, count = start_time_ns + round(first * period_ns), end - first
    end_ns = start_ns + round(max(count - 1, 0) * period_ns)
    return Segment(trace_id, part, start_ns, end_ns, sampling_rate_hz, count, samples[first:end])


def read_trace_id(trace: MS3TraceID | MS3Record, part: str, issues: list[DataIssue]) -> TraceId | None:
    """Read the NSLC codes of a trace or record; None, with an issue, where station or channel is missing or a code is invalid."""
    codes: tuple[str, ...]
    try:
        codes = sourceid2nslc(trace.sourceid)
    except (ValueError, UnicodeDecodeError):
        codes = ()
    return make_trace_id(codes, part, issues)


def make_trace_id(codes: tuple[str, ...], part: str, issues: list[DataIssue]) -> TraceId | None:
    """Make a trace id of four codes, which a file may fill with almost any text; None, with an issue, where they are not proper ones."""
    try:
        network, station, location, channel = (code.strip() for code in codes)
        found = TraceId.parse(f"{network}.{station}.{location.replace('--', '')}.{channel}")
    except ValueError:
        issues.append(DataIssue(None, part, "bad-codes", "a trace without proper network, station, location and channel codes; left out"))
        return None
    if found.station and found.channel:
        return found
    name = str(found) if found.station or found.channel else None
    issues.append(DataIssue(name, part, "bad-codes", "no station or no channel code; left out"))
    return None


def report_empty_window(part: str, window: TimeWindow) -> DataIssue:
    """Report a file without samples in the window."""
    return DataIssue(None, part, "outside-window", f"no samples in the requested window, {window}; not used")


def _describe_time(time_s: float) -> str:
    if math.isinf(time_s):
        return "the start of the records" if time_s < 0 else "their end"
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
