"""Plane waves in synthetic noise are detected with their slowness vectors, which locate the source."""

import numpy as np
import pytest

from models.seismic.arrays.likelihood import PlaneWaveLikelihood
from models.seismic.arrays.plane_waves import PlaneWave, detect_plane_waves
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import azimuth_deg, destination, distance_deg, geocentric, unit_vectors
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.regions import find_regions
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

CENTER = (0.0, 30.0)


def draw_gather(rng, waves, count=10, radius_deg=2.5, seconds=3000.0):
    """Noise at an array on the equator with wavelets: (azimuth of propagation, slowness, arrival time at the center, period, amplitude)."""
    latitudes, longitudes = destination(*CENTER, rng.uniform(0.0, 360.0, count), radius_deg * np.sqrt(rng.uniform(0.05, 1.0, count)))
    distances, azimuths = distance_deg(*CENTER, latitudes, longitudes), np.radians(azimuth_deg(*CENTER, latitudes, longitudes))
    times = np.arange(seconds)
    rows = np.stack([np.convolve(rng.normal(size=len(times)), np.hanning(9) * np.cos(np.arange(9)), "same") for _ in distances])
    for direction, slowness, arrival_s, period_s, height in waves:
        delays = arrival_s + slowness * distances * np.cos(azimuths - np.radians(direction)) + rng.normal(0.0, 0.3, count)
        after = times - delays[:, None]
        rows += height * np.cos(2.0 * np.pi * after / period_s) * np.exp(-0.5 * (after / (1.2 * period_s)) ** 2)
    ids = tuple(TraceId("XX", f"S{number}", "", "LHZ") for number in range(count))
    return Gather(ids, 1e9, 1.0, rows.astype(np.float32), latitudes, longitudes)


def propagation_azimuth_deg(wave):
    return np.degrees(np.arctan2(*wave.slownesses[0])) % 360.0


@pytest.mark.parametrize("seed", range(3))
def test_a_surface_wave_is_detected_with_its_slowness_vector(seed):
    rng = np.random.default_rng(seed)
    direction = rng.uniform(0.0, 360.0)
    waves = detect_plane_waves(draw_gather(rng, [(direction, 29.0, 1800.0, 30.0, 12.0)]))
    best = waves[0]
    off = best.slownesses[0] - 29.0 * np.array([np.sin(np.radians(direction)), np.cos(np.radians(direction))])
    assert off @ np.linalg.solve(best.covariances[0], off) < 6.0
    assert best.time_s - 1e9 == pytest.approx(1800.0, abs=130.0)
    assert best.weights[0] > 0.5


def test_a_body_wave_before_a_larger_surface_wave_is_detected_too():
    rng = np.random.default_rng(4)
    waves = detect_plane_waves(draw_gather(rng, [(200.0, 8.0, 700.0, 13.0, 10.0), (200.0, 29.0, 2000.0, 30.0, 40.0)]))
    sizes = np.array([np.hypot(*wave.slownesses[0]) for wave in waves])
    azimuths = np.array([propagation_azimuth_deg(wave) for wave in waves])
    assert np.any((np.abs(sizes - 8.0) < 1.5) & (np.abs(azimuths - 200.0) < 12.0))
    assert np.any((np.abs(sizes - 29.0) < 3.0) & (np.abs(azimuths - 200.0) < 8.0))


@pytest.mark.parametrize("seed", range(4))
def test_noise_has_no_plane_waves(seed):
    assert detect_plane_waves(draw_gather(np.random.default_rng(seed), [])) == ()


def test_three_stations_are_no_array():
    assert detect_plane_waves(draw_gather(np.random.default_rng(1), [(90.0, 29.0, 1800.0, 30.0, 12.0)], count=3)) == ()


def plane_wave(slowness, back_azimuth_deg, deviation=0.3):
    """A plane wave at the array on the equator from a back azimuth."""
    away = np.radians(back_azimuth_deg + 180.0)
    vector = slowness * np.array([np.sin(away), np.cos(away)])
    return PlaneWave(unit_vectors(*CENTER), vector[None], deviation**2 * np.eye(2)[None], np.ones(1), 0.0, 2.0)


def slowness_of(phase, distance):
    return float(travel_time_s(phase, distance + 0.5, 35.0) - travel_time_s(phase, distance - 0.5, 35.0))


@pytest.mark.parametrize(("phase", "distance"), [("P", 50.0), ("P", 85.0), ("S", 60.0), ("PKP", 130.0), ("PKPab", 165.0)])
def test_the_regions_of_a_plane_wave_contain_its_source_whichever_phase_it_is(phase, distance):
    source = tuple(map(float, destination(*CENTER, 70.0, distance)))
    likelihood = PlaneWaveLikelihood((plane_wave(slowness_of(phase, distance), 70.0),))
    found = find_regions(likelihood.log_likelihood)
    assert sum(region.probability for region in found) == pytest.approx(1.0)
    assert min(scale_to_contain(region, *source) / region.axis_ratio_90 for region in found) <= 1.0
    behind = tuple(map(float, destination(*CENTER, 250.0, distance)))
    here, there = likelihood.log_likelihood(np.stack([geocentric(*source), geocentric(*behind)]))
    assert here > there + 2.0


def test_distances_and_plane_waves_intersect_at_the_source():
    source = tuple(map(float, destination(*CENTER, 70.0, 80.0)))
    likelihood = PlaneWaveLikelihood((plane_wave(29.0, 70.0, 2.0), plane_wave(slowness_of("P", 80.0), 70.0)))

    def joint(nodes):
        distances = np.degrees(np.arccos(np.clip(nodes @ unit_vectors(*CENTER), -1.0, 1.0)))
        return -0.5 * ((distances - 80.0) / 2.0) ** 2 + likelihood.log_likelihood(nodes)

    best = find_regions(joint)[0]
    assert distance_deg(*source, best.latitude_deg, best.longitude_deg) < 3.0
    assert best.semi_major_km < 1500.0
