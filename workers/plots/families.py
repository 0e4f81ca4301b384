"""Figures of a clustering: a map of the embedding, and contact sheets of the families."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from workers.plots.canvas import FAMILY_COLORS, GRAY, INK, LIGHT_GRAY, encode_png, new_figure, place_axes, select_label_indices

OUTLIER = -1
MAX_TILES = 8  # members of a family in a row
TILE_IN = 1.35


@dataclass(frozen=True)
class Family:
    """A family's number and size, and its representatives: `names` [n] and `pictures`, uint8 [n, channels, rows, columns]."""

    cluster: int
    size: int
    names: Sequence[str]
    pictures: NDArray[np.uint8]


def families_figure(positions: NDArray[np.float64], clusters: NDArray[np.int64], names: Sequence[str], *, title: str) -> bytes:
    """
    Draw a map of the embedding, with labels where there is room.

    The axes have no unit: positions are a projection of the embedding to two dimensions, of which only distances matter.

    Parameters
    ----------
    positions
        Positions of the events [n, 2].
    clusters
        Family of each event [n]; -1 for an outlier.
    names
        Names of the events [n].
    title
        Title of the figure.

    Returns
    -------
    bytes
        PNG.

    """
    figure = new_figure(8.6, 6.6, title, "two leading components of the embedding; only distances have a meaning")
    axes = place_axes(figure, 0.25, 0.25, 1.75, 0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for cluster in np.unique(clusters):
        _draw_members(axes, positions[clusters == cluster], int(cluster), 34 if len(clusters) < 300 else 14)
    axes.margins(0.08)
    axes.invert_yaxis()  # as the page draws it
    if len(clusters):
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8, labelcolor=INK, borderaxespad=0.0)
    _label_events(axes, positions, names)
    return encode_png(figure)


def _draw_members(axes: Axes, positions: NDArray[np.float64], cluster: int, size: int) -> None:
    """Draw the positions [members, 2] of a family, or of outliers, with markers of a size in square points."""
    outlier = cluster == OUTLIER
    axes.scatter(
        positions[:, 0],
        positions[:, 1],
        s=size,
        marker="x" if outlier else "o",
        **_marker_colors(cluster),
        label=f"outliers ({len(positions)})" if outlier else f"family {cluster}",  # whose number has its outliers, too
        alpha=0.9,
    )


def _marker_colors(cluster: int) -> dict[str, Any]:
    """Return colors and line width of markers: of outliers gray, of families filled, and of every other ten families, as rings."""
    if cluster == OUTLIER:
        return {"color": GRAY, "linewidths": 0.8}
    if cluster // len(FAMILY_COLORS) % 2:
        return {"facecolors": "none", "edgecolors": family_color(cluster), "linewidths": 1.6}
    return {"color": family_color(cluster), "linewidths": 0.8}


def family_color(cluster: int) -> str:
    """Return the color of a family; colors repeat after ten families."""
    return FAMILY_COLORS[cluster % len(FAMILY_COLORS)]


def _label_events(axes: Axes, positions: NDArray[np.float64], names: Sequence[str]) -> None:
    """Label events in their order where there is room."""
    if not len(names):
        return
    in_axes = axes.transAxes.inverted().transform(axes.transData.transform(positions))
    for index in select_label_indices(in_axes[:, 0], in_axes[:, 1], 0.09, 0.022):
        axes.annotate(
            names[index], positions[index], (5, 0), textcoords="offset points", va="center", fontsize=6, color=INK, parse_math=False
        )


def contact_sheet(families: Sequence[Family], *, title: str) -> bytes:
    """Draw a row a family with record sections of up to eight members; returns PNG."""
    columns = min(MAX_TILES, max((len(family.names) for family in families), default=1))
    width, height = 1.2 + max(columns, 3) * (TILE_IN + 0.08), 0.75 + max(1, len(families)) * (TILE_IN + 0.36)
    figure = new_figure(width, height, title, "record section of each event: time to the right, distance downward")
    for row, family in enumerate(families):
        top = height - 0.77 - row * (TILE_IN + 0.36)
        color = family_color(family.cluster) if family.cluster != OUTLIER else GRAY
        name = f"family {family.cluster}" if family.cluster != OUTLIER else "outliers"
        figure.text(0.12 / width, (top - 0.5 * TILE_IN) / height, name, fontsize=10, color=color, weight="bold")
        figure.text(
            0.12 / width,
            (top - 0.5 * TILE_IN - 0.2) / height,
            f"{family.size} event{'' if family.size == 1 else 's'}",
            fontsize=8,
            color=GRAY,
        )
        for column, (name, picture) in enumerate(zip(family.names[:MAX_TILES], family.pictures[:MAX_TILES], strict=True)):
            left = 1.1 + column * (TILE_IN + 0.08)
            axes = figure.add_axes((left / width, (top - TILE_IN) / height, TILE_IN / width, TILE_IN / height))
            _draw_tile(axes, picture, name)
    return encode_png(figure)


def _draw_tile(axes: Axes, picture: NDArray[np.uint8], name: str) -> None:
    """Draw a picture: three channels as red, green and blue, another number of channels by their maximum."""
    if len(picture) == 3:
        axes.imshow(np.moveaxis(picture, 0, -1), interpolation="antialiased", aspect="auto")
    else:
        axes.imshow(picture.max(axis=0), cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(LIGHT_GRAY)
    shown = name if len(name) <= 24 else f"{name[:11]}…{name[-11:]}"
    axes.set_title(shown, fontsize=6, color=INK, pad=2, parse_math=False)
