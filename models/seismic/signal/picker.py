"""
Candidate onsets of one record: where energy after an instant exceeds energy before it, in several bands, polarity-blind.

They are looked for on the vertical component, and on the horizontal ones together, which S shakes most.

The ratio of a short window after and a long one before (Allen 1978, doi:10.1785/BSSA0680051521) finds them, the Akaike
criterion of the variance before and after (Maeda 1985) places them. Which onset is which phase is not decided here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, sosfilt_zi

from models.array_types import Floats
from models.parallel import thread_map
from models.seismic.signal.characteristic_function import aic_onset, clean_in_place, decimate_by_mean, sta_lta
from models.seismic.waveforms import Record

BANDS_HZ: Final = ((2.0, 4.0), (0.8, 2.0), (0.3, 0.8), (0.03, 0.1))
"""Small near events, near events and teleseismic P, the low side of the microseisms, P of great events: each above its noise."""

MAX_RATE_HZ: Final = 10.0
NYQUIST_SHARE: Final = 0.45  # of the rate: an anti-alias filter leaves nothing above
MIN_CORNER_RATIO: Final = 1.4  # upper over lower corner
LONG_WINDOW: Final = 20.0  # in short windows
MIN_NOISE_PERIODS: Final = 8.0  # less of noise, or a taper at a record's begin, is no level to compare with
MIN_STRENGTH: Final = 2.0
MAX_PICKS: Final = 4  # a band

Found = tuple[float, float, float, int]
"""Of an onset: seconds after the first sample, one standard deviation, strength and the band's number."""


@dataclass(frozen=True)
class Picks:
    """
    Candidate onsets [k] of one record, in order of time within each band.

    `times_s` POSIX; `uncertainties_s` one standard deviation; `strengths`: logarithm of the energy ratio over what noise of
    that band scatters by; `bands` numbers them; `horizontal`: seen on the horizontal components. `start_s` to `end_s`: where an onset
    would have been seen.
    """

    start_s: float
    end_s: float
    times_s: Floats
    uncertainties_s: Floats
    strengths: Floats
    bands: NDArray[np.int64]
    horizontal: NDArray[np.bool_]


def pick_record(record: Record) -> Picks:
    """Onsets in every band that the sampling rate holds; none for a record that is dead or all gap."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    start_s = record.start_time_s + 0.5 * (step - 1) / record.sampling_rate_hz
    up = _on_components(record.samples[None], step, rate_hz)
    beside = _on_components(record.horizontals.samples, step, rate_hz) if record.horizontals else []
    rows = np.array([*up, *beside], np.float64).reshape(-1, 4)
    end_s = start_s + (len(record.samples) // step) / rate_hz
    flat = np.arange(len(rows)) >= len(up)
    return Picks(start_s, end_s, start_s + rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3].astype(np.int64), flat)


def _on_components(motion: NDArray[np.float32], step: int, rate_hz: float) -> list[Found]:
    """In every band, of the energy of all components [c, n] together; none where one of them is dead."""
    samples = np.stack([decimate_by_mean(np.ascontiguousarray(row, np.float64), step) for row in motion])
    live = np.isfinite(samples).all(axis=0)
    if live.sum() <= 1 or not all(clean_in_place(row) for row in samples):
        return []
    return [onset for number, band in enumerate(BANDS_HZ) for onset in _in_band(samples, live, rate_hz, band, number)]


def pick_records(records: Sequence[Record]) -> list[Picks]:
    """Onsets of every record, in their order."""
    return thread_map(pick_record, records)


def _in_band(samples: Floats, live: NDArray[np.bool_], rate_hz: float, band: tuple[float, float], number: int) -> list[Found]:
    """Onsets of components [c, n] in one band."""
    low_hz, high_hz = band[0], min(band[1], NYQUIST_SHARE * rate_hz)
    if high_hz < MIN_CORNER_RATIO * low_hz:
        return []
    short_s = max(1.25 / (high_hz - low_hz), 0.7 / low_hz)
    short = max(2, round(short_s * rate_hz))
    if samples.shape[1] < (MIN_NOISE_PERIODS + 2.0) * short:
        return []
    # Only energy is asked for below, so that the length of a vector may stand for its components.
    filtered = np.linalg.norm([_filtered(row, low_hz, high_hz, rate_hz) for row in samples], axis=0)
    ratio = sta_lta(filtered, live, short, round(LONG_WINDOW * short), round(MIN_NOISE_PERIODS * short))
    scatter = math.sqrt(2.0 / (2.0 * len(samples) * (high_hz - low_hz) * short_s))
    onsets = []
    for place in _peaks(ratio, math.exp(MIN_STRENGTH * scatter), 2 * short):
        strength = math.log(ratio[place]) / scatter
        at = aic_onset(filtered, max(0, place - 2 * short), min(len(filtered), place + short + 1))
        deviation_s = max(1.0 / rate_hz, short_s * (0.15 + 0.6 / (1.0 + strength - MIN_STRENGTH)))
        onsets.append((at / rate_hz, deviation_s, strength, number))
    return onsets


def _filtered(samples: Floats, low_hz: float, high_hz: float, rate_hz: float) -> Floats:
    """Band-passed causally, so that nothing comes before its onset; settled to the first sample."""
    sections, settled = _filter(low_hz, high_hz, rate_hz)
    return np.asarray(sosfilt(sections, samples, zi=settled * samples[0])[0])


@lru_cache(maxsize=64)
def _filter(low_hz: float, high_hz: float, rate_hz: float) -> tuple[Floats, Floats]:
    """Butterworth sections of order 2 and their state after a constant input of one."""
    sections = butter(2, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")
    return sections, sosfilt_zi(sections)


def _peaks(ratio: Floats, least: float, apart: int) -> list[int]:
    """The highest peaks, each the highest within `apart` samples, in order of time."""
    left = ratio.copy()
    places: list[int] = []
    while len(places) < MAX_PICKS:
        place = int(np.argmax(left))
        if left[place] < least:
            break
        if ratio[place] >= ratio[max(0, place - apart) : place + apart + 1].max():
            places.append(place)
        left[max(0, place - apart) : place + apart + 1] = 0.0
    return sorted(places)
