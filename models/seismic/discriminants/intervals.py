"""Intervals of records in which the waves of a source are measured."""

from collections.abc import Sequence

import numpy as np

from models.array_types import Floats, Floats32
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Record

MIN_LIVE_FRACTION = 0.9
EARLY_S, LATE_S = 10.0, 30.0


def surface_wave_window(distance_deg: float, origin_s: float, velocities_km_s: Sequence[float]) -> tuple[float, float]:
    """Return first and last instant (POSIX) of a wave whose group velocity lies between two limits."""
    first, last = sorted(origin_s + distance_deg * KM_PER_DEGREE / velocity for velocity in velocities_km_s)
    return first - EARLY_S, last + LATE_S


def cut_samples(samples: Floats | Floats32, record: Record, start_s: float, end_s: float) -> Floats | None:
    """Cut samples on a record's clock, without mean and with gaps at 0; None where less than nine tenths of the interval are recorded."""
    rate_hz = record.sampling_rate_hz
    first, count = round((start_s - record.start_time_s) * rate_hz), round((end_s - start_s) * rate_hz)
    cut = samples[max(first, 0) : max(first + count, 0)].astype(np.float64)
    live = np.isfinite(cut)
    if count < 2 or live.sum() < MIN_LIVE_FRACTION * count:
        return None
    return np.where(live, cut - cut[live].mean(), 0.0)
