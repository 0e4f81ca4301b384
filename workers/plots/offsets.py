"""Single traces with what was read off them."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from numpy.typing import NDArray

from models.seismic.waveforms import Gather
from workers.plots.canvas import BLUE, INK, mute_axes, new_figure, outline, png, shown_s, utc

MAX_PANELS = 12
ACROSS = 3
CELL_IN = (3.9, 1.75)


def distances_figure(
    gather: Gather,
    pictures: NDArray[np.uint8],
    periods_s: tuple[float, float],
    window_s: tuple[float, float],
    distances_deg: NDArray[np.float64],
    uncertainties_deg: NDArray[np.float64],
    *,
    title: str,
    origin_time_s: float | None = None,
) -> bytes:
    """
    PNG: up to twelve traces spread over distance, each as wiggle and dispersion picture with its predicted distance.

    `pictures` [traces, 1, rows, columns] uint8 as drawn for the model in the window (start, end) in POSIX seconds, rows from
    the longer to the shorter of `periods_s`; distances and uncertainties [traces] in degrees, NaN where none was read.
    """
    chosen = _choose(distances_deg)
    down = max(1, -(-len(chosen) // ACROSS))
    width, height = min(ACROSS, max(1, len(chosen))) * CELL_IN[0] + 0.3, down * CELL_IN[1] + 1.0
    figure = new_figure(width, height, title, "each trace above the picture that its distance was read from")
    zero_s = window_s[0] if origin_time_s is None else origin_time_s
    for place, trace in enumerate(chosen):
        said = f"{distances_deg[trace]:.1f}° ± {uncertainties_deg[trace]:.1f}°"
        upper, lower = _cell(figure, place, width, height)
        _draw_wiggle(upper, gather, int(trace), window_s, zero_s, said)
        _draw_picture(lower, pictures[trace, 0], periods_s, window_s, zero_s)
        for axes in (upper, lower):
            axes.set_xlim(*((edge_s - zero_s) / 60.0 for edge_s in shown_s(gather, window_s)))
        if place + ACROSS >= len(chosen):
            lower.set_xlabel(f"minutes after {utc(zero_s)}", fontsize=8)
        else:
            lower.tick_params(labelbottom=False)
    return png(figure)


def _choose(distances_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of traces with a distance, spread evenly over their order by distance, nearest first."""
    read = np.flatnonzero(np.isfinite(distances_deg))
    order = read[np.argsort(distances_deg[read], kind="stable")]
    return order[np.unique(np.linspace(0, max(len(order) - 1, 0), min(MAX_PANELS, len(order))).astype(np.int64))]


def _cell(figure: Figure, place: int, width: float, height: float) -> tuple[Axes, Axes]:
    left = 0.55 + (place % ACROSS) * CELL_IN[0]
    top = height - 0.72 - (place // ACROSS) * CELL_IN[1]
    across = (CELL_IN[0] - 0.55) / width
    upper = figure.add_axes((left / width, (top - 0.68) / height, across, 0.62 / height))
    lower = figure.add_axes((left / width, (top - 1.42) / height, across, 0.72 / height))
    for axes in (upper, lower):
        mute_axes(axes)
    return upper, lower


def _draw_wiggle(axes: Axes, gather: Gather, trace: int, window_s: tuple[float, float], zero_s: float, said: str) -> None:
    times_s = gather.start_time_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz
    seen = (times_s >= window_s[0]) & (times_s <= window_s[1])
    samples = gather.samples[trace, seen]
    peak = float(np.max(np.abs(samples), where=np.isfinite(samples), initial=0.0))
    axes.plot(*outline((times_s[seen] - zero_s) / 60.0, samples / (peak or 1.0), 1600), color=INK, linewidth=0.55)
    axes.set_ylim(-1.1, 1.1)
    axes.set_axis_off()
    axes.text(0.0, 1.02, str(gather.trace_ids[trace]), transform=axes.transAxes, fontsize=8, color=INK, va="center", parse_math=False)
    axes.text(1.0, 1.02, said, transform=axes.transAxes, fontsize=9, color=BLUE, va="center", ha="right", weight="bold")


def _draw_picture(
    axes: Axes, picture: NDArray[np.uint8], periods_s: tuple[float, float], window_s: tuple[float, float], zero_s: float
) -> None:
    """Rows are equally spaced in the logarithm of the period, so that the axis is logarithmic by its labels alone."""
    long_s, short_s = max(periods_s), min(periods_s)
    left, right = ((edge - zero_s) / 60.0 for edge in window_s)
    shown = np.ma.masked_equal(picture, 0)
    axes.imshow(shown, cmap="magma", vmin=1, vmax=255, aspect="auto", extent=(left, right, 0.0, 1.0), interpolation="nearest")
    ticks = [period for period in (10, 20, 50, 100, 200) if short_s <= period <= long_s]
    axes.yaxis.set_major_locator(FixedLocator([float(np.log(period / short_s) / np.log(long_s / short_s)) for period in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([f"{period} s" for period in ticks])
    axes.tick_params(labelsize=7)
