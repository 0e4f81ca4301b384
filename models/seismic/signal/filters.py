"""
Band-pass filters and envelopes of one trace.

Zero-phase filters have cosine flanks in the logarithm of frequency, which ring little; they serve where waveforms are compared. The
causal filter (Butterworth) serves the picker: nothing of an arrival leaks to before its onset.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import numpy as np
import scipy.fft
from scipy.signal import butter, sosfilt, sosfilt_zi

from models.array_types import Complexes, Floats
from models.compiled import compiled

FLANK_OCTAVES: Final = 0.25
PADDING_PERIODS: Final = 4.0  # of the longest period: zeros appended, so that the filter's ringing does not wrap around
BUTTERWORTH_ORDER: Final = 2  # of the low-pass; a band-pass has as many second-order sections
LANES: Final = 4  # bands that are filtered at once


class Passband(Protocol):
    """A frequency band with cosine flanks."""

    def gain(self, frequencies_hz: Floats) -> Floats:
        """Gain of frequencies, 0 to 1; zero for negative ones."""

    def padding(self, rate_hz: float) -> int:
        """Samples to append before a transform."""


@dataclass(frozen=True)
class PeriodBand:
    """A band between two periods in seconds, as surface waves are described."""

    min_period_s: float
    max_period_s: float

    def gain(self, frequencies_hz: Floats) -> Floats:
        """Gain of frequencies, 0 to 1; zero for negative ones."""
        octaves = np.log2(np.maximum(frequencies_hz, 1e-12) * self.max_period_s)
        return cosine_bandpass_gain(np.minimum(octaves, np.log2(self.max_period_s / self.min_period_s) - octaves))

    def padding(self, rate_hz: float) -> int:
        """Samples to append before a transform."""
        return round(PADDING_PERIODS * self.max_period_s * rate_hz)


@dataclass(frozen=True)
class FrequencyBand:
    """A band between two frequencies in hertz, as body waves are described."""

    low_hz: float
    high_hz: float

    def gain(self, frequencies_hz: Floats) -> Floats:
        """Gain of frequencies, 0 to 1; zero for negative ones."""
        frequencies = np.maximum(frequencies_hz, 1e-9)
        return cosine_bandpass_gain(np.minimum(np.log2(frequencies / self.low_hz), np.log2(self.high_hz / frequencies)))

    def padding(self, rate_hz: float) -> int:
        """Samples to append before a transform."""
        return round(PADDING_PERIODS * rate_hz / self.low_hz)


def cosine_bandpass_gain(inside_octaves: Floats, flank_octaves: float = FLANK_OCTAVES) -> Floats:
    """Compute the gain of frequencies so many octaves inside a band (negative: outside): half at its edge, with cosine flanks."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(0.5 + inside_octaves / flank_octaves, 0.0, 1.0)))


def bandpass_zero_phase(samples: Floats, rate_hz: float, band: Passband) -> Floats:
    """Band-pass samples [..., n] without shifting their phase."""
    spectra, length = _bandpass_spectra(samples, rate_hz, band)
    return np.asarray(scipy.fft.irfft(spectra, length)[..., : samples.shape[-1]])


def bandpass_quadrature(samples: Floats, rate_hz: float, band: Passband) -> tuple[Floats, Floats]:
    """Band-pass samples [..., n] without shifting their phase, and once more delayed by a quarter period (the Hilbert transform)."""
    spectra, length = _bandpass_spectra(samples, rate_hz, band)
    count = samples.shape[-1]
    return np.asarray(scipy.fft.irfft(spectra, length)[..., :count]), np.asarray(scipy.fft.irfft(-1.0j * spectra, length)[..., :count])


def _bandpass_spectra(samples: Floats, rate_hz: float, band: Passband) -> tuple[Complexes, int]:
    """Filtered spectra of zero-padded samples, and the padded length."""
    length = scipy.fft.next_fast_len(samples.shape[-1] + band.padding(rate_hz), real=True)
    return np.asarray(band.gain(scipy.fft.rfftfreq(length, 1.0 / rate_hz)) * scipy.fft.rfft(samples, length)), length


def bandpass_envelope(samples: Floats, rate_hz: float, band: Passband) -> Floats:
    """Compute the envelope [n] of band-passed samples [n]: the modulus of their analytic signal."""
    length = scipy.fft.next_fast_len(len(samples) + band.padding(rate_hz))
    gain = band.gain(scipy.fft.fftfreq(length, 1.0 / rate_hz))  # zero for negative frequencies, which makes the signal analytic
    return np.asarray(np.abs(scipy.fft.ifft(2.0 * gain * scipy.fft.fft(samples, length))))[: len(samples)]


def bandpass_causal(samples: Floats, rate_hz: float, low_hz: float, high_hz: float) -> Floats:
    """Band-pass samples [n] by a Butterworth filter of order 2, started in the steady state of the first sample."""
    sections, steady_state = _butterworth(low_hz, high_hz, rate_hz)
    return np.asarray(sosfilt(sections, samples, zi=steady_state * samples[0])[0])


def bandpass_causal_bands(samples: Floats, rate_hz: float, bands_hz: Sequence[tuple[float, float]]) -> Floats:
    """Band-pass components [c, n] by the filters of `bandpass_causal` in up to four bands at once: [bands, c, n]."""
    sections, states = np.zeros((BUTTERWORTH_ORDER, 6, LANES)), np.zeros((BUTTERWORTH_ORDER, 2, LANES))
    for lane, (low_hz, high_hz) in enumerate(bands_hz):
        sections[..., lane], states[..., lane] = _butterworth(low_hz, high_hz, rate_hz)
    filtered = np.empty((LANES, *samples.shape))
    for number, component in enumerate(samples):
        _filter_lanes(component, sections, states, filtered[:, number])
    return filtered[: len(bands_hz)]


@compiled
def _filter_lanes(samples: Floats, sections: Floats, states: Floats, filtered: Floats) -> None:
    """
    Filter samples [n] by cascades of second-order sections in all lanes at once, to `filtered` [lanes, n].

    Each output waits for the one before it, so that a processor computes several filters in the time of one. `sections`
    [sections, 6, lanes] are coefficients as SciPy orders them, `states` [sections, 2, lanes] those after a constant input of one.
    """
    states = states * samples[0]
    values = np.empty(LANES)
    for i in range(len(samples)):
        values[:] = samples[i]
        for section in range(BUTTERWORTH_ORDER):
            coefficients, state = sections[section], states[section]
            for lane in range(LANES):
                value = values[lane]
                output = coefficients[0, lane] * value + state[0, lane]
                state[0, lane] = coefficients[1, lane] * value - coefficients[4, lane] * output + state[1, lane]
                state[1, lane] = coefficients[2, lane] * value - coefficients[5, lane] * output
                values[lane] = output
        for lane in range(LANES):
            filtered[lane, i] = values[lane]


@lru_cache(maxsize=64)
def _butterworth(low_hz: float, high_hz: float, rate_hz: float) -> tuple[Floats, Floats]:
    """Second-order sections, and their state after a constant input of one."""
    sections = butter(BUTTERWORTH_ORDER, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos")
    return sections, sosfilt_zi(sections)
