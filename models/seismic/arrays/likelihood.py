"""
The likelihood of an epicenter given the slowness vectors of plane waves at arrays.

A plane wave is one of several phases (`PHASE_PROBABILITIES`), another body wave or a surface wave that came along the minor or the
major arc (`OTHER_WAVES`), or does not come from the source at all. So the direction of the slowness vector constrains the back
azimuth, and its size constrains the distance by the phases that have that slowness there.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.arrays.plane_waves import MAX_SLOWNESS_S_DEG, PlaneWave
from models.seismic.earth.travel_times import DISTANCES_DEG, travel_time_curve

PHASE_PROBABILITIES: Final = {"P": 0.25, "S": 0.2, "PP": 0.08, "PKP": 0.04, "PKPbc": 0.03, "PKPab": 0.03}
OTHER_WAVES: Final = ((0.12, 2.0, 24.0, 1.0), (0.18, 25.0, 38.0, 1.0), (0.03, 2.0, 24.0, -1.0), (0.03, 25.0, 38.0, -1.0))
"""Probability, minimum and maximum slowness in s/deg of other body waves and of surface waves, on the minor (1) or major (-1) arc."""
OUTLIER_PROBABILITY: Final = 0.1  # that a plane wave is not of the source, or was scattered on its way
REFERENCE_DEPTH_KM: Final = 35.0
SLOWNESS_ERROR_S_DEG: Final = 0.3  # of ak135, also for sources at other depths
NEAR_SOURCE_ERROR: Final = 0.3  # fraction of the slowness, where the source is no farther than the array's radius: wavefronts are curved
NEAR_RADII: Final = 2.0  # of an array: waves from nearer sources are not plane, so that a plane wave is no evidence against them


@cache
def phase_slowness_s_deg(phase: str) -> Floats:
    """Return the slowness [distances] of a phase in seconds per degree, on the grid of distances; NaN where it does not arrive."""
    return np.asarray(np.gradient(travel_time_curve(phase, REFERENCE_DEPTH_KM).astype(np.float64), DISTANCES_DEG))


@dataclass(frozen=True)
class PlaneWaveLikelihood:
    """The evidence of plane waves about an epicenter; see `SpatialLikelihood`."""

    waves: tuple[PlaneWave, ...]

    def log_likelihood(self, nodes: Floats) -> Floats:
        """Evaluate the log-likelihood ratio [m] of sources at geocentric unit vectors [m, 3] against slowness vectors by chance."""
        return np.asarray(sum((plane_wave_llr(wave, nodes) for wave in self.waves), np.zeros(len(nodes))))


def plane_wave_llr(wave: PlaneWave, nodes: Floats) -> Floats:
    """
    Compute the log-likelihood ratio [m] of one plane wave for sources at geocentric unit vectors [m, 3].

    `log(p + (1 - p) A sum_k w_k f(s_k))`: p is the outlier probability, A the area of the searched slownesses (the density of a
    slowness vector by chance is 1 / A), w_k the weights of the wave's alternative slowness vectors s_k, f their density given the source.
    """
    east = np.array([-wave.center[1], wave.center[0], 0.0])
    east /= max(float(np.linalg.norm(east)), 1e-12)
    tangent = np.stack((nodes @ east, nodes @ np.cross(wave.center, east)), axis=1)
    distances = np.degrees(np.arctan2(np.linalg.norm(tangent, axis=1), nodes @ wave.center))
    propagation = -tangent / np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
    density = np.zeros(len(nodes))
    for slowness, covariance, weight in zip(wave.slownesses, wave.covariances, wave.weights, strict=True):
        nearness = np.minimum(wave.radius_deg / np.maximum(distances, 1e-3), 1.0)
        curvature_variance = (NEAR_SOURCE_ERROR * np.hypot(*slowness) * nearness) ** 2
        density += weight * _slowness_density(slowness, covariance, curvature_variance, distances, propagation)
    llr = np.log(OUTLIER_PROBABILITY + (1.0 - OUTLIER_PROBABILITY) * density * np.pi * MAX_SLOWNESS_S_DEG**2)
    return np.where(distances < NEAR_RADII * wave.radius_deg, np.maximum(llr, 0.0), llr)


def _slowness_density(slowness: Floats, covariance: Floats, extra_variance: Floats, distances: Floats, propagation: Floats) -> Floats:
    """
    Density [m] of a slowness vector, per (s/deg)², marginal over phases, given sources at m nodes.

    Parameters
    ----------
    slowness, covariance : [2], [2, 2]
        East and north in s/deg, pointing where the wave travels.
    extra_variance : [m]
        Added to the covariance in all directions, (s/deg)².
    distances : [m]
        From the array, in degrees.
    propagation : [m, 2]
        Unit vectors, at the array, away from each node.

    """
    across = np.stack((-propagation[:, 1], propagation[:, 0]), axis=1)
    variance, cross_variance = (np.einsum("mi,ij,mj->m", axis, covariance, axis) + extra_variance for axis in (propagation, across))
    radial, transverse = propagation @ slowness, across @ slowness
    transverse_density = np.exp(-0.5 * transverse**2 / cross_variance) / np.sqrt(2.0 * np.pi * cross_variance)
    variance = variance + SLOWNESS_ERROR_S_DEG**2
    radial_density = np.zeros(len(distances))
    for phase, probability in PHASE_PROBABILITIES.items():
        residual = radial - np.interp(distances, DISTANCES_DEG, phase_slowness_s_deg(phase))
        radial_density += probability * np.nan_to_num(np.exp(-0.5 * residual**2 / variance) / np.sqrt(2.0 * np.pi * variance))
    for probability, low, high, arc in OTHER_WAVES:
        radial_density += probability * ((arc * radial >= low) & (arc * radial <= high)) / (high - low)
    return np.asarray(radial_density * transverse_density)
