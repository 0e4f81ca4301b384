import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.reading_deviations import SPHERE_DEVIATION_DEG, find_distance_deviations, widen_deviations
from models.seismic.location.regions import EpicenterRegion


def make_region(semi_major_km: float, semi_minor_km: float, azimuth_deg: float) -> EpicenterRegion:
    return EpicenterRegion(10.0, 20.0, semi_major_km, semi_minor_km, azimuth_deg, semi_major_km, 1.0)


def test_the_deviation_of_a_distance_is_that_of_the_epicenter_along_the_azimuth():
    """Epicenters drawn from the normal distribution of an ellipse scatter the distances of stations by what is stated."""
    rng = np.random.default_rng(5)
    along, across = 1.0 * rng.standard_normal(4000), 0.3 * rng.standard_normal(4000)
    azimuths = 40.0 - np.degrees(np.arctan2(across, along))
    latitudes, longitudes = destination(10.0, 20.0, azimuths, np.hypot(along, across))
    stations = np.array([40.0, 130.0, 85.0])
    scatter = [distance_deg(latitudes, longitudes, *destination(10.0, 20.0, station, 60.0)).std() for station in stations]
    region = make_region(1.5096 * KM_PER_DEGREE, 0.3 * 1.5096 * KM_PER_DEGREE, 40.0)
    assert find_distance_deviations(region, stations) == pytest.approx(scatter, rel=0.04)


def test_an_epicenter_anywhere_on_the_sphere_leaves_the_deviation_of_points_on_a_sphere():
    distances = np.degrees(np.arccos(np.random.default_rng(1).uniform(-1.0, 1.0, 100_000)))
    assert pytest.approx(distances.std(), rel=0.01) == SPHERE_DEVIATION_DEG
    assert find_distance_deviations(make_region(20_000.0, 20_000.0, 0.0), [0.0, np.nan]) == pytest.approx(
        [SPHERE_DEVIATION_DEG, np.nan], nan_ok=True
    )


def test_a_prediction_that_agrees_with_the_epicenter_keeps_its_deviation():
    assert widen_deviations([2.0, 2.0, 2.0], [0.0, -2.2, np.nan], [1.0, 1.0, np.nan]).tolist() == [2.0, 2.0, 2.0]


def test_a_contradicted_prediction_is_one_joint_deviation_from_the_epicenter():
    widened = widen_deviations([3.7, 3.7], [144.0, -144.0], [15.0, 0.0])
    assert np.hypot(widened, [15.0, 0.0]) == pytest.approx([144.0, 144.0])


def test_the_widened_deviation_grows_steadily_with_the_residual():
    residuals = np.linspace(0.0, 20.0, 2001)
    widened = widen_deviations(np.full(2001, 2.0), residuals, np.full(2001, 1.5))
    assert (widened[0], widened[-1]) == (2.0, pytest.approx(np.sqrt(400.0 - 2.25)))
    assert np.diff(widened).min() >= 0.0
    assert np.diff(widened).max() < 0.02
