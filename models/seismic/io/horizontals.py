"""The two horizontal components of the sensor of a vertical record, on that record's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.array_types import Floats32
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

PAIRS: Final = (("N", "E"), ("1", "2"), ("2", "3"))
"""Orientation codes: N and E within 5 degrees of north and east, the others anywhere (SEED 2.4, appendix A)."""

HORIZONTAL_CODES: Final = "".join(sorted({code for pair in PAIRS for code in pair}))
NOMINAL_AZIMUTHS_DEG: Final = {"N": 0.0, "E": 90.0}
RATE_TOLERANCE: Final = 1e-6


def attach_horizontals(verticals: Sequence[Record], others: Sequence[Record]) -> list[Record]:
    """Attach to each vertical record the pair of horizontals of the same station, location, band and instrument, where there is one."""
    by_id = {record.trace_id: record for record in others}
    return [replace(record, horizontals=_find_pair(record, by_id)) for record in verticals]


def _find_pair(vertical: Record, by_id: Mapping[TraceId, Record]) -> Horizontals | None:
    stem = vertical.trace_id.channel[:-1]
    for codes in PAIRS:
        first, second = (by_id.get(vertical.trace_id._replace(channel=stem + code)) for code in codes)
        if first is not None and second is not None and _same_rate(vertical, first) and _same_rate(vertical, second):
            samples = np.stack([_align(vertical, first), _align(vertical, second)])
            azimuth, other_azimuth = (NOMINAL_AZIMUTHS_DEG.get(code, np.nan) for code in codes)
            return Horizontals((first.trace_id, second.trace_id), samples, (azimuth, other_azimuth))
    return None


def _same_rate(vertical: Record, other: Record) -> bool:
    return abs(other.sampling_rate_hz / vertical.sampling_rate_hz - 1.0) < RATE_TOLERANCE


def _align(vertical: Record, other: Record) -> Floats32:
    """Samples at the nearest instants of the vertical's clock, NaN where there are none."""
    samples = np.full(len(vertical.samples), np.nan, np.float32)
    shift = round((other.start_time_s - vertical.start_time_s) * vertical.sampling_rate_hz)
    begin, end = max(shift, 0), min(shift + len(other.samples), len(samples))
    if begin < end:
        samples[begin:end] = other.samples[begin - shift : end - shift]
    return samples


def set_azimuths(pair: Horizontals | None, azimuths_deg: Mapping[TraceId, float]) -> Horizontals | None:
    """Replace nominal azimuths of a pair by those of its metadata, by trace id; unknown ones stay nominal."""
    if pair is None:
        return None
    first, second = (azimuths_deg.get(trace_id, nominal) for trace_id, nominal in zip(pair.trace_ids, pair.azimuths_deg, strict=True))
    return replace(pair, azimuths_deg=(first, second))
