"""
Rises of energy after P: where another wave may begin in the coda of the first one.

The logarithm of the energy in a short window over that in the window before it is large at the onset of a wave, whatever its waveform
and polarity, and near zero in coda. P itself is the reference: lags count from where its energy rises most, so that a slow onset of the
source, which P and the waves after it share, does not delay them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np

from models.array_types import Flags, Floats
from models.parallel import thread_map
from models.seismic.signal.characteristic_function import clean_in_place, decimate_by_mean
from models.seismic.signal.filters import bandpass_causal
from models.seismic.waveforms import Record

Family = Literal["P", "PKP"]

BANDS_HZ: Final = ((0.05, 0.2), (0.4, 1.5))
"""Below the microseism's peak, and the teleseismic P of small events."""
WINDOWS_S: Final = (8.0, 3.0)
"""Of the energy before and after a lag, by band."""
STEPS_PER_WINDOW: Final = 8
MAX_LAG_S: Final = 240.0
"""sP of the deepest earthquakes comes 200 s after P."""
SEARCH_BEFORE_S: Final = 4.0
SEARCH_AFTER_S: Final[Mapping[Family, float]] = {"P": 6.0, "PKP": 16.0}
"""The rise of a first arrival is looked for so long before and after its pick: PKP has up to three onsets within 15 s."""
NOISE_WINDOWS: Final = (12.0, 3.0)
"""Windows of noise begin so many windows before the pick to so many."""
MARGIN_WINDOWS: Final = 8.0
"""Of a record before the noise, in which the filter settles."""
MIN_P_RISE: Final = 1.2
"""Logarithm of the energy of P over that before it from which on a record shows P in a band."""
MAX_RISE: Final = 3.0
MAX_RATE_HZ: Final = 10.0
USABLE_RATE_FRACTION: Final = 0.45  # of the sampling rate: anti-alias filters leave nothing above
MIN_CORNER_RATIO: Final = 1.4  # upper over lower corner


@dataclass(frozen=True)
class Onset:
    """A first arrival: POSIX time, and whether it travelled through the mantle alone (P) or through the core (PKP)."""

    time_s: float
    family: Family


@dataclass(frozen=True)
class Rises:
    """
    Rises of records in one band.

    `lags_s` [m] after the rise of P; `rises` [traces, m]: logarithm of the energy after a lag over that before, NaN without data;
    `trace_indices` [traces]; `window_s`: length of either window.
    """

    window_s: float
    lags_s: Floats
    rises: Floats
    trace_indices: tuple[int, ...]

    def at_lags(self, lags_s: Floats) -> Floats:
        """Interpolate the rises [traces, d] at lags [traces, d], which may be NaN."""
        rows = [np.interp(at, self.lags_s, row, left=np.nan, right=np.nan) for at, row in zip(lags_s, self.rises, strict=True)]
        return np.array(rows).reshape(lags_s.shape)


def measure_rises(records: Sequence[Record], onsets: Mapping[int, Onset]) -> list[Rises]:
    """
    Measure the rises of energy after P in every band that shows P.

    Parameters
    ----------
    records : sequence of Record
        Vertical records.
    onsets : mapping of int to Onset
        First arrivals by index of the record; of other records nothing is measured.

    """
    bands = []
    for band_hz, window_s in zip(BANDS_HZ, WINDOWS_S, strict=True):
        lags_s = np.arange(0.0, MAX_LAG_S, window_s / STEPS_PER_WINDOW)
        measure = partial(_measure_indexed, records, onsets, band_hz, window_s, lags_s)
        found = [(index, row) for index, row in zip(onsets, thread_map(measure, list(onsets)), strict=True) if row is not None]
        if found:
            bands.append(Rises(window_s, lags_s, np.array([row for _, row in found]), tuple(index for index, _ in found)))
    return bands


def _measure_indexed(
    records: Sequence[Record], onsets: Mapping[int, Onset], band_hz: tuple[float, float], window_s: float, lags_s: Floats, index: int
) -> Floats | None:
    return measure_record(records[index], onsets[index], band_hz, window_s, lags_s)


def measure_record(record: Record, onset: Onset, band_hz: tuple[float, float], window_s: float, lags_s: Floats) -> Floats | None:
    """Measure the rises [m] of one record in one band at lags after the rise of P; None where P does not rise above the noise."""
    samples, rate_hz, picked = _cut_record(record, onset, window_s)
    low_hz, high_hz, window = band_hz[0], min(band_hz[1], USABLE_RATE_FRACTION * rate_hz), round(window_s * rate_hz)
    live = np.isfinite(samples)
    if high_hz < MIN_CORNER_RATIO * low_hz or live.sum() <= window or not clean_in_place(samples):
        return None
    before, after = window_energies(bandpass_causal(samples, rate_hz, low_hz, high_hz), live, window)
    noise = slice(*(max(round(picked - windows * window), 0) for windows in NOISE_WINDOWS))
    first, last = (max(round(picked + lag_s * rate_hz), 0) for lag_s in (-SEARCH_BEFORE_S, SEARCH_AFTER_S[onset.family]))
    growth = (after - before)[first:last]
    if not np.isfinite(after[noise]).any() or not np.isfinite(growth).any():
        return None
    level = float(np.nanmean(after[noise]))
    rises = np.log((after + level) / (before + level))
    if np.nanmax(rises[first:last]) < MIN_P_RISE:
        return None
    at = first + int(np.nanargmax(growth)) + lags_s * rate_hz
    return np.clip(np.interp(at, np.arange(len(rises)), rises, left=np.nan, right=np.nan), -MAX_RISE, MAX_RISE)


def _cut_record(record: Record, onset: Onset, window_s: float) -> tuple[Floats, float, float]:
    """Cut a record from the noise before a first arrival to the longest lag; its samples, their rate in Hz, and the index of the pick."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz, picked_s = record.sampling_rate_hz / step, onset.time_s - record.start_time_s
    begin_s = max(picked_s - (NOISE_WINDOWS[0] + MARGIN_WINDOWS) * window_s, 0.0)
    end_s = picked_s + SEARCH_AFTER_S[onset.family] + MAX_LAG_S + 2.0 * window_s
    begin = round(begin_s * record.sampling_rate_hz)
    samples = np.ascontiguousarray(record.samples[begin : max(round(end_s * record.sampling_rate_hz), begin)], np.float64)
    return decimate_by_mean(samples, step), rate_hz, (picked_s - begin / record.sampling_rate_hz) * rate_hz


def window_energies(filtered: Floats, live: Flags, window: int) -> tuple[Floats, Floats]:
    """Average the energy in the windows before and after each sample [n]; NaN where a window leaves the record or holds a gap."""
    sums = np.concatenate(([0.0], np.cumsum(np.where(live, filtered**2, 0.0))))
    dead = np.concatenate(([0], np.cumsum(~live)))
    means = np.where(dead[window:] == dead[:-window], (sums[window:] - sums[:-window]) / window, np.nan)  # of the window from a sample on
    before, after = np.full(len(filtered), np.nan), np.full(len(filtered), np.nan)
    after[: len(means)] = means[: len(filtered)]
    before[window:] = means[: len(filtered) - window]
    return before, after
