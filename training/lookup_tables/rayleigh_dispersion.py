"""
The table of Rayleigh-wave phase velocities, computed by disba from PREM: `models/seismic/earth/rayleigh_dispersion.npz`.

`training.earth.dispersion` describes how layers are flattened and corrected for attenuation.
"""

from pathlib import Path

import numpy as np

from models.seismic.earth.rayleigh_dispersion import DISPERSION_FILE, DISPERSION_PERIODS_S
from training.earth.dispersion import phase_velocity_km_s
from training.earth.structure import PREM, build_deck_rows


def write_rayleigh_dispersion(deck: str = PREM, path: Path = DISPERSION_FILE) -> Path:
    """Write the phase velocities of the fundamental mode of a deck, int32 [periods] in m/s; returns the path."""
    velocities = np.array([phase_velocity_km_s(build_deck_rows(deck), float(period)) for period in DISPERSION_PERIODS_S])
    np.savez_compressed(path, meters_a_second=np.round(1000.0 * velocities).astype(np.int32))
    return path
