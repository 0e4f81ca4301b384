"""Peaks of the Rayleigh-wave envelope at periods of 20 to 50 s: a group arrival time to within a fraction of a period."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32
from models.seismic.signal.characteristic_function import find_peaks
from models.seismic.signal.filters import PeriodBand, bandpass_envelope
from models.seismic.waveforms import Gather

RAYLEIGH_BAND: Final = PeriodBand(20.0, 50.0)
MIN_PEAK_RATIO: Final = 3.0  # of a peak over the median envelope; an hour of noise reaches 2.6
MAX_PEAKS: Final = 3
MIN_SEPARATION_S: Final = 60.0
MIN_RECORD_PERIODS: Final = 4.0


@dataclass(frozen=True)
class EnvelopePeaks:
    """Peaks [k] of one trace's envelope, highest first: POSIX seconds, and logarithm of the height over the median envelope."""

    times_s: Floats
    strengths: Floats


def pick_envelope_peaks(gather: Gather) -> list[EnvelopePeaks]:
    """Pick the peaks of every trace of a gather, in its order."""
    return [_pick_trace(samples, gather.start_time_s, gather.sampling_rate_hz) for samples in gather.samples]


def _pick_trace(samples: Floats32, start_s: float, rate_hz: float) -> EnvelopePeaks:
    live = np.isfinite(samples)
    if live.sum() < MIN_RECORD_PERIODS * RAYLEIGH_BAND.max_period_s * rate_hz:
        return EnvelopePeaks(np.zeros(0), np.zeros(0))
    envelope = np.where(live, bandpass_envelope(np.where(live, samples, 0.0), rate_hz, RAYLEIGH_BAND), 0.0)
    level = float(np.median(envelope[live]))
    peaks = find_peaks(envelope, MIN_PEAK_RATIO * level, round(MIN_SEPARATION_S * rate_hz), MAX_PEAKS) if level > 0.0 else []
    return EnvelopePeaks(start_s + np.array(peaks, np.float64) / rate_hz, np.log(envelope[peaks] / max(level, 1e-300)))
