"""
Estimate how far to trust a predicted travel time: detection probabilities of phases, and errors of ak135 against the Earth.

Station errors are correlated: paths from one source to neighboring stations share most of their error. Here and below, `stations` are
unit vectors [n, 3] at geocentric latitudes, `interstation_deg` [n, n] the distances between stations, `station_spacing_deg` [n] the
typical distance of a station to the others, and `distances_deg` [n] approximate epicentral distances.
"""

from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.earth.travel_times import travel_time_s

PICK_PROBABILITY: Final = {"P": 1.0, "PKP": 0.8, "PKPbc": 0.7, "PKPab": 0.6, "S": 0.7, "pP": 0.5, "sP": 0.4, "PP": 0.5} | {
    "Pg": 1.0,
    "Sg": 0.7,
}
"""Probability that a trace has a pick of the phase, relative to P, if the network detects the phase at all."""

FIRST_PHASES: Final = ("P", "PKP", "PKPbc", "PKPab", "Pg")
"""Phases that can be the first arrival that is picked."""
SHEAR_PHASES: Final = ("S", "Sg")
CRUSTAL_ALTERNATIVES: Final = {"P": "Pg", "S": "Sg"}
"""
Waves guided by the crust, which a trace may have a pick of in place of the weaker wave along the top of the mantle, or besides it: of
either with equal probability.
"""
GUIDED_PHASES: Final = tuple(CRUSTAL_ALTERNATIVES.values())
"""Waves guided by the crust."""

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
Probability that a network detects a phase at all: nodes of distance in degrees, and the probability at each.

P weakens where it is diffracted along the core, PKP is weak before its caustic. One probability for the whole network: radiation,
attenuation and noise vary little across it, so a phase that no trace shows is one miss and not n independent ones.
"""

MODEL_ERROR_FACTORS: Final = {"P": 1.0, "PKP": 1.0, "PKPbc": 1.2, "PKPab": 1.5, "S": 2.2, "pP": 1.3, "sP": 1.5, "PP": 1.5} | {
    "Pg": 1.3,
    "Sg": 2.2,
}
"""Travel-time error of a phase relative to P; that of S is larger by its longer travel time and by the variation of Vp/Vs."""

STATION_ERROR_S: Final = 0.4
"""Standard deviation of the travel-time error beneath a station, independent from station to station."""
SHARED_PATH_DEG: Final = 10.0
"""Correlation length of the path error at teleseismic distances: stations closer than this share most of it."""
PATH_ERROR_FRACTION: Final = 0.03
"""Standard deviation of the path error as a fraction of the P travel time, through crust and uppermost mantle..."""
REGIONAL_ERROR_S: Final = 2.5
"""...but at most this to 20 degrees, where waves travel along the top of the mantle..."""
TELESEISMIC_ERROR_S: Final = 1.4
"""...and this from 30 degrees on, where they dive through it."""
COMMON_ERROR_FRACTION: Final = 0.5
"""
Fraction of the variance of the path error that all stations share, however far apart: that of the crust and upper mantle beneath the
source, which every path begins in. Residuals of P against ak135 scatter by 1.2 s in well recorded events (Engdahl, van der Hilst &
Buland 1998, doi:10.1785/BSSA0880030722), where half of the paths' time in the heterogeneous mantle is near the source.
"""


def shared_path_deg(distances_deg: Floats) -> Floats:
    """Return the correlation length [n] of path errors in degrees between stations: a third of the distance, 0.05 to 10 degrees."""
    return np.asarray(np.clip(distances_deg / 3.0, 0.05, SHARED_PATH_DEG))


def effective_neighbor_count(interstation_deg: Floats, correlation_deg: Floats | float) -> Floats:
    """
    Count the stations [n] that share a path with each station, itself included: the sum of exp(-(distance / correlation_deg)^2 / 2).

    `correlation_deg` is one length for all stations, or one for each [n, 1].
    """
    return np.asarray(np.exp(-0.5 * (interstation_deg / correlation_deg) ** 2).sum(axis=1))


def independent_fraction(distances_deg: Floats, station_spacing_deg: Floats) -> Floats:
    """Return the fraction [n], 0 to 1, of a station's path error that it does not share with its neighbors."""
    return np.asarray(1.0 - np.exp(-station_spacing_deg / shared_path_deg(distances_deg)))


def correlated_slowness_error(stations: Floats, interstation_deg: Floats, distances_deg: Floats) -> float:
    """
    Return the error of the apparent slowness across a network due to spatially correlated path errors, along its longest axis.

    Relative to the error that independent path errors of the same standard deviation would cause. The correlation is exponential over
    `shared_path_deg`. Independent errors average out with the number of stations, correlated ones do not.
    """
    correlation = np.exp(-interstation_deg / shared_path_deg(np.atleast_1d(np.median(distances_deg))))
    along = np.linalg.svd(stations - stations.mean(axis=0), full_matrices=False)[0][:, 0]
    return float(np.sqrt(along @ correlation @ along))


def path_error_s(distances_deg: Floats, depth_km: float) -> Floats:
    """Return the standard deviation [n] of the P travel time due to the path, in seconds; 0.03 of the time up to a maximum."""
    seconds = np.nan_to_num(travel_time_s("P", distances_deg, depth_km), nan=1e4)
    return np.fmin(PATH_ERROR_FRACTION * seconds, np.interp(distances_deg, (20.0, 30.0), (REGIONAL_ERROR_S, TELESEISMIC_ERROR_S)))


def common_time_error_s(interstation_deg: Floats, distances_deg: Floats, depth_km: float) -> float:
    """
    Return the standard deviation of the mean path error of first arrivals over a network, in seconds: the bias of the origin time.

    Path errors correlate exponentially over `shared_path_deg` between neighbors, and by `COMMON_ERROR_FRACTION` between all stations, as
    in Bondar & Storchak 2011 (doi:10.1111/j.1365-246X.2011.05107.x). The origin time absorbs their mean, which no residual shows. Zero
    without stations.
    """
    if not len(distances_deg):
        return 0.0
    path = path_error_s(distances_deg, depth_km)
    neighbors = np.exp(-interstation_deg / shared_path_deg(np.atleast_1d(np.median(distances_deg))))
    correlation = COMMON_ERROR_FRACTION + (1.0 - COMMON_ERROR_FRACTION) * neighbors
    return float(np.sqrt(path @ correlation @ path) / len(path))


def phase_error_s(
    phase: str, station_spacing_deg: Floats, distances_deg: Floats, depth_km: float, slowness_error: float | None = None
) -> Floats:
    """
    Return the standard deviation [n] of a phase's travel time against ak135, in seconds.

    The sum of the station error and of the path error, a fraction of the P travel time up to a maximum, times the phase's factor. Of
    the path error of first arrivals only the independent fraction counts, as the origin time absorbs what all stations share; it does
    not absorb that of later phases.

    Parameters
    ----------
    phase : str
        One of `PHASES`.
    station_spacing_deg, distances_deg : [n]
        As in the module's description.
    depth_km : float
        Source depth.
    slowness_error : float, optional
        Result of `correlated_slowness_error`, used for first arrivals in place of the independent fraction, so that a posterior
        density over epicenters has the width that correlated errors imply.

    """
    path = path_error_s(distances_deg, depth_km)
    factor: Floats | float = 1.0
    if phase in FIRST_PHASES:
        factor = independent_fraction(distances_deg, station_spacing_deg) if slowness_error is None else slowness_error
    return np.asarray(MODEL_ERROR_FACTORS[phase] * (STATION_ERROR_S + path * factor))
