"""Decoding of miniSEED: samples of the continuous segments of a channel."""

from collections.abc import Iterable

import numpy as np
from pymseed import MiniSEEDError
from pymseed.mstracelist import MS3TraceSeg

from models.seismic.data_issues import DataIssue
from models.seismic.io.merge import DecodedSegment
from models.seismic.io.volume import Segment, TimeWindow

_DTYPES: dict[str, type[np.generic]] = {"i": np.int32, "f": np.float32, "d": np.float64}


def decode(segment: Segment, issues: list[DataIssue]) -> list[DecodedSegment]:
    """
    Decode a segment as a whole, or, where that fails, record by record without the damaged ones, and cut it to its window.

    Issues are appended.
    """
    packed = segment.packed
    if isinstance(packed, np.ndarray):
        return [DecodedSegment(segment.start_time_ns, segment.sampling_rate_hz, packed)]
    dtype = _dtype(packed)
    if dtype is None:
        issues.append(DataIssue(str(segment.trace_id), segment.part, "not-waveform", "text or an unknown encoding, no samples; left out"))
        return []
    samples = np.empty(packed.samplecnt, dtype)
    try:
        decoded = packed.unpack_recordlist(samples)
        whole = [DecodedSegment(packed.starttime, segment.sampling_rate_hz, samples[:decoded])]
    except MiniSEEDError:
        whole = _decode_records(segment, packed, issues)
    return _cut(whole, segment.window)


def _cut(segments: Iterable[DecodedSegment], window: TimeWindow) -> list[DecodedSegment]:
    """Cut decoded segments to a time window; those outside are left out."""
    kept = []
    for segment in segments:
        first, end = window.clip(segment.start_time_ns, segment.sampling_rate_hz, len(segment.samples))
        start_ns = segment.start_time_ns + round(first * 1e9 / segment.sampling_rate_hz) if first else segment.start_time_ns
        if first < end or not window.is_bounded:
            kept.append(DecodedSegment(start_ns, segment.sampling_rate_hz, segment.samples[first:end]))
    return kept


def _dtype(packed: MS3TraceSeg) -> type[np.generic] | None:
    try:
        return _DTYPES.get(packed.sample_size_type[1])
    except (MiniSEEDError, ValueError):  # the number of no known encoding
        return None


def _decode_records(segment: Segment, packed: MS3TraceSeg, issues: list[DataIssue]) -> list[DecodedSegment]:
    segments, damaged = [], 0
    for entry in packed.recordlist or ():
        record = entry.record
        try:
            record.unpack_data()
            segments.append(DecodedSegment(record.starttime, record.samprate, np.array(record.np_datasamples)))
        except (MiniSEEDError, ValueError):
            damaged += 1
    if damaged:
        issues.append(DataIssue(str(segment.trace_id), segment.part, "damaged-record", f"{damaged} damaged records were left out"))
    return segments
