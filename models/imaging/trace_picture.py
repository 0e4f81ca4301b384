"""Pictures of single traces: wiggles in frequency bands, and the dispersion picture."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Flags, Floats, Integers, Pictures
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
    """A Gaussian filter for each row: `weights` [rows, width] of the spectrum from bin `first` [rows] on, centered on `center` [rows]."""

    first: Integers
    center: Integers
    weights: NDArray[np.complex64]


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
    weights = np.where(inside, gaussian, 0.0) * np.exp(1j * np.pi * offsets / columns)
    return _Filters(center - half_width, center, weights.astype(np.complex64))


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
    filters = _make_filters(style, frame.samples, columns)
    banks = np.empty((style.rows, columns), np.complex64)
    edges = (frame.margin + np.arange(frame.columns + 1) * frame.samples_per_column).astype(np.int64)
    for trace in range(len(pictures)):
        window = cut_windows(style, frame, gather, starts_s[trace : trace + 1], np.array([trace]))
        if window.samples.any():
            spectrum = scipy.fft.rfft(window.samples[0])
            _to_baseband(spectrum, filters.first, filters.center, filters.weights, banks)
            envelopes = scipy.fft.ifft(banks, axis=1)
            _decibels(envelopes, frame.margin_columns, window.live[0], edges, style.dynamic_range_db, NUMERICAL_FLOOR, pictures[trace])


@compiled
def _to_baseband(
    spectrum: NDArray[np.complex64],
    first: Integers,
    center: Integers,
    weights: NDArray[np.complex64],
    banks: NDArray[np.complex64],
) -> None:
    """Write the weighted bins around each row's center to `banks` [rows, columns], shifted such that the center is at bin 0."""
    banks[:] = 0.0
    for row in range(len(first)):
        for k in range(weights.shape[1]):
            source = first[row] + k
            if 0 < source < len(spectrum):
                banks[row, source - center[row]] = spectrum[source] * weights[row, k]  # negative indices wrap around, as frequencies do


@compiled
def _decibels(
    envelopes: NDArray[np.complex64],
    margin_columns: int,
    live: Flags,
    edges: Integers,
    dynamic_range_db: float,
    floor: float,
    picture: Pictures,
) -> None:
    """Write `picture` [rows, columns]: 255 at the row's maximum, 1 below the dynamic range, 0 where most of a column is dead."""
    rows, columns = picture.shape
    visible = np.zeros(columns, np.bool_)
    for column in range(columns):
        visible[column] = 2 * np.sum(live[edges[column] : edges[column + 1]]) >= max(1, edges[column + 1] - edges[column])
    power = np.zeros((rows, columns), np.float32)
    peaks = np.zeros(rows, np.float32)
    for row in range(rows):
        for column in range(columns):
            value = envelopes[row, margin_columns + column]
            power[row, column] = value.real * value.real + value.imag * value.imag
            if visible[column]:
                peaks[row] = max(peaks[row], power[row, column])
    min_peak = floor * floor * np.max(peaks)
    lowest = 10.0 ** (-dynamic_range_db / 10.0)
    for row in range(rows):
        if peaks[row] <= min_peak:
            continue
        for column in range(columns):
            if visible[column]:
                ratio = max(power[row, column] / peaks[row], lowest)
                picture[row, column] = np.uint8(math.floor(255.5 + 254.0 * 10.0 * math.log10(ratio) / dynamic_range_db))
