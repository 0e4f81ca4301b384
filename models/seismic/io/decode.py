"""Decoding of miniSEED: samples of the continuous segments of a channel."""

from dataclasses import dataclass

import numpy as np
from pymseed import MiniSEEDError
from pymseed.mstracelist import MS3TraceSeg

from models.seismic.data_issues import DataIssue
from models.seismic.io.merge import DecodedSegment
from models.seismic.trace_id import TraceId

_DTYPES: dict[str, type[np.generic]] = {"i": np.int32, "f": np.float32, "d": np.float64}


@dataclass(frozen=True)
class Segment:
    """A continuous segment of one channel as its headers state it; `packed` holds the samples, still encoded."""

    trace_id: TraceId
    part: str
    start_time_ns: int
    end_time_ns: int
    sampling_rate_hz: float
    count: int
    packed: MS3TraceSeg


def decode(segment: Segment, issues: list[DataIssue]) -> list[DecodedSegment]:
    """Decode a segment as a whole, or, where that fails, record by record without the damaged ones; issues are appended."""
    dtype = _dtype(segment)
    if dtype is None:
        issues.append(DataIssue(str(segment.trace_id), segment.part, "not-waveform", "text or an unknown encoding, no samples; left out"))
        return []
    samples = np.empty(segment.count, dtype)
    try:
        decoded = segment.packed.unpack_recordlist(samples)
        return [DecodedSegment(segment.start_time_ns, segment.sampling_rate_hz, samples[:decoded])]
    except MiniSEEDError:
        return _decode_records(segment, issues)


def _dtype(segment: Segment) -> type[np.generic] | None:
    try:
        return _DTYPES.get(segment.packed.sample_size_type[1])
    except (MiniSEEDError, ValueError):  # the number of no known encoding
        return None


def _decode_records(segment: Segment, issues: list[DataIssue]) -> list[DecodedSegment]:
    segments, damaged = [], 0
    for entry in segment.packed.recordlist or ():
        record = entry.record
        try:
            record.unpack_data()
            segments.append(DecodedSegment(record.starttime, record.samprate, np.array(record.np_datasamples)))
        except (MiniSEEDError, ValueError):
            damaged += 1
    if damaged:
        issues.append(DataIssue(str(segment.trace_id), segment.part, "damaged-record", f"{damaged} damaged records were left out"))
    return segments
