"""From raw records to a gather: detrend, taper, response, band-pass and one clock in a single transform a trace."""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.compiled import compiled
from models.errors import NoUsableTrace
from models.imaging.spectra import pass_band
from models.imaging.style import Conditioning
from models.parallel import thread_map
from models.seismic.waveforms import Gather, Record, Response

WATER_LEVEL_DB = 40.0
DEAD_BELOW = 1e-6
CLOCK_TOLERANCE = 1e-3


def condition(records: Sequence[Record], conditioning: Conditioning) -> Gather:
    """
    Records on the common clock of whole sampling intervals since 1970, beginning at or just before the earliest record.

    A row is NaN outside its record and in gaps longer than half the shortest period (shorter ones are bridged linearly),
    zero throughout for a dead trace, and does not depend on the other records. Where the response is known the unit is
    meter per second, otherwise that of the samples. Raises NoUsableTrace where there is no record.
    """
    if not records:
        raise NoUsableTrace("there is no record to condition")
    rate_hz = conditioning.sampling_rate_hz
    first = math.floor(min(record.start_time_s for record in records) * rate_hz + CLOCK_TOLERANCE)
    placed = thread_map(lambda record: _condition_one(record, conditioning, first), records)
    rows = np.full((len(records), max(begin + len(part) for begin, part in placed)), np.nan, np.float32)
    for row, (begin, part) in zip(rows, placed, strict=True):
        row[begin : begin + len(part)] = part
    return Gather(
        trace_ids=tuple(record.trace_id for record in records),
        start_time_s=first / rate_hz,
        sampling_rate_hz=rate_hz,
        samples=rows,
        latitudes_deg=_known([record.latitude_deg for record in records]),
        longitudes_deg=_known([record.longitude_deg for record in records]),
    )


def _known(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], np.float64)


def _condition_one(record: Record, conditioning: Conditioning, first: int) -> tuple[int, NDArray[np.float32]]:
    """Index of the first sample on the clock, and the samples from there on."""
    offset = record.start_time_s * conditioning.sampling_rate_hz - first
    begin = max(0, math.ceil(offset - CLOCK_TOLERANCE))
    late_s = (begin - offset) / conditioning.sampling_rate_hz
    count = math.floor((record.duration_s - late_s) * conditioning.sampling_rate_hz + CLOCK_TOLERANCE) + 1
    if count < 1:
        return begin, np.zeros(0, np.float32)
    return begin, _resample(record, conditioning, late_s, count)


def _resample(record: Record, conditioning: Conditioning, late_s: float, count: int) -> NDArray[np.float32]:
    """`count` conditioned samples, the first of them `late_s` after the record's first."""
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
    conditioned: NDArray[np.float32] = scipy.fft.irfft(spectrum, n=resampled)[:count].astype(np.float32)
    _mask(conditioned, live, late_s * rate_in_hz, rate_in_hz / rate_out_hz, CLOCK_TOLERANCE)
    return conditioned


def _padded_length(needed: int, ratio: float) -> int:
    """
    A fast transform length of at least `needed` samples that lasts a whole number of output samples.

    `ratio` is input over output rate. For odd ratios the length that comes nearest below twice `needed` is taken; what
    is left is a drift of some thousandths of an output sample over the record.
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


def _transfer(frequencies_hz: NDArray[np.floating], conditioning: Conditioning, response: Response | None) -> NDArray[np.complex128]:
    """Band-pass times the water-leveled inverse of the response, complex like `frequencies_hz`."""
    gain = pass_band(frequencies_hz, conditioning.shortest_period_s, conditioning.longest_period_s).astype(np.complex128)
    inside = np.flatnonzero(gain)
    if response is None or not len(inside):
        return gain
    sensed = _sensed(frequencies_hz[inside], response)
    level = np.max(np.abs(sensed)) * 10.0 ** (-WATER_LEVEL_DB / 20.0)
    if level > 0.0:
        gain[inside] *= np.conj(sensed) / np.maximum(np.abs(sensed) ** 2, level**2)
    return gain


def _sensed(frequencies_hz: NDArray[np.floating], response: Response) -> NDArray[np.complex128]:
    """The response at positive frequencies, interpolated in log frequency, held constant beyond its ends."""
    known = response.frequencies_hz > 0.0
    at, octaves = np.log2(response.frequencies_hz[known]), np.log2(frequencies_hz)
    values = response.velocity_response[known]
    phase = np.interp(octaves, at, np.unwrap(np.angle(values)))
    return np.asarray(np.interp(octaves, at, np.abs(values)) * np.exp(1j * phase), np.complex128)


@compiled
def _prepare(
    samples: NDArray[np.float32],
    taper: float,
    bridge: float,
    dead_below: float,
    prepared: NDArray[np.float32],
    live: NDArray[np.bool_],
) -> None:
    """
    Write the detrended, tapered, gap-filled `samples` [n] into the front of `prepared`, and where they are real into `live` [n].

    `taper` and `bridge` in samples: gaps up to `bridge` count as live. The line is fitted to live samples alone. A trace
    whose residual is at most `dead_below` of its largest value is rounding noise, and left at zero.
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
def _fit_line(samples: NDArray[np.float32]) -> tuple[float, float]:
    """Level at sample 0 and slope a sample of the least-squares line through the finite samples."""
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
def _taper(samples: NDArray[np.float32], first: int, last: int, length: float) -> None:
    """Cosine flanks over `length` samples (a quarter of what there is at most) from `first` and up to `last`."""
    flank = min(length, 0.25 * (last - first))
    for k in range(math.ceil(flank)):
        weight = 0.5 - 0.5 * math.cos(math.pi * k / flank)
        samples[first + k] *= weight
        samples[last - k] *= weight


@compiled
def _mask(conditioned: NDArray[np.float32], live: NDArray[np.bool_], start: float, step: float, tolerance: float) -> None:
    """NaN where sample j, at input position start + j step, has no live input sample on either side."""
    for j in range(len(conditioned)):
        position = start + j * step
        low = max(0, math.floor(position + tolerance))
        high = min(len(live) - 1, math.ceil(position - tolerance))
        if not (live[low] and live[high]):
            conditioned[j] = np.nan
