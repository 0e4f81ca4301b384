"""Phase velocities of Rayleigh waves through PREM, from a table that disba computed (`python -m training rayleigh`)."""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.array_types import Floats

TABLE: Final = Path(__file__).with_name("rayleigh_dispersion.npz")
PERIODS_S: Final[Floats] = np.geomspace(20.0, 200.0, 25)


@cache
def _slownesses() -> Floats:
    with np.load(TABLE, allow_pickle=False) as kept:
        return np.asarray(1000.0 / kept["meters_a_second"])


def phase_slowness_s_km(frequencies_hz: Floats) -> Floats:
    """Seconds a kilometer at frequencies of any shape, linear in period; as at its ends beyond 20 to 200 s."""
    return np.interp(1.0 / np.maximum(frequencies_hz, 1e-9), PERIODS_S, _slownesses())
