"""
Look up how much of a path runs below land, in a grid of one degree.

`training/experiments/coastline.py` draws it from the coastline of the maps (Natural Earth, public domain).
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Flags, Floats
from models.seismic.geodesy import unit_vectors

LAND_FILE: Final = Path(__file__).with_name("land.npz")
CELLS: Final = (180, 360)  # of a degree, from the north pole southward and from the date line eastward
POINTS: Final = 64  # of a path, which lie less than three degrees apart


@cache
def _land() -> Flags:
    with np.load(LAND_FILE, allow_pickle=False) as packed:
        return np.unpackbits(packed["bits"], count=CELLS[0] * CELLS[1]).reshape(CELLS).astype(bool)


def is_land(latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> Flags:
    """Tell whether the middle of the cell of each point is land; latitudes and longitudes in degrees, of one shape."""
    rows = np.clip(np.floor(90.0 - np.asarray(latitudes_deg, np.float64)), 0, CELLS[0] - 1).astype(np.int64)
    columns = np.floor(np.asarray(longitudes_deg, np.float64) + 180.0).astype(np.int64) % CELLS[1]
    return np.asarray(_land()[rows, columns])


def land_shares(latitude_deg: float, longitude_deg: float, latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> Floats:
    """Measure the share of land, 0 to 1, along the great circles from a point to others [n]; between antipodes along any."""
    begin, ends = unit_vectors(latitude_deg, longitude_deg), unit_vectors(latitudes_deg, longitudes_deg)
    across = ends - (ends @ begin)[:, None] * begin
    lengths = np.linalg.norm(across, axis=1)
    across = across / np.maximum(lengths, 1e-12)[:, None]
    along = np.arctan2(lengths, ends @ begin)[:, None] * (np.arange(POINTS) + 0.5) / POINTS
    points = np.cos(along)[..., None] * begin + np.sin(along)[..., None] * across[:, None]
    latitudes, longitudes = (
        np.degrees(np.arcsin(np.clip(points[..., 2], -1.0, 1.0))),
        np.degrees(np.arctan2(points[..., 1], points[..., 0])),
    )
    return np.asarray(is_land(latitudes, longitudes).mean(axis=1))
