"""Condition records into a gather: detrend, taper, remove the response, band-pass and resample, in one Fourier transform per trace."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Complexes, Flags, Floats, Floats32
from models.compiled import compiled
from models.errors import NoUsableTrace
from models.imaging.spectra import bandpass_gain
from models.imaging.style import Conditioning
from models.parallel import thread_map
from models.seismic.waveforms import Gather, Record, Response

WATER_LEVEL_DB = 40.0  # below the largest response in the band: where it is smaller, it is not divided by any further
DEAD_BELOW = 1e-6  # of a record's largest value: smaller deviations from its line are rounding errors of single precision
CLOCK_TOLERANCE = 1e-3  # samples: a time that is so close to that of a sample counts as the same


def condition(records: Sequence[Record], conditioning: Conditioning) -> Gather:
    """
    Condition records to one sampling rate, with samples at whole sampling intervals since 1970.

    The gather begins at or just before the earliest record. A trace is NaN outside its record and in gaps longer than half the shortest
    period (shorter ones are interpolated linearly), zero throughout for a dead record, and does not depend on other records. The unit is
    meter per second where the response is known, otherwise that of the samples. Raises NoUsableTrace where there is no record.
    """
    if not records:
        raise NoUsableTrace("there is no record")
    rate_hz = conditioning.sampling_rate_hz
    first = math.floor(min(record.start_time_s for record in records) * rate_hz + CLOCK_TOLERANCE)
    conditioned = thread_map(lambda record: _condition_one(record, conditioning, first), records)
    rows = np.full((len(records), max(begin + len(samples) for begin, samples in conditioned)), np.nan, np.float32)
    for row, (begin, samples) in zip(rows, conditioned, strict=True):
        row[begin : begin + len(samples)] = samples
    return Gather(
        trace_ids=tuple(record.trace_id for record in records),
        start_time_s=first / rate_hz,
        sampling_rate_hz=rate_hz,
        samples=rows,
        latitudes_deg=_replace_none([record.latitude_deg for record in records]),
        longitudes_deg=_replace_none([record.longitude_deg for record in records]),
    )


def _replace_none(values: Sequence[float | None]) -> Floats:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _condition_one(record: Record, conditioning: Conditioning, first: int) -> tuple[int, Floats32]:
    """Condition one record: index of its first sample, counted from `first`, and the samples."""
    offset = record.start_time_s * conditioning.sampling_rate_hz - first
    begin = max(0, math.ceil(offset - CLOCK_TOLERANCE))
    late_s = (begin - offset) / conditioning.sampling_rate_hz
    count = math.floor((record.duration_s - late_s) * conditioning.sampling_rate_hz + CLOCK_TOLERANCE) + 1
    if count < 1:
        return begin, np.zeros(0, np.float32)
    return begin, _resample(record, conditioning, late_s, count)


def _resample(record: Record, conditioning: Conditioning, late_s: float, count: int) -> Floats32:
    """Compute `count` conditioned samples, the first of them `late_s` after the record's first."""
    samples = np.ascontiguousarray(record.samples, np.float32)
    rate_in_hz, rate_out_hz = record.sampling_rate_hz, conditioning.sampling_rate_hz
    live = np.empty(len(samples), np.bool_)
    needed = len(samples) + math.ceil(3.0 * conditioning.longest_period_s * rate_in_hz)
    padded = _padded_length(needed, rate_in_hz / rate_out_hz)
    prepared = np.zeros(padded, np.float32)
    taper = conditioning.taper_s * rate_in_hz
    _prepare(samples, taper, 0.5 * conditioning.shortest_period_s * rate_in_hz, DEAD_BELOW, prepared, live)
    resampled = round(padded * rate_out_hz / rate_in_hz)
    bins = min(padded, resampled) // 2 + 1
    frequencies_hz = np.arange(bins) * (rate_in_hz / padded)
    transfer = _transfer(frequencies_hz, conditioning, record.response) * np.exp(2j * np.pi * frequencies_hz * late_s)
    spectrum = scipy.fft.rfft(prepared, overwrite_x=True)[:bins] * (transfer * (resampled / padded))
    conditioned: Floats32 = scipy.fft.irfft(spectrum, n=resampled)[:count].astype(np.float32)
    _mask(conditioned, live, late_s * rate_in_hz, rate_in_hz / rate_out_hz, CLOCK_TOLERANCE)
    return conditioned


