"""
Phase velocities of Rayleigh waves for serving: `models/seismic/earth/rayleigh_dispersion.npz`, computed by disba from PREM once.

How layers are flattened, and slowed by attenuation, is said in `training.earth.dispersion`.
"""

from pathlib import Path

import numpy as np

from models.seismic.earth.rayleigh_dispersion import DISPERSION_FILE, DISPERSION_PERIODS_S
from training.earth.dispersion import phase_velocity_km_s
from training.earth.structure import PREM


def write_rayleigh_dispersion(deck: str = PREM, path: Path = DISPERSION_FILE) -> Path:
    """Meters a second int32 [periods], fundamental mode, of a deck."""
    velocities = np.array([phase_velocity_km_s(deck, float(period)) for period in DISPERSION_PERIODS_S])
    np.savez_compressed(path, meters_a_second=np.round(1000.0 * velocities).astype(np.int32))
    return path
