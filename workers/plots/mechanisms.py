"""Source of an event: beach ball of a moment tensor, arrow of a force, and likelihood over depth or azimuth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from obspy.imaging.beachball import beach

from models.array_types import Floats
from workers.plots.canvas import BLUE, GRAY, INK, LIGHT_GRAY, RED, encode_png, new_figure, place_axes, scale_depth_axis

WIDTH_IN, HEIGHT_IN = 8.0, 4.4
STATIONS: Final = "triangles: stations by azimuth, larger where the waveforms fit better"
_LINE: Final = 0.085  # of the height of the text panel


@dataclass(frozen=True)
class MechanismStations:
    """Stations on the focal sphere: azimuths at the source in degrees, and the correlation of each [n]."""

    azimuths_deg: Floats
    correlations: Floats


def tensor_figure(tensor: Floats, stations: MechanismStations, lines: Sequence[str], title: str) -> bytes:
    """
    Draw the beach ball of a moment tensor [6] (rr, tt, pp, rt, rp, tp), lower hemisphere, compression shaded; return PNG.

    Stations are at its rim, larger the better they correlate. `lines` are written beside it.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, f"lower hemisphere, compression shaded; {STATIONS}")
    axes = place_axes(figure, 0.3, 0.25, WIDTH_IN - 4.1, 0.75)
    collection = beach(tensor.tolist(), xy=(0.0, 0.0), width=1.8, linewidth=0.9, facecolor=BLUE, edgecolor=INK, size=200)
    collection.set_zorder(1)
    axes.add_collection(collection)
    _finish_compass(axes, stations)
    _write_lines(place_axes(figure, 4.4, 0.25, 0.2, 0.75), lines)
    return encode_png(figure)


def force_figure(
    azimuth_deg: float, uncertainty_deg: float, *, ambiguous: bool, stations: MechanismStations, lines: Sequence[str], title: str
) -> bytes:
    """
    Draw the arrow of a horizontal force at its azimuth, and the opposite one dashed where the sign is ambiguous; return PNG.

    The shaded sector is one standard deviation on either side. Stations are at the rim, larger the better they correlate.
    """
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, f"first direction of the force on the ground, from above; {STATIONS}")
    axes = place_axes(figure, 0.3, 0.25, WIDTH_IN - 4.1, 0.75)
    circle = np.radians(np.arange(361.0))
    axes.plot(0.9 * np.sin(circle), 0.9 * np.cos(circle), color=GRAY, linewidth=0.9)
    for turn, style, shade in ((0.0, "-", 0.30), (180.0, "--", 0.15)) if ambiguous else ((0.0, "-", 0.30),):
        sector = np.radians(azimuth_deg + turn + np.linspace(-uncertainty_deg, uncertainty_deg, 31))
        axes.fill(np.append(0.0, 0.9 * np.sin(sector)), np.append(0.0, 0.9 * np.cos(sector)), color=RED, alpha=shade, linewidth=0)
        tip = np.radians(azimuth_deg + turn)
        arrow = {"arrowstyle": "-|>", "color": RED, "linewidth": 2.2, "linestyle": style, "shrinkA": 0.0, "shrinkB": 0.0}
        axes.annotate("", (0.86 * np.sin(tip), 0.86 * np.cos(tip)), (0.0, 0.0), arrowprops=arrow)
    _finish_compass(axes, stations)
    _write_lines(place_axes(figure, 4.4, 0.25, 0.2, 0.75), lines)
    return encode_png(figure)


def _finish_compass(axes: Axes, stations: MechanismStations) -> None:
    """Draw stations and the points of the compass around a circle of radius 0.9, and hide the frame."""
    azimuths = np.radians(stations.azimuths_deg)
    sizes = 8.0 + 60.0 * np.clip(stations.correlations, 0.0, 1.0) ** 2
    axes.scatter(1.0 * np.sin(azimuths), 1.0 * np.cos(azimuths), s=sizes, marker="^", color=INK, alpha=0.75, linewidth=0)
    for name, x, y in (("N", 0, 1), ("E", 1, 0), ("S", 0, -1), ("W", -1, 0)):
        axes.text(1.16 * x, 1.16 * y, name, ha="center", va="center", fontsize=9, color=GRAY)
    axes.set_xlim(-1.25, 1.25)
    axes.set_ylim(-1.25, 1.25)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _write_lines(axes: Axes, lines: Sequence[str]) -> None:
    axes.set_axis_off()
    for number, line in enumerate(lines):
        axes.text(0.0, 0.97 - _LINE * number, line, fontsize=9.5, color=INK, va="top", parse_math=False)


def depth_likelihood_figure(depths_km: Floats, log_likelihoods: Floats, stated: tuple[float, float] | None, title: str) -> bytes:
    """
    Draw the log likelihood of a moment tensor over depth [n]; return PNG.

    `stated`: depth and standard deviation that the answer states, in km, as a line and a band; None without.
    """
    figure, axes = _new_likelihood_axes(
        title, "largest log likelihood at each depth, against noise; red: stated depth ± standard deviation"
    )
    axes.plot(depths_km, log_likelihoods, "o-", color=BLUE, markersize=4, linewidth=1.1)
    if stated is not None:
        axes.axvspan(max(stated[0] - stated[1], 0.5), stated[0] + stated[1], color=RED, alpha=0.12, linewidth=0)
        axes.axvline(stated[0], color=RED, linewidth=1.0)
    scale_depth_axis(axes)
    return encode_png(figure)


def azimuth_likelihood_figure(
    azimuths_deg: Floats, log_likelihoods: Floats, stated: tuple[float, float], *, ambiguous: bool, title: str
) -> bytes:
    """
    Draw the log likelihood of a horizontal force over azimuth [n]; return PNG.

    `stated`: azimuth and standard deviation that the answer states, in degrees, as a line and a band; the opposite azimuth as a dashed line
    where it is `ambiguous`. The curve supposes the responses that were assumed, and so does not show this.
    """
    opposite = "; dashed: the opposite, possible too" if ambiguous else ""
    subtitle = f"largest at each azimuth, against noise; red: stated azimuth ± standard deviation{opposite}"
    figure, axes = _new_likelihood_axes(title, subtitle)
    closed = np.append(azimuths_deg, azimuths_deg[0] + 360.0)
    axes.plot(closed, np.append(log_likelihoods, log_likelihoods[0]), "o-", color=BLUE, markersize=4, linewidth=1.1)
    for turn in (-360.0, 0.0, 360.0):
        axes.axvspan(stated[0] + turn - stated[1], stated[0] + turn + stated[1], color=RED, alpha=0.12, linewidth=0)
    axes.axvline(stated[0], color=RED, linewidth=1.0)
    if ambiguous:
        axes.axvline((stated[0] + 180.0) % 360.0, color=RED, linewidth=1.0, linestyle="--")
    axes.set_xlim(0.0, 360.0)
    axes.set_xticks(range(0, 361, 45))
    axes.set_xlabel("azimuth of the force (°)")
    return encode_png(figure)


def _new_likelihood_axes(title: str, subtitle: str) -> tuple[Figure, Axes]:
    """Return a sheet with axes for a curve of log likelihoods."""
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, subtitle)
    axes = place_axes(figure, 0.85, 0.6, 0.3, 0.8)
    axes.grid(color=LIGHT_GRAY, linewidth=0.6)
    axes.set_ylabel("log likelihood")
    return figure, axes
