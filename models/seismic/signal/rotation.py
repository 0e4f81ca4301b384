"""Rotation of horizontal components to north and east."""

from typing import Final

import numpy as np

from models.array_types import Floats32
from models.seismic.waveforms import Horizontals

MIN_ANGLE_DEG: Final = 60.0  # between the two components; below it noise of one leaks into both


def rotate_to_north_east(horizontals: Horizontals | None) -> Floats32 | None:
    """
    Rotate two horizontal components to motion to the north and to the east [2, samples].

    None without components, where an azimuth is unknown (NaN), or where the two are nearly parallel.
    """
    if horizontals is None:
        return None
    first, second = np.radians(horizontals.azimuths_deg)
    if not abs(np.sin(second - first)) >= np.sin(np.radians(MIN_ANGLE_DEG)):  # also where one is NaN
        return None
    rotation = np.linalg.inv(np.array([[np.cos(first), np.sin(first)], [np.cos(second), np.sin(second)]]))
    return np.asarray(rotation.astype(np.float32) @ horizontals.samples)
