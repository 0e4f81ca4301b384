"""Reading of miniSEED 2 and 3 with libmseed: headers first, limits before anything is decoded, then the samples."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from pymseed import MiniSEEDError, MS3Record, MS3TraceList
from pymseed.mstracelist import MS3TraceSeg

from models.errors import LimitExceeded, UnreadableWaveform
from models.seismic.data_issues import DataIssue
from models.seismic.io.decode import decode
from models.seismic.io.horizontals import HORIZONTAL_CODES, attach_horizontals
from models.seismic.io.merge import grid_length, merge_segments
from models.seismic.io.seed_headers import split_control_headers
from models.seismic.io.single_records import has_blockette_1000, read_single_records
from models.seismic.io.volume import WHOLE, Segment, TimeWindow, Volume, read_trace_id, report_empty_window
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

MIN_RATE_HZ, MAX_RATE_HZ = 0.05, 1000.0
MIN_TIME_NS, MAX_TIME_NS = -2_208_988_800 * 10**9, 4_102_444_800 * 10**9
"""1900 and 2100: there are no digital records outside."""

MAX_LISTED = 5
"""Events that an error lists by date."""

# How a record begins: miniSEED 3 by its magic, miniSEED 2 by sequence number, quality and the reserved byte.
_RECORD = re.compile(rb"MS\x03|[0-9 \x00]{6}[DRQM][ \x00]")


@dataclass(frozen=True)
class MiniseedLimits:
    """Limits on one event, checked before memory is allocated."""

    max_traces: int
    max_segments: int
    max_samples: int
    max_span_s: float


def scan_miniseed(part: str, data: bytes | memoryview, window: TimeWindow = WHOLE) -> Volume:
    """
    Read the headers of a file, of the records that lie in the window; raises UnreadableWaveform without one valid record.

    Control headers of a full SEED volume are skipped. Zero-filled blocks, foreign bytes, damaged records and a truncated end are skipped
    and reported as an issue. Records without blockette 1000, whose length and encoding are not stated, are read one by one.
    """
    _, data = split_control_headers(data)
    if not has_blockette_1000(data):
        return read_single_records(part, data, window)
    if _is_complete(data):
        try:
            return _make_volume(part, data, window, ())
        except MiniSEEDError:
            pass  # something in the middle is not miniSEED: salvage the valid records
    good = _salvage(data)
    if not good:
        return read_single_records(part, data, window)
    skipped = len(data) - len(good)
    issues = (DataIssue(None, part, "skipped-bytes", f"{skipped} of {len(data)} bytes are not readable miniSEED and were skipped"),)
    try:
        return _make_volume(part, good, window, issues if skipped else ())
    except MiniSEEDError as error:  # a record without a stated length may end elsewhere once its neighbor has changed
        raise UnreadableWaveform(f"{part} holds records that contradict each other", part=part) from error


def _make_volume(part: str, data: bytes | memoryview, window: TimeWindow, issues: tuple[DataIssue, ...]) -> Volume:
    """Read the trace list of the records that lie in the window; raises MiniSEEDError."""
    bounds = {"starttime": window.start_s, "endtime": window.end_s}
    selected = {
        name: f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%dT%H:%M:%S.%fZ}" for name, time_s in bounds.items() if math.isfinite(time_s)
    }
    traces = MS3TraceList.from_buffer(data, record_list=True, **selected)
    outside = () if len(traces) or not window.is_bounded else (report_empty_window(part, window),)
    return Volume(part, traces, (*issues, *outside), window=window)


def sample_count(volumes: Iterable[Volume]) -> int:
    """Count the samples of all channels by their headers."""
    encoded = sum(segment.samplecnt for volume in volumes for trace in volume.traces for segment in trace)
    return encoded + sum(segment.count for volume in volumes for segment in volume.segments)


def read_records(volumes: Sequence[Volume], limits: MiniseedLimits, *, horizontals: bool = True) -> tuple[list[Record], list[DataIssue]]:
    """
    Decode and merge the vertical records of one event, sorted by trace id, without coordinates.

    Parameters
    ----------
    volumes : sequence of Volume
        A channel may continue over several files.
    limits : MiniseedLimits
        LimitExceeded is raised above them.
    horizontals : bool
        Whether to attach the horizontal components of each vertical one.

    Returns
    -------
    records, issues
        Issues are those of the files and of vertical channels; problems of horizontals are not reported, as they only add information.

    """
    issues = [issue for volume in volumes for issue in volume.issues]
    segments = list_segments(volumes, limits, issues)
    _check_limits(segments, limits)
    verticals, vertical_issues = _merge_channels(segment for segment in segments if segment.trace_id.component == "Z")
    others, _ = _merge_channels(segment for segment in segments if horizontals and segment.trace_id.component in HORIZONTAL_CODES)
    records = attach_horizontals(verticals, others)
    return records, [*issues, *_unread_channels(segments, records, horizontals=horizontals), *vertical_issues]


def _merge_channels(segments: Iterable[Segment]) -> tuple[list[Record], list[DataIssue]]:
    """Decode and merge a record for each channel, sorted by trace id."""
    records: list[Record] = []
    issues: list[DataIssue] = []
    for trace_id, group in groupby(sorted(segments, key=lambda segment: segment.trace_id), key=lambda segment: segment.trace_id):
        decoded = [samples for segment in group for samples in decode(segment, issues)]
        record, merge_issues = merge_segments(trace_id, decoded)
        issues += merge_issues
        records += [record] if record else []
    return records, issues


def _is_complete(data: bytes | memoryview) -> bool:
    """Whether the file begins with a record and ends with one (libmseed's trace list ignores a cut record at the end)."""
    try:
        records = MS3Record.from_buffer(data)
        first = next(records, None)
        if first is None:
            return False
        if first.formatversion == 2:
            return len(data) % first.reclen == 0
        return first.reclen + sum(record.reclen for record in records) == len(data)
    except MiniSEEDError:
        return False


def _salvage(data: bytes | memoryview) -> bytes:
    """Join the records that parse and decode, in order."""
    view, good, position = memoryview(data), [], 0
    while found := _RECORD.search(view, position):
        start = end = found.start()
        try:
            for record in MS3Record.from_buffer(view[start:], unpack_data=True):
                end += record.reclen
        except MiniSEEDError:
            pass  # the search continues after the last valid record
        good.append(view[start:end])
        position = max(end, start + 1)
    return b"".join(good)


def list_segments(volumes: Sequence[Volume], limits: MiniseedLimits, issues: list[DataIssue]) -> list[Segment]:
    """List the plausible segments of files, and append an issue for each other one; raises LimitExceeded above the number of segments."""
    count = sum(len(trace) for volume in volumes for trace in volume.traces) + sum(len(volume.segments) for volume in volumes)
    if count > limits.max_segments:
        raise LimitExceeded(f"{count:,} segments; at most {limits.max_segments:,} are read", part=volumes[0].part)
    segments = []
    for volume in volumes:
        found = list(volume.segments)
        for trace in volume.traces:
            trace_id = read_trace_id(trace, volume.part, issues)
            found += [] if trace_id is None else [_segment(trace_id, volume, packed) for packed in trace]
        segments += [segment for segment in found if _is_plausible(segment, issues)]
    return segments


def _segment(trace_id: TraceId, volume: Volume, packed: MS3TraceSeg) -> Segment:
    """Describe a segment of a trace list by its headers, cut to the window."""
    start_ns, end_ns, rate_hz = packed.starttime, packed.endtime, packed.samprate
    first, end = volume.window.clip(start_ns, rate_hz, packed.samplecnt)
    if (first, end) != (0, packed.samplecnt):
        start_ns, end_ns = start_ns + round(first * 1e9 / rate_hz), start_ns + round(max(end - 1, first) * 1e9 / rate_hz)
    return Segment(trace_id, volume.part, start_ns, end_ns, rate_hz, end - first, packed, volume.window)


def _is_plausible(segment: Segment, issues: list[DataIssue]) -> bool:
    """Whether a segment has samples, and a rate and times of a seismic record; appends an issue where not."""
    code, detail = "", ""
    if segment.count <= 0 and segment.window.is_bounded:
        return False  # its record reaches into the window, its samples do not
    if segment.count <= 0:
        code, detail = "empty", "a segment without samples; left out"
    elif not MIN_RATE_HZ <= segment.sampling_rate_hz <= MAX_RATE_HZ:
        code, detail = "bad-rate", f"sampled at {segment.sampling_rate_hz:g} Hz, not {MIN_RATE_HZ:g} to {MAX_RATE_HZ:g} Hz; left out"
    elif not MIN_TIME_NS < segment.start_time_ns <= segment.end_time_ns < MAX_TIME_NS:
        code, detail = "bad-time", "recorded before 1900 or after 2100; left out"
    if code:
        issues.append(DataIssue(str(segment.trace_id), segment.part, code, detail))
    return not code


def _check_limits(segments: Sequence[Segment], limits: MiniseedLimits) -> None:
    """Check traces, samples and time span; two short segments far apart would need all the samples between them."""
    if not segments:
        return
    traces: dict[TraceId, list[Segment]] = {}
    for segment in segments:
        traces.setdefault(segment.trace_id, []).append(segment)
    if len(traces) > limits.max_traces:
        raise LimitExceeded(f"{len(traces):,} channels; at most {limits.max_traces:,} are read", part=segments[0].part)
    _check_span(traces, limits.max_span_s)
    samples = sum(max(sum(s.count for s in group), _merged_length(group)) for group in traces.values())
    if samples > limits.max_samples:
        raise LimitExceeded(f"{samples:,} samples; at most {limits.max_samples:,} are read", part=segments[0].part)


def _check_span(traces: Mapping[TraceId, Sequence[Segment]], max_span_s: float) -> None:
    """Check the time from the first to the last sample; LimitExceeded names two events, or the longest record, as the likely cause."""
    segments = sorted((segment for group in traces.values() for segment in group), key=lambda segment: segment.start_time_ns)
    last = max(segments, key=lambda segment: segment.end_time_ns)
    span_s = _span_s(segments)
    if span_s <= max_span_s:
        return
    events = _split_at_gaps(segments, max_span_s)
    longest = max(traces, key=lambda trace_id: _span_s(traces[trace_id]))
    longest_s = _span_s(traces[longest])
    if len(events) > 1:
        found = f"the bundle holds records of {_describe_events(events)}"
        advice = "send one event at a time, or each in a folder of an archive: to /events/locate with many=true, or to /anomalies/cluster"
    elif longest_s > max_span_s:
        found = f"the record of {longest} is {longest_s:.0f} s long"
        advice = "give starttime and endtime about the event (for instance 5 minutes before to 1 hour after the origin)"
    else:
        found = f"{span_s:.0f} s from the start of {segments[0].trace_id} to the end of {last.trace_id}"
        advice = "give starttime and endtime about the event"
    raise LimitExceeded(f"{found}; at most {max_span_s:g} s are read: {advice}", part=last.part)


def _span_s(segments: Iterable[Segment]) -> float:
    """Compute the time from the first to the last sample."""
    times_ns = [(segment.start_time_ns, segment.end_time_ns) for segment in segments]
    return (max(end for _, end in times_ns) - min(start for start, _ in times_ns)) * 1e-9


def _split_at_gaps(segments: Iterable[Segment], max_gap_s: float) -> list[list[Segment]]:
    """Split segments in order of their start into groups with gaps longer than `max_gap_s` between them."""
    groups: list[list[Segment]] = []
    end_s = -math.inf
    for segment in segments:
        if segment.start_time_ns * 1e-9 - end_s > max_gap_s:
            groups.append([])
        groups[-1].append(segment)
        end_s = max(end_s, segment.end_time_ns * 1e-9)
    return groups


def _describe_events(events: Sequence[Sequence[Segment]]) -> str:
    """Describe the date and number of traces of each event, with the time of day where two events have the same date."""
    starts = [datetime.fromtimestamp(event[0].start_time_ns // 10**9, UTC) for event in events]
    distinct = len({start.date() for start in starts}) == len(starts)
    counts = [len({segment.trace_id for segment in event}) for event in events]
    described = [
        f"{start:{'%Y-%m-%d' if distinct else '%Y-%m-%d %H:%M'}} ({count} trace{'s' if count != 1 else ''})"
        for start, count in zip(starts, counts, strict=True)
    ]
    listed = [*described[:MAX_LISTED], f"{len(events) - MAX_LISTED} more"] if len(events) > MAX_LISTED else described
    number = "two" if len(events) == 2 else f"{len(events):,}"
    return f"{number} events: {', '.join(listed[:-1])} and {listed[-1]}"


def _merged_length(group: Sequence[Segment]) -> int:
    rate_hz = max(segment.sampling_rate_hz for segment in group)
    return grid_length([segment.start_time_ns for segment in group], [segment.count for segment in group], rate_hz)


def _unread_channels(segments: Sequence[Segment], records: Sequence[Record], *, horizontals: bool) -> list[DataIssue]:
    """Issues on stations without a vertical channel, and on the number of other channels left out of each file."""
    verticals = {segment.trace_id.station_key for segment in segments if segment.trace_id.component == "Z"}
    missing = {segment.trace_id.station_key: segment.part for segment in segments if segment.trace_id.station_key not in verticals}
    read = {trace_id for record in records if record.horizontals for trace_id in record.horizontals.trace_ids}
    channels = {(segment.part, segment.trace_id) for segment in segments}
    others = Counter(part for part, trace_id in channels if trace_id.component != "Z" and trace_id not in read)
    without_vertical = [
        DataIssue(None, part, "no-vertical", f"{'.'.join(key)} has no vertical channel; not used") for key, part in sorted(missing.items())
    ]
    detail = f"channels left out, not vertical{' nor horizontal beside a vertical one' if horizontals else ', which alone are used here'}"
    return without_vertical + [DataIssue(None, part, "not-vertical", f"{detail}: {count}") for part, count in sorted(others.items())]
