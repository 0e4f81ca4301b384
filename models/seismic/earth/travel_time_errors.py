"""
How far to trust a travel time: which phases a network hears, and how far ak135 is from the Earth.

Stations are unit vectors [n, 3] at geocentric latitudes, `between_deg` [n, n] their distances, `apart_deg` [n] the typical one.
"""

from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.earth.travel_times import travel_time_s

PICK_PROBABILITY: Final = {"P": 1.0, "PKP": 0.8, "PKPbc": 0.7, "PKPab": 0.6, "S": 0.7, "pP": 0.5, "sP": 0.4, "PP": 0.5}
"""How often a phase is among the onsets where P would be, and the network hears it at all."""

FIRST_PHASES: Final = ("P", "PKP", "PKPbc", "PKPab")

DETECTION_PROBABILITY: Final = {
    "P": ((0.0, 95.0, 105.0), (0.95, 0.95, 0.3)),
    "PKP": ((105.0, 140.0, 145.0), (0.3, 0.3, 0.8)),
    "PKPbc": ((143.0,), (0.8,)),
    "PKPab": ((143.0, 170.0), (0.7, 0.4)),
    "S": ((95.0, 105.0), (0.8, 0.3)),
    "pP": ((30.0,), (0.5,)),
    "sP": ((30.0,), (0.4,)),
    "PP": ((60.0,), (0.5,)),
}
"""
How likely a network hears a phase at all, by distance in degrees: P weakens along the core, PKP is weak before its caustic.

Radiation, attenuation and noise are much the same all over a network, so that a phase that no trace shows was missed once.
"""

MODEL_ERRORS: Final = {"P": 1.0, "PKP": 1.0, "PKPbc": 1.2, "PKPab": 1.5, "S": 2.2, "pP": 1.3, "sP": 1.5, "PP": 1.5}
"""How much less well than P a phase's time is known; S as much as its time is longer and Vp/Vs varies."""

STATION_ERROR_S: Final = 0.4
PATH_ERROR: Final = 0.03  # of the travel time, crust and top of the mantle against ak135
REGIONAL_ERROR_S: Final = 2.5  # what it comes to at most, where waves run along the top of the mantle (to 20 degrees),
TELESEISMIC_ERROR_S: Final = 1.4  # and where they dive through it (from 30 degrees)
SHARED_PATH_DEG: Final = 10.0  # paths to stations closer than this share most of their error


def shared_path_deg(reach_deg: Floats) -> Floats:
    """How far apart [n] stations may be whose paths from sources at about `reach_deg` [n] are nearly one."""
    return np.asarray(np.clip(reach_deg / 3.0, 0.05, SHARED_PATH_DEG))


def phase_error_s(phase: str, apart_deg: Floats, reach_deg: Floats, depth_km: float, tilting: float | None = None) -> Floats:
    """
    One standard deviation [n] of a phase's time against ak135, in seconds.

    A share of the travel time near the source, a second and more far away. What stations that stand closely together as seen
    from the source have in common of P, the origin time takes up, but not what they have in common of a later phase.
    """
    seconds = np.nan_to_num(travel_time_s("P", reach_deg, depth_km), nan=1e4)
    most = np.interp(reach_deg, (20.0, 30.0), (REGIONAL_ERROR_S, TELESEISMIC_ERROR_S))
    path = np.fmin(PATH_ERROR * seconds, most)
    own = (independent_fraction(reach_deg, apart_deg) if tilting is None else tilting) if phase in FIRST_PHASES else 1.0
    return np.asarray(MODEL_ERRORS[phase] * (STATION_ERROR_S + path * own))


def correlated_slowness_error(stations: Floats, between_deg: Floats, reach_deg: Floats) -> float:
    """
    By how much (a factor on a path's error) errors that neighbors share tilt the arrivals across the network.

    Errors of stations by themselves average out over many, shared ones do not: a field correlated over `shared_path_deg` turns a
    front, and moves a source, as independent errors of this size would (along the network's longest axis).
    """
    shared = np.exp(-between_deg / shared_path_deg(np.atleast_1d(np.median(reach_deg))))
    along = np.linalg.svd(stations - stations.mean(axis=0), full_matrices=False)[0][:, 0]
    return float(np.sqrt(along @ shared @ along))


def independent_fraction(reach_deg: Floats, apart_deg: Floats) -> Floats:
    """The share [n] of a path's error that a station has to itself."""
    return np.asarray(1.0 - np.exp(-apart_deg / shared_path_deg(reach_deg)))
