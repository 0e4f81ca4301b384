"""Depth phases: how the energy of the records rises where pP and sP of each depth would arrive."""

from typing import Final

from matplotlib.axes import Axes

from models.seismic.depth_phases.likelihood import MIN_LOG_LIKELIHOOD, DepthPhases
from workers.plots.canvas import BLUE, GRAY, INK, LIGHT_GRAY, PHASE_COLORS, RED, encode_png, new_figure, place_axes, scale_depth_axis

WIDTH_IN, HEIGHT_IN = 8.0, 6.0
PHASES: Final = ("pP", "sP")
STYLES: Final = {8.0: "-", 3.0: ":"}
BANDS: Final = {8.0: "5 to 20 s", 3.0: "0.7 to 2.5 s"}


def depth_phases_figure(phases: DepthPhases, stated: tuple[float, float], rests_on: str) -> bytes:
    """
    Draw average rises of pP and sP by band, and the log likelihood of depth by them; return PNG.

    `stated`: depth and standard deviation of the answer, in km; `rests_on`: the data that it is from, of which depth phases may be a part.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN, describe_phases(phases), f"red: stated depth ± standard deviation, from {rests_on}")
    top, bottom = place_axes(figure, 0.75, 3.15, 0.25, 1.15), place_axes(figure, 0.75, 0.6, 0.25, 3.45)
    for axes in (top, bottom):
        axes.axvspan(max(stated[0] - stated[1], 0.0), stated[0] + stated[1], color=RED, alpha=0.12, linewidth=0)
        axes.axvline(stated[0], color=RED, linewidth=1.0)
    _draw_rises(top, phases)
    _draw_likelihood(bottom, phases)
    return encode_png(figure)


def describe_phases(phases: DepthPhases) -> str:
    """Say whether depth phases were found, and in how many records they were looked for."""
    return f"{'Depth phases' if phases.found else 'No clear depth phases'} in {phases.traces} records"


def _draw_rises(axes: Axes, phases: DepthPhases) -> None:
    """Draw the average rise at the delay of each phase from each depth, a line style a band."""
    for window_s, rises in zip(phases.windows_s, phases.rises, strict=True):
        for phase, row in zip(PHASES, rises, strict=True):
            label = f"{phase}, {BANDS[window_s]}"
            axes.plot(phases.depths_km, row, STYLES[window_s], color=PHASE_COLORS[phase], linewidth=1.2, label=label)
    axes.set_ylabel("ln(energy after / before)")
    _finish_axes(axes, "average rise of energy where the phase would arrive from each depth; blank where P hides it")
    axes.set_xlabel("")
    axes.legend(fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(-0.01, 1.1), borderaxespad=0.0, frameon=False)


def _draw_likelihood(axes: Axes, phases: DepthPhases) -> None:
    """Draw the log likelihood ratio of each depth, and from which value on depth phases count as found."""
    axes.plot(phases.depths_km, phases.log_likelihood, color=BLUE, linewidth=1.3)
    axes.axhline(MIN_LOG_LIKELIHOOD, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylabel("log likelihood ratio")
    _finish_axes(axes, "depth phases of each depth against none; dashed: from here on they count as found")


def _finish_axes(axes: Axes, title: str) -> None:
    scale_depth_axis(axes)
    axes.axhline(0.0, color=GRAY, linewidth=0.7)
    axes.grid(color=LIGHT_GRAY, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_title(title, fontsize=8, color=INK, loc="left", pad=4)
