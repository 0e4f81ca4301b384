"""Figure of distance residuals over distance and azimuth; a wrong epicenter shows as a sinusoid over azimuth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from models.array_types import Flags, Floats, Integers
from workers.plots.canvas import BLUE, GRAY, INK, LIGHT_GRAY, RED, encode_png, new_figure, place_axes, select_label_indices

WIDTH_IN, HEIGHT_IN = 11.0, 4.6
MAX_LABELED = 12  # traces with the largest residuals


@dataclass(frozen=True)
class DistanceResiduals:
    """
    Distances predicted from single traces against a located epicenter; all but the common error [n].

    Attributes
    ----------
    names
        Trace ids; those of the largest residuals are drawn.
    distances_deg, azimuths_deg
        Epicentral distances and azimuths of the stations.
    residuals_deg, uncertainties_deg
        Epicentral minus predicted distances, as in the answer, and standard deviations; traces with NaN are left out.
    used
        Whether the location uses the trace; others are hollow.
    common_deg
        Residual common to all traces, drawn as a line.

    """

    names: Sequence[str]
    distances_deg: Floats
    azimuths_deg: Floats
    residuals_deg: Floats
    uncertainties_deg: Floats
    used: Flags
    common_deg: float = 0.0

    def find_finite(self) -> Integers:
        """Return the indices of the traces that have a residual with its uncertainty, and a distance."""
        return np.flatnonzero(np.isfinite(self.residuals_deg) & np.isfinite(self.distances_deg) & np.isfinite(self.uncertainties_deg))


def residuals_figure(data: DistanceResiduals, title: str) -> bytes:
    """Draw distance residuals over distance and over azimuth, one point a trace, on an axis for the used ones; return PNG."""
    chosen = data.find_finite()
    unused = "" if data.used[chosen].all() else " (others hollow, at the edge where they lie beyond)"
    count = f"{int(data.used[chosen].sum())} of {len(chosen)} traces used{unused}"
    summary = f"{count}; bars: standard deviations of the network; red: common residual {data.common_deg:+.1f}°"
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, summary)
    left, right = place_axes(figure, 0.75, 0.6, 5.6, 0.75), place_axes(figure, 6.1, 0.6, 0.25, 0.75)
    used = chosen[data.used[chosen]]
    limit = 1.1 * find_axis_limit(data.residuals_deg[used], data.uncertainties_deg[used])
    data = replace(data, residuals_deg=np.clip(data.residuals_deg, -0.97 * limit, 0.97 * limit))
    for axes, values, label in ((left, data.distances_deg, "epicentral distance (°)"), (right, data.azimuths_deg, "station azimuth (°)")):
        _draw_residuals(axes, values[chosen], data, chosen)
        axes.axhline(data.common_deg, color=RED, linewidth=0.9)
        axes.set_ylim(-limit, limit)
        axes.set_xlabel(label)
    low, high = left.get_xlim()
    left.set_xlim(low, high + 0.14 * (high - low))  # space for labels
    left.set_ylabel("epicentral minus predicted distance (°)")
    right.set_xlim(0.0, 360.0)
    right.set_xticks(range(0, 361, 45))
    _label_traces(left, data, chosen, limit)
    return encode_png(figure)


def find_axis_limit(residuals_deg: Floats, uncertainties_deg: Floats) -> float:
    """Return the largest residual [k] with its bar, bars no longer than the median one, so that a few wide ones do not shrink the rest."""
    if not len(residuals_deg):
        return 1.0
    return float(np.max(np.abs(residuals_deg) + np.minimum(uncertainties_deg, np.median(uncertainties_deg)), initial=1.0))


def _draw_residuals(axes: Axes, values: Floats, data: DistanceResiduals, chosen: Integers) -> None:
    """Draw the residuals of the chosen traces [k] over their distances or azimuths [k]."""
    residuals, used = data.residuals_deg[chosen], data.used[chosen]
    axes.axhline(0.0, color=GRAY, linewidth=0.8)
    axes.grid(color=LIGHT_GRAY, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.errorbar(values[used], residuals[used], data.uncertainties_deg[chosen][used], fmt="none", ecolor=GRAY, elinewidth=0.6, alpha=0.7)
    axes.plot(values[used], residuals[used], "o", color=BLUE, markersize=4)
    axes.plot(values[~used], residuals[~used], "o", markerfacecolor="white", markeredgecolor=BLUE, markersize=4)


def _label_traces(axes: Axes, data: DistanceResiduals, chosen: Integers, limit: float) -> None:
    """Label the traces with the largest deviations from the common residual, where labels cover no point or label."""
    values, deviations = data.distances_deg, data.residuals_deg - data.common_deg
    furthest = chosen[np.argsort(-np.abs(deviations[chosen]), kind="stable")[:MAX_LABELED]]
    low, high = axes.get_xlim()
    for index in select_label_indices(values[furthest], deviations[furthest], 0.22 * (high - low), 0.1 * limit):
        trace = furthest[index]
        position = (values[trace] + 0.012 * (high - low), deviations[trace] + data.common_deg)
        axes.text(*position, data.names[trace], fontsize=6.2, color=INK, va="center", parse_math=False, clip_on=True)
