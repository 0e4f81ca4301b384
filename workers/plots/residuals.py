"""Figure of distance residuals over distance and azimuth; a wrong epicenter shows as a sinusoid over azimuth."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from models.array_types import Floats
from workers.plots.canvas import BLUE, GRAY, INK, LIGHT_GRAY, RED, encode_png, new_figure, place_axes, select_label_indices

WIDTH_IN, HEIGHT_IN = 11.0, 4.6
MAX_LABELED = 12  # traces with the largest residuals


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
    Draw distance residuals over distance and azimuth, one point a trace.

    Parameters
    ----------
    names
        Trace ids [n]; those of the largest residuals are drawn.
    distances_deg, azimuths_deg
        Epicentral distances and azimuths of the stations [n].
    residuals_deg, uncertainties_deg
        Predicted minus epicentral distances [n] and standard deviations; traces with NaN are left out.
    used
        Whether the location uses the trace [n]; others are hollow.
    title
        Title of the figure.
    common_deg
        Error common to all traces, drawn as a line.

    Returns
    -------
    bytes
        PNG.

    """
    good = np.isfinite(residuals_deg) & np.isfinite(distances_deg) & np.isfinite(uncertainties_deg)
    summary = f"{int((good & used).sum())} of {int(good.sum())} traces used, common error {common_deg:+.1f}°"
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, summary)
    left, right = place_axes(figure, 0.75, 0.6, 5.6, 0.75), place_axes(figure, 6.1, 0.6, 0.25, 0.75)
    limit = 1.15 * float(np.max(np.abs(residuals_deg[good]), initial=1.0))
    chosen = np.flatnonzero(good)
    for axes, values, label in ((left, distances_deg, "epicentral distance (°)"), (right, azimuths_deg, "station azimuth (°)")):
        _draw(axes, values[chosen], residuals_deg[chosen], uncertainties_deg[chosen], used[chosen])
        axes.axhline(common_deg, color=RED, linewidth=0.9)
        axes.set_ylim(-limit, limit)
        axes.set_xlabel(label)
    low, high = left.get_xlim()
    left.set_xlim(low, high + 0.14 * (high - low))  # space for labels
    left.set_ylabel("predicted minus epicentral distance (°)")
    right.set_xlim(0.0, 360.0)
    right.set_xticks(range(0, 361, 45))
    _label_traces(left, names, distances_deg, residuals_deg - common_deg, chosen, limit, common_deg)
    return encode_png(figure)


def _draw(axes: Axes, values: Floats, residuals: Floats, deviations: Floats, used: NDArray[np.bool_]) -> None:
    axes.axhline(0.0, color=GRAY, linewidth=0.8)
    axes.grid(color=LIGHT_GRAY, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.errorbar(values, residuals, deviations, fmt="none", ecolor=GRAY, elinewidth=0.6, alpha=0.7)
    axes.plot(values[used], residuals[used], "o", color=BLUE, markersize=4)
    axes.plot(values[~used], residuals[~used], "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=4)


def _label_traces(
    axes: Axes, names: Sequence[str], values: Floats, deviations: Floats, chosen: NDArray[np.int64], limit: float, common: float
) -> None:
    """Label the traces with the largest deviations from the common error, where labels cover no point or label."""
    furthest = chosen[np.argsort(-np.abs(deviations[chosen]), kind="stable")[:MAX_LABELED]]
    low, high = axes.get_xlim()
    for index in select_label_indices(values[furthest], deviations[furthest], 0.22 * (high - low), 0.1 * limit):
        trace = furthest[index]
        position = (values[trace] + 0.012 * (high - low), deviations[trace] + common)
        axes.text(*position, names[trace], fontsize=6.2, color=INK, va="center", parse_math=False, clip_on=True)
