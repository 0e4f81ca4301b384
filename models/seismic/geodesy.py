"""
Great circles on the sphere: distance, azimuth, destination, gap. Everything in degrees and vectorized by broadcasting.

Latitudes are taken as they stand (geographic on the sphere); `geocentric_latitude_deg` converts where ellipticity matters.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

KM_PER_DEGREE = 111.195
WGS84_FLATTENING = 1.0 / 298.257223563
FLATTER = (1.0 - WGS84_FLATTENING) ** 2  # of the equatorial axes of a geocentric vector, and it is geographic

Degrees = NDArray[np.float64]


def distance_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Degrees:
    """Angular distance, 0 to 180; accurate for neighbors and antipodes alike (arc tangent form after Vincenty 1975)."""
    east, north, radial = _seen_from(latitude1, longitude1, latitude2, longitude2)
    return np.asarray(np.degrees(np.arctan2(np.hypot(east, north), radial)))


def azimuth_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Degrees:
    """Direction at point 1 towards point 2, clockwise from north, 0 to 360; 0 where the points coincide."""
    east, north, _ = _seen_from(latitude1, longitude1, latitude2, longitude2)
    return _turn(np.degrees(np.arctan2(east, north)))


def back_azimuth_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Degrees:
    """Direction at point 2 (the station) towards point 1 (the source), clockwise from north, 0 to 360."""
    return azimuth_deg(latitude2, longitude2, latitude1, longitude1)


def destination(latitude: ArrayLike, longitude: ArrayLike, azimuth: ArrayLike, distance: ArrayLike) -> tuple[Degrees, Degrees]:
    """Latitude and longitude (-180 to 180) reached from a point along an azimuth after a distance, all in degrees."""
    phi, alpha, delta = (np.radians(np.asarray(angle, np.float64)) for angle in (latitude, azimuth, distance))
    along = np.cos(phi) * np.cos(delta) - np.sin(phi) * np.sin(delta) * np.cos(alpha)
    across = np.sin(delta) * np.sin(alpha)
    up = np.sin(phi) * np.cos(delta) + np.cos(phi) * np.sin(delta) * np.cos(alpha)
    end_longitude = np.asarray(longitude, np.float64) + np.degrees(np.arctan2(across, along))
    return np.asarray(np.degrees(np.arctan2(up, np.hypot(along, across)))), wrap_longitude_deg(end_longitude)


def azimuthal_gap_deg(azimuths: ArrayLike) -> float:
    """Largest angle without a station; azimuths that are NaN are left out, fewer than two leave 360."""
    turned = np.asarray(azimuths, np.float64).ravel()
    turned = np.sort(_turn(turned[np.isfinite(turned)]))
    if len(turned) == 0:
        return 360.0
    return float(np.max(np.diff(turned, append=turned[0] + 360.0)))


def unit_vectors(latitudes: ArrayLike, longitudes: ArrayLike) -> Degrees:
    """Points on the unit sphere [..., 3], without unit."""
    phi, lam = np.broadcast_arrays(np.radians(np.asarray(latitudes, np.float64)), np.radians(np.asarray(longitudes, np.float64)))
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=-1)


def wrap_longitude_deg(longitudes: ArrayLike) -> Degrees:
    """Longitudes from -180 (included) to 180."""
    return np.asarray((np.asarray(longitudes, np.float64) + 180.0) % 360.0 - 180.0)


def geocentric_latitude_deg(geographic: ArrayLike) -> Degrees:
    """Latitude of the radius vector for a geographic latitude on WGS84; they differ by up to 0.19 degrees."""
    phi = np.radians(np.asarray(geographic, np.float64))
    return np.asarray(np.degrees(np.arctan2((1.0 - WGS84_FLATTENING) ** 2 * np.sin(phi), np.cos(phi))))


def geocentric(latitude_deg: float, longitude_deg: float) -> Degrees:
    """Unit vector at the geocentric latitude of a place."""
    return unit_vectors(geocentric_latitude_deg(latitude_deg), longitude_deg)


def geographic(point: Degrees) -> tuple[float, float]:
    """Latitude and longitude in degrees of a geocentric unit vector."""
    flat = np.hypot(point[0], point[1]) * FLATTER
    return float(np.degrees(np.arctan2(point[2], flat))), float(np.degrees(np.arctan2(point[1], point[0])))


def _seen_from(
    latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike
) -> tuple[Degrees, Degrees, Degrees]:
    """Point 2 in the east, north and radial directions of point 1 (unit sphere)."""
    phi1, lam1, phi2, lam2 = (np.radians(np.asarray(angle, np.float64)) for angle in (latitude1, longitude1, latitude2, longitude2))
    turn = lam2 - lam1
    east = np.cos(phi2) * np.sin(turn)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(turn)
    radial = np.sin(phi1) * np.sin(phi2) + np.cos(phi1) * np.cos(phi2) * np.cos(turn)
    return east, north, radial


def _turn(degrees: ArrayLike) -> Degrees:
    """Angles from 0 to 360, 360 itself excluded (a tiny negative angle would round up to it)."""
    turned = np.asarray(np.mod(degrees, 360.0))
    return np.where(turned >= 360.0, 0.0, turned)
