"""What the distances of single traces miss, over distance and over azimuth: a wrong epicenter shows as a wave over azimuth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from models.array_types import Floats
from workers.plots.canvas import BLUE, FAINT, INK, QUIET, RED, new_figure, pad_range, place_axes, png

WIDTH_IN, HEIGHT_IN = 11.0, 4.6
NAMED = 12  # traces far off that are named


def residuals_figure(
    names: Sequence[str],
    distances_deg: Floats,
    azimuths_deg: Floats,
    residuals_deg: Floats,
    uncertainties_deg: Floats,
    used: NDArray[np.bool_],
    *,
    title: str,
    common_deg: float = 0.0,
) -> bytes:
    """
    PNG: residuals [n] (distance read minus distance to the epicenter) with their stated deviations [n], one point a trace.

    `common_deg` is the error that all traces share, drawn as a line; traces not `used` are hollow, those with NaN left out.
    """
    good = np.isfinite(residuals_deg) & np.isfinite(distances_deg) & np.isfinite(uncertainties_deg)
    counted = f"{int((good & used).sum())} of {int(good.sum())} traces used, common error {common_deg:+.1f}°"
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, counted)
    left, right = place_axes(figure, 0.75, 0.6, 5.6, 0.75), place_axes(figure, 6.1, 0.6, 0.25, 0.75)
    limit = 1.15 * float(np.max(np.abs(residuals_deg[good]), initial=1.0))
    chosen = np.flatnonzero(good)
    for axes, values, label in ((left, distances_deg, "distance in degrees"), (right, azimuths_deg, "azimuth of the station in degrees")):
        _draw(axes, values[chosen], residuals_deg[chosen], uncertainties_deg[chosen], used[chosen])
        axes.axhline(common_deg, color=RED, linewidth=0.9)
        axes.set_ylim(-limit, limit)
        axes.set_xlabel(label)
    low, high = left.get_xlim()
    left.set_xlim(low, high + 0.14 * (high - low))  # room for names
    left.set_ylabel("read minus epicentral distance, degrees")
    right.set_xlim(0.0, 360.0)
    right.set_xticks(range(0, 361, 45))
    _name(left, names, distances_deg, residuals_deg - common_deg, chosen, limit, common_deg)
    return png(figure)


def _draw(axes: Axes, values: Floats, residuals: Floats, deviations: Floats, used: NDArray[np.bool_]) -> None:
    axes.axhline(0.0, color=QUIET, linewidth=0.8)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.errorbar(values, residuals, deviations, fmt="none", ecolor=QUIET, elinewidth=0.6, alpha=0.7)
    axes.plot(values[used], residuals[used], "o", color=BLUE, markersize=4)
    axes.plot(values[~used], residuals[~used], "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=4)


def _name(axes: Axes, names: Sequence[str], values: Floats, off: Floats, chosen: NDArray[np.int64], limit: float, common: float) -> None:
    """The traces furthest off, wherever their names hide nothing."""
    furthest = chosen[np.argsort(-np.abs(off[chosen]), kind="stable")[:NAMED]]
    low, high = axes.get_xlim()
    for index in pad_range(values[furthest], off[furthest], 0.22 * (high - low), 0.1 * limit):
        trace = furthest[index]
        place = (values[trace] + 0.012 * (high - low), off[trace] + common)
        axes.text(*place, names[trace], fontsize=6.2, color=INK, va="center", parse_math=False, clip_on=True)
