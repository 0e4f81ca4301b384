"""Coastlines: Natural Earth 1:50,000,000 (public domain), simplified to 0.04 degrees by `training/experiments/coastline.py`."""

from functools import cache
from pathlib import Path

import numpy as np

from models.array_types import Floats

UNITS_PER_DEG = 100.0


@cache
def coastline() -> tuple[Floats, Floats]:
    """Return latitudes and longitudes [n] in degrees of all coastlines, with NaN after each line; read once a process."""
    with np.load(Path(__file__).with_name("coastline.npz")) as packed:
        points, lengths = packed["points"] / UNITS_PER_DEG, packed["lengths"].astype(np.int64)
    ends = np.insert(points, np.cumsum(lengths), np.nan, axis=0)
    return ends[:, 1].copy(), ends[:, 0].copy()
