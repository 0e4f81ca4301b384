"""
Great circles on the sphere: distance, azimuth, destination, azimuthal gap. All in degrees, vectorized by broadcasting.

Distances and azimuths take latitudes as they are given, as of a sphere. Where the ellipticity of the Earth matters, convert to
geocentric latitudes first: `geocentric_latitude_deg`, `geocentric`, and back by `geographic`.
"""

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Floats

KM_PER_DEGREE = 111.195
WGS84_FLATTENING = 1.0 / 298.257223563
GEOCENTRIC_TANGENT_RATIO = (1.0 - WGS84_FLATTENING) ** 2  # tangent of the geocentric latitude over that of the geographic one


def distance_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Floats:
    """Compute the angular distance, 0 to 180; accurate for neighbors and antipodes alike (arc tangent form after Vincenty 1975)."""
    east, north, radial = _local_components(latitude1, longitude1, latitude2, longitude2)
    return np.asarray(np.degrees(np.arctan2(np.hypot(east, north), radial)))


def azimuth_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Floats:
    """Compute the azimuth at point 1 (the source) of point 2 (the station), clockwise from north, 0 to 360; 0 for equal points."""
    east, north, _ = _local_components(latitude1, longitude1, latitude2, longitude2)
    return _wrap_azimuth(np.degrees(np.arctan2(east, north)))


def back_azimuth_deg(latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike) -> Floats:
    """Compute the azimuth at point 2 (the station) of point 1 (the source), clockwise from north, 0 to 360."""
    return azimuth_deg(latitude2, longitude2, latitude1, longitude1)


def offsets_deg(latitude: float, longitude: float, latitudes: ArrayLike, longitudes: ArrayLike) -> Floats:
    """Compute offsets [..., 2] east and north of a point, true in distance and azimuth from it (azimuthal equidistant)."""
    distance = distance_deg(latitude, longitude, latitudes, longitudes)
    azimuth = np.radians(azimuth_deg(latitude, longitude, latitudes, longitudes))
    return np.stack((distance * np.sin(azimuth), distance * np.cos(azimuth)), axis=-1)


def destination(latitude: ArrayLike, longitude: ArrayLike, azimuth: ArrayLike, distance: ArrayLike) -> tuple[Floats, Floats]:
    """Compute latitude and longitude (-180 to 180) of the point at an azimuth and distance from another."""
    phi, alpha, delta = (np.radians(np.asarray(angle, np.float64)) for angle in (latitude, azimuth, distance))
    along = np.cos(phi) * np.cos(delta) - np.sin(phi) * np.sin(delta) * np.cos(alpha)
    across = np.sin(delta) * np.sin(alpha)
    up = np.sin(phi) * np.cos(delta) + np.cos(phi) * np.sin(delta) * np.cos(alpha)
    end_longitude = np.asarray(longitude, np.float64) + np.degrees(np.arctan2(across, along))
    return np.asarray(np.degrees(np.arctan2(up, np.hypot(along, across)))), wrap_longitude_deg(end_longitude)


def lay_hexagon(latitude_deg: float, longitude_deg: float, radius_deg: float, step_deg: float) -> Floats:
    """Lay a hexagonal grid around a point: latitudes and longitudes [m, 2] in degrees, the point itself first."""
    rings = round(radius_deg / step_deg)
    rows = [(x + 0.5 * y, y * np.sqrt(0.75)) for x in range(-rings, rings + 1) for y in range(-rings, rings + 1) if abs(x + y) <= rings]
    offsets = step_deg * np.array(sorted(rows, key=lambda row: np.hypot(*row)))
    places = destination(latitude_deg, longitude_deg, np.degrees(np.arctan2(offsets[:, 0], offsets[:, 1])), np.hypot(*offsets.T))
    return np.stack(places, axis=1)


def azimuthal_gap_deg(azimuths: ArrayLike) -> float:
    """Compute the largest angle between neighboring azimuths; NaN are left out, and fewer than two azimuths leave 360."""
    wrapped = np.asarray(azimuths, np.float64).ravel()
    wrapped = np.sort(_wrap_azimuth(wrapped[np.isfinite(wrapped)]))
    if len(wrapped) == 0:
        return 360.0
    return float(np.max(np.diff(wrapped, append=wrapped[0] + 360.0)))


def unit_vectors(latitudes: ArrayLike, longitudes: ArrayLike) -> Floats:
    """Convert latitudes and longitudes to points on the unit sphere [..., 3]."""
    phi, lam = np.broadcast_arrays(np.radians(np.asarray(latitudes, np.float64)), np.radians(np.asarray(longitudes, np.float64)))
    return np.stack((np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)), axis=-1)


def latitude_longitude_deg(vector: Floats) -> tuple[float, float]:
    """Convert a vector [3] to latitude and longitude on the sphere; the inverse of `unit_vectors`."""
    latitude = np.degrees(np.arctan2(vector[2], np.hypot(vector[0], vector[1])))
    return float(latitude), float(np.degrees(np.arctan2(vector[1], vector[0])))


def wrap_longitude_deg(longitudes: ArrayLike) -> Floats:
    """Wrap longitudes to the range from -180 (included) to 180."""
    return np.asarray((np.asarray(longitudes, np.float64) + 180.0) % 360.0 - 180.0)


def geocentric_latitude_deg(geographic_latitude: ArrayLike) -> Floats:
    """Convert geographic latitudes on WGS84 to geocentric ones (of the radius vector); they differ by up to 0.19 degrees."""
    phi = np.radians(np.asarray(geographic_latitude, np.float64))
    return np.asarray(np.degrees(np.arctan2(GEOCENTRIC_TANGENT_RATIO * np.sin(phi), np.cos(phi))))


def geocentric(latitude_deg: float, longitude_deg: float) -> Floats:
    """Convert a geographic latitude and longitude to a unit vector [3] at the geocentric latitude."""
    return unit_vectors(geocentric_latitude_deg(latitude_deg), longitude_deg)


def geographic(point: Floats) -> tuple[float, float]:
    """Convert a geocentric unit vector [3] to geographic latitude and longitude."""
    equatorial = np.hypot(point[0], point[1]) * GEOCENTRIC_TANGENT_RATIO
    return float(np.degrees(np.arctan2(point[2], equatorial))), float(np.degrees(np.arctan2(point[1], point[0])))


def geographic_vectors(nodes: Floats) -> Floats:
    """Convert unit vectors [m, 3] at geocentric latitudes to unit vectors at geographic ones."""
    vectors = nodes * (GEOCENTRIC_TANGENT_RATIO, GEOCENTRIC_TANGENT_RATIO, 1.0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors)


def _local_components(
    latitude1: ArrayLike, longitude1: ArrayLike, latitude2: ArrayLike, longitude2: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    """Components of point 2 (on the unit sphere) east, north and radially outward at point 1."""
    phi1, lam1, phi2, lam2 = (np.radians(np.asarray(angle, np.float64)) for angle in (latitude1, longitude1, latitude2, longitude2))
    difference = lam2 - lam1
    east = np.cos(phi2) * np.sin(difference)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(difference)
    radial = np.sin(phi1) * np.sin(phi2) + np.cos(phi1) * np.cos(phi2) * np.cos(difference)
    return east, north, radial


def _wrap_azimuth(degrees: ArrayLike) -> Floats:
    """Wrap angles to the range from 0 to 360, 360 excluded (a tiny negative angle would round up to it)."""
    wrapped = np.asarray(np.mod(degrees, 360.0))
    return np.where(wrapped >= 360.0, 0.0, wrapped)
