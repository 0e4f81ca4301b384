"""
Transients of one record: how far its largest windowed energies exceed the record's background, in bands from 150 s to 4 Hz.

A transient is a wave train where the energy at 8 to 20 s stays high for minutes: surface waves and coda of an event do, for they are
dispersed and scattered; glitches, steps and pulses do not, up to three hundred times the noise, where the filter has no side lobes.

It takes no phase, no distance and no second station, so that one record alone can show an event. What noise reaches is calibrated
elsewhere (`models.analysis.detection`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.array_types import Flags, Floats
from models.parallel import thread_map
from models.seismic.signal.characteristic_function import clean_in_place, decimate_by_mean
from models.seismic.signal.filters import FrequencyBand, Passband, bandpass_zero_phase
from models.seismic.signal.picker import MAX_RATE_HZ, USABLE_RATE_FRACTION
from models.seismic.waveforms import Record

TRANSIENT_BANDS_HZ: Final = ((1 / 150, 1 / 50), (1 / 50, 1 / 20), (1 / 20, 1 / 8), (0.3, 0.8), (0.8, 2.0), (2.0, 4.0))
"""Long surface waves; Rayleigh waves; long-period P and surface waves of small events; the short-period bands of the picker."""
MIN_WINDOW_S: Final = 4.0  # else a window is one longest period of its band
STEPS_PER_WINDOW: Final = 4
SUSTAINED_WINDOWS: Final = 2  # independent windows that a transient lasts: an impulse of the instrument lasts for one
BACKGROUND_PERCENTILE: Final = 25.0  # of the windowed energies: a record may hold signal for more than half of its length
MIN_WINDOWS: Final = 10  # independent windows of a record in a band
MAX_TAPER_SHARE: Final = 0.05  # of a record, that is left out at either end beside a period
TAPER_SHARE: Final = 0.8  # of what is left out at an end
MIN_BACKGROUND: Final = 3e-6
"""
Least background energy of a band beside that of a band next to it: in records as they come from the instrument it is above 2e-5 (of 17
observed events at up to 67 stations, five with other records).
"""
MIN_OF_STRONGEST: Final = 1e-8
"""
The same beside that of the strongest band, since a gentle filter takes little from band to band: in the records of the same events it is
above 5e-7, in synthetic noise above 5e-4, and below 1e-9 two bands beyond the corner of a filter of four poles.
"""
MAX_LEAK_RATIO: Final = 10.0  # of the background of a band farther beyond a filter
FLANK_FACTOR: Final = 0.5  # on the contrast
TRAIN_BAND: Final = 2  # index of the band that wave trains are in
MIN_BAND_RATIO: Final = 1.4  # upper over lower corner, below the Nyquist frequency

TRAIN_S: Final = 80.0  # of a wave train; its energy may be low for a quarter of this time, as between P, S and surface waves
TRAIN_WINDOW_S: Final = 10.0
TRAIN_LOW_SHARE: Final = 0.25
MIN_TRAIN_RECORD_S: Final = 160.0  # beside the ends


@dataclass(frozen=True)
class _GaussianBand:
    """
    A band with a Gaussian gain times the square of frequency, the band of the second derivative; center and standard deviation in hertz.

    Its impulse response has a Gaussian envelope, here with a standard deviation of 6 s: the response to a pulse or step, three hundred
    times as large as the noise, has left the record within half a minute, and the slow decay after a step has no second derivative.
    """

    center_hz: float
    deviation_hz: float

    def gain(self, frequencies_hz: Floats) -> Floats:
        """Gain of frequencies."""
        relative = frequencies_hz / self.center_hz
        return np.asarray(relative**2 * np.exp(-0.5 * ((frequencies_hz - self.center_hz) / self.deviation_hz) ** 2))

    def padding(self, rate_hz: float) -> int:
        """Samples to append before a transform."""
        return round(10.0 / self.deviation_hz * rate_hz / (2.0 * np.pi))


TRAIN_CORNERS_HZ: Final = (1 / 20, 1 / 8)
_TRAIN_BAND: Final = _GaussianBand(0.064, 0.025)  # the largest gain is at 12.5 s


@dataclass(frozen=True)
class Transients:
    """
    Energy contrasts of records: [records, bands], NaN where a record is too short for a band or its rate too low.

    `contrasts`: natural logarithm of the windowed energy that is reached for two windows, over the 25th percentile of all windows.
    `windows`: number of independent windows. A last column, beyond the bands, is that of wave trains: the contrast that three quarters
    of 80 s reach, in a Gaussian band about 12 s. `train_times_s` [records]: beginning of these 80 s, after the first sample. `filtered`
    [records, bands]: whether a filter reduced the band before; its contrast is then smaller than measured, or 0.
    """

    contrasts: Floats
    windows: Floats
    train_times_s: Floats
    filtered: Flags


def measure_transients(records: Sequence[Record]) -> Transients:
    """Measure the energy contrast of the vertical component of every record in every band, and that of wave trains."""
    measured = thread_map(_measure_record, records)
    values = np.array([bands for bands, _ in measured], np.float64).reshape(-1, len(TRANSIENT_BANDS_HZ) + 1, 3)
    factors = _share_filter(np.array([_weigh_bands(row[:-1, 2]) for row in values]).reshape(-1, len(TRANSIENT_BANDS_HZ)))
    contrasts = values[..., 0] * np.column_stack((factors, factors[:, TRAIN_BAND]))
    return Transients(contrasts, values[..., 1], np.array([time_s for _, time_s in measured], np.float64), factors < 1.0)


def _measure_record(record: Record) -> tuple[list[tuple[float, float, float]], float]:
    """Measure contrast, number of windows and background of one record in every band and of wave trains, and the time of these."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    samples = decimate_by_mean(np.ascontiguousarray(record.samples, np.float64), step)
    live = np.isfinite(samples)
    if live.sum() <= 1 or not clean_in_place(samples):
        return [(np.nan, 0.0, np.nan)] * (len(TRANSIENT_BANDS_HZ) + 1), np.nan
    bands = [_measure_band(samples, live, rate_hz, index) for index in range(len(TRANSIENT_BANDS_HZ))]
    contrast, windows, time_s = _measure_train(samples, live, rate_hz)
    return [*bands, (contrast, windows, np.nan)], time_s


