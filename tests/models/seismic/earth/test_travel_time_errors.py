"""Errors of predicted travel times and their correlation between stations."""

import numpy as np
import pytest

from models.seismic.earth.travel_time_errors import (
    COMMON_ERROR_FRACTION,
    MODEL_ERROR_FACTORS,
    STATION_ERROR_S,
    TELESEISMIC_ERROR_S,
    common_time_error_s,
    correlated_slowness_error,
    effective_neighbor_count,
    independent_fraction,
    phase_error_s,
)
from models.seismic.geodesy import unit_vectors


def test_stations_count_as_neighbors_by_their_distance():
    interstation = np.array([[0.0, 2.0, 90.0], [2.0, 0.0, 90.0], [90.0, 90.0, 0.0]])
    np.testing.assert_allclose(effective_neighbor_count(interstation, 2.0), [1.0 + np.exp(-0.5), 1.0 + np.exp(-0.5), 1.0])
    np.testing.assert_allclose(effective_neighbor_count(interstation, np.array([[2.0], [4.0], [1.0]]))[1], 1.0 + np.exp(-0.125))


def test_neighbors_share_path_errors_and_distant_stations_do_not():
    np.testing.assert_allclose(independent_fraction(np.full(2, 60.0), np.array([0.0, 100.0])), [0.0, 1.0], atol=1e-4)


def test_the_origin_time_absorbs_shared_errors_of_first_arrivals_only():
    spacing, distances = np.zeros(1), np.full(1, 60.0)
    assert phase_error_s("P", spacing, distances, 10.0)[0] == pytest.approx(STATION_ERROR_S)
    assert phase_error_s("S", spacing, distances, 10.0)[0] == pytest.approx(
        MODEL_ERROR_FACTORS["S"] * (STATION_ERROR_S + TELESEISMIC_ERROR_S)
    )
    assert phase_error_s("P", spacing, distances, 10.0, 0.5)[0] == pytest.approx(STATION_ERROR_S + 0.5 * TELESEISMIC_ERROR_S)


def test_the_slowness_error_is_that_of_a_fit_to_correlated_errors():
    """Against the standard deviation of slownesses fitted to random fields; stations in line along the equator."""
    longitudes = np.linspace(-4.0, 4.0, 9)
    stations = unit_vectors(np.zeros(9), longitudes)
    interstation = np.abs(longitudes[:, None] - longitudes)
    rng = np.random.default_rng(1)
    fields = rng.normal(size=(4000, 9)) @ np.linalg.cholesky(np.exp(-interstation / 10.0)).T
    fitted = (fields @ longitudes / (longitudes @ longitudes)).std()
    independent = 1.0 / np.sqrt(longitudes @ longitudes)
    assert correlated_slowness_error(stations, interstation, np.full(9, 60.0)) == pytest.approx(fitted / independent, rel=0.05)


def test_the_bias_of_the_origin_time_does_not_average_out_with_stations_that_share_a_region():
    """One station has its whole path error; many far from each other share that beneath the source; an array shares all of it."""
    alone = common_time_error_s(np.zeros((1, 1)), np.full(1, 60.0), 10.0)
    world = common_time_error_s(np.where(np.eye(200) > 0.0, 0.0, 90.0), np.full(200, 60.0), 10.0)
    array = common_time_error_s(np.full((200, 200), 0.01), np.full(200, 60.0), 10.0)
    assert alone == pytest.approx(TELESEISMIC_ERROR_S)
    assert world == pytest.approx(TELESEISMIC_ERROR_S * np.sqrt(COMMON_ERROR_FRACTION), rel=0.01)
    assert array == pytest.approx(TELESEISMIC_ERROR_S, rel=0.01)
    assert common_time_error_s(np.zeros((0, 0)), np.zeros(0), 10.0) == 0.0
