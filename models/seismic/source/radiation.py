"""Compiled geometry of a trial source: distances and azimuths of stations, and what a moment tensor or a force radiates toward them."""

import numpy as np

from models.array_types import Floats
from models.compiled import compiled_sums
from models.seismic.source.array_layout import BODY, LOVE, RAYLEIGH


@compiled_sums
def project_tensor(tensor: Floats, azimuth: float, out: Floats) -> None:
    """Project a moment tensor (rr, tt, pp, rt, rp, tp) on the components rr, dd, cc, rd at an azimuth in radians."""
    cosine, sine = np.cos(azimuth), np.sin(azimuth)
    rr, nn, ee = tensor[0], tensor[1], tensor[2]
    rn, re, ne = -tensor[3], tensor[4], -tensor[5]
    out[0] = rr
    out[1] = nn * cosine * cosine + 2.0 * ne * sine * cosine + ee * sine * sine
    out[2] = nn * sine * sine - 2.0 * ne * sine * cosine + ee * cosine * cosine
    out[3] = 2.0 * (rn * cosine + re * sine)


@compiled_sums
def project_force(force: Floats, azimuth: float, out: Floats) -> None:
    """Project a force (up, north, east) on the components z, d at an azimuth in radians."""
    out[0] = force[0]
    out[1] = force[1] * np.cos(azimuth) + force[2] * np.sin(azimuth)


@compiled_sums
def project_mechanism(mechanism: Floats, azimuth: float, out: Floats) -> None:
    """Project a moment tensor [6] or a force [3] on the components of Green's functions."""
    if len(mechanism) == 6:
        project_tensor(mechanism, azimuth, out)
    else:
        project_force(mechanism, azimuth, out)


@compiled_sums
def project_transverse(mechanism: Floats, azimuth: float, out: Floats) -> None:
    """Project a moment tensor [6] on the components rc, dc of transverse records at an azimuth in radians, or a force [3] on c."""
    m, cosine, sine = mechanism, np.cos(azimuth), np.sin(azimuth)
    if len(m) == 6:
        out[0] = 2.0 * (m[4] * cosine + m[3] * sine)
        out[1] = 2.0 * ((m[2] - m[1]) * sine * cosine - m[5] * (cosine * cosine - sine * sine))
    else:
        out[0] = m[2] * cosine - m[1] * sine


@compiled_sums
def project_windows(mechanism: Floats, azimuth: float, out: Floats) -> None:
    """Project a mechanism on the components of Green's functions in each window, `out` [windows, components], unused ones being 0."""
    project_mechanism(mechanism, azimuth, out[BODY])
    out[RAYLEIGH] = out[BODY]
    out[LOVE] = 0.0
    project_transverse(mechanism, azimuth, out[LOVE])


@compiled_sums
def measure_path(place: Floats, station: Floats, out: Floats) -> None:
    """Compute distance in degrees and azimuth in radians from a place to a station, both by latitude and longitude in radians."""
    difference = station[1] - place[1]
    east = np.cos(station[0]) * np.sin(difference)
    north = np.cos(place[0]) * np.sin(station[0]) - np.sin(place[0]) * np.cos(station[0]) * np.cos(difference)
    radial = np.sin(place[0]) * np.sin(station[0]) + np.cos(place[0]) * np.cos(station[0]) * np.cos(difference)
    out[0] = np.degrees(np.arctan2(np.hypot(east, north), radial))
    out[1] = np.arctan2(east, north)
