"""Standard deviations of single distances once the epicenter is known: of the epicentral distance itself, and of what a trace predicted."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.location.regions import NORMAL_AXIS, EpicenterRegion

SPHERE_DEVIATION_DEG: Final = float(np.degrees(np.sqrt(np.pi**2 / 4.0 - 2.0)))
"""Standard deviation of the distance of points distributed evenly over the sphere: nothing is known beyond."""


def find_distance_deviations(region: EpicenterRegion, azimuths_deg: ArrayLike) -> Floats:
    """
    Find the standard deviations [n] in degrees of the distances from an uncertain epicenter to stations.

    The epicenter moves the distance of a station by its component along the azimuth to it, so the deviation is that of the region along
    the azimuth: `sqrt((a cos t)² + (b sin t)²) / 1.51` with the semi-axes a and b of the 68 % ellipse and the angle t between the azimuth
    and the major axis. At most 39.2 degrees, as for an epicenter anywhere on the sphere.

    Parameters
    ----------
    region : EpicenterRegion
        The located epicenter.
    azimuths_deg : [n]
        Azimuths from the epicenter to the stations, clockwise from north; NaN gives NaN.

    """
    angles = np.radians(np.asarray(azimuths_deg, np.float64) - region.ellipse_azimuth_deg)
    along, across = region.semi_major_km * np.cos(angles), region.semi_minor_km * np.sin(angles)
    return np.minimum(np.hypot(along, across) / (NORMAL_AXIS * KM_PER_DEGREE), SPHERE_DEVIATION_DEG)


def widen_deviations(deviations_deg: ArrayLike, residuals_deg: ArrayLike, epicenter_deviations_deg: ArrayLike) -> Floats:
    """
    Widen the standard deviations [n] of predicted distances that the located epicenter contradicts.

    Where a residual r exceeds the joint deviation `sqrt(d² + e²)` of prediction (d) and epicentral distance (e), the deviation becomes
    `sqrt(r² - e²)`, which makes the residual one joint deviation. It is the most probable deviation, of those not below d, for the one
    residual that is known: Birge's ratio (1932, doi 10.1103/PhysRev.40.207) for a single datum. A residual of NaN, where the
    distance from the epicenter is not known, leaves the deviation as it is.
    """
    deviations, residuals, others = (np.asarray(values, np.float64) for values in (deviations_deg, residuals_deg, epicenter_deviations_deg))
    unexplained = np.sqrt(np.maximum(residuals**2 - others**2, 0.0))
    return np.where(np.isfinite(unexplained), np.maximum(deviations, unexplained), deviations)
