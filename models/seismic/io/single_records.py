"""MiniSEED whose records libmseed cannot list: without blockette 1000, which states encoding and length of a record."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from pymseed import MiniSEEDError, MS3Record

from models.errors import UnreadableWaveform
from models.seismic.data_issues import DataIssue, describe_cause
from models.seismic.io.volume import Segment, TimeWindow, Volume, make_segment, read_trace_id, report_empty_window

_UNKNOWN_ENCODING: Final = -1
_UNKNOWN_REASON: Final = "no header of a record is found"


def has_blockette_1000(data: bytes | memoryview) -> bool:
    """Whether the first record states its encoding, so that libmseed can list the file; true also where no record can be read."""
    try:
        first = next(MS3Record.from_buffer(data), None)
    except MiniSEEDError:
        return True
    return first is None or first.encoding != _UNKNOWN_ENCODING


def read_single_records(part: str, data: bytes | memoryview, window: TimeWindow) -> Volume:
    """
    Read and decode records one by one up to the first damaged one; raises UnreadableWaveform, with libmseed's reason, without any.

    Steim-1 is taken for the encoding where none is stated, as libmseed and ObsPy do.
    """
    issues: list[DataIssue] = []
    segments: list[Segment] = []
    count = 0
    reason = _UNKNOWN_REASON if len(data) else "it is empty"
    try:
        for record in MS3Record.from_buffer(data, unpack_data=True):
            count += 1
            segments += _make_segments(record, part, window, issues)
    except (MiniSEEDError, ValueError) as error:
        reason = describe_cause(error)
    if not count:
        raise UnreadableWaveform(f"{part} holds no readable miniSEED record ({_describe_text(data) or reason}); export it again", part=part)
    if reason != _UNKNOWN_REASON:
        issues.append(
            DataIssue(None, part, "skipped-bytes", f"records after the first {count} are not readable miniSEED ({reason}); skipped")
        )
    if not segments:
        issues.append(report_empty_window(part, window))
    return Volume(part, (), tuple(issues), tuple(segments))


def _describe_text(data: bytes | memoryview) -> str:
    """Quote the beginning of a file that is plain text; empty for any other."""
    beginning = bytes(data[:40]).decode("ascii", errors="replace").split("\n")[0].strip()
    return f"it is text: '{beginning} ...'" if beginning and beginning.isprintable() and beginning.isascii() else ""


def _make_segments(record: MS3Record, part: str, window: TimeWindow, issues: list[DataIssue]) -> Iterator[Segment]:
    """Yield the record as a segment if it has proper codes and reaches into the window."""
    trace_id = read_trace_id(record, part, issues)
    if trace_id is not None:
        segment = make_segment(trace_id, part, record.starttime, record.samprate, np.array(record.np_datasamples), window)
        if segment.count or not window.is_bounded:
            yield segment