def _share_filter(factors: Floats) -> Floats:
    """
    Lower the factors [records, bands] of all records to the median, in the bands that a filter reduced in half of the records or more.

    A bundle is filtered as a whole; in records with gaps or steps, what these leave beyond the filter hides it.
    """
    common = np.median(factors, axis=0) if len(factors) else np.ones(factors.shape[1])
    return np.where(common < 1.0, np.minimum(factors, common), factors)


def _weigh_bands(backgrounds: Floats) -> Floats:
    """
    Weigh the contrasts of bands, by their background energies [bands], NaN where a band has none: 1 for records as they are.

    Where records were filtered before, bands beyond the filter hold what leaks from within, mostly at the ends: 0. On its flank a band is
    narrower than it seems, and varies more: FLANK_FACTOR. A gentle filter takes little from band to band: where a band is far below the
    strongest one, the next one within is beyond the corner too, if it is half as far below.
    """
    missing = np.zeros(len(backgrounds), np.bool_)
    measured = np.flatnonzero(np.isfinite(backgrounds))
    strongest = int(np.argmax(backgrounds[measured])) if len(measured) else 0
    for outward in (measured[strongest:], measured[strongest::-1]):
        for inner, outer in pairwise(outward):
            least = MAX_LEAK_RATIO if missing[inner] else MIN_BACKGROUND
            is_far = backgrounds[outer] < MIN_OF_STRONGEST * backgrounds[outward[0]]
            missing[outer] = is_far or backgrounds[outer] < least * backgrounds[inner]
            missing[inner] |= is_far and backgrounds[inner] < MIN_OF_STRONGEST**0.5 * backgrounds[outward[0]]
    on_flank = np.append(missing[1:], False) | np.append(False, missing[:-1])
    return np.where(missing, 0.0, np.where(on_flank, FLANK_FACTOR, 1.0))


