"""Shifted and cut records: how far a distance moves when a record begins earlier or later, or is cut about P."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.waveforms import Record
from training.evaluation.event_result import Truth

SHIFTS_S: Final = (-600.0, -60.0, 0.0, 60.0)
CUT_S: Final = (-300.0, 600.0)
MIN_CUT_S: Final = 300.0


def cut_span(record: Record, start_s: float, end_s: float) -> Record | None:
    """Cut a record to a span of time (POSIX seconds); None where it does not begin by then, or keeps less than MIN_CUT_S."""
    first = round((start_s - record.start_time_s) * record.sampling_rate_hz)
    if first < 0:
        return None
    samples = record.samples[first : first + max(int(min(end_s - start_s, 1e6) * record.sampling_rate_hz), 0)]
    if len(samples) < MIN_CUT_S * record.sampling_rate_hz:
        return None
    return replace(record, samples=samples, start_time_s=record.start_time_s + first / record.sampling_rate_hz, horizontals=None)


def shift_records(records: Sequence[Record], truth: Truth, shift_s: float) -> list[Record | None]:
    """Begin records at a time after the origin; None for a record that begins later anyway."""
    return [cut_span(record, truth.origin_time_s + shift_s, np.inf) for record in records]


def cut_about_first_arrival(records: Sequence[Record], truth: Truth, distances_deg: Floats) -> list[Record | None]:
    """Cut records from 300 s before to 600 s after the first arrival (ak135, true distance and depth), as data centers deliver them."""
    arrivals = truth.origin_time_s + first_arrival_s(distances_deg, truth.depth_km if np.isfinite(truth.depth_km) else 10.0)
    return [
        cut_span(record, arrival + CUT_S[0], arrival + CUT_S[1]) if np.isfinite(arrival) else None
        for record, arrival in zip(records, arrivals, strict=True)
    ]
