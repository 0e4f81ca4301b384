"""The likelihood of plane waves against plain formulas."""

import numpy as np
import pytest

from models.seismic.arrays import likelihood
from models.seismic.arrays.likelihood import plane_wave_llr
from models.seismic.arrays.plane_waves import MAX_SLOWNESS_S_DEG, PlaneWave
from models.seismic.earth.travel_times import DISTANCES_DEG
from models.seismic.geodesy import azimuth_deg, destination, distance_deg, unit_vectors

CENTER = (20.0, 40.0)
WAVE = PlaneWave(
    center=unit_vectors(*CENTER),
    slownesses=np.array([[-6.0, -4.0], [9.0, 1.0]]),
    covariances=np.array([[[0.4, 0.1], [0.1, 0.2]], [[0.3, 0.0], [0.0, 0.5]]]),
    weights=np.array([0.7, 0.3]),
    time_s=0.0,
    radius_deg=1.5,
)


def normal_density(value: float, variance: float) -> float:
    return float(np.exp(-0.5 * value**2 / variance) / np.sqrt(2.0 * np.pi * variance))


def reference_llr(wave: PlaneWave, latitude: float, longitude: float) -> float:
    """One node, by distance and azimuth: radial and transverse density of each slowness vector, summed over phases."""
    distance = float(distance_deg(*CENTER, latitude, longitude))
    azimuth = np.radians(float(azimuth_deg(*CENTER, latitude, longitude)) + 180.0)
    radial, transverse = np.array([np.sin(azimuth), np.cos(azimuth)]), np.array([-np.cos(azimuth), np.sin(azimuth)])
    total = 0.0
    for slowness, covariance, weight in zip(wave.slownesses, wave.covariances, wave.weights, strict=True):
        extra = (likelihood.NEAR_SOURCE_ERROR * np.hypot(*slowness) * min(wave.radius_deg / distance, 1.0)) ** 2
        variance = float(radial @ covariance @ radial) + extra + likelihood.SLOWNESS_ERROR_S_DEG**2
        size = float(radial @ slowness)
        density = sum(p * ((arc * size >= low) & (arc * size <= high)) / (high - low) for p, low, high, arc in likelihood.OTHER_WAVES)
        for phase, probability in likelihood.PHASE_PROBABILITIES.items():
            predicted = float(np.interp(distance, DISTANCES_DEG, likelihood.phase_slowness_s_deg(phase)))
            density += 0.0 if np.isnan(predicted) else probability * normal_density(size - predicted, variance)
        total += weight * density * normal_density(float(transverse @ slowness), float(transverse @ covariance @ transverse) + extra)
    area = np.pi * MAX_SLOWNESS_S_DEG**2
    llr = float(np.log(likelihood.OUTLIER_PROBABILITY + (1.0 - likelihood.OUTLIER_PROBABILITY) * total * area))
    return max(llr, 0.0) if distance < likelihood.NEAR_RADII * wave.radius_deg else llr


@pytest.mark.parametrize("distance", [1.0, 10.0, 50.0, 95.0, 130.0, 170.0])
@pytest.mark.parametrize("azimuth", [15.0, 56.0, 236.0])
def test_the_llr_of_a_plane_wave_agrees_with_the_formula(distance, azimuth):
    latitude, longitude = map(float, destination(*CENTER, azimuth, distance))
    found = plane_wave_llr(WAVE, unit_vectors(latitude, longitude)[None])
    assert found[0] == pytest.approx(reference_llr(WAVE, latitude, longitude), abs=1e-6)
