"""
Travel times through ak135, from a table that TauP computed (`python -m training travel-times`), and what they may be off by.

Crotwell et al. 1999, doi:10.1785/gssrl.70.2.154; Kennett et al. 1995, doi:10.1111/j.1365-246X.1995.tb03540.x.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Floats, Floats32

TABLE: Final = Path(__file__).with_name("travel_times.npz")
PHASES: Final = ("P", "PKP", "PKPbc", "PKPab", "S", "pP", "sP", "PP")
"""
`P` is the first of p, P, Pn and Pdiff (to 125 degrees), `PKP` of PKIKP and PKiKP, `S` as P.

`PKPbc` is the first of PKP in the outer core, from 143 to 155 degrees, `PKPab` the last.
"""

NEAR_STEP_DEG: Final = 0.05
NEAR_DEG: Final = 5.0
FAR_STEP_DEG: Final = 0.5
NEAR_NODES: Final = 100
DISTANCES_DEG: Final[Floats] = np.concatenate((np.arange(NEAR_NODES) * NEAR_STEP_DEG, np.arange(NEAR_DEG, 180.1, FAR_STEP_DEG)))
"""Fine where the first arrivals near a source are curved."""

DEPTHS_KM: Final[Floats] = np.array(
    (*range(0, 40, 5), 40, *range(50, 80, 10), 80, *range(100, 200, 20), *range(200, 701, 25)),
    np.float64,
)


@cache
def travel_time_table() -> Floats32:
    """Seconds [phases, depths, distances], NaN where there is no arrival; read once, not to be written to."""
    with np.load(TABLE, allow_pickle=False) as kept:
        milliseconds = kept["milliseconds"]
    seconds = np.where(milliseconds < 0, np.nan, milliseconds / 1000.0).astype(np.float32)
    seconds.setflags(write=False)
    return seconds


def travel_time_curve(phase: str, depth_km: float) -> Floats32:
    """Seconds [distances] of a phase from a depth, linear between the table's depths; ValueError for a phase that is not there."""
    rows = travel_time_table()[PHASES.index(phase)]
    depth = min(max(depth_km, 0.0), float(DEPTHS_KM[-1]))
    above = min(int(np.searchsorted(DEPTHS_KM, depth, side="right")) - 1, len(DEPTHS_KM) - 2)
    share = np.float32((depth - DEPTHS_KM[above]) / (DEPTHS_KM[above + 1] - DEPTHS_KM[above]))
    return np.asarray(rows[above] if share == 0.0 else (1.0 - share) * rows[above] + share * rows[above + 1])


def travel_time_s(phase: str, distances_deg: ArrayLike, depth_km: float) -> Floats:
    """Seconds of a phase at distances of any shape, NaN where it does not arrive."""
    return np.interp(np.asarray(distances_deg, np.float64), DISTANCES_DEG, travel_time_curve(phase, depth_km).astype(np.float64))
