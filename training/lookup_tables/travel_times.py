"""
The table of travel times of ak135, computed by TauP: `models/seismic/earth/travel_times.npz`.

Crotwell, Owens & Ritsema 1999, doi:10.1785/gssrl.70.2.154; Kennett, Engdahl & Buland 1995, doi:10.1111/j.1365-246X.1995.tb03540.x.
"""

from pathlib import Path

import numpy as np
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase

from models.array_types import Floats
from models.seismic.earth.travel_times import DEPTHS_KM, DISTANCES_DEG, STORED_PHASES, TRAVEL_TIME_FILE

# TauP's branches of each phase, and the range of distances at which it is observed.
BRANCHES: dict[str, tuple[tuple[str, ...], float, float]] = {
    "P": (("p", "P", "Pn", "Pdiff"), 0.0, 125.0),
    "PKP": (("PKIKP", "PKiKP"), 105.0, 180.0),
    "PKPbc": (("PKP",), 143.0, 155.0),
    "PKPab": (("PKP",), 143.0, 178.0),
    "S": (("s", "S", "Sn", "Sdiff"), 0.0, 115.0),
    "pP": (("pP",), 20.0, 100.0),
    "sP": (("sP",), 20.0, 100.0),
    "PP": (("PP",), 40.0, 180.0),
    "pPKP": (("pPKIKP", "pPKiKP"), 105.0, 180.0),
    "sPKP": (("sPKIKP", "sPKiKP"), 105.0, 180.0),
    "PcP": (("PcP",), 0.0, 95.0),
}


# Phases of which the last branch is tabulated where several arrive; of all others the first.
LAST = ("PKPab",)


def write_travel_times(model: str = "ak135", path: Path = TRAVEL_TIME_FILE) -> Path:
    """Write the travel times int32 [phases, depths, distances] in milliseconds, -1 without an arrival; returns the path."""
    seconds = np.full((len(STORED_PHASES), len(DEPTHS_KM), len(DISTANCES_DEG)), np.nan)
    taup = TauPyModel(model).model
    for k, depth_km in enumerate(DEPTHS_KM):
        corrected = taup.depth_correct(float(depth_km))
        for row, phase in enumerate(STORED_PHASES):
            names, near, far = BRANCHES[phase]
            chosen = np.fmax if phase in LAST else np.fmin
            curve = chosen.reduce([interpolate_arrivals(SeismicPhase(name, corrected), chosen) for name in names])
            inside = (near <= DISTANCES_DEG) & (far >= DISTANCES_DEG)
            seconds[row, k, inside] = curve[inside]
    milliseconds = np.where(np.isfinite(seconds), np.round(1000.0 * seconds), -1).astype(np.int32)
    np.savez_compressed(path, milliseconds=milliseconds)
    return path


def interpolate_arrivals(phase: SeismicPhase, chosen: np.ufunc = np.fmin) -> Floats:
    """Interpolate travel times [s] of a phase at all tabulated distances, of its first branch (np.fmax: the last); NaN without any."""
    times = np.full(len(DISTANCES_DEG), np.nan)
    ray_deg, seconds, slope = np.degrees(phase.dist), np.asarray(phase.time), np.radians(phase.ray_param)
    for i in range(len(ray_deg) - 1):
        ends = ray_deg[i : i + 2]
        for at in (DISTANCES_DEG, 360.0 - DISTANCES_DEG):
            inside = (at >= ends.min()) & (at <= ends.max())
            if ends[0] != ends[1] and inside.any():
                times[inside] = chosen(times[inside], _interpolate_cubic(at[inside], ends, seconds[i : i + 2], slope[i : i + 2]))
    return times


def _interpolate_cubic(at: Floats, ends: Floats, seconds: Floats, slope: Floats) -> Floats:
    """Interpolate by the cubic with times and slownesses (s/deg) given at both ends."""
    width = ends[1] - ends[0]
    u = (at - ends[0]) / width
    rise = (1.0 + 2.0 * u) * (1.0 - u) ** 2 * seconds[0] + u * u * (3.0 - 2.0 * u) * seconds[1]
    return np.asarray(rise + width * u * (1.0 - u) * ((1.0 - u) * slope[0] - u * slope[1]))
