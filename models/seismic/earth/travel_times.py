"""
Look up travel times through ak135 in a table computed by TauP, which `training.lookup_tables.travel_times` writes, and of crustal phases.

ak135: Kennett et al. 1995, doi:10.1111/j.1365-246X.1995.tb03540.x; TauP: Crotwell et al. 1999, doi:10.1785/gssrl.70.2.154.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Floats, Floats32
from models.compiled import compiled_sums
from models.seismic.geodesy import KM_PER_DEGREE

TRAVEL_TIME_FILE: Final = Path(__file__).with_name("travel_times.npz")
TABLE_PHASES: Final = ("P", "PKP", "PKPbc", "PKPab", "S", "pP", "sP", "PP")
"""
Phases that sources are searched by.

`P` is the first of p, P, Pn and Pdiff (to 125 degrees), `S` of s, S, Sn and Sdiff (to 115 degrees), and `PKP` of PKIKP and PKiKP.
`PKPbc` (143 to 155 degrees) is the first and `PKPab` the last arrival of PKP through the outer core.
"""
PHASES: Final = (*TABLE_PHASES, "Pg", "Sg")
"""Phases that picks are associated with: those of the search, and waves guided by the crust."""
LATER_PHASES: Final = ("pPKP", "sPKP", "PcP")
"""Later phases that only depth phases need: PKP reflected at the surface above the source, of the branches of `PKP`, and P at the core."""
STORED_PHASES: Final = (*TABLE_PHASES, *LATER_PHASES)
"""Phases of the table, in its order."""
CRUSTAL_VELOCITIES_KM_S: Final = {"Pg": 6.0, "Sg": 3.5}
"""
Velocities of Pg and Sg (or Lg). Group velocities of Pg are 5.8 km/s and more, of Lg 3.5 km/s (Storchak, Schweitzer & Bormann 2003,
doi:10.1785/gssrl.74.6.761); ak135 has 5.8 and 3.46 km/s in the upper crust and 6.5 and 3.85 km/s in the lower one.
"""
MAX_CRUSTAL_DEG: Final = 10.0
MAX_CRUSTAL_DEPTH_KM: Final = 30.0
"""Waves from beneath the crust are not guided by it; ak135's is 35 km thick."""

NEAR_RANGE_DEG: Final = (10.0, 20.0)
"""Distances to which waves stay in the crust and along the top of the mantle, and from which on they hardly cross them."""

FINE_STEP_DEG: Final = 0.05
FINE_RANGE_DEG: Final = 5.0
COARSE_STEP_DEG: Final = 0.5
FINE_NODES: Final = 100
DISTANCES_DEG: Final[Floats] = np.concatenate((np.arange(FINE_NODES) * FINE_STEP_DEG, np.arange(FINE_RANGE_DEG, 180.1, COARSE_STEP_DEG)))
"""Epicentral distances of the table; finely spaced near the source, where travel-time curves bend most."""
DISTANCE_COUNT: Final = len(DISTANCES_DEG)

DEPTHS_KM: Final[Floats] = np.array(
    (*range(0, 40, 5), 40, *range(50, 80, 10), 80, *range(100, 200, 20), *range(200, 701, 25)),
    np.float64,
)
"""Source depths of the table."""


_ROWS: Final = (*STORED_PHASES, *CRUSTAL_VELOCITIES_KM_S)


@cache
def travel_time_table() -> Floats32:
    """Return the travel times in seconds of all phases [phases, depths, distances], NaN without an arrival; read once, read-only."""
    with np.load(TRAVEL_TIME_FILE, allow_pickle=False) as table:
        milliseconds = table["milliseconds"]
    tabulated = np.where(milliseconds < 0, np.nan, milliseconds / 1000.0)
    seconds = np.concatenate((tabulated, [_crustal_times_s(velocity) for velocity in CRUSTAL_VELOCITIES_KM_S.values()])).astype(np.float32)
    seconds.setflags(write=False)
    return seconds


def _crustal_times_s(velocity_km_s: float) -> Floats:
    """Compute the travel times [depths, distances] of a wave along a straight path in the crust; NaN beyond it and beneath it."""
    seconds = np.hypot(DISTANCES_DEG * KM_PER_DEGREE, DEPTHS_KM[:, None]) / velocity_km_s
    guided = (DISTANCES_DEG <= MAX_CRUSTAL_DEG) & (DEPTHS_KM[:, None] <= MAX_CRUSTAL_DEPTH_KM)
    return np.where(guided, seconds, np.nan)


