"""
Measure magnitudes at one vertical record that share an unknown constant, so that their differences need no gain.

mb from the largest P amplitude near 1 Hz: below 18 degrees after Denny, Taylor & Vergino (1987, BSSA 77, 987-995), beyond by values that
follow those of Gutenberg & Richter (1956) to within 0.2. ML from the largest amplitude near 1 Hz up to Lg after Hutton & Boore (1987,
BSSA 77, 2074-2094). Ms from the largest 20 s Rayleigh wave after Russell (2006, doi:10.1785/0120050055), at all distances.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from scipy.signal import welch
from scipy.signal.windows import tukey

from models.array_types import Floats
from models.seismic.discriminants.intervals import cut_samples, surface_wave_window
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.signal.characteristic_function import decimate_by_mean
from models.seismic.signal.filters import FrequencyBand, Passband
from models.seismic.waveforms import Record

SHORT_BAND: Final = FrequencyBand(0.7, 1.6)
RAYLEIGH_PERIOD_S: Final = 20.0
GROUP_VELOCITIES_KM_S: Final = (2.4, 4.2)
LG_VELOCITY_KM_S: Final = 2.8
MIN_RATE_HZ: Final = 4.0  # anti-alias filters leave nothing above 0.4 of the sampling rate
BODY_WAVE_DEG: Final = (1.5, 95.0)
"""Nearer, P and S overlap in the band; farther, P is diffracted."""
LOCAL_DEG: Final = (0.7, 6.3)
"""Nearer, 20 s waves are within a wavelength of the source; ML is defined up to 700 km."""
REGIONAL_DEG: Final = 18.0
TELESEISMIC_Q: Final = ((18.0, 30.0, 45.0, 60.0, 75.0, 90.0, 100.0), (3.3, 3.6, 3.7, 3.8, 3.8, 4.0, 4.4))
"""Distances in degrees, and what is added to the logarithm of the amplitude in nanometers."""
LEAD_S, MAX_P_WINDOW_S, NOISE_S, MAX_NOISE_S = 8.0, 60.0, 60.0, 600.0
LONG_RATE_HZ: Final = 1.0
MIN_SNR: Final = 2.0
ERRORS_OF_LG: Final = 2.0  # in standard deviations
TAPER_S: Final = 15.0  # short ones leak 20 s waves into the short band
INSTRUMENT_BANDS: Final = "BHCF"
"""Band codes of channels whose sensors are flat from 20 s to above 1 Hz (SEED manual, appendix A); the instrument code is H."""
NOISE_FREQUENCIES_HZ: Final = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
MEAN_NOISE_DB: Final = (-161.0, -160.8, -155.8, -141.4, -139.7, -128.1, -119.4, -122.1, -129.9, -136.1, -141.6, -143.3, -141.3)
"""Mean of the low and the high noise model of Peterson (1993, USGS open-file report 93-322): acceleration, dB of (m/s^2)^2/Hz."""
NOISE_RANGE_HZ: Final = (0.03, 2.0)
SEGMENT_S: Final = 150.0
UNKNOWN: Final = float("nan")


@dataclass(frozen=True)
class StationMagnitudes:
    """
    Magnitudes of one record, raised by the same unknown constant (the logarithm of the gain); NaN outside of their distances.

    `body_detected`, `local_detected`: whether the waves that mb and ML are measured on stand above the noise by a factor of two; if not,
    the magnitude is an upper bound.
    `noise_slope`: exponent n of the noise before P, whose amplitude is that of ground acceleration in Peterson's mean spectrum times
    frequency to the n (-1 for a record of velocity, -2 for one of displacement); NaN where there are less than 60 s of it.
    """

    surface_wave: float
    body_wave: float
    local: float
    local_detected: bool
    noise_slope: float
    body_detected: bool = True


def measure_magnitudes(
    record: Record, distance_deg: float, depth_km: float, origin_s: float, origin_error_s: float = 0.0, distance_error_km: float = 0.0
) -> StationMagnitudes | None:
    """
    Measure a record at a distance from a source; None where its band or length do not allow it, or without a Rayleigh wave.

    Without a response the record is taken to be proportional to ground velocity. Windows begin earlier by the error of the origin time, and
    that of Lg ends later by twice the errors of origin time and distance: a wave that is looked for too early is not absent.
    """
    code = record.trace_id.channel
    broadband = record.response is not None or (code[:1] in INSTRUMENT_BANDS and code[1:2] == "H")
    if not broadband or record.sampling_rate_hz < MIN_RATE_HZ:
        return None
    p_s, s_s = (origin_s + float(travel_time_s(phase, [distance_deg], depth_km)[0]) for phase in ("P", "S"))
    surface_wave = _measure_rayleigh(record, distance_deg, origin_s, p_s) if np.isfinite([p_s, s_s]).all() else None
    if surface_wave is None:
        return None
    body_wave = local = UNKNOWN
    begin_s = p_s - LEAD_S - origin_error_s
    noise = _measure_peak(record, begin_s - NOISE_S, begin_s) or 0.0
    earlier = _measure_peak(record, begin_s - 2.0 * NOISE_S, begin_s - NOISE_S) or noise  # P is in the last minute where the origin is late
    in_p = _measure_peak(record, begin_s, min(p_s + MAX_P_WINDOW_S, s_s - LEAD_S / 2)) if _within(distance_deg, BODY_WAVE_DEG) else None
    late_s = ERRORS_OF_LG * float(np.hypot(origin_error_s, distance_error_km / LG_VELOCITY_KM_S))
    end_s = origin_s + distance_deg * KM_PER_DEGREE / LG_VELOCITY_KM_S + late_s
    in_all = _measure_peak(record, begin_s, end_s) if _within(distance_deg, LOCAL_DEG) else None
    if in_p is not None:
        body_wave = float(np.log10(in_p)) + correct_body_wave(distance_deg)
    if in_all is not None:
        local = float(np.log10(in_all)) + correct_local(distance_deg)
    detected = in_all is not None and in_all > MIN_SNR * min(noise, earlier)
    p_detected = in_p is not None and in_p > MIN_SNR * noise
    return StationMagnitudes(surface_wave, body_wave, local, detected, _measure_noise_slope(record, begin_s), p_detected)


def _within(distance_deg: float, limits_deg: tuple[float, float]) -> bool:
    return limits_deg[0] <= distance_deg <= limits_deg[1]


def correct_body_wave(distance_deg: float) -> float:
    """Return what is added to the logarithm of the P amplitude in nanometers to give mb."""
    if distance_deg < REGIONAL_DEG:
        return 2.4 * float(np.log10(distance_deg * KM_PER_DEGREE)) - 3.95
    return float(np.interp(distance_deg, *TELESEISMIC_Q))


def correct_local(distance_deg: float) -> float:
    """Return what is added to the logarithm of the largest amplitude near 1 Hz in nanometers to give ML."""
    distance_km = distance_deg * KM_PER_DEGREE
    return 1.11 * float(np.log10(distance_km)) + 0.00189 * distance_km - 2.09


def correct_surface_wave(distance_deg: float) -> float:
    """Return what is added to the logarithm of the 20 s Rayleigh wave in nanometers, filtered at this distance, to give Ms."""
    geometry = 0.5 * float(np.log10(np.sin(np.radians(distance_deg)))) + 0.0031 * distance_deg
    return geometry - float(np.log10(russell_half_width_hz(distance_deg))) - 0.43


def russell_half_width_hz(distance_deg: float) -> float:
    """Return half the width of Russell's filter at a distance."""
    return 0.6 / (RAYLEIGH_PERIOD_S * float(np.sqrt(distance_deg)))


