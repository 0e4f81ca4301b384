"""
Excitation of fundamental Rayleigh and Love waves at a period of 15 s by moment tensors, from a table of eigenfunctions in three crusts.

After Aki & Richards (2002, equations 7.148 and 7.150). `training.lookup_tables.surface_wave_excitation` writes the table.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.array_types import Floats

EXCITATION_FILE: Final = Path(__file__).with_name("surface_wave_excitation.npz")
EXCITATION_PERIOD_S: Final = 15.0
EXCITATION_DEPTHS_KM: Final[Floats] = np.arange(0.0, 81.0, 2.0)


@cache
def excitation_table() -> Floats:
    """
    Return the eigenfunctions [crusts, 6, depths] at `EXCITATION_DEPTHS_KM`, in one unit for both waves.

    Rayleigh waves: horizontal strain, vertical displacement, shear strain, vertical strain; Love waves: horizontal and vertical shear.
    """
    with np.load(EXCITATION_FILE, allow_pickle=False) as table:
        return np.asarray(table["eigenfunctions"], np.float64)


def excite_waves(tensors: Floats, depths_km: Floats, crusts: Floats, azimuths_rad: Floats) -> tuple[Floats, Floats]:
    """
    Compute amplitudes of vertical Rayleigh and of Love waves [sources, azimuths], both in one unit.

    Parameters
    ----------
    tensors : float [sources, 6]
        Moment tensors: nn, ee, dd, ne, nd, ed (north, east, down).
    depths_km : float [sources]
        At most 80 km.
    crusts : float [sources]
        Uniform numbers from 0 to 1, which choose a crust of the table.
    azimuths_rad : float [azimuths]
        From the source, clockwise from north.

    """
    table = excitation_table()
    rows = table[np.minimum((np.asarray(crusts) * len(table)).astype(int), len(table) - 1)]
    position = np.clip(depths_km / EXCITATION_DEPTHS_KM[1], 0.0, len(EXCITATION_DEPTHS_KM) - 1.001)
    low, numbers = position.astype(int), np.arange(len(rows))
    fraction = (position - low)[:, None]
    values = (1.0 - fraction) * rows[numbers, :, low] + fraction * rows[numbers, :, low + 1]
    horizontal, _, shear, vertical, love, love_shear = values.T[:, :, None]
    nn, ee, dd, ne, nd, ed = tensors.T[:, :, None]
    cosine, sine = np.cos(azimuths_rad), np.sin(azimuths_rad)
    along = horizontal * (nn * cosine**2 + 2.0 * ne * sine * cosine + ee * sine**2) + vertical * dd
    across = love * ((nn - ee) * sine * cosine + ne * (sine**2 - cosine**2))
    return np.hypot(along, shear * (nd * cosine + ed * sine)), np.hypot(across, love_shear * (nd * sine - ed * cosine))
