"""
The picker: candidate arrivals of one record by STA/LTA in several frequency bands, with onsets by AIC.

Picks are found where the ratio of short-term to long-term average energy (STA/LTA; Allen 1978, doi:10.1785/BSSA0680051521) exceeds a
threshold; the minimum of the Akaike information criterion (AIC; Maeda 1985) refines the onset. Both use energy, so that picks do not
depend on the polarity of the first motion. The vertical component is picked, and both horizontal ones together, where S is strongest.
Which pick is which phase is decided by association.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Flags, Floats, Floats32, Integers
from models.parallel import thread_map
from models.seismic.signal.characteristic_function import aic_onset, clean_in_place, decimate_by_mean, find_peaks, sta_lta
from models.seismic.signal.filters import bandpass_causal_bands
from models.seismic.waveforms import SHORT_RECORD_S, Record

BANDS_HZ: Final = ((2.0, 4.0), (0.8, 2.0), (0.3, 0.8), (0.03, 0.1))
"""Small local events; local events and teleseismic P; below the microseism peak of teleseismic P; P of great earthquakes."""

MAX_RATE_HZ: Final = 10.0
USABLE_RATE_FRACTION: Final = 0.45  # of the sampling rate: anti-alias filters leave nothing above
MIN_CORNER_RATIO: Final = 1.4  # upper over lower corner
LONG_WINDOW: Final = 20.0  # in short windows
MIN_NOISE_WINDOWS: Final = 8.0  # short windows of noise before a pick; also skips the taper at a record's start
MIN_NOISE_WINDOWS_SHORT: Final = 3.0  # the same in a short record, which is cut about an arrival: they add a third to the variance
MIN_STRENGTH: Final = 2.0
MAX_PICKS: Final = 4  # in each band
MIN_FREQUENCY_RATIO: Final = 0.5
"""
Lowest root-mean-square frequency of a pick's short window, as a fraction of the band's lower corner. Below it a wave of longer period leaks
through the flank of the filter, as that of a record which was band-passed before, or surface waves of a large event.
"""

Pick = tuple[float, float, float, int]
"""Seconds after the first sample, standard deviation in seconds, strength, and index of the band."""


@dataclass(frozen=True)
class Picks:
    """
    Candidate arrivals [k] of one record, ordered by component, band and time.

    `times_s` POSIX, `uncertainties_s` one standard deviation. `strengths`: logarithm of STA/LTA over the standard deviation of that
    logarithm in noise of the same bandwidth. `bands`: indices of `BANDS_HZ`. `horizontal`: picked on the horizontal components.
    `start_s`, `end_s`: interval (POSIX) in which arrivals could be picked.
    """

    start_s: float
    end_s: float
    times_s: Floats
    uncertainties_s: Floats
    strengths: Floats
    bands: Integers
    horizontal: Flags


def short_window_s(low_hz: float, high_hz: float) -> float:
    """Return the short window of STA/LTA in a band, in seconds: long enough for its bandwidth and for its lowest frequency."""
    return max(1.25 / (high_hz - low_hz), 0.7 / low_hz)


def pick_record(record: Record) -> Picks:
    """Pick a record in every band below its Nyquist frequency; no picks where it is constant or all gap."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    start_s = record.start_time_s + 0.5 * (step - 1) / record.sampling_rate_hz  # the middle of a block of averaged samples
    vertical = _pick_components(record.samples[None], step, rate_hz)
    horizontal = _pick_components(record.horizontals.samples, step, rate_hz) if record.horizontals else []
    picks = np.array([*vertical, *horizontal], np.float64).reshape(-1, 4)
    end_s = start_s + (len(record.samples) // step) / rate_hz
    on_horizontal = np.arange(len(picks)) >= len(vertical)
    return Picks(start_s, end_s, start_s + picks[:, 0], picks[:, 1], picks[:, 2], picks[:, 3].astype(np.int64), on_horizontal)


def pick_records(records: Sequence[Record]) -> list[Picks]:
    """Pick every record, in their order."""
    return thread_map(pick_record, records)


def _pick_components(motion: Floats32, step: int, rate_hz: float) -> list[Pick]:
    """Pick the summed energy of components [c, n] in every band; nothing where one of them is constant or all gap."""
    samples = np.stack([decimate_by_mean(component, step) for component in motion])
    live = np.isfinite(samples).all(axis=0)
    if live.sum() <= 1 or not all(clean_in_place(component) for component in samples):
        return []
    bands = {index: (low_hz, min(high_hz, USABLE_RATE_FRACTION * rate_hz)) for index, (low_hz, high_hz) in enumerate(BANDS_HZ)}
    usable = {index: (low_hz, high_hz) for index, (low_hz, high_hz) in bands.items() if high_hz >= MIN_CORNER_RATIO * low_hz}
    filtered = zip(usable.items(), bandpass_causal_bands(samples, rate_hz, list(usable.values())), strict=True)
    return [pick for (index, band), components in filtered for pick in _pick_band(components, live, rate_hz, band, index)]


def _pick_band(components: Floats, live: Flags, rate_hz: float, band: tuple[float, float], index: int) -> list[Pick]:
    """Pick components [c, n], filtered in one band, in order of time."""
    (low_hz, high_hz), (count, length) = band, components.shape
    short_s = short_window_s(low_hz, high_hz)
    short = max(2, round(short_s * rate_hz))
    is_short = length < SHORT_RECORD_S * rate_hz
    noise_windows = MIN_NOISE_WINDOWS_SHORT if is_short else MIN_NOISE_WINDOWS
    if length < (noise_windows + 2.0) * short:
        return []
    # STA/LTA and AIC take energy only, so the norm over components stands for them
    filtered = np.abs(components[0]) if count == 1 else np.linalg.norm(components, axis=0)
    ratio = sta_lta(filtered, live, short, round(LONG_WINDOW * short), round(noise_windows * short))
    # The energy of c components over a window has 2 c B T degrees of freedom, B being the bandwidth and T the window.
    deviation = math.sqrt(2.0 / (2.0 * count * (high_hz - low_hz) * short_s))
    if is_short:
        deviation *= math.sqrt(1.0 + 1.0 / noise_windows)  # the long-term average has an error of its own
    picks = []
    for peak in sorted(find_peaks(ratio, math.exp(MIN_STRENGTH * deviation), 2 * short, MAX_PICKS)):
        strength = math.log(ratio[peak]) / deviation
        onset = aic_onset(filtered, max(0, peak - 2 * short), min(len(filtered), peak + short + 1))
        frequency_hz = measure_frequency_hz(components[:, onset : onset + short], rate_hz)
        if peak + 2 * short > len(filtered) or frequency_hz < MIN_FREQUENCY_RATIO * low_hz:
            continue  # where a record ends is no arrival, nor is what leaks into the band
        uncertainty_s = max(1.0 / rate_hz, short_s * (0.15 + 0.6 / (1.0 + strength - MIN_STRENGTH)))
        picks.append((onset / rate_hz, uncertainty_s, strength, index))
    return picks


def measure_frequency_hz(motion: Floats, rate_hz: float) -> float:
    """Measure the root-mean-square frequency of motion [c, n]: that of its derivative over its own, over 2 pi; infinite for no motion."""
    energy = float((motion**2).sum())
    slope = rate_hz * np.diff(motion, axis=1)
    return float(np.sqrt((slope**2).sum() / energy)) / (2.0 * math.pi) if energy > 0.0 else math.inf