def _measure_peak(record: Record, start_s: float, end_s: float) -> float | None:
    """Largest displacement near 1 Hz in an interval; None where it is not recorded or not positive."""
    rate_hz, record_end_s = record.sampling_rate_hz, record.start_time_s + record.duration_s
    begin_s = max(start_s - TAPER_S, record.start_time_s)
    samples = cut_samples(record.samples, record, begin_s, min(end_s + TAPER_S, record_end_s))
    if samples is None or end_s <= start_s or start_s < record.start_time_s or end_s > record_end_s:
        return None
    moved = np.abs(_to_displacement(samples, rate_hz, record, SHORT_BAND))
    peak = float(moved[round((start_s - begin_s) * rate_hz) : round((end_s - begin_s) * rate_hz)].max(initial=0.0))
    return peak if peak > 0.0 else None


def _measure_rayleigh(record: Record, distance_deg: float, origin_s: float, p_s: float) -> float | None:
    """Ms of the largest 20 s Rayleigh wave; None where it is outside of the record or less than twice the noise before P."""
    first, last = surface_wave_window(distance_deg, origin_s, GROUP_VELOCITIES_KM_S)
    start_s, end_s = max(p_s - MAX_NOISE_S, record.start_time_s), min(last + NOISE_S, record.start_time_s + record.duration_s)
    samples = cut_samples(record.samples, record, start_s, end_s) if start_s < p_s and end_s > (first + last) / 2 else None
    if samples is None:
        return None
    step = max(1, int(record.sampling_rate_hz // LONG_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    filtered = np.abs(_to_displacement(decimate_by_mean(samples, step), rate_hz, record, RussellBand(russell_half_width_hz(distance_deg))))
    times_s = start_s + np.arange(len(filtered)) / rate_hz
    peak = float(filtered[(times_s >= first) & (times_s <= last)].max(initial=0.0))
    noise = filtered[times_s < p_s - RAYLEIGH_PERIOD_S]
    if peak <= 0.0 or (len(noise) > NOISE_S * rate_hz and peak < MIN_SNR * float(noise.max())):
        return None
    return float(np.log10(peak)) + correct_surface_wave(distance_deg)


@dataclass(frozen=True)
class RussellBand:
    """Gain of Russell's filter: a Butterworth band-pass of order 3 about 20 s, so wide on either side, run without shifting the phase."""

    half_width_hz: float

    def gain(self, frequencies_hz: Floats) -> Floats:
        """Gain of frequencies, 0 to 1."""
        low, high = 1.0 / RAYLEIGH_PERIOD_S - self.half_width_hz, 1.0 / RAYLEIGH_PERIOD_S + self.half_width_hz
        frequencies = np.maximum(frequencies_hz, 1e-6)
        return np.asarray((1.0 + ((frequencies**2 - low * high) / (frequencies * (high - low))) ** 6) ** -0.5)

    def padding(self, rate_hz: float) -> int:
        """Samples to append before a transform."""
        return round(4.0 * RAYLEIGH_PERIOD_S * rate_hz)


def _to_displacement(samples: Floats, rate_hz: float, record: Record, band: Passband) -> Floats:
    """Band-pass samples [n] into ground displacement in nanometers, or, without a response, in a unit proportional to it."""
    length = scipy.fft.next_fast_len(len(samples) + band.padding(rate_hz), real=True)
    frequencies = scipy.fft.rfftfreq(length, 1.0 / rate_hz)
    positive = np.maximum(frequencies, frequencies[1])
    transfer = band.gain(positive) * 1e9 / (2.0 * np.pi * positive)
    if record.response is not None:
        instrument = np.interp(positive, record.response.frequencies_hz, np.abs(record.response.velocity_response))
        transfer = transfer / np.maximum(instrument, 1e-3 * instrument.max())
    tapered = samples * tukey(len(samples), min(2.0 * TAPER_S * rate_hz / len(samples), 1.0))
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(tapered, length) * transfer, length)[: len(samples)])


