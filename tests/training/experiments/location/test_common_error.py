"""The error common to the distances of an event is recovered where it was put in."""

import numpy as np
import pytest

from models.seismic.geodesy import unit_vectors
from tests.support.event_results import make_result
from training.experiments.location.common_error import (
    MODELS,
    DistanceErrors,
    compare_by_sigma,
    compare_models,
    compare_pairs,
    constant_error_llk,
    measure_errors,
)

pytestmark = pytest.mark.slow


def draw_events(factor, count=60):
    """Draw events with a common error of that factor times the smallest sigmas."""
    events = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        sigmas = np.exp(random.uniform(np.log(2.0), np.log(20.0))) * random.uniform(0.5, 2.0, 20)
        stations = unit_vectors(np.degrees(np.arcsin(random.uniform(-1, 1, 20))), random.uniform(-180, 180, 20)).T
        event = DistanceErrors(np.zeros(20), sigmas, np.ones(20), stations)
        events.append(
            DistanceErrors(
                sigmas * random.standard_t(3.0, 20) + factor * event.smallest_sigma * random.normal(), sigmas, np.ones(20), stations
            )
        )
    return events


@pytest.fixture(scope="module")
def events():
    return draw_events(1.0)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_factor_put_in_is_recovered(factor):
    model, factors = MODELS["times the smallest sigmas"]
    gains = [np.mean([model(event, tried) for event in draw_events(factor)]) for tried in factors]
    assert factors[int(np.argmax(gains))] == pytest.approx(factor, rel=0.3)


def test_the_density_of_errors_integrates_to_one():
    one = DistanceErrors(np.zeros(1), np.array([3.0]), np.ones(1), np.ones((3, 1)))
    off = np.linspace(-400.0, 400.0, 4001)
    density = [np.exp(constant_error_llk(DistanceErrors(np.array([error]), one.sigmas, one.neighbors, one.stations), 4.0)) for error in off]
    student = np.sqrt(3.0 * np.pi) * 0.5 * np.sqrt(np.pi)  # of 3 degrees of freedom, times gamma(2)
    assert np.sum(density) * (off[1] - off[0]) == pytest.approx(student, rel=0.01)


def test_the_model_that_errors_follow_is_the_most_likely(events):
    gains = {row[0]: float(row[2].split()[0]) for row in compare_models(events)}
    assert max(gains, key=lambda name: gains[name]) in {"times the smallest sigmas", "times the smallest sigmas, 1.5 degrees at least"}
    likely = [float(row[3]) for row in compare_by_sigma(events)]
    assert likely[-1] > 2.0 * likely[0]


def test_pairs_are_equally_correlated_at_every_distance(events):
    products = [float(row[2]) for row in compare_pairs(events) if int(row[1]) > 20]
    assert len(products) > 3
    assert np.ptp(products) < 1.0


def test_errors_of_an_event_are_predicted_less_true():
    errors = measure_errors(make_result(7))
    assert errors is not None
    assert errors.errors.max() < 100.0
    assert len(errors.errors) == len(errors.sigmas) == 6
