"""
Look up phase velocities of Rayleigh waves through PREM in a table computed by disba.

`training.lookup_tables.rayleigh_dispersion` writes it.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.array_types import Floats

DISPERSION_FILE: Final = Path(__file__).with_name("rayleigh_dispersion.npz")
DISPERSION_PERIODS_S: Final[Floats] = np.geomspace(20.0, 200.0, 25)
"""Periods of the table."""


@cache
def _slowness_table_s_km() -> Floats:
    with np.load(DISPERSION_FILE, allow_pickle=False) as table:
        return np.asarray(1000.0 / table["meters_a_second"])


def phase_slowness_s_km(frequencies_hz: Floats) -> Floats:
    """
    Return the phase slowness of the fundamental Rayleigh mode in seconds per kilometer, at frequencies of any shape.

    Linear in period; constant beyond the periods of 20 and 200 s.
    """
    return np.interp(1.0 / np.maximum(frequencies_hz, 1e-9), DISPERSION_PERIODS_S, _slowness_table_s_km())