def _padded_length(needed: int, ratio: float) -> int:
    """
    Find a length with a fast transform, of at least `needed` samples, that is a whole number of output samples.

    `ratio` is input over output rate. Where there is none below twice `needed`, the length nearest to a whole number is taken, which leaves
    a drift of some thousandths of an output sample over the record.
    """
    best, least = needed, math.inf
    length: int = scipy.fft.next_fast_len(needed, real=True)
    while length <= 2 * needed + 64:
        miss = abs(length / ratio - round(length / ratio))
        if miss < least - 1e-9:
            best, least = length, miss
        if least < 1e-6:
            break
        length = scipy.fft.next_fast_len(length + 1, real=True)
    return best


def _transfer(frequencies_hz: NDArray[np.floating], conditioning: Conditioning, response: Response | None) -> Complexes:
    """Band-pass times the inverse of the response, with a water level 40 dB below its maximum in the band."""
    gain = bandpass_gain(frequencies_hz, conditioning.shortest_period_s, conditioning.longest_period_s).astype(np.complex128)
    inside = np.flatnonzero(gain)
    if response is None or not len(inside):
        return gain
    instrument = _interpolate_response(frequencies_hz[inside], response)
    level = np.max(np.abs(instrument)) * 10.0 ** (-WATER_LEVEL_DB / 20.0)
    if level > 0.0:
        gain[inside] *= np.conj(instrument) / np.maximum(np.abs(instrument) ** 2, level**2)
    return gain


def _interpolate_response(frequencies_hz: NDArray[np.floating], response: Response) -> Complexes:
    """Response at positive frequencies, amplitude and phase interpolated in log frequency and constant beyond the ends."""
    known = response.frequencies_hz > 0.0
    at, octaves = np.log2(response.frequencies_hz[known]), np.log2(frequencies_hz)
    values = response.velocity_response[known]
    phase = np.interp(octaves, at, np.unwrap(np.angle(values)))
    return np.asarray(np.interp(octaves, at, np.abs(values)) * np.exp(1j * phase), np.complex128)


@compiled
def _prepare(
    samples: Floats32,
    taper: float,
    bridge: float,
    dead_below: float,
    prepared: Floats32,
    live: Flags,
) -> None:
    """
    Write the detrended, interpolated and tapered `samples` [n] to the front of `prepared`, and whether each is live to `live` [n].

    `taper` and `bridge` are in samples: gaps of up to `bridge` count as live. The line is fitted to finite samples. A trace whose largest
    residual is at most `dead_below` of its largest value is rounding noise, and set to zero.
    """
    level, slope = _fit_line(samples)
    largest = residual = 0.0
    first = before = -1
    for i in range(len(samples)):
        live[i] = np.isfinite(samples[i])
        if not live[i]:
            continue
        prepared[i] = samples[i] - (level + slope * i)
        largest, residual = max(largest, abs(samples[i])), max(residual, abs(prepared[i]))
        first = i if first < 0 else first
        for j in range(before + 1, i if before >= 0 else 0):
            prepared[j] = prepared[before] + (prepared[i] - prepared[before]) * ((j - before) / (i - before))
            live[j] = i - before - 1 <= bridge
        before = i
    if residual <= dead_below * largest:
        prepared[:] = 0.0
    else:
        _taper(prepared, first, before, taper)


@compiled
def _fit_line(samples: Floats32) -> tuple[float, float]:
    """Fit a least-squares line to the finite samples: its value at sample 0, and its slope per sample."""
    count, sum_x, sum_i, sum_ii, sum_xi = 0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(samples)):
        if np.isfinite(samples[i]):
            x = float(samples[i])
            count += 1
            sum_x += x
            sum_i += i
            sum_ii += float(i) * i
            sum_xi += x * i
    if count < 2:
        return sum_x, 0.0
    slope = (count * sum_xi - sum_x * sum_i) / (count * sum_ii - sum_i * sum_i)
    return (sum_x - slope * sum_i) / count, slope


@compiled
def _taper(samples: Floats32, first: int, last: int, length: float) -> None:
    """Taper by a cosine over `length` samples (at most a quarter of the record) after `first` and before `last`."""
    flank = min(length, 0.25 * (last - first))
    for k in range(math.ceil(flank)):
        weight = 0.5 - 0.5 * math.cos(math.pi * k / flank)
        samples[first + k] *= weight
        samples[last - k] *= weight


@compiled
def _mask(conditioned: Floats32, live: Flags, start: float, step: float, tolerance: float) -> None:
    """Set sample j, at input position start + j step, to NaN unless the input samples on both sides are live."""
    for j in range(len(conditioned)):
        position = start + j * step
        low = max(0, math.floor(position + tolerance))
        high = min(len(live) - 1, math.ceil(position - tolerance))
        if not (live[low] and live[high]):
            conditioned[j] = np.nan
