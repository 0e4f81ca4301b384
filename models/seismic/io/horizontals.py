"""The two horizontal components beside a vertical one: brought onto its clock, and turned to north and east."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.array_types import Floats32
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

PAIRS: Final = (("N", "E"), ("1", "2"), ("2", "3"))
"""Orientation codes; N and E within 5 degrees of what they say, the others anywhere (SEED 2.4, appendix A)."""

HORIZONTAL: Final = "".join(sorted({code for pair in PAIRS for code in pair}))
NOMINAL_DEG: Final = {"N": 0.0, "E": 90.0}
SAME_RATE: Final = 1e-6


def attach_horizontals(verticals: Sequence[Record], others: Sequence[Record]) -> list[Record]:
    """Each vertical record with the pair of the same station, location, band and instrument, where there is one."""
    known = {record.trace_id: record for record in others}
    return [replace(record, horizontals=_beside(record, known)) for record in verticals]


def _beside(vertical: Record, known: Mapping[TraceId, Record]) -> Horizontals | None:
    stem = vertical.trace_id.channel[:-1]
    for codes in PAIRS:
        first, second = (known.get(vertical.trace_id._replace(channel=stem + code)) for code in codes)
        if first is not None and second is not None and _alike(vertical, first) and _alike(vertical, second):
            samples = np.stack([_on_clock(vertical, first), _on_clock(vertical, second)])
            towards, across = (NOMINAL_DEG.get(code, np.nan) for code in codes)
            return Horizontals((first.trace_id, second.trace_id), samples, (towards, across))
    return None


def _alike(vertical: Record, other: Record) -> bool:
    return abs(other.sampling_rate_hz / vertical.sampling_rate_hz - 1.0) < SAME_RATE


def _on_clock(vertical: Record, other: Record) -> Floats32:
    """Samples at the nearest of the vertical's instants, NaN where there are none."""
    samples = np.full(len(vertical.samples), np.nan, np.float32)
    shift = round((other.start_time_s - vertical.start_time_s) * vertical.sampling_rate_hz)
    begin, end = max(shift, 0), min(shift + len(other.samples), len(samples))
    if begin < end:
        samples[begin:end] = other.samples[begin - shift : end - shift]
    return samples


def pointed(pair: Horizontals | None, azimuths_deg: Mapping[TraceId, float]) -> Horizontals | None:
    """The pair with the azimuths that are told of its channels, in place of those that their codes say."""
    if pair is None:
        return None
    first, second = (azimuths_deg.get(trace_id, usual) for trace_id, usual in zip(pair.trace_ids, pair.azimuths_deg, strict=True))
    return replace(pair, azimuths_deg=(first, second))