def travel_time_curve(phase: str, depth_km: float) -> Floats32:
    """
    Return the travel-time curve of a phase: seconds at `DISTANCES_DEG`, NaN without an arrival.

    Linear between the table's depths; depths outside of them are clipped. Raises ValueError for a phase that is neither in `PHASES` nor in
    `LATER_PHASES`.
    """
    curves = travel_time_table()[_ROWS.index(phase)]
    depth = min(max(depth_km, 0.0), float(DEPTHS_KM[-1]))
    above = min(int(np.searchsorted(DEPTHS_KM, depth, side="right")) - 1, len(DEPTHS_KM) - 2)
    fraction = np.float32((depth - DEPTHS_KM[above]) / (DEPTHS_KM[above + 1] - DEPTHS_KM[above]))
    return np.asarray(curves[above] if fraction == 0.0 else (1.0 - fraction) * curves[above] + fraction * curves[above + 1])


def near_time_factors(slowness_ratio: float) -> Floats:
    """
    Return the factors [distances] on travel times at `DISTANCES_DEG` of a crust and upper mantle slower or faster than ak135's.

    `slowness_ratio`, their slowness over that of ak135, to `NEAR_RANGE_DEG[0]`, as waves stay in them; from `NEAR_RANGE_DEG[1]` on 1, since
    waves hardly cross them there.
    """
    return 1.0 + (slowness_ratio - 1.0) * np.interp(DISTANCES_DEG, NEAR_RANGE_DEG, (1.0, 0.0))


def travel_time_s(phase: str, distances_deg: ArrayLike, depth_km: float) -> Floats:
    """Return the travel times in seconds of a phase at distances of any shape, NaN where it does not arrive."""
    return np.interp(np.asarray(distances_deg, np.float64), DISTANCES_DEG, travel_time_curve(phase, depth_km).astype(np.float64))


def first_arrival_s(distances_deg: ArrayLike, depth_km: float) -> Floats:
    """Return the travel times in seconds of the first arrival, P or beyond its shadow PKP, at distances of any shape; NaN without one."""
    first = travel_time_s("P", distances_deg, depth_km)
    return np.where(np.isfinite(first), first, travel_time_s("PKP", distances_deg, depth_km))


@compiled_sums
def interpolate_curve(curve: Floats32, distance_deg: float) -> float:
    """
    Interpolate a curve [distances] given at `DISTANCES_DEG` linearly at one distance; NaN beside a NaN.

    For compiled loops: the index follows from the table's two spacings, without a search.
    """
    return interpolate_between(curve, *find_interval(distance_deg))


@compiled_sums
def interpolate_curves(curves: Floats32, distances_deg: Floats) -> Floats:
    """Interpolate curves [c, distances] at n distances, as `interpolate_curve` does: [c, n]."""
    values = np.empty((len(curves), len(distances_deg)))
    for i in range(len(distances_deg)):
        low, fraction = find_interval(distances_deg[i])
        for c in range(len(curves)):
            values[c, i] = interpolate_between(curves[c], low, fraction)
    return values


@compiled_sums
def find_interval(distance_deg: float) -> tuple[int, float]:
    """Find the interval of `DISTANCES_DEG` that a distance lies in: the index of its lower end, and the fraction of it that is before."""
    position = (
        distance_deg / FINE_STEP_DEG if distance_deg < FINE_RANGE_DEG else FINE_NODES + (distance_deg - FINE_RANGE_DEG) / COARSE_STEP_DEG
    )
    low = min(int(position), DISTANCE_COUNT - 2)
    return low, position - low


@compiled_sums
def interpolate_between(curve: Floats32, low: int, fraction: float) -> float:
    """
    Interpolate a curve [distances] linearly at a fraction of the interval from `low` on (`find_interval`).

    On a node only that node counts, so that the end of a phase's range is not lost to the NaN beyond it.
    """
    if fraction <= 0.0:
        return float(curve[low])
    return float(curve[low]) * (1.0 - fraction) + float(curve[low + 1]) * fraction
