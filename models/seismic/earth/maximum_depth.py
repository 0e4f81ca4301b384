"""
Look up how deep earthquakes are known to occur, so that a poorly resolved depth is not placed where there is no slab.

The table holds the depth of the deepest Global CMT solution (1976 to 1981 and 2005 to 2016; Ekstrom et al. 2012,
doi:10.1016/j.pepi.2012.04.002) within four degrees of each node. `training.lookup_tables.maximum_depth` writes it.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats

MAXIMUM_DEPTH_FILE: Final = Path(__file__).with_name("maximum_depth.npz")
CELL_DEG: Final = 3.0


@cache
def maximum_depth_table() -> NDArray[np.uint16]:
    """
    Return the maximum depths in kilometers [60, 120], read once, read-only.

    Rows run from the south pole, columns from 180 degrees west; a node is the center of a cell of `CELL_DEG`.
    """
    with np.load(MAXIMUM_DEPTH_FILE, allow_pickle=False) as table:
        depths: NDArray[np.uint16] = table["deepest_km"]
    depths.setflags(write=False)
    return depths


def maximum_depth_km(points: Floats) -> Floats:
    """Return the maximum known earthquake depth in kilometers [m] beneath unit vectors [m, 3], of the cell that each lies in."""
    rows = np.floor((np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0))) + 90.0) / CELL_DEG).astype(np.int64)
    columns = np.floor((np.degrees(np.arctan2(points[:, 1], points[:, 0])) + 180.0) / CELL_DEG).astype(np.int64)
    height, width = maximum_depth_table().shape
    return np.asarray(maximum_depth_table()[np.minimum(rows, height - 1), columns % width], np.float64)
