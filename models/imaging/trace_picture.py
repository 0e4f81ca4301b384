"""Pictures of single traces: wiggles in frequency bands, and the dispersion picture."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Flags, Floats, Floats32, Integers, Pictures
from models.compiled import compiled
from models.imaging.raster import LINE
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.imaging.wiggles import NUMERICAL_FLOOR, WiggleLayout, draw_bands
from models.imaging.window import choose_frame, cut_windows
from models.parallel import thread_map
from models.seismic.waveforms import Gather


def draw_amplitude_pictures(style: AmplitudeStyle, gather: Gather, window_start_s: float | Floats) -> Pictures:
    """Draw each trace as wiggles over the full height, positive up: uint8 [traces, bands, rows, columns]."""
    count = len(gather.samples)
    ink = np.zeros((count, len(style.bands), style.rows, style.columns), np.uint16)
    traces = np.arange(count)
    middle = np.full(count, 0.5 * style.rows)
    draw_bands(style, gather, WiggleLayout(traces, np.full(count, window_start_s, np.float64), traces, middle, 0.5 * style.rows - 0.5), ink)
    return np.minimum(ink, LINE).astype(np.uint8)


@dataclass(frozen=True)
class _Filters:
    """
    A Gaussian filter for each row: `weights` [rows, width] of the spectrum from bin `first` [rows] on, centered on `center` [rows].

    `spans` [rows, 2]: the first weight that is not zero and the one after the last.
    """

    first: Integers
    center: Integers
    weights: NDArray[np.complex64]
    spans: Integers


@dataclass(frozen=True)
class _Brightness:
    """
    The brightness of every ratio of power, as a table: a logarithm for each pixel would take most of the time of a picture.

    Ratios are sorted into bins by the leading bits of their 32-bit pattern, all but the last `shift`, counted from `first` on. A bin is so
    narrow that brightness rises by at most one in it: from `dark` [bins] to one more at the ratio `step` [bins], infinite without a rise.
    """

    first: int
    shift: int
    dark: NDArray[np.uint8]
    step: Floats32


def row_periods_s(style: FrequencyStyle) -> Floats:
    """Return the period of each row, longest first, equally spaced in their logarithm."""
    return np.asarray(np.geomspace(style.longest_period_s, style.shortest_period_s, style.rows), np.float64)


@lru_cache(maxsize=8)  # a pure function of a frozen style, which takes 1 ms: too long to repeat for every trace in training
def _make_filters(style: FrequencyStyle, samples: int, columns: int) -> _Filters:
    """
    Make Gaussian filters exp(-((f - f0) / (bandwidth f0))**2 / 2), f0 being the frequency of the row.

    They are truncated at the Nyquist frequency of the columns. The phase ramp moves the samples of the envelope from the left edge of a
    column to its center.
    """
    spacing_hz = style.conditioning.sampling_rate_hz / samples
    centers_hz = 1.0 / row_periods_s(style)
    center = np.rint(centers_hz / spacing_hz).astype(np.int64)
    sigma = style.relative_bandwidth * centers_hz / spacing_hz
    half_width = min(math.ceil(4.0 * np.max(sigma)), (columns - 1) // 2)
    offsets = np.arange(-half_width, half_width + 1)
    bins = center[:, None] + offsets
    gaussian = np.exp(-0.5 * ((bins - (centers_hz / spacing_hz)[:, None]) / sigma[:, None]) ** 2)
    inside = (bins > 0) & (bins < samples // 2)
    weights = (np.where(inside, gaussian, 0.0) * np.exp(1j * np.pi * offsets / columns)).astype(np.complex64)
    spans = np.array([(row[0], row[-1] + 1) if len(row) else (0, 0) for row in map(np.flatnonzero, weights)])
    return _Filters(center - half_width, center, weights, spans)


@lru_cache(maxsize=8)
def _tabulate_brightness(dynamic_range_db: float) -> _Brightness:
    """Tabulate `brightness` for ratios of power in single precision up to 1."""
    lowest, highest = (int(np.float32(ratio).view(np.int32)) for ratio in (10.0 ** (-dynamic_range_db / 10.0), 1.0))
    mantissa_bits = math.ceil(-math.log2(10.0 ** (dynamic_range_db / 2540.0) - 1.0))
    shift = 23 - mantissa_bits
    first, last = lowest >> shift, highest >> shift
    dark, step = np.zeros(last - first + 1, np.uint8), np.full(last - first + 1, np.inf, np.float32)
    for index in range(len(dark)):
        begin, end = (first + index) << shift, min((first + index + 1) << shift, highest + 1)
        dark[index] = level = brightness(_from_bits(begin), dynamic_range_db)
        rise = begin + bisect_left(range(begin, end), level + 1, key=lambda bits: brightness(_from_bits(bits), dynamic_range_db))
        step[index] = _from_bits(rise) if rise < end else np.inf
    return _Brightness(first, shift, dark, step)


def _from_bits(bits: int) -> float:
    return float(np.int32(bits).view(np.float32))


def brightness(ratio: float, dynamic_range_db: float) -> int:
    """Compute the brightness of a ratio of power: 255 for 1, less by one for each 254th of the dynamic range, but at least 1."""
    lowest = 10.0 ** (-dynamic_range_db / 10.0)
    return math.floor(255.5 + 254.0 * 10.0 * math.log10(max(ratio, lowest)) / dynamic_range_db)


def draw_frequency_pictures(style: FrequencyStyle, gather: Gather, window_start_s: float | Floats) -> Pictures:
    """Draw the envelopes of each trace behind Gaussian filters, in dB below each row's maximum: uint8 [traces, zooms, rows, columns]."""
    pictures = np.zeros((len(gather.samples), len(style.zooms), style.rows, style.columns), np.uint8)
    starts_s = np.full(len(gather.samples), window_start_s, np.float64)

    def draw(channel: int) -> None:
        narrowed = style.model_copy(update={"window_s": style.window_s / style.zooms[channel]})
        _draw_zoom(narrowed, gather, starts_s, pictures[:, channel])

    thread_map(draw, range(len(style.zooms)))
    return pictures


