"""What all figures for people share: paper, ink, labels that keep apart, PNG."""

import io
from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.seismic.waveforms import Gather

INK = "#22303c"
QUIET = "#8b98a3"
FAINT = "#dde3e8"
BLUE = "#1f6fb2"
RED = "#c8432b"
GREEN = "#2f9e63"
VIOLET = "#7d5ba6"
FAMILY_COLORS = ("#1f6fb2", "#e08a1e", "#2f9e63", "#c8432b", "#7d5ba6", "#8c6d4f", "#d76fa8", "#5d6d7a", "#a9a92f", "#27a5b5")
DPI = 130


def new_figure(width_in: float, height_in: float, title: str, subtitle: str = "") -> Figure:
    """A white sheet in inches, its title in the upper left corner; drawn by Agg, never by pyplot (which is global)."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(
        0.12 / width_in, 1.0 - 0.10 / height_in, title, ha="left", va="top", fontsize=12, color=INK, weight="bold", parse_math=False
    )
    figure.text(0.12 / width_in, 1.0 - 0.35 / height_in, subtitle, ha="left", va="top", fontsize=9, color=QUIET, parse_math=False)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as PNG, the same bytes for the same figure."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def place_axes(figure: Figure, left_in: float, bottom_in: float, right_in: float, top_in: float) -> Axes:
    """Axes inside the sheet with margins in inches."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left_in / width, bottom_in / height, 1 - (left_in + right_in) / width, 1 - (bottom_in + top_in) / height))
    mute_axes(axes)
    return axes


def mute_axes(axes: Axes) -> None:
    """Thin gray frame and small labels: the data speak."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
    axes.tick_params(colors=INK, labelsize=8, width=0.6, length=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_fontsize(9)
        axis.label.set_color(INK)


def utc(time_s: float) -> str:
    """POSIX seconds as date and time to the second."""
    return datetime.fromtimestamp(round(time_s), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def shown_s(gather: Gather, window_s: tuple[float, float] | None) -> tuple[float, float]:
    """The part of the window that the gather covers; all of the window where that is nothing."""
    whole = gather.start_time_s, gather.start_time_s + gather.duration_s
    if window_s is None:
        return whole
    start_s, end_s = max(whole[0], window_s[0]), min(whole[1], window_s[1])
    return (start_s, end_s) if start_s < end_s else window_s


def spread_labels(positions: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """
    Label positions at least `gap` apart within `low` to `high`, in the order and as near to `positions` [n] as they go.

    Where they do not fit at all they are spaced evenly.
    """
    count = len(positions)
    if count == 0 or (count - 1) * gap >= high - low:
        return np.asarray(low + (np.argsort(np.argsort(positions, kind="stable")) + 0.5) * (high - low) / max(count, 1), np.float64)
    order = np.argsort(positions, kind="stable")
    slack = np.clip(positions[order], low, high) - gap * np.arange(count)
    moved = np.clip(_isotonic(slack), low, high - gap * (count - 1)) + gap * np.arange(count)
    placed = np.empty(count)
    placed[order] = moved
    return placed


def _isotonic(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The non-decreasing sequence nearest to `values` in least squares (pool adjacent violators)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean1, n1), (mean2, n2) = pools[-2:]
            pools[-2:] = [((mean1 * n1 + mean2 * n2) / (n1 + n2), n1 + n2)]
    return np.repeat([mean for mean, _ in pools], [n for _, n in pools])


def outline(times: NDArray[np.float64], samples: NDArray[np.float32], points: int) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """A line of at most `points` points that looks like the longer one: smallest and largest value of each stretch."""
    stretch = -(-2 * len(samples) // points)
    if stretch < 4:
        return times, samples
    whole = len(samples) // stretch * stretch
    parts = samples[:whole].reshape(-1, stretch)
    pairs = np.stack((parts.min(axis=1), parts.max(axis=1)), axis=1).ravel()
    return np.repeat(times[:whole:stretch], 2) + np.tile((0.25, 0.75), len(parts)) * stretch * (times[1] - times[0]), pairs


def pad_range(x: NDArray[np.float64], y: NDArray[np.float64], width: float, height: float) -> NDArray[np.int64]:
    """Indices of points whose name, `width` by `height` to the right of its point, hides no other name and no other point."""
    chosen: list[int] = []
    for index, (east, north) in enumerate(zip(x, y, strict=True)):
        ahead = (x > east + 0.04 * width) & (x < east + width) & (np.abs(y - north) < 0.6 * height)
        taken = (np.abs(x[chosen] - east) < width) & (np.abs(y[chosen] - north) < height)
        if not ahead.any() and not taken.any():
            chosen.append(index)
    return np.array(chosen, np.int64)
