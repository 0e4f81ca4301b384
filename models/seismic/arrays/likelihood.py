"""
What plane waves across arrays say of an epicenter: their direction, and by their slowness, whichever wave they are, the distance.

A front may be any of several waves (`SHARES`), another one that came the short way or the long way around, or nothing of the
source's at all. So direction is what it mainly tells, and distances stand for the waves that fit.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.arrays.plane_waves import MAX_SLOWNESS_S_DEG, PlaneWave
from models.seismic.earth.travel_times import DISTANCES_DEG, travel_time_curve
from models.seismic.geodesy import geocentric_latitude_deg, geographic, unit_vectors
from models.seismic.location.posterior import EpicenterRegion, PosteriorNodes, summarize_region
from models.seismic.location.sphere_grid import points_at_offsets, sphere_grid

Prior = Callable[[Floats], Floats]

SHARES: Final = {"P": 0.25, "S": 0.2, "PP": 0.08, "PKP": 0.04, "PKPbc": 0.03, "PKPab": 0.03}
OTHERS: Final = ((0.12, 2.0, 24.0, 1.0), (0.18, 25.0, 38.0, 1.0), (0.03, 2.0, 24.0, -1.0), (0.03, 25.0, 38.0, -1.0))
"""Shares of other body waves and of surface waves, from and to which slowness, the short way (1) or the long one (-1)."""
OUTLIER_PROBABILITY: Final = 0.1  # how often a front is none of the source's, or scattered on its way
USUAL_DEPTH_KM: Final = 35.0
SLOWNESS_ERROR: Final = 0.3  # of ak135's, at another depth too
BENT_SHARE: Final = 0.3  # of the slowness, where the source is no farther than the array is wide
NEAR_RADII: Final = 2.0  # of an array: waves from nearer than this are not plane, so that a front is no evidence against them
EDGE: Final = float(np.log(0.01))  # a region ends where the density falls below a hundredth of the highest
MAX_REGIONS: Final = 8
WIDE_DEG: Final = 3.0  # a region with a smaller deviation than this is looked at on a grid of its own
COUNT, REACH = 21, 4.0  # nodes of such a grid along each axis, and how many deviations out


@cache
def phase_slowness_s_deg(phase: str) -> Floats:
    """Seconds a degree [distances] of a phase, NaN where it does not arrive."""
    return np.asarray(np.gradient(travel_time_curve(phase, USUAL_DEPTH_KM).astype(np.float64), DISTANCES_DEG))


def log_likelihood(fronts: Sequence[PlaneWave], nodes: Floats) -> Floats:
    """Logarithm of how much likelier [m] the fronts are from sources at geocentric unit vectors [m, 3] than from anywhere."""
    return np.asarray(sum((_of_one(front, nodes) for front in fronts), np.zeros(len(nodes))))


def _of_one(front: PlaneWave, nodes: Floats) -> Floats:
    east = np.array([-front.center[1], front.center[0], 0.0])
    east /= max(float(np.linalg.norm(east)), 1e-12)
    towards = np.stack((nodes @ east, nodes @ np.cross(front.center, east)), axis=1)
    away = np.degrees(np.arctan2(np.linalg.norm(towards, axis=1), nodes @ front.center))
    along = -towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    density = np.zeros(len(nodes))
    for slowness, covariance, share in zip(front.slownesses, front.covariances, front.shares, strict=True):
        bent = (BENT_SHARE * np.hypot(*slowness) * np.minimum(front.radius_deg / np.maximum(away, 1e-3), 1.0)) ** 2
        density += share * _one_slowness(slowness, covariance, bent, (away, along))
    said = np.log(OUTLIER_PROBABILITY + (1.0 - OUTLIER_PROBABILITY) * density * np.pi * MAX_SLOWNESS_S_DEG**2)
    return np.where(away < NEAR_RADII * front.radius_deg, np.maximum(said, 0.0), said)


def _one_slowness(slowness: Floats, covariance: Floats, bent: Floats, seen: tuple[Floats, Floats]) -> Floats:
    """Density [m] of a slowness vector, per square second a degree, whichever wave it is."""
    away, along = seen
    across = np.stack((-along[:, 1], along[:, 0]), axis=1)
    variance, cross_variance = (np.einsum("mi,ij,mj->m", axis, covariance, axis) + bent for axis in (along, across))
    radial, transverse = along @ slowness, across @ slowness
    sideways = np.exp(-0.5 * transverse**2 / cross_variance) / np.sqrt(2.0 * np.pi * cross_variance)
    variance = variance + SLOWNESS_ERROR**2
    lengthwise = np.zeros(len(away))
    for phase, share in SHARES.items():
        off = radial - np.interp(away, DISTANCES_DEG, phase_slowness_s_deg(phase))
        lengthwise += share * np.nan_to_num(np.exp(-0.5 * off**2 / variance) / np.sqrt(2.0 * np.pi * variance))
    for share, low, high, way in OTHERS:
        lengthwise += share * ((way * radial >= low) & (way * radial <= high)) / (high - low)
    return np.asarray(lengthwise * sideways)


def regions_of_density(prior: Prior) -> list[EpicenterRegion]:
    """Every region of a density over the sphere that matters, likeliest first."""
    sphere = sphere_grid()
    nodes = unit_vectors(geocentric_latitude_deg(sphere.latitudes), sphere.longitudes)
    density = prior(nodes)
    inside = np.flatnonzero(density > density.max() + EDGE)
    labels = sphere.regions(inside)
    clouds = [_cloud(prior, nodes[inside[labels == label]], density[inside[labels == label]]) for label in range(int(labels.max()) + 1)]
    clouds = sorted(clouds, key=lambda cloud: -float(np.logaddexp.reduce(cloud.log_mass)))[:MAX_REGIONS]
    masses = np.array([np.logaddexp.reduce(cloud.log_mass) for cloud in clouds])
    shares = np.exp(masses - np.logaddexp.reduce(masses))
    return [summarize_region(cloud, share) for cloud, share in zip(clouds, shares.tolist(), strict=True)]


def _cloud(prior: Prior, nodes: Floats, density: Floats) -> PosteriorNodes:
    """The posterior about the highest of some nodes a degree apart, on a finer grid where it is narrow."""
    top = nodes[int(np.argmax(density))]
    cloud = PosteriorNodes(geographic(top), _from(top, nodes), density)
    covariance = cloud.covariance + 0.1 * np.eye(2)
    if np.linalg.eigvalsh(covariance)[0] > WIDE_DEG**2:
        return cloud
    axes, steps = np.linalg.cholesky(covariance), np.linspace(-REACH, REACH, COUNT)
    offsets = np.column_stack((np.repeat(steps, COUNT), np.tile(steps, COUNT))) @ axes.T
    cell = np.linalg.det(axes) * (steps[1] - steps[0]) ** 2 * np.maximum(np.sinc(np.hypot(*offsets.T) / 180.0), 1e-9)
    finer = points_at_offsets(top, offsets[:, 0], offsets[:, 1])
    found = prior(finer)
    best = int(np.argmax(found))
    return PosteriorNodes(geographic(finer[best]), offsets - offsets[best], found + np.log(cell))


def _from(point: Floats, nodes: Floats) -> Floats:
    """East and north of a unit vector in degrees [m, 2], true in distance and direction."""
    east = np.array([-point[1], point[0], 0.0]) / max(float(np.hypot(point[0], point[1])), 1e-12)
    flat = np.stack((nodes @ east, nodes @ np.cross(point, east)), axis=1)
    size = np.linalg.norm(flat, axis=1)
    reach = np.degrees(np.arctan2(size, nodes @ point))
    return np.asarray(flat * (reach / np.maximum(size, 1e-12))[:, None])
