"""Cut time windows with margins from a gather, zero where there is no data."""

import math
from dataclasses import dataclass

import numpy as np
import scipy.fft

from models.array_types import Flags, Floats, Floats32, Integers
from models.compiled import compiled
from models.imaging.style import Style
from models.seismic.waveforms import Gather


@dataclass(frozen=True)
class Frame:
    """
    Layout of a cut: `columns` of the picture between margins of `margin_columns` on either side.

    `samples` in all, of them `margin` on either side. The margins contain the wrap-around of circular filters and are not drawn.
    """

    columns: int
    margin_columns: int
    samples: int
    margin: int

    @property
    def samples_per_column(self) -> float:
        """Width of a column in samples."""
        return self.samples / (self.columns + 2 * self.margin_columns)


@dataclass(frozen=True)
class Cut:
    """
    Samples and liveness [traces, frame.samples] of a cut: `samples` is zero where `live` is False, and cosine-tapered at its borders.

    Each trace is scaled by a power of two so that its largest absolute value lies between 1/2 and 1 (dead traces are zero).
    """

    samples: Floats32
    live: Flags


def check_sampling_rate(style: Style, gather: Gather) -> None:
    """Raise ValueError for a gather that was not conditioned to the sampling rate of a style."""
    if gather.sampling_rate_hz != style.conditioning.sampling_rate_hz:
        raise ValueError(f"gather at {gather.sampling_rate_hz} Hz, style at {style.conditioning.sampling_rate_hz} Hz")


def choose_frame(style: Style, longest_period_s: float) -> Frame:
    """Choose margins of at least twice the longest period, such that the number of columns has a fast Fourier transform."""
    margin_columns = math.ceil(2.0 * longest_period_s * style.columns / style.window_s)
    columns = scipy.fft.next_fast_len(style.columns + 2 * margin_columns)
    while (columns - style.columns) % 2:
        columns = scipy.fft.next_fast_len(columns + 1)
    width = style.window_s * style.conditioning.sampling_rate_hz / style.columns
    margin_columns = (columns - style.columns) // 2
    return Frame(style.columns, margin_columns, round(columns * width), round(margin_columns * width))


def cut_windows(style: Style, frame: Frame, gather: Gather, starts_s: Floats, traces: Integers) -> Cut:
    """
    Cut the window of each trace, from the sample nearest to its start less the margin.

    Parameters
    ----------
    style : Style
        Its sampling rate and taper are used.
    frame : Frame
        Layout of the cut.
    gather : Gather
        Conditioned records.
    starts_s : float64 [m]
        Start of each trace's window in POSIX seconds.
    traces : int64 [m]
        Indices of the traces in the gather.

    Raises
    ------
    ValueError
        For a gather whose sampling rate is not the style's, or a start that is not finite.

    """
    check_sampling_rate(style, gather)
    if not np.all(np.isfinite(starts_s)):
        raise ValueError("the start of a window is not finite")
    length = gather.samples.shape[1]
    first = np.rint((starts_s - gather.start_time_s) * gather.sampling_rate_hz) - frame.margin
    first = np.clip(first, -frame.samples, length).astype(np.int64)
    samples = np.zeros((len(traces), frame.samples), np.float32)
    live = np.zeros((len(traces), frame.samples), np.bool_)
    edge = style.conditioning.taper_s * gather.sampling_rate_hz
    _cut(np.ascontiguousarray(gather.samples, np.float32), traces, first, edge, samples, live)
    return Cut(samples, live)


@compiled
def _cut(
    source: Floats32,
    traces: Integers,
    first: Integers,
    edge: float,
    samples: Floats32,
    live: Flags,
) -> None:
    length, wanted = source.shape[1], samples.shape[1]
    for i in range(len(traces)):
        begin, end = max(0, -first[i]), min(wanted, length - first[i])
        peak = np.float32(0.0)
        for j in range(begin, end):
            value = source[traces[i], first[i] + j]
            live[i, j] = np.isfinite(value)
            samples[i, j] = value if live[i, j] else np.float32(0.0)
            peak = max(peak, abs(samples[i, j]))
        if peak > 0.0:
            _, exponent = math.frexp(peak)
            scale = math.ldexp(1.0, -exponent)
            for j in range(begin, end):
                samples[i, j] = np.float32(samples[i, j] * scale)
            _taper_live(samples[i], live[i], edge)


@compiled
def _taper_live(samples: Floats32, live: Flags, edge: float) -> None:
    """Taper both ends of every live stretch by a cosine of `edge` samples, at most a quarter of the stretch."""
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
