"""miniSEED 2 and 3 from bytes to records, by libmseed: headers first, limits before anything is decoded, then the samples."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pymseed import MiniSEEDError, MS3Record, MS3TraceList, sourceid2nslc
from pymseed.mstracelist import MS3TraceSeg

from models.errors import LimitExceeded, UnreadableWaveform
from models.seismic.data_issues import DataIssue
from models.seismic.io.decode import Segment, decode
from models.seismic.io.horizontals import HORIZONTAL, attach_horizontals
from models.seismic.io.merge import grid_length, merge_segments
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

MIN_RATE_HZ, MAX_RATE_HZ = 0.05, 1000.0
MIN_TIME_NS, MAX_TIME_NS = -2_208_988_800 * 10**9, 4_102_444_800 * 10**9
"""1900 and 2100: no digital record lies outside."""

# How a record begins: miniSEED 3 by its magic, miniSEED 2 by sequence number, quality and the reserved byte.
_RECORD = re.compile(rb"MS\x03|[0-9 \x00]{6}[DRQM][ \x00]")


@dataclass(frozen=True)
class MiniseedLimits:
    """What one event may hold; LimitExceeded over them, before memory is asked for."""

    max_traces: int
    max_segments: int
    max_samples: int
    max_span_s: float


@dataclass(frozen=True)
class Volume:
    """The headers of one miniSEED file; its samples are still packed."""

    part: str
    traces: MS3TraceList
    issues: tuple[DataIssue, ...]


def scan_miniseed(part: str, data: bytes | memoryview) -> Volume:
    """
    Read the headers of a file; raises UnreadableWaveform where there is not one good record.

    Zero-filled blocks, foreign bytes, damaged records and a truncated end are skipped, and said.
    """
    if _begins_and_ends_well(data):
        try:
            return Volume(part, MS3TraceList.from_buffer(data, record_list=True), ())
        except MiniSEEDError:
            pass  # something in the middle: salvage what is good
    good = _salvaged(data)
    if not good:
        raise UnreadableWaveform(f"{part} holds no readable miniSEED record", part=part)
    lost = len(data) - len(good)
    issues = (DataIssue(None, part, "skipped-bytes", f"{lost} of {len(data)} bytes are not readable miniSEED and were skipped"),)
    try:
        return Volume(part, MS3TraceList.from_buffer(good, record_list=True), issues if lost else ())
    except MiniSEEDError as error:  # a record that states no length ends elsewhere once its neighbor is another
        raise UnreadableWaveform(f"{part} holds records that contradict each other", part=part) from error


def sample_count(volumes: Iterable[Volume]) -> int:
    """Samples of all channels that the headers claim."""
    return sum(segment.samplecnt for volume in volumes for trace in volume.traces for segment in trace)


def read_records(volumes: Sequence[Volume], limits: MiniseedLimits, *, horizontals: bool = True) -> tuple[list[Record], list[DataIssue]]:
    """
    The vertical records of one event, sorted by trace id, without coordinates, each with the `horizontals` beside it if asked for.

    A channel may go over several files. Raises LimitExceeded.
    """
    issues = [issue for volume in volumes for issue in volume.issues]
    segments = _segments(volumes, limits, issues)
    _check(segments, limits)
    verticals, said = _assembled(segment for segment in segments if segment.trace_id.component == "Z")
    # What is wrong with horizontals is not told: they only add to what the verticals say.
    beside, _ = _assembled(segment for segment in segments if horizontals and segment.trace_id.component in HORIZONTAL)
    records = attach_horizontals(verticals, beside)
    return records, [*issues, *_not_read(segments, records), *said]


def _assembled(segments: Iterable[Segment]) -> tuple[list[Record], list[DataIssue]]:
    """A record for each channel, sorted by trace id."""
    records: list[Record] = []
    issues: list[DataIssue] = []
    for trace_id, group in groupby(sorted(segments, key=lambda segment: segment.trace_id), key=lambda segment: segment.trace_id):
        pieces = [piece for segment in group for piece in decode(segment, issues)]
        record, said = merge_segments(trace_id, pieces)
        issues += said
        records += [record] if record else []
    return records, issues


def _begins_and_ends_well(data: bytes | memoryview) -> bool:
    """Whether a first record is there and the last one seems complete (libmseed's trace list says nothing of a cut one)."""
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


def _salvaged(data: bytes | memoryview) -> bytes:
    """The records that parse and decode, in order, joined."""
    view, good, position = memoryview(data), [], 0
    while found := _RECORD.search(view, position):
        start = end = found.start()
        try:
            for record in MS3Record.from_buffer(view[start:], unpack_data=True):
                end += record.reclen
        except MiniSEEDError:
            pass  # the search goes on behind the last good record
        good.append(view[start:end])
        position = max(end, start + 1)
    return b"".join(good)


def _segments(volumes: Sequence[Volume], limits: MiniseedLimits, issues: list[DataIssue]) -> list[Segment]:
    count = sum(len(trace) for volume in volumes for trace in volume.traces)
    if count > limits.max_segments:
        raise LimitExceeded(f"{count:,} segments; at most {limits.max_segments:,} are read", part=volumes[0].part)
    segments = []
    for volume in volumes:
        for trace in volume.traces:
            trace_id = _trace_id(trace, volume.part, issues)
            if trace_id is None:
                continue
            found = [_segment(trace_id, volume.part, packed) for packed in trace]
            segments += [segment for segment in found if _plausible(segment, issues)]
    return segments


def _trace_id(trace: object, part: str, issues: list[DataIssue]) -> TraceId | None:
    """The codes of a trace, or None for what is no station's channel (an FDSN source id may hold almost anything)."""
    try:
        network, station, location, channel = sourceid2nslc(trace.sourceid)  # type: ignore[attr-defined]
        found = TraceId.parse(f"{network.strip()}.{station.strip()}.{location.strip().replace('--', '')}.{channel.strip()}")
    except (ValueError, UnicodeDecodeError):
        issues.append(DataIssue(None, part, "bad-codes", "a trace without proper network, station, location and channel codes; left out"))
        return None
    if found.station and found.channel:
        return found
    issues.append(DataIssue(str(found), part, "bad-codes", "no station or no channel code; left out"))
    return None


def _segment(trace_id: TraceId, part: str, packed: MS3TraceSeg) -> Segment:
    return Segment(trace_id, part, packed.starttime, packed.endtime, packed.samprate, packed.samplecnt, packed)


def _plausible(segment: Segment, issues: list[DataIssue]) -> bool:
    code, detail = "", ""
    if segment.count <= 0:
        code, detail = "empty", "a segment without samples"
    elif not MIN_RATE_HZ <= segment.sampling_rate_hz <= MAX_RATE_HZ:
        code, detail = "bad-rate", f"sampled at {segment.sampling_rate_hz:g} Hz; left out"
    elif not MIN_TIME_NS < segment.start_time_ns <= segment.end_time_ns < MAX_TIME_NS:
        code, detail = "bad-time", "recorded before 1900 or after 2100; left out"
    if code:
        issues.append(DataIssue(str(segment.trace_id), segment.part, code, detail))
    return not code


def _check(segments: Sequence[Segment], limits: MiniseedLimits) -> None:
    """Limits on traces, samples and span; two short segments far apart would ask for all the samples between."""
    if not segments:
        return
    traces: dict[TraceId, list[Segment]] = {}
    for segment in segments:
        traces.setdefault(segment.trace_id, []).append(segment)
    if len(traces) > limits.max_traces:
        raise LimitExceeded(f"{len(traces):,} channels; at most {limits.max_traces:,} are read", part=segments[0].part)
    first, last = min(segments, key=lambda s: s.start_time_ns), max(segments, key=lambda s: s.end_time_ns)
    span_s = (last.end_time_ns - first.start_time_ns) * 1e-9
    if span_s > limits.max_span_s:
        detail = (
            f"{span_s:.0f} s from the start of {first.trace_id} to the end of {last.trace_id}; at most {limits.max_span_s:g} s are read"
        )
        raise LimitExceeded(detail, part=last.part)
    samples = sum(max(sum(s.count for s in group), _grid(group)) for group in traces.values())
    if samples > limits.max_samples:
        raise LimitExceeded(f"{samples:,} samples; at most {limits.max_samples:,} are read", part=segments[0].part)


def _grid(group: Sequence[Segment]) -> int:
    rate_hz = max(segment.sampling_rate_hz for segment in group)
    return grid_length([segment.start_time_ns for segment in group], [segment.count for segment in group], rate_hz)


def _not_read(segments: Sequence[Segment], records: Sequence[Record]) -> list[DataIssue]:
    """Stations that have no vertical channel, and of each file the number of channels left out."""
    having = {segment.trace_id.station_key for segment in segments if segment.trace_id.component == "Z"}
    missing = {s.trace_id.station_key: s.part for s in segments if s.trace_id.station_key not in having}
    read = {trace_id for record in records if record.horizontals for trace_id in record.horizontals.trace_ids}
    others = Counter(
        part for part, trace_id in {(s.part, s.trace_id) for s in segments} if trace_id.component != "Z" and trace_id not in read
    )
    told = [DataIssue(None, part, "no-vertical", f"{'.'.join(key)} has no vertical channel") for key, part in sorted(missing.items())]
    left = "channels left out, not vertical nor horizontal beside a vertical one"
    return told + [DataIssue(None, part, "not-vertical", f"{left}: {n}") for part, n in sorted(others.items())]
