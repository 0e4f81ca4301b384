"""Pictures of single traces: wiggles in bands, and the dispersion picture."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.compiled import compiled
from models.imaging.raster import LINE
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.imaging.wiggles import NUMERICAL_FLOOR, draw_bands
from models.imaging.window import cut, frame_of
from models.parallel import thread_map
from models.seismic.waveforms import Gather


def amplitude_pictures(style: AmplitudeStyle, gather: Gather, window_start_s: float) -> NDArray[np.uint8]:
    """uint8 [traces, bands, rows, columns]: each wiggle over the full height, positive up."""
    count = len(gather.samples)
    ink = np.zeros((count, len(style.bands), style.rows, style.columns), np.uint16)
    traces = np.arange(count)
    middle = np.full(count, 0.5 * style.rows)
    draw_bands(style, gather, np.full(count, window_start_s), traces, ink, traces, middle, 0.5 * style.rows - 0.5)
    return np.minimum(ink, LINE).astype(np.uint8)


@dataclass(frozen=True)
class _Filters:
    """A Gaussian filter a row: `weights` [rows, widest] complex64 on the bins from `first` [rows], centered on `center` [rows]."""

    first: NDArray[np.int64]
    center: NDArray[np.int64]
    weights: NDArray[np.complex64]


def row_periods_s(style: FrequencyStyle) -> NDArray[np.float64]:
    """The period of each row, longest first, equally spaced in their logarithm."""
    return np.asarray(np.geomspace(style.longest_period_s, style.shortest_period_s, style.rows), np.float64)


@lru_cache(maxsize=8)  # a pure function of a frozen style; 1 ms that training would pay for every trace
def _filters(style: FrequencyStyle, samples: int, columns: int) -> _Filters:
    """
    Gaussians exp(-((f - f0) / (bandwidth f0))**2 / 2), f0 that of the row, cut where the column rate cannot carry them.

    The phase ramp moves the envelope's samples from the left edge of a column to its middle.
    """
    spacing_hz = style.conditioning.sampling_rate_hz / samples
    centers_hz = 1.0 / row_periods_s(style)
    center = np.rint(centers_hz / spacing_hz).astype(np.int64)
    sigma = style.relative_bandwidth * centers_hz / spacing_hz
    reach = min(math.ceil(4.0 * np.max(sigma)), (columns - 1) // 2)
    offsets = np.arange(-reach, reach + 1)
    bins = center[:, None] + offsets
    gaussian = np.exp(-0.5 * ((bins - (centers_hz / spacing_hz)[:, None]) / sigma[:, None]) ** 2)
    inside = (bins > 0) & (bins < samples // 2)
    weights = np.where(inside, gaussian, 0.0) * np.exp(1j * np.pi * offsets / columns)
    return _Filters(center - reach, center, weights.astype(np.complex64))


def frequency_pictures(style: FrequencyStyle, gather: Gather, window_start_s: float) -> NDArray[np.uint8]:
    """uint8 [traces, zooms, rows, columns]: envelopes behind Gaussian filters in decibels under each row's maximum."""
    pictures = np.zeros((len(gather.samples), len(style.zooms), style.rows, style.columns), np.uint8)

    def draw(channel: int) -> None:
        narrowed = style.model_copy(update={"window_s": style.window_s / style.zooms[channel]})
        _draw_zoom(narrowed, gather, window_start_s, pictures[:, channel])

    thread_map(draw, range(len(style.zooms)))
    return pictures


def _draw_zoom(style: FrequencyStyle, gather: Gather, window_start_s: float, pictures: NDArray[np.uint8]) -> None:
    """Fill `pictures` [traces, rows, columns] with the style's whole window."""
    frame = frame_of(style, style.longest_period_s)
    columns = frame.columns + 2 * frame.margin_columns
    filters = _filters(style, frame.samples, columns)
    banks = np.empty((style.rows, columns), np.complex64)
    edges = (frame.margin + np.arange(frame.columns + 1) * frame.samples_a_column).astype(np.int64)
    for trace in range(len(pictures)):
        piece = cut(style, frame, gather, np.array([window_start_s]), np.array([trace]))
        if piece.samples.any():
            spectrum = scipy.fft.rfft(piece.samples[0])
            _to_baseband(spectrum, filters.first, filters.center, filters.weights, banks)
            envelopes = scipy.fft.ifft(banks, axis=1)
            _decibels(envelopes, frame.margin_columns, piece.live[0], edges, style.dynamic_range_db, NUMERICAL_FLOOR, pictures[trace])


@compiled
def _to_baseband(
    spectrum: NDArray[np.complex64],
    first: NDArray[np.int64],
    center: NDArray[np.int64],
    weights: NDArray[np.complex64],
    banks: NDArray[np.complex64],
) -> None:
    """Fill `banks` [rows, columns] with the weighted bins around each row's center, the center at bin 0."""
    banks[:] = 0.0
    for row in range(len(first)):
        for k in range(weights.shape[1]):
            source = first[row] + k
            if 0 < source < len(spectrum):
                banks[row, source - center[row]] = spectrum[source] * weights[row, k]  # negative indices wrap, as they should


@compiled
def _decibels(
    envelopes: NDArray[np.complex64],
    margin_columns: int,
    live: NDArray[np.bool_],
    edges: NDArray[np.int64],
    dynamic_range_db: float,
    floor: float,
    picture: NDArray[np.uint8],
) -> None:
    """Write `picture` [rows, columns]: 255 at the row's maximum, 1 at the range's end and below, 0 where most of a column is dead."""
    rows, columns = picture.shape
    seen = np.zeros(columns, np.bool_)
    for column in range(columns):
        seen[column] = 2 * np.sum(live[edges[column] : edges[column + 1]]) >= max(1, edges[column + 1] - edges[column])
    power = np.zeros((rows, columns), np.float32)
    peaks = np.zeros(rows, np.float32)
    for row in range(rows):
        for column in range(columns):
            value = envelopes[row, margin_columns + column]
            power[row, column] = value.real * value.real + value.imag * value.imag
            if seen[column]:
                peaks[row] = max(peaks[row], power[row, column])
    faintest = floor * floor * np.max(peaks)
    lowest = 10.0 ** (-dynamic_range_db / 10.0)
    for row in range(rows):
        if peaks[row] <= faintest:
            continue
        for column in range(columns):
            if seen[column]:
                share = max(power[row, column] / peaks[row], lowest)
                picture[row, column] = np.uint8(math.floor(255.5 + 254.0 * 10.0 * math.log10(share) / dynamic_range_db))
