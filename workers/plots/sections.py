"""The record section as a seismologist wants to see it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from models.array_types import Floats
from models.seismic.waveforms import Gather
from workers.plots.canvas import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    QUIET,
    RED,
    VIOLET,
    new_figure,
    outline,
    place_axes,
    png,
    shown_s,
    spread_labels,
    utc,
)

WIDTH_IN, HEIGHT_IN = 10.0, 7.2
LABEL_GAP_IN = 0.105
MAX_UNPLACED = 12


@dataclass(frozen=True)
class TravelTimeCurve:
    """A predicted arrival over distance: `distances_deg` [n] ascending, `times_s` [n] POSIX."""

    name: str
    distances_deg: Floats
    times_s: Floats


def section_figure(
    gather: Gather,
    distances_deg: Floats,
    *,
    title: str,
    origin_time_s: float | None = None,
    window_s: tuple[float, float] | None = None,
    arrivals: Sequence[TravelTimeCurve] = (),
) -> bytes:
    """
    PNG: every trace at its distance [traces] in degrees, time in minutes, station names on the right.

    Traces whose distance is NaN stand in a strip of their own below. Minutes count from `origin_time_s`, else from the
    window's left edge; `window_s` is (start, end) in POSIX seconds, the whole gather where it is None.
    """
    start_s, end_s = shown_s(gather, window_s)
    zero_s = start_s if origin_time_s is None else origin_time_s
    unplaced = np.flatnonzero(~np.isfinite(distances_deg))[:MAX_UNPLACED]
    placed = np.flatnonzero(np.isfinite(distances_deg))
    strip_in = 0.3 + 0.22 * len(unplaced) if len(unplaced) else 0.0
    figure = new_figure(WIDTH_IN, HEIGHT_IN + strip_in, title, f"{len(placed)} traces placed, from {utc(start_s)}")
    axes = place_axes(figure, 0.75, 0.6 + strip_in, 1.15, 0.85)
    axes.set_xlim((start_s - zero_s) / 60.0, (end_s - zero_s) / 60.0)
    since = "origin" if origin_time_s is not None else "start"
    axes.set_xlabel(f"minutes after {since} at {utc(zero_s)}")
    axes.set_ylabel("distance in degrees")
    _draw_placed(axes, gather, distances_deg, placed, zero_s)
    _draw_arrivals(axes, arrivals, zero_s)
    if len(unplaced):
        below = place_axes(figure, 0.75, 0.12, 1.15, HEIGHT_IN + 0.08)
        _draw_unplaced(below, gather, unplaced, zero_s, axes.get_xlim())
    return png(figure)


def _draw_placed(axes: Axes, gather: Gather, distances_deg: Floats, placed: NDArray[np.int64], zero_s: float) -> None:
    low, high = _range(distances_deg[placed])
    axes.set_ylim(high, low)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    apart = float(np.median(np.diff(np.sort(distances_deg[placed])))) if len(placed) > 1 else high - low
    half_height = float(np.clip(1.2 * apart, 0.018 * (high - low), 0.06 * (high - low)))
    width = 0.7 if len(placed) < 40 else 0.45
    for trace in placed:
        _draw_trace(axes, gather, int(trace), zero_s, distances_deg[trace], -half_height, INK, width)
    _label(axes, [gather.trace_ids[i] for i in placed], distances_deg[placed], low, high)


def _range(distances_deg: Floats) -> tuple[float, float]:
    """Smallest and largest distance of the axis, with room for the wiggles."""
    if not len(distances_deg):
        return 0.0, 180.0
    low, high = float(np.min(distances_deg)), float(np.max(distances_deg))
    room = max(0.05 * (high - low), 0.25)
    return low - room, high + room


def _draw_trace(axes: Axes, gather: Gather, trace: int, zero_s: float, center: float, half_height: float, color: str, width: float) -> None:
    """One wiggle, scaled by its largest value within the axes' time limits."""
    left, right = axes.get_xlim()
    minutes = (gather.start_time_s - zero_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz) / 60.0
    seen = (minutes >= left) & (minutes <= right)
    times, samples = minutes[seen], gather.samples[trace, seen]
    peak = float(np.max(np.abs(samples), where=np.isfinite(samples), initial=0.0))
    times, samples = outline(times, samples, 3000)
    axes.plot(times, center + half_height * samples / (peak or 1.0), color=color, linewidth=width, solid_joinstyle="round")


def _label(axes: Axes, names: Sequence[object], distances_deg: Floats, low: float, high: float) -> None:
    """Names at the right margin, moved apart, each with a thin line to its trace; as many as there is room for."""
    size = axes.get_window_extent().height / axes.figure.dpi
    room = int(size / LABEL_GAP_IN)
    order = np.argsort(distances_deg, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(room, len(order))).astype(int))] if len(order) else order
    places = spread_labels(distances_deg[chosen], (high - low) * LABEL_GAP_IN / size, low, high)
    across = axes.get_yaxis_transform()
    for index, place in zip(chosen, places, strict=True):
        line = ([1.002, 1.02], [distances_deg[index], place])
        axes.plot(*line, color=QUIET, linewidth=0.4, transform=across, clip_on=False, scalex=False, scaley=False)
        axes.text(1.023, place, str(names[index]), fontsize=6.2, color=INK, va="center", transform=across, parse_math=False)


def _draw_arrivals(axes: Axes, arrivals: Sequence[TravelTimeCurve], zero_s: float) -> None:
    """Each arrival as a line, named where it leaves the axes, for near the source all are together; the last one to its right."""
    left, right = axes.get_xlim()
    far, near = axes.get_ylim()
    for number, (arrival, color) in enumerate(zip(arrivals, (RED, BLUE, GREEN, VIOLET) * len(arrivals), strict=False), start=1):
        minutes = (arrival.times_s - zero_s) / 60.0
        axes.plot(minutes, arrival.distances_deg, color=color, linewidth=1.3, alpha=0.85, scalex=False, scaley=False, zorder=6)
        shown = (minutes > left) & (minutes < right) & (arrival.distances_deg >= near) & (arrival.distances_deg <= far)
        if shown.any():
            last = int(np.flatnonzero(shown)[-1])
            place, paper = (minutes[last], arrival.distances_deg[last]), {"color": "white", "pad": 0.6}
            side = "left" if number == len(arrivals) else "right"
            axes.text(*place, arrival.name, color=color, fontsize=8, va="top", ha=side, parse_math=False, bbox=paper, zorder=7)


def _draw_unplaced(axes: Axes, gather: Gather, unplaced: NDArray[np.int64], zero_s: float, limits: tuple[float, float]) -> None:
    axes.set_xlim(*limits)
    axes.set_ylim(len(unplaced) - 0.4, -0.6)
    axes.set_axis_off()
    axes.set_title("without distance", fontsize=8, color=QUIET, loc="left", pad=2)
    for row, trace in enumerate(unplaced):
        _draw_trace(axes, gather, int(trace), zero_s, row, -0.45, QUIET, 0.5)
        axes.text(
            1.022,
            row,
            str(gather.trace_ids[trace]),
            fontsize=6.2,
            color=QUIET,
            va="center",
            transform=axes.get_yaxis_transform(),
            parse_math=False,
        )