def _draw_zoom(style: FrequencyStyle, gather: Gather, starts_s: Floats, pictures: Pictures) -> None:
    """Draw `pictures` [traces, rows, columns] of the style's whole window, begun at `starts_s` [traces]."""
    frame = choose_frame(style, style.longest_period_s)
    columns = frame.columns + 2 * frame.margin_columns
    filters, levels = _make_filters(style, frame.samples, columns), _tabulate_brightness(style.dynamic_range_db)
    banks = np.zeros((style.rows, columns), np.complex64)
    edges = (frame.margin + np.arange(frame.columns + 1) * frame.samples_per_column).astype(np.int64)
    table = (levels.first, levels.shift, levels.dark, levels.step)
    for trace in range(len(pictures)):
        window = cut_windows(style, frame, gather, starts_s[trace : trace + 1], np.array([trace]))
        if window.samples.any():
            spectrum = scipy.fft.rfft(window.samples[0])
            _to_baseband(spectrum, filters.first, filters.center, filters.weights, filters.spans, banks)
            envelopes = scipy.fft.ifft(banks, axis=1)
            _decibels(envelopes, frame.margin_columns, window.live[0], edges, NUMERICAL_FLOOR, table, pictures[trace])


@compiled
def _to_baseband(
    spectrum: NDArray[np.complex64],
    first: Integers,
    center: Integers,
    weights: NDArray[np.complex64],
    spans: Integers,
    banks: NDArray[np.complex64],
) -> None:
    """
    Write the weighted bins around each row's center to `banks` [rows, columns], shifted such that the center is at bin 0.

    Only bins in `spans`, in which weights are not zero, are written; `banks` is zero elsewhere.
    """
    for row in range(len(first)):
        begin, end = spans[row]
        middle = min(max(center[row] - first[row], begin), end)
        for low, high, shift in ((begin, middle, banks.shape[1]), (middle, end, 0)):  # negative frequencies are at the end of a row
            bank = banks[row, shift + first[row] + low - center[row] : shift + first[row] + high - center[row]]
            bins, weight = spectrum[first[row] + low : first[row] + high], weights[row, low:high]
            for k in range(len(bank)):
                bank[k] = bins[k] * weight[k]


@compiled
def _decibels(
    envelopes: NDArray[np.complex64],
    margin_columns: int,
    live: Flags,
    edges: Integers,
    floor: float,
    table: tuple[int, int, NDArray[np.uint8], Floats32],
    picture: Pictures,
) -> None:
    """
    Write `picture` [rows, columns]: 255 at the row's maximum, 1 below the dynamic range, 0 where most of a column is dead.

    `table` has the fields of `_Brightness`.
    """
    rows, columns = picture.shape
    first, shift, dark, step = table
    visible = np.zeros(columns, np.float32)
    for column in range(columns):
        visible[column] = 2 * np.sum(live[edges[column] : edges[column + 1]]) >= max(1, edges[column + 1] - edges[column])
    power, peaks = np.zeros((rows, columns), np.float32), np.zeros(rows, np.float32)
    for row in range(rows):
        for column in range(columns):
            value = envelopes[row, margin_columns + column]
            power[row, column] = visible[column] * (value.real * value.real + value.imag * value.imag)
        peaks[row] = power[row].max()
    min_peak = floor * floor * np.max(peaks)
    for row in range(rows):
        if peaks[row] <= min_peak:
            continue
        ratios = power[row] / peaks[row]
        bits = ratios.view(np.int32)
        for column in range(columns):
            index = max((bits[column] >> shift) - first, 0)
            level = dark[index] + (1 if ratios[column] >= step[index] else 0)
            picture[row, column] = level if visible[column] > 0.0 else 0
