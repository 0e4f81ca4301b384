"""Shared elements of all figures: sheet, colors, axes, placement of labels, and encoding as PNG."""

import io
from datetime import UTC, datetime

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.seismic.waveforms import Gather

INK = "#22303c"
GRAY = "#8b98a3"
LIGHT_GRAY = "#dde3e8"
BLUE = "#1f6fb2"
RED = "#c8432b"
GREEN = "#2f9e63"
VIOLET = "#7d5ba6"
PHASE_COLORS = {
    "P": RED,
    "pP": "#c9761a",
    "sP": "#b3478a",
    "PP": "#8c6d4f",
    "PKP": BLUE,
    "PKPbc": "#27a5b5",
    "PKPab": "#5d6d7a",
    "S": GREEN,
    "Pg": "#9a7b14",
    "Sg": "#3b7dd8",
    "LR": VIOLET,
}
"""One color a phase in every figure, and on the page (a test compares its style sheet)."""

FAMILY_COLORS = ("#1f6fb2", "#e08a1e", "#2f9e63", "#c8432b", "#7d5ba6", "#8c6d4f", "#d76fa8", "#5d6d7a", "#a9a92f", "#27a5b5")
DPI = 130
DEPTH_TICKS_KM = (0, 10, 30, 60, 100, 200, 300, 400, 500, 600, 700)


def new_figure(width_in: float, height_in: float, title: str, subtitle: str = "") -> Figure:
    """
    Return a white sheet, drawn by Agg: pyplot would keep global state.

    Parameters
    ----------
    width_in, height_in
        Size in inches.
    title, subtitle
        Text at the top left.

    Returns
    -------
    Figure
        The sheet.

    """
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(
        0.12 / width_in, 1.0 - 0.10 / height_in, title, ha="left", va="top", fontsize=12, color=INK, weight="bold", parse_math=False
    )
    figure.text(0.12 / width_in, 1.0 - 0.35 / height_in, subtitle, ha="left", va="top", fontsize=9, color=GRAY, parse_math=False)
    return figure


def encode_png(figure: Figure) -> bytes:
    """Encode a figure as PNG; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def place_axes(figure: Figure, left_in: float, bottom_in: float, right_in: float, top_in: float) -> Axes:
    """
    Add axes to a sheet.

    Parameters
    ----------
    figure
        The sheet.
    left_in, bottom_in, right_in, top_in
        Margins in inches.

    Returns
    -------
    Axes
        The axes, with style applied.

    """
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left_in / width, bottom_in / height, 1 - (left_in + right_in) / width, 1 - (bottom_in + top_in) / height))
    style_axes(axes)
    return axes


def style_axes(axes: Axes) -> None:
    """Give axes a thin gray frame at the left and bottom, and small labels."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRAY)
    axes.tick_params(colors=INK, labelsize=8, width=0.6, length=3)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set_fontsize(9)
        axis.label.set_color(INK)


def scale_depth_axis(axes: Axes) -> None:
    """Make the horizontal axis one of depths from 0 to 700 km by their square root: shallow depths are known better than deep ones."""
    axes.set_xscale("function", functions=(_signed_root, _signed_square))
    axes.set_xlim(0.0, 700.0)
    axes.set_xticks(DEPTH_TICKS_KM, [str(km) for km in DEPTH_TICKS_KM])
    axes.minorticks_off()
    axes.set_xlabel("depth (km)")


def _signed_root(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.sqrt(np.abs(values))


def _signed_square(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sign(values) * np.square(values)


def format_utc(time_s: float) -> str:
    """Format POSIX seconds as UTC date and time to the second."""
    return datetime.fromtimestamp(round(time_s), UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def visible_window_s(gather: Gather, window_s: tuple[float, float] | None) -> tuple[float, float]:
    """Return the section of a time window (start, end) that the gather covers, POSIX seconds; the whole window if that is empty."""
    whole = gather.start_time_s, gather.start_time_s + gather.duration_s
    if window_s is None:
        return whole
    start_s, end_s = max(whole[0], window_s[0]), min(whole[1], window_s[1])
    return (start_s, end_s) if start_s < end_s else window_s


def separate_labels(positions: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """
    Move label positions apart, in the same order, by least-squares shifts; space them evenly where they do not fit.

    Parameters
    ----------
    positions
        Positions [n].
    gap
        Minimum distance of two labels.
    low, high
        Limits of the positions.

    Returns
    -------
    NDArray[np.float64]
        New positions [n].

    """
    count = len(positions)
    if count == 0 or (count - 1) * gap >= high - low:
        return np.asarray(low + (np.argsort(np.argsort(positions, kind="stable")) + 0.5) * (high - low) / max(count, 1), np.float64)
    order = np.argsort(positions, kind="stable")
    slack = np.clip(positions[order], low, high) - gap * np.arange(count)
    moved = np.clip(_isotonic_regression(slack), low, high - gap * (count - 1)) + gap * np.arange(count)
    separated = np.empty(count)
    separated[order] = moved
    return separated


def _isotonic_regression(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the non-decreasing sequence nearest to `values` [n] in least squares (pool adjacent violators algorithm)."""
    pools: list[tuple[float, int]] = []
    for value in values:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (mean1, n1), (mean2, n2) = pools[-2:]
            pools[-2:] = [((mean1 * n1 + mean2 * n2) / (n1 + n2), n1 + n2)]
    return np.repeat([mean for mean, _ in pools], [n for _, n in pools])


def downsample_extremes(
    times: NDArray[np.float64], samples: NDArray[np.float32], points: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Reduce a line to at most `points` points of equal appearance: minimum and maximum of each block of samples."""
    block = -(-2 * len(samples) // points)
    if block < 4:
        return times, samples
    whole = len(samples) // block * block
    blocks = samples[:whole].reshape(-1, block)
    extremes = np.stack((blocks.min(axis=1), blocks.max(axis=1)), axis=1).ravel()
    return np.repeat(times[:whole:block], 2) + np.tile((0.25, 0.75), len(blocks)) * block * (times[1] - times[0]), extremes


def select_label_indices(x: NDArray[np.float64], y: NDArray[np.float64], width: float, height: float) -> NDArray[np.int64]:
    """
    Select the points that can be labeled without covering another label or point.

    Parameters
    ----------
    x, y
        Coordinates of the points [n], in order of preference.
    width, height
        Size of a label, which is to the right of its point.

    Returns
    -------
    NDArray[np.int64]
        Indices of the selected points.

    """
    chosen: list[int] = []
    for index, (left, middle) in enumerate(zip(x, y, strict=True)):
        points = (x > left + 0.04 * width) & (x < left + width) & (np.abs(y - middle) < 0.6 * height)
        labels = (np.abs(x[chosen] - left) < width) & (np.abs(y[chosen] - middle) < height)
        if not points.any() and not labels.any():
            chosen.append(index)
    return np.array(chosen, np.int64)
