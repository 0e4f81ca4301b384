"""
Look up how deep earthquakes are known to occur, and how often at which depth, so that a poorly resolved depth is a usual one of its place.

The tables hold the depth of the deepest Global CMT solution (1976 to 1981 and 2005 to 2016; Ekstrom et al. 2012,
doi:10.1016/j.pepi.2012.04.002) within four degrees of each node, and the density of the depths of all, weighted by their distance from the
node; like the default depths of the International Seismological Centre (Bondar & Storchak 2011,
doi:10.1111/j.1365-246X.2011.05107.x). `training.lookup_tables.earthquake_depths` writes them.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats, Integers

EARTHQUAKE_DEPTHS_FILE: Final = Path(__file__).with_name("earthquake_depths.npz")
CELL_DEG: Final = 3.0
DENSITY_DEPTHS_KM: Final[Floats] = np.array(
    (0, 3, 6, 10, 14, 18, 22, 27, 33, 40, 50, 60, 75, 90, 110, 130, 150, 180, 220, 260, 310, 360, 420, 480, 540, 600, 650, 700), np.float64
)
"""Depths that the density is tabulated at."""


@cache
def maximum_depth_table() -> NDArray[np.uint16]:
    """
    Return the maximum depths in kilometers [60, 120], read once, read-only.

    Rows run from the south pole, columns from 180 degrees west; a node is the center of a cell of `CELL_DEG`.
    """
    return _read_table("maximum_km", np.uint16)


@cache
def depth_density_table() -> NDArray[np.uint8]:
    """Return the density of depths [60, 120, depths] in units of a 255th of the largest of its node, read once, read-only."""
    return _read_table("density", np.uint8)


def maximum_depth_km(points: Floats) -> Floats:
    """Return the maximum known earthquake depth in kilometers [m] beneath unit vectors [m, 3], of the cell that each lies in."""
    return np.asarray(maximum_depth_table()[_find_cells(points)], np.float64)


def mean_depth_density(points: Floats, weights: Floats) -> Floats:
    """Average the density of earthquake depths per kilometer at `DENSITY_DEPTHS_KM` beneath unit vectors [m, 3], with weights [m]."""
    density = depth_density_table()[_find_cells(points)].astype(np.float64)
    area = np.asarray(np.trapezoid(density, DENSITY_DEPTHS_KM, axis=1))
    return np.asarray(np.average(density / area[:, None], axis=0, weights=weights))


def _read_table[Unit: np.unsignedinteger[Any]](name: str, unit: type[Unit]) -> NDArray[Unit]:
    with np.load(EARTHQUAKE_DEPTHS_FILE, allow_pickle=False) as tables:
        table = np.asarray(tables[name], unit)
    table.setflags(write=False)
    return table


def _find_cells(points: Floats) -> tuple[Integers, Integers]:
    """Find rows and columns [m] of the cells that unit vectors [m, 3] lie in."""
    rows = np.floor((np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0))) + 90.0) / CELL_DEG).astype(np.int64)
    columns = np.floor((np.degrees(np.arctan2(points[:, 1], points[:, 0])) + 180.0) / CELL_DEG).astype(np.int64)
    height, width = maximum_depth_table().shape
    return np.minimum(rows, height - 1), columns % width
