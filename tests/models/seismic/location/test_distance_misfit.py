"""The compiled posterior of distances against plain numpy in double precision."""

import numpy as np

from models.seismic.geodesy import distance_deg, unit_vectors
from models.seismic.location.distance_misfit import log_posterior, maximize_posterior, most_likely_bias
from models.seismic.location.sphere_grid import to_columns

RNG = np.random.default_rng(1)
LATITUDES, LONGITUDES = RNG.uniform(-60.0, 60.0, 8), RNG.uniform(-180.0, 180.0, 8)
DISTANCES = distance_deg(10.0, 20.0, LATITUDES, LONGITUDES) + RNG.normal(0.0, 2.0, 8)
SCALES = RNG.uniform(1.0, 4.0, 8)
BIAS_DEVIATION = 2.0
STATIONS = unit_vectors(LATITUDES, LONGITUDES)


def reference(latitude: float, longitude: float) -> float:
    """Student's t with 3 degrees of freedom, the common bias by reweighted means and integrated by Laplace's method."""
    residuals, bias = distance_deg(latitude, longitude, LATITUDES, LONGITUDES) - DISTANCES, 0.0
    for _ in range(50):
        weights = 4.0 / (3.0 * SCALES**2 + (residuals - bias) ** 2)
        precision = weights.sum() + BIAS_DEVIATION**-2.0
        bias = float(weights @ residuals / precision)
    student = -2.0 * np.log1p((residuals - bias) ** 2 / (3.0 * SCALES**2)).sum()
    return float(student - 0.5 * np.log(precision) - 0.5 * (bias / BIAS_DEVIATION) ** 2)


def evaluate(nodes, stations=STATIONS, distances=DISTANCES, scales=SCALES):
    columns = (to_columns(nodes), to_columns(stations), distances.astype(np.float32), scales.astype(np.float32))
    return log_posterior(*columns, BIAS_DEVIATION, 30)


def test_the_posterior_agrees_with_the_formula_up_to_a_constant():
    points = [(10.0, 20.0), (14.0, 23.0), (-30.0, 100.0), (70.0, -120.0)]
    found, expected = evaluate(np.stack([unit_vectors(*point) for point in points])), np.array([reference(*point) for point in points])
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.05)


def test_stations_of_infinite_scale_do_not_count():
    nodes = unit_vectors(np.array([10.0, -40.0]), np.array([20.0, 0.0]))
    stations = np.concatenate((STATIONS, np.zeros((4, 3))))
    more = evaluate(nodes, stations, np.concatenate((DISTANCES, np.zeros(4))), np.concatenate((SCALES, np.full(4, np.inf))))
    np.testing.assert_allclose(more, evaluate(nodes), rtol=1e-6)


def test_the_maximum_is_higher_than_points_around_it():
    columns = (np.ascontiguousarray(STATIONS.T), DISTANCES, SCALES, BIAS_DEVIATION)
    point, bias = maximize_posterior(unit_vectors(12.0, 25.0), *columns, 60)
    assert abs(most_likely_bias(point, *columns) - bias) < 1e-3

    def loss(point, bias):
        residuals = np.degrees(np.arccos(STATIONS @ point)) - DISTANCES - bias
        return 2.0 * np.log1p(residuals**2 / (3.0 * SCALES**2)).sum() + 0.5 * (bias / BIAS_DEVIATION) ** 2

    for step in np.random.default_rng(2).normal(0.0, 0.01, (20, 3)):
        assert loss((point + step) / np.linalg.norm(point + step), bias) > loss(point, bias)
    assert loss(point, bias + 0.1) > loss(point, bias) < loss(point, bias - 0.1)
