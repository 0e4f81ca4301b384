"""Record section: traces by epicentral distance, with travel-time curves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from models.array_types import Floats
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from workers.plots.canvas import (
    GRAY,
    INK,
    LIGHT_GRAY,
    PHASE_COLORS,
    downsample_extremes,
    encode_png,
    format_utc,
    new_figure,
    place_axes,
    separate_labels,
    visible_window_s,
)

WIDTH_IN, HEIGHT_IN = 10.0, 7.2
LABEL_GAP_IN = 0.105
MAX_WITHOUT_DISTANCE = 12


@dataclass(frozen=True)
class TravelTimeCurve:
    """Travel-time curve of a `phase`: `distances_deg` [n] ascending, arrival times `times_s` [n] in POSIX seconds; `name` for people."""

    phase: str
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
    distance_label: str = "epicentral distance (°)",
) -> bytes:
    """
    Draw a record section, with trace ids at the right, and return it as PNG.

    Parameters
    ----------
    gather
        Conditioned records.
    distances_deg
        Epicentral distances [traces]; traces with NaN are drawn in a strip below the section.
    title
        Title of the figure.
    origin_time_s
        Origin time, POSIX seconds, from which the axis counts; by default the start of the window.
    window_s
        Time window (start, end), POSIX seconds; by default the whole gather.
    arrivals
        Travel-time curves.
    distance_label
        Label of the axis of distances.

    """
    start_s, end_s = visible_window_s(gather, window_s)
    zero_s = start_s if origin_time_s is None else origin_time_s
    without_distance = np.flatnonzero(~np.isfinite(distances_deg))[:MAX_WITHOUT_DISTANCE]
    with_distance = np.flatnonzero(np.isfinite(distances_deg))
    strip_in = 0.3 + 0.22 * len(without_distance) if len(without_distance) else 0.0
    figure = new_figure(WIDTH_IN, HEIGHT_IN + strip_in, title, _describe_traces(len(with_distance), start_s))
    axes = place_axes(figure, 0.75, 0.6 + strip_in, 1.15, 0.85)
    axes.set_xlim((start_s - zero_s) / 60.0, (end_s - zero_s) / 60.0)
    _label_axes(axes, zero_s, "start" if origin_time_s is None else "origin", distance_label)
    _draw_section_traces(axes, gather, distances_deg, with_distance, zero_s)
    _draw_arrivals(axes, arrivals, zero_s)
    if len(without_distance):
        _draw_strip_traces(place_axes(figure, 0.75, 0.12, 1.15, HEIGHT_IN + 0.08), gather, without_distance, zero_s, axes.get_xlim())
    return encode_png(figure)


def _describe_traces(count: int, start_s: float) -> str:
    band = f"{CONDITIONING.shortest_period_s:.0f} to {CONDITIONING.longest_period_s:.0f} s"
    return f"{count} trace{'' if count == 1 else 's'}, {band}, each scaled to its largest amplitude; begin {format_utc(start_s)}"


def _label_axes(axes: Axes, zero_s: float, reference: str, distance_label: str) -> None:
    """Label the axes with the time from which minutes count, and whether it is that of the `origin` or of the `start`."""
    axes.set_xlabel(f"time after {reference}, {format_utc(zero_s)} (min)")
    axes.set_ylabel(distance_label)


def _draw_section_traces(axes: Axes, gather: Gather, distances_deg: Floats, indices: NDArray[np.int64], zero_s: float) -> None:
    low, high = _distance_range(distances_deg[indices])
    axes.set_ylim(high, low)
    axes.grid(axis="x", color=LIGHT_GRAY, linewidth=0.6)
    axes.set_axisbelow(True)
    spacing = float(np.median(np.diff(np.sort(distances_deg[indices])))) if len(indices) > 1 else high - low
    half_height = float(np.clip(1.2 * spacing, 0.018 * (high - low), 0.06 * (high - low)))
    width = 0.7 if len(indices) < 40 else 0.45
    for trace in indices:
        _draw_trace(axes, gather, int(trace), zero_s, distances_deg[trace], -half_height, INK, width)
    _label_traces(axes, [gather.trace_ids[i] for i in indices], distances_deg[indices], low, high)


def _distance_range(distances_deg: Floats) -> tuple[float, float]:
    """Return minimum and maximum distance of the axis, with margins for the waveforms."""
    if not len(distances_deg):
        return 0.0, 180.0
    low, high = float(np.min(distances_deg)), float(np.max(distances_deg))
    margin = max(0.05 * (high - low), 0.25)
    return low - margin, high + margin


def _draw_trace(axes: Axes, gather: Gather, trace: int, zero_s: float, center: float, half_height: float, color: str, width: float) -> None:
    """Draw one waveform, scaled by its maximum absolute value within the axes' time limits."""
    left, right = axes.get_xlim()
    minutes = (gather.start_time_s - zero_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz) / 60.0
    inside = (minutes >= left) & (minutes <= right)
    times, samples = minutes[inside], gather.samples[trace, inside]
    peak = float(np.max(np.abs(samples), where=np.isfinite(samples), initial=0.0))
    times, samples = downsample_extremes(times, samples, 3000)
    axes.plot(times, center + half_height * samples / (peak or 1.0), color=color, linewidth=width, solid_joinstyle="round")


