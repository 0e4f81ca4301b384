"""Depth phases: how the energy of the records rises where pP and sP of each depth would arrive."""

from typing import Final

from models.seismic.depth_phases.likelihood import DepthPhases
from workers.plots.canvas import BLUE, GRAY, PHASE_COLORS, RED, encode_png, new_figure, place_axes

WIDTH_IN, HEIGHT_IN = 8.0, 5.2
NOTE: Final = "rise of energy where depth phases of each depth would arrive, and its likelihood; red: stated depth"
COLORS: Final = {"pP": PHASE_COLORS["pP"], "sP": BLUE}
STYLES: Final = {8.0: "-", 3.0: ":"}
BANDS: Final = {8.0: "5 to 20 s", 3.0: "0.7 to 2.5 s"}


def depth_phases_figure(phases: DepthPhases, stated: tuple[float, float], title: str) -> bytes:
    """Draw average rises of pP and sP by band, and the log likelihood of depth; `stated`: depth and deviation in km. Return PNG."""
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, NOTE)
    top, bottom = place_axes(figure, 0.75, 2.55, 0.25, 0.75), place_axes(figure, 0.75, 0.6, 0.25, 2.95)
    for window_s, rises in zip(phases.windows_s, phases.rises, strict=True):
        for (phase, color), row in zip(COLORS.items(), rises, strict=True):
            label = f"{phase}, {BANDS[window_s]}"
            top.plot(phases.depths_km, row, STYLES[window_s], color=color, linewidth=1.1, label=label)
    top.axhline(0.0, color=GRAY, linewidth=0.7)
    top.legend(fontsize=8, ncols=2, loc="upper right", framealpha=0.8)
    top.set_ylabel("rise of energy (ln)")
    top.tick_params(labelbottom=False)
    bottom.plot(phases.depths_km, phases.log_likelihood, color=BLUE, linewidth=1.3)
    bottom.set_ylabel("log likelihood ratio")
    bottom.set_xlabel("depth (km)")
    for axes in (top, bottom):
        axes.axvspan(max(stated[0] - stated[1], 0.0), stated[0] + stated[1], color=RED, alpha=0.12, linewidth=0)
        axes.axvline(stated[0], color=RED, linewidth=1.0)
        axes.set_xlim(0.0, 700.0)
    return encode_png(figure)
