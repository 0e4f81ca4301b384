"""
How deep earthquakes go beneath a place: what keeps a weak depth from being read where no slab is.

The table holds the deepest Global CMT solution (1976 to 1981 and 2005 to 2016; Ekstrom et al. 2012,
doi:10.1016/j.pepi.2012.04.002) within four degrees of each node, `python -m training deepest` writes it.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats

TABLE: Final = Path(__file__).with_name("maximum_depth.npz")
STEP_DEG: Final = 3.0


@cache
def maximum_depth_table() -> NDArray[np.uint16]:
    """Kilometers [60, 120], rows from the south pole, columns from 180 degrees west, nodes in the middle of cells; not to be written to."""
    with np.load(TABLE, allow_pickle=False) as kept:
        deepest: NDArray[np.uint16] = kept["deepest_km"]
    deepest.setflags(write=False)
    return deepest


def maximum_depth_km(points: Floats) -> Floats:
    """Kilometers [m] beneath unit vectors [m, 3]."""
    rows = np.floor((np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0))) + 90.0) / STEP_DEG).astype(np.int64)
    columns = np.floor((np.degrees(np.arctan2(points[:, 1], points[:, 0])) + 180.0) / STEP_DEG).astype(np.int64)
    height, width = maximum_depth_table().shape
    return np.asarray(maximum_depth_table()[np.minimum(rows, height - 1), columns % width], np.float64)
