"""What a picture sees of a gather: a cut in time with margins, empty where there is no data."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.compiled import compiled
from models.imaging.style import Style
from models.seismic.waveforms import Gather


@dataclass(frozen=True)
class Frame:
    """
    The layout of a cut in samples: `columns` of the picture between margins of `margin_columns` either side.

    `samples` in all, `margin` of them either side. The margins hold what filters smear around, and are not drawn.
    """

    columns: int
    margin_columns: int
    samples: int
    margin: int

    @property
    def samples_a_column(self) -> float:
        """Width of a column in samples."""
        return self.samples / (self.columns + 2 * self.margin_columns)


@dataclass(frozen=True)
class Cut:
    """
    `samples` [traces, frame.samples] float32, zero where `live` is not, cosine edges at every border of live data.

    Each trace is scaled by a power of two so that its largest value lies between 1/2 and 1 (dead traces are zero).
    """

    samples: NDArray[np.float32]
    live: NDArray[np.bool_]


def frame_of(style: Style, longest_period_s: float) -> Frame:
    """Margins of two longest periods, widened to a length that transforms fast."""
    margin_columns = math.ceil(2.0 * longest_period_s * style.columns / style.window_s)
    columns = scipy.fft.next_fast_len(style.columns + 2 * margin_columns)
    while (columns - style.columns) % 2:
        columns = scipy.fft.next_fast_len(columns + 1)
    width = style.window_s * style.conditioning.sampling_rate_hz / style.columns
    margin_columns = (columns - style.columns) // 2
    return Frame(style.columns, margin_columns, round(columns * width), round(margin_columns * width))


def cut(style: Style, frame: Frame, gather: Gather, starts_s: NDArray[np.float64], rows: NDArray[np.int64]) -> Cut:
    """
    The traces `rows` [m] of the gather, trace i from the sample nearest to `starts_s` [m] (POSIX seconds) less the margin.

    Raises ValueError where the gather was conditioned to another clock than the style's, or a start is not finite.
    """
    if gather.sampling_rate_hz != style.conditioning.sampling_rate_hz:
        raise ValueError(f"gather at {gather.sampling_rate_hz} Hz, style at {style.conditioning.sampling_rate_hz} Hz")
    if not np.all(np.isfinite(starts_s)):
        raise ValueError("a window begins at a finite time")
    length = gather.samples.shape[1]
    first = np.rint((starts_s - gather.start_time_s) * gather.sampling_rate_hz) - frame.margin
    first = np.clip(first, -frame.samples, length).astype(np.int64)
    samples = np.zeros((len(rows), frame.samples), np.float32)
    live = np.zeros((len(rows), frame.samples), np.bool_)
    edge = style.conditioning.taper_s * gather.sampling_rate_hz
    _cut(np.ascontiguousarray(gather.samples, np.float32), rows, first, edge, samples, live)
    return Cut(samples, live)


@compiled
def _cut(
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
    first: NDArray[np.int64],
    edge: float,
    samples: NDArray[np.float32],
    live: NDArray[np.bool_],
) -> None:
    length, wanted = source.shape[1], samples.shape[1]
    for i in range(len(rows)):
        begin, end = max(0, -first[i]), min(wanted, length - first[i])
        peak = np.float32(0.0)
        for j in range(begin, end):
            value = source[rows[i], first[i] + j]
            live[i, j] = np.isfinite(value)
            samples[i, j] = value if live[i, j] else np.float32(0.0)
            peak = max(peak, abs(samples[i, j]))
        if peak > 0.0:
            _, exponent = math.frexp(peak)
            scale = math.ldexp(1.0, -exponent)
            for j in range(begin, end):
                samples[i, j] = np.float32(samples[i, j] * scale)
            _soften(samples[i], live[i], edge)


@compiled
def _soften(samples: NDArray[np.float32], live: NDArray[np.bool_], edge: float) -> None:
    """Cosine edges `edge` samples long at both ends of every live stretch (a quarter of it at most)."""
    begin = 0
    while begin < len(samples):
        end = begin
        while end < len(samples) and live[end]:
            end += 1
        flank = int(min(edge, 0.25 * (end - begin)))
        for k in range(flank):
            weight = np.float32(0.5 - 0.5 * math.cos(math.pi * (k + 0.5) / flank))
            samples[begin + k] *= weight
            samples[end - 1 - k] *= weight
        begin = end + 1