def _label_traces(axes: Axes, names: Sequence[object], distances_deg: Floats, low: float, high: float) -> None:
    """Label as many traces as fit at the right margin, with labels moved apart and a thin line to each trace."""
    height_in = axes.get_window_extent().height / axes.figure.dpi
    maximum = int(height_in / LABEL_GAP_IN)
    order = np.argsort(distances_deg, kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(maximum, len(order))).astype(int))] if len(order) else order
    positions = separate_labels(distances_deg[chosen], (high - low) * LABEL_GAP_IN / height_in, low, high)
    transform = axes.get_yaxis_transform()
    for index, position in zip(chosen, positions, strict=True):
        line = ([1.002, 1.02], [distances_deg[index], position])
        axes.plot(*line, color=GRAY, linewidth=0.4, transform=transform, clip_on=False, scalex=False, scaley=False)
        axes.text(1.023, position, str(names[index]), fontsize=6.2, color=INK, va="center", transform=transform, parse_math=False)


def _draw_arrivals(axes: Axes, arrivals: Sequence[TravelTimeCurve], zero_s: float) -> None:
    """Draw travel-time curves, labeled at their largest visible distance, where curves are furthest apart; the last one at its right."""
    left, right = axes.get_xlim()
    far, near = axes.get_ylim()
    for number, arrival in enumerate(arrivals, start=1):
        color = PHASE_COLORS.get(arrival.phase, GRAY)
        minutes = (arrival.times_s - zero_s) / 60.0
        axes.plot(minutes, arrival.distances_deg, color=color, linewidth=1.3, alpha=0.85, scalex=False, scaley=False, zorder=6)
        shown = (minutes > left) & (minutes < right) & (arrival.distances_deg >= near) & (arrival.distances_deg <= far)
        if shown.any():
            last = int(np.flatnonzero(shown)[-1])
            minute, distance, background = minutes[last], arrival.distances_deg[last], {"color": "white", "pad": 0.6}
            side, at_edge = "left" if number == len(arrivals) else "right", distance > far - 0.04 * (far - near)
            # Below the edge are the times of the axis.
            level, distance = ("bottom", far - 0.01 * (far - near)) if at_edge else ("top", distance)
            axes.text(
                minute, distance, arrival.name, color=color, fontsize=8, va=level, ha=side, parse_math=False, bbox=background, zorder=7
            )


def _draw_strip_traces(axes: Axes, gather: Gather, indices: NDArray[np.int64], zero_s: float, limits: tuple[float, float]) -> None:
    axes.set_xlim(*limits)
    axes.set_ylim(len(indices) - 0.4, -0.6)
    axes.set_axis_off()
    axes.set_title("traces without distance", fontsize=8, color=GRAY, loc="left", pad=2)
    for row, trace in enumerate(indices):
        _draw_trace(axes, gather, int(trace), zero_s, row, -0.45, GRAY, 0.5)
        axes.text(
            1.022,
            row,
            str(gather.trace_ids[trace]),
            fontsize=6.2,
            color=GRAY,
            va="center",
            transform=axes.get_yaxis_transform(),
            parse_math=False,
        )