def _measure_band(samples: Floats, live: Flags, rate_hz: float, index: int) -> tuple[float, float, float]:
    """
    Measure one band, by index: contrast, number of windows, and background energy of a sample.

    Windows at gaps do not count, nor what the taper at the ends reduces. It is a period long or, in long records, one of the next band
    below, whose energy would leak from a shorter one.
    """
    (low_hz, highest_hz), below_hz = TRANSIENT_BANDS_HZ[index], TRANSIENT_BANDS_HZ[max(index - 1, 0)][0]
    high_hz = min(highest_hz, USABLE_RATE_FRACTION * rate_hz)
    if high_hz < MIN_BAND_RATIO * low_hz:
        return np.nan, 0.0, np.nan
    window_s = max(MIN_WINDOW_S, 1.0 / low_hz)
    taper_s = max(1.0 / low_hz, min(1.0 / below_hz, MAX_TAPER_SHARE * len(samples) / rate_hz))
    energies, known = _measure_windows(samples, live, rate_hz, (window_s, taper_s), FrequencyBand(low_hz, high_hz))
    windowed = energies[known]
    if len(windowed) < STEPS_PER_WINDOW * MIN_WINDOWS:
        return np.nan, 0.0, np.nan
    rank = len(windowed) - STEPS_PER_WINDOW * SUSTAINED_WINDOWS
    sustained, background = np.partition(windowed, rank)[rank], np.percentile(windowed, BACKGROUND_PERCENTILE)
    if not sustained > 0.0:
        return np.nan, 0.0, np.nan
    contrast = float(np.log(sustained / max(background, 1e-12 * sustained)))
    return contrast, len(windowed) / STEPS_PER_WINDOW, float(background) / round(window_s * rate_hz)


def _measure_train(samples: Floats, live: Flags, rate_hz: float) -> tuple[float, float, float]:
    """Contrast that three quarters of `TRAIN_S` reach in the band of wave trains, number of independent windows, and time in seconds."""
    low_hz, high_hz = TRAIN_CORNERS_HZ
    if high_hz > USABLE_RATE_FRACTION * rate_hz:
        return np.nan, 0.0, np.nan
    energies, known = _measure_windows(samples, live, rate_hz, (TRAIN_WINDOW_S, 1.0 / low_hz), _TRAIN_BAND)
    step_s = max(1, round(TRAIN_WINDOW_S * rate_hz) // STEPS_PER_WINDOW) / rate_hz
    steps = round((TRAIN_S - TRAIN_WINDOW_S) / step_s) + 1
    if known.sum() * step_s < MIN_TRAIN_RECORD_S or not energies.max() > 0.0:
        return np.nan, 0.0, np.nan
    rank = int(TRAIN_LOW_SHARE * (steps - 1))
    trains = np.partition(sliding_window_view(np.where(known, energies, 0.0), steps), rank, axis=1)[:, rank]
    smallest = 1e-12 * energies.max()
    background = max(float(np.percentile(energies[known], BACKGROUND_PERCENTILE)), smallest)
    contrast = float(np.log(max(float(trains.max()), smallest) / background))
    return contrast, float(known.sum() * step_s / TRAIN_WINDOW_S), 1.0 / low_hz + int(trains.argmax()) * step_s


def _measure_windows(samples: Floats, live: Flags, rate_hz: float, lengths_s: tuple[float, float], band: Passband) -> tuple[Floats, Flags]:
    """
    Measure the energies [windows] of a band, and which windows hold no gap.

    `lengths_s`: of a window, and of what is left out at either end of the record.
    """
    width, edge = (round(length_s * rate_hz) for length_s in lengths_s)
    if len(samples) < width + 2 * edge:
        return np.zeros(0), np.zeros(0, np.bool_)
    ramp = np.minimum(1.0, np.minimum(np.arange(len(samples)), np.arange(len(samples))[::-1]) / (TAPER_SHARE * edge))
    taper = ramp**3 * (10.0 - 15.0 * ramp + 6.0 * ramp**2)  # with two continuous derivatives
    energies = bandpass_zero_phase(samples * taper, rate_hz, band)[edge:-edge] ** 2
    sums, gaps = np.concatenate(([0.0], np.cumsum(energies))), np.concatenate(([0], np.cumsum(~live[edge:-edge])))
    starts = np.arange(0, len(energies) - width + 1, max(1, width // STEPS_PER_WINDOW))
    return sums[starts + width] - sums[starts], gaps[starts + width] == gaps[starts]