def _measure_noise_slope(record: Record, end_s: float) -> float:
    """Slope of the logarithm of noise amplitude over that of frequency, relative to ground acceleration of Peterson's mean spectrum."""
    start_s = max(record.start_time_s, end_s - MAX_NOISE_S)
    samples = cut_samples(record.samples, record, start_s, end_s) if end_s - start_s >= NOISE_S else None
    if samples is None or not samples.any():
        return UNKNOWN
    rate_hz = record.sampling_rate_hz
    frequencies, power = welch(samples, rate_hz, nperseg=min(len(samples), round(SEGMENT_S * rate_hz)))
    lowest, highest = max(NOISE_RANGE_HZ[0], 3.0 / (end_s - start_s)), min(NOISE_RANGE_HZ[1], 0.35 * rate_hz)
    used = (frequencies >= lowest) & (frequencies <= highest) & (power > 0.0)
    if used.sum() < 3:
        return UNKNOWN
    logarithms = np.log10(frequencies[used])
    excess = 0.5 * np.log10(power[used]) - np.interp(logarithms, np.log10(NOISE_FREQUENCIES_HZ), MEAN_NOISE_DB) / 20.0
    return float(np.polyfit(logarithms, excess, 1, w=frequencies[used] ** -0.5)[0])  # weights: as much for each decade
