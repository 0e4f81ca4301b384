"""Figure of the distances predicted from single traces."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from models.array_types import Floats, Pictures
from models.seismic.waveforms import Gather
from workers.plots.canvas import BLUE, INK, downsample_extremes, encode_png, format_utc, new_figure, style_axes, visible_window_s

COLUMNS = 3
CELL_IN = (3.9, 1.75)


@dataclass(frozen=True)
class TracePictures:
    """
    Input pictures of the distance model.

    Attributes
    ----------
    pixels
        uint8 [traces, 1, rows, columns].
    periods_s
        Periods of the first and the last row, in seconds.
    window_s
        Time window (start, end), POSIX seconds.

    """

    pixels: Pictures
    periods_s: tuple[float, float]
    window_s: tuple[float, float]


def distances_figure(
    gather: Gather,
    pictures: TracePictures,
    distances_deg: Floats,
    uncertainties_deg: Floats,
    *,
    title: str,
    origin_time_s: float | None = None,
) -> bytes:
    """
    Draw traces, nearest first, each as a waveform above the model's time-frequency picture; as PNG.

    Parameters
    ----------
    gather, pictures
        Conditioned records, and their pictures.
    distances_deg, uncertainties_deg
        Predicted distances and standard deviations [traces]; traces with NaN are not drawn.
    title
        Title of the figure.
    origin_time_s
        Origin time, POSIX seconds, from which the axis counts; by default the start of the window.

    """
    read = np.flatnonzero(np.isfinite(distances_deg))
    chosen = read[np.argsort(distances_deg[read], kind="stable")]
    rows = max(1, -(-len(chosen) // COLUMNS))
    width, height = min(COLUMNS, max(1, len(chosen))) * CELL_IN[0] + 0.3, rows * CELL_IN[1] + 1.0
    figure = new_figure(width, height, title, "waveforms and pictures that the network reads; ± its deviation")
    window_s = pictures.window_s
    zero_s = window_s[0] if origin_time_s is None else origin_time_s
    for number, trace in enumerate(chosen):
        prediction = f"{distances_deg[trace]:.1f}° ± {uncertainties_deg[trace]:.1f}°"
        upper, lower = _add_cell(figure, number, width, height)
        _draw_waveform(upper, gather, int(trace), window_s, zero_s, prediction)
        _draw_picture(lower, pictures.pixels[trace, 0], pictures.periods_s, window_s, zero_s)
        for axes in (upper, lower):
            axes.set_xlim(*((edge_s - zero_s) / 60.0 for edge_s in visible_window_s(gather, window_s)))
        if number + COLUMNS >= len(chosen):
            lower.set_xlabel(f"time after {format_utc(zero_s)} (min)", fontsize=8)
        else:
            lower.tick_params(labelbottom=False)
    return encode_png(figure)


def _add_cell(figure: Figure, number: int, width: float, height: float) -> tuple[Axes, Axes]:
    left = 0.55 + (number % COLUMNS) * CELL_IN[0]
    top = height - 0.72 - (number // COLUMNS) * CELL_IN[1]
    across = (CELL_IN[0] - 0.55) / width
    upper = figure.add_axes((left / width, (top - 0.68) / height, across, 0.62 / height))
    lower = figure.add_axes((left / width, (top - 1.42) / height, across, 0.72 / height))
    for axes in (upper, lower):
        style_axes(axes)
    return upper, lower


def _draw_waveform(axes: Axes, gather: Gather, trace: int, window_s: tuple[float, float], zero_s: float, prediction: str) -> None:
    times_s = gather.start_time_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz
    inside = (times_s >= window_s[0]) & (times_s <= window_s[1])
    samples = gather.samples[trace, inside]
    peak = float(np.max(np.abs(samples), where=np.isfinite(samples), initial=0.0))
    axes.plot(*downsample_extremes((times_s[inside] - zero_s) / 60.0, samples / (peak or 1.0), 1600), color=INK, linewidth=0.55)
    axes.set_ylim(-1.1, 1.1)
    axes.set_axis_off()
    axes.text(0.0, 1.02, str(gather.trace_ids[trace]), transform=axes.transAxes, fontsize=8, color=INK, va="center", parse_math=False)
    axes.text(1.0, 1.02, prediction, transform=axes.transAxes, fontsize=9, color=BLUE, va="center", ha="right", weight="bold")


def _draw_picture(axes: Axes, picture: Pictures, periods_s: tuple[float, float], window_s: tuple[float, float], zero_s: float) -> None:
    """Draw a picture whose rows are equally spaced in log period, with period labels at the left."""
    long_s, short_s = max(periods_s), min(periods_s)
    left, right = ((edge - zero_s) / 60.0 for edge in window_s)
    shown = np.ma.masked_equal(picture, 0)
    axes.imshow(shown, cmap="magma", vmin=1, vmax=255, aspect="auto", extent=(left, right, 0.0, 1.0), interpolation="nearest")
    ticks = [period for period in (10, 20, 50, 100, 200) if short_s <= period <= long_s]
    axes.yaxis.set_major_locator(FixedLocator([float(np.log(period / short_s) / np.log(long_s / short_s)) for period in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([f"{period} s" for period in ticks])
    axes.tick_params(labelsize=7)
