"""
Transients of one record: how far its largest windowed energies exceed the record's background, in bands from 150 s to 4 Hz.

It takes no phase, no distance and no second station, so that one record alone can show an event. What noise reaches is calibrated
elsewhere (`models.analysis.detection`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Flags, Floats
from models.parallel import thread_map
from models.seismic.signal.characteristic_function import clean_in_place, decimate_by_mean
from models.seismic.signal.filters import FrequencyBand, bandpass_zero_phase
from models.seismic.signal.picker import MAX_RATE_HZ, USABLE_RATE_FRACTION
from models.seismic.waveforms import Record

TRANSIENT_BANDS_HZ: Final = ((1 / 150, 1 / 50), (1 / 50, 1 / 20), (1 / 20, 1 / 8), (0.3, 0.8), (0.8, 2.0), (2.0, 4.0))
"""Long surface waves; Rayleigh waves; long-period P and surface waves of small events; the short-period bands of the picker."""
MIN_WINDOW_S: Final = 4.0  # else a window is one longest period of its band
STEPS_PER_WINDOW: Final = 4
SUSTAINED_WINDOWS: Final = 2  # independent windows that a transient lasts: an impulse of the instrument lasts for one
BACKGROUND_PERCENTILE: Final = 25.0  # of the windowed energies: a record may hold signal for more than half of its length
MIN_WINDOWS: Final = 10  # independent windows of a record in a band
MIN_BAND_RATIO: Final = 1.4  # upper over lower corner, below the Nyquist frequency


@dataclass(frozen=True)
class Transients:
    """
    Energy contrasts of records: [records, bands], NaN where a record is too short for a band or its rate too low.

    `contrasts`: natural logarithm of the windowed energy that is reached for two windows, over the 25th percentile of all windows.
    `windows`: number of independent windows.
    """

    contrasts: Floats
    windows: Floats


def measure_transients(records: Sequence[Record]) -> Transients:
    """Measure the energy contrast of the vertical component of every record in every band."""
    measured = np.array(thread_map(_measure_record, records), np.float64).reshape(-1, len(TRANSIENT_BANDS_HZ), 2)
    return Transients(measured[..., 0], measured[..., 1])


def _measure_record(record: Record) -> list[tuple[float, float]]:
    """Contrast and number of windows of one record in every band."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    samples = decimate_by_mean(np.ascontiguousarray(record.samples, np.float64), step)
    live = np.isfinite(samples)
    if live.sum() <= 1 or not clean_in_place(samples):
        return [(np.nan, 0.0)] * len(TRANSIENT_BANDS_HZ)
    return [_measure_band(samples, live, rate_hz, corners_hz) for corners_hz in TRANSIENT_BANDS_HZ]


def _measure_band(samples: Floats, live: Flags, rate_hz: float, corners_hz: tuple[float, float]) -> tuple[float, float]:
    """Contrast and number of windows in one band; windows at gaps, and within a period of the ends, do not count."""
    low_hz, high_hz = corners_hz[0], min(corners_hz[1], USABLE_RATE_FRACTION * rate_hz)
    width, edge = round(max(MIN_WINDOW_S, 1.0 / low_hz) * rate_hz), round(rate_hz / low_hz)
    if high_hz < MIN_BAND_RATIO * low_hz or len(samples) < MIN_WINDOWS * width + 2 * edge:
        return np.nan, 0.0
    taper = np.minimum(1.0, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / edge)
    energies = bandpass_zero_phase(samples * taper, rate_hz, FrequencyBand(low_hz, high_hz))[edge:-edge] ** 2
    sums, gaps = np.concatenate(([0.0], np.cumsum(energies))), np.concatenate(([0], np.cumsum(~live[edge:-edge])))
    starts = np.arange(0, len(energies) - width + 1, max(1, width // STEPS_PER_WINDOW))
    windowed = (sums[starts + width] - sums[starts])[gaps[starts + width] == gaps[starts]]
    if len(windowed) < STEPS_PER_WINDOW * MIN_WINDOWS:
        return np.nan, 0.0
    rank = len(windowed) - STEPS_PER_WINDOW * SUSTAINED_WINDOWS
    sustained, background = np.partition(windowed, rank)[rank], np.percentile(windowed, BACKGROUND_PERCENTILE)
    if not sustained > 0.0:
        return np.nan, 0.0
    return float(np.log(sustained / max(background, 1e-12 * sustained))), len(windowed) / STEPS_PER_WINDOW
