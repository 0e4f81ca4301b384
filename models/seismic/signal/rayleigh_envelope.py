"""Where Rayleigh waves of 20 to 50 s are largest on a trace: a group arrival to within a fraction of a period, weak or not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Floats
from models.seismic.signal.filters import cosine_bandpass_gain
from models.seismic.waveforms import Gather

MIN_PERIOD_S: Final = 20.0
MAX_PERIOD_S: Final = 50.0
MIN_RATIO: Final = 3.0  # of a peak over the median envelope; noise of an hour reaches 2.6
MAX_PEAKS: Final = 3
APART_S: Final = 60.0


@dataclass(frozen=True)
class EnvelopePeaks:
    """Peaks [k] of one trace's envelope, highest first: POSIX seconds, and logarithm of the height over the median."""

    times_s: Floats
    strengths: Floats


def pick_envelope_peaks(gather: Gather) -> list[EnvelopePeaks]:
    """Peaks of every trace of a gather, in its order."""
    return [_of_one(row, gather.start_time_s, gather.sampling_rate_hz) for row in gather.samples]


def _of_one(samples: NDArray[np.float32], start_s: float, rate_hz: float) -> EnvelopePeaks:
    live = np.isfinite(samples)
    if live.sum() < 4.0 * MAX_PERIOD_S * rate_hz:
        return EnvelopePeaks(np.zeros(0), np.zeros(0))
    envelope = np.where(live, _envelope(np.where(live, samples, 0.0), rate_hz), 0.0)
    level = float(np.median(envelope[live]))
    apart = round(APART_S * rate_hz)
    places: list[int] = []
    left = envelope.copy()
    while level > 0.0 and len(places) < MAX_PEAKS:
        place = int(np.argmax(left))
        if left[place] < MIN_RATIO * level:
            break
        if envelope[place] >= envelope[max(0, place - apart) : place + apart + 1].max():
            places.append(place)
        left[max(0, place - apart) : place + apart + 1] = 0.0
    return EnvelopePeaks(start_s + np.array(places, np.float64) / rate_hz, np.log(envelope[places] / max(level, 1e-300)))


def _envelope(samples: Floats, rate_hz: float) -> Floats:
    """Modulus of the analytic signal between the two periods, with cosine flanks a quarter octave wide."""
    length = scipy.fft.next_fast_len(len(samples) + round(4.0 * MAX_PERIOD_S * rate_hz))
    octaves = np.log2(np.maximum(scipy.fft.fftfreq(length, 1.0 / rate_hz), 1e-12) * MAX_PERIOD_S)
    inside = np.minimum(octaves, np.log2(MAX_PERIOD_S / MIN_PERIOD_S) - octaves)
    gain = cosine_bandpass_gain(inside)
    return np.asarray(np.abs(scipy.fft.ifft(2.0 * gain * scipy.fft.fft(samples, length))))[: len(samples)]
