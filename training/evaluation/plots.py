"""Shared parts of the figures of the documentation: colors, panels of errors and of fractions, and small PNG files."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray
from PIL import Image

from models.array_types import Floats
from training.evaluation.metrics import wilson

BLUE, RED, GRAY, PALE, INK = "#1f6fb2", "#c8432b", "#8b98a3", "#dde3e8", "#26323c"
COLORS = 96
CLASSES = 7
POINTS = 1500
MIN_EVENTS = 8


def new_sheet(columns: int, width: float, height: float, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure of panels, left to right and top to bottom; width and height in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = [figure.add_subplot(rows, columns, number + 1) for number in range(rows * columns)]
    for one in axes:
        format_axes(one)
    return figure, axes


def format_axes(axes: Axes) -> None:
    """Style axes with thin lines, small labels and no box."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRAY)
    axes.tick_params(labelsize=8, colors=INK, width=0.6)
    axes.grid(color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)


def name_axes(axes: Axes, x: str, y: str, title: str = "") -> None:
    """Label the axes and title the panel."""
    axes.set_xlabel(x, fontsize=8.5, color=INK)
    axes.set_ylabel(y, fontsize=8.5, color=INK)
    if title:
        axes.set_title(title, fontsize=9, color=INK, loc="left")


def log_x(axes: Axes) -> None:
    """Make the x axis logarithmic with ticks at decades, or at 1, 2 and 5 of each where it spans few; do nothing without data."""
    if not np.isfinite(axes.dataLim.minposx):
        return
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def save(figure: Figure, path: Path, dpi: int = 100) -> None:
    """Save a PNG of few colors and without a date, so that the same figure gives the same bytes."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=dpi, format="png")
    image = Image.open(drawn).convert("RGB")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(COLORS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)


def split_by_quantile(values: Floats, count: int = CLASSES) -> list[NDArray[np.bool_]]:
    """Split values [n] into classes of about equal size, as masks [n]; fewer classes where few values are known."""
    known = values[np.isfinite(values)]
    count = min(count, len(known) // MIN_EVENTS)
    if count < 1:
        return []
    edges = np.unique(np.quantile(known, np.linspace(0, 1, count + 1)))
    index = np.searchsorted(edges, values, side="right")
    index = np.where(values == edges[-1], len(edges) - 1, index)
    return [np.isfinite(values) & (index == k) for k in range(1, len(edges))]


def draw_error_panel(axes: Axes, values: Floats, errors: Floats, minimum: float, color: str = BLUE) -> None:
    """Draw absolute errors against a value: points, medians of classes and their central 68 %; logarithmic from `minimum`, linear if 0."""
    known = np.isfinite(values) & np.isfinite(errors)
    values, errors = values[known], np.maximum(np.abs(errors[known]), minimum)
    axes.set_yscale("log" if minimum else "linear")
    drawn = np.random.default_rng(0).permutation(len(values))[:POINTS]
    size, dark = (2.2, 0.22) if len(drawn) == POINTS else (4.0, 0.35)
    axes.plot(values[drawn], errors[drawn], ".", markersize=size, color=color, alpha=dark, markeredgewidth=0)
    groups = [group for group in split_by_quantile(values) if group.any()]
    if not groups:
        return
    at = [float(np.median(values[group])) for group in groups]
    low, middle, high = np.transpose([np.percentile(errors[group], [16, 50, 84]) for group in groups])
    axes.fill_between(at, low, high, color=color, alpha=0.18, linewidth=0)
    axes.plot(at, middle, "-o", color=color, markersize=3.5, linewidth=1.6)


def draw_fraction_panel(axes: Axes, values: Floats, right: NDArray[np.bool_], color: str, label: str = "") -> None:
    """Draw the fraction that is right in each class of a value, with Wilson's 95 % interval."""
    groups = [group for group in split_by_quantile(values, 5) if group.any()]
    at = [float(np.median(values[group])) for group in groups]
    for x, group in zip(at, groups, strict=True):
        axes.plot([x, x], wilson(int(right[group].sum()), int(group.sum())), color=color, linewidth=1.2, alpha=0.6)
    axes.plot(at, [float(right[group].mean()) for group in groups], "-o", color=color, markersize=3.5, linewidth=1.6, label=label)
    axes.set_ylim(0, 1.02)


def draw_reliability_panel(axes: Axes, confidence: Floats, right: NDArray[np.bool_], edges: Sequence[float]) -> None:
    """Draw accuracy against predicted probability by bin, with Wilson's interval; bars show how often each probability is predicted."""
    index = np.digitize(confidence, edges) - 1
    counts = np.bincount(np.clip(index, 0, len(edges) - 2), minlength=len(edges) - 1)
    axes.bar(
        edges[:-1], 0.3 * counts / max(int(counts.max()), 1), np.diff(edges), align="edge", color=PALE, edgecolor="white", linewidth=0.8
    )
    axes.plot([edges[0], edges[-1]], [edges[0], edges[-1]], color=GRAY, linewidth=1, linestyle="--")
    for k in range(len(edges) - 1):
        group = np.clip(index, 0, len(edges) - 2) == k
        if group.any():
            x = float(confidence[group].mean())
            axes.plot([x, x], wilson(int(right[group].sum()), int(group.sum())), color=BLUE, linewidth=1.2, alpha=0.6)
            axes.plot(x, right[group].mean(), "o", color=BLUE, markersize=4.5)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.02))
