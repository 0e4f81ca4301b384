"""Families of events: a map of the embedding, and a sheet of what each family looks like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from workers.plots.canvas import FAINT, FAMILY_COLORS, INK, QUIET, new_figure, pad_range, place_axes, png

OUTLIER = -1
ACROSS = 8
TILE_IN = 1.35


@dataclass(frozen=True)
class Family:
    """A family's number and size, and some members: `names` [n] with `pictures` [n, channels, rows, columns] uint8."""

    cluster: int
    size: int
    names: Sequence[str]
    pictures: NDArray[np.uint8]


def families_figure(positions: NDArray[np.float64], clusters: NDArray[np.int64], names: Sequence[str], *, title: str) -> bytes:
    """
    PNG: events at `positions` [n, 2], colored by family `clusters` [n] (-1: none), named where there is room.

    The axes carry no unit: the embedding was projected to two dimensions, and only nearness means something.
    """
    figure = new_figure(8.6, 6.6, title)
    axes = place_axes(figure, 0.25, 0.25, 1.75, 0.55)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    for cluster in np.unique(clusters):
        members = positions[clusters == cluster]
        outlier = cluster == OUTLIER
        axes.scatter(
            members[:, 0],
            members[:, 1],
            s=34 if len(clusters) < 300 else 14,
            marker="x" if outlier else "o",
            color=QUIET if outlier else family_color(int(cluster)),
            linewidths=0.8,
            label=f"none ({len(members)})" if outlier else f"family {cluster} ({len(members)})",
            alpha=0.9,
        )
    axes.margins(0.08)
    if len(clusters):
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False, fontsize=8, labelcolor=INK, borderaxespad=0.0)
    _name_events(axes, positions, names)
    return png(figure)


def family_color(cluster: int) -> str:
    """A family's color; colors return after ten families."""
    return FAMILY_COLORS[cluster % len(FAMILY_COLORS)]


def _name_events(axes: Axes, positions: NDArray[np.float64], names: Sequence[str]) -> None:
    """Names where there is room, in the order of the events."""
    if not len(names):
        return
    places = axes.transAxes.inverted().transform(axes.transData.transform(positions))
    for index in pad_range(places[:, 0], places[:, 1], 0.09, 0.022):
        axes.annotate(
            names[index], positions[index], (5, 0), textcoords="offset points", va="center", fontsize=6, color=INK, parse_math=False
        )


def contact_sheet(families: Sequence[Family], *, title: str) -> bytes:
    """PNG: a row a family, up to eight members as the model sees them."""
    across = min(ACROSS, max((len(family.names) for family in families), default=1))
    width, height = 1.2 + max(across, 3) * (TILE_IN + 0.08), 0.6 + max(1, len(families)) * (TILE_IN + 0.36)
    figure = new_figure(width, height, title)
    for row, family in enumerate(families):
        top = height - 0.62 - row * (TILE_IN + 0.36)
        color = family_color(family.cluster) if family.cluster != OUTLIER else QUIET
        name = f"family {family.cluster}" if family.cluster != OUTLIER else "none"
        figure.text(0.12 / width, (top - 0.5 * TILE_IN) / height, name, fontsize=10, color=color, weight="bold")
        figure.text(
            0.12 / width,
            (top - 0.5 * TILE_IN - 0.2) / height,
            f"{family.size} event{'' if family.size == 1 else 's'}",
            fontsize=8,
            color=QUIET,
        )
        for column, (name, picture) in enumerate(zip(family.names[:ACROSS], family.pictures[:ACROSS], strict=True)):
            left = 1.1 + column * (TILE_IN + 0.08)
            axes = figure.add_axes((left / width, (top - TILE_IN) / height, TILE_IN / width, TILE_IN / height))
            _draw_tile(axes, picture, name)
    return png(figure)


def _draw_tile(axes: Axes, picture: NDArray[np.uint8], name: str) -> None:
    """Three channels as colors, any other number by their brightest."""
    if len(picture) == 3:
        axes.imshow(np.moveaxis(picture, 0, -1), interpolation="antialiased", aspect="auto")
    else:
        axes.imshow(picture.max(axis=0), cmap="gray", vmin=0, vmax=255, interpolation="antialiased", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(FAINT)
    shown = name if len(name) <= 24 else f"{name[:11]}…{name[-11:]}"
    axes.set_title(shown, fontsize=6, color=INK, pad=2, parse_math=False)
