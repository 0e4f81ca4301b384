"""What the errors of one event share is found again where it was put in."""

import numpy as np
import pytest

from models.seismic.geodesy import unit_vectors
from training.experiments.location import common_error
from training.experiments.location.common_error import (
    MODELS,
    DistanceErrors,
    by_pairs,
    by_stated,
    common_error_page,
    compare_models,
    shared_error_log_likelihood,
)


def drawn(share, count=60):
    """Events whose traces share an error of that share of what the surest state."""
    events = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        stated = np.exp(random.uniform(np.log(2.0), np.log(20.0))) * random.uniform(0.5, 2.0, 20)
        stations = unit_vectors(np.degrees(np.arcsin(random.uniform(-1, 1, 20))), random.uniform(-180, 180, 20)).T
        event = DistanceErrors(np.zeros(20), stated, np.ones(20), stations)
        events.append(
            DistanceErrors(stated * random.standard_t(3.0, 20) + share * event.surest * random.normal(), stated, np.ones(20), stations)
        )
    return events


@pytest.fixture(scope="module")
def events():
    return drawn(1.0)


@pytest.mark.parametrize("share", [0.5, 1.0, 2.0])
def test_the_share_put_in_is_found(share):
    model, factors = MODELS["times what the surest state"]
    gains = [np.mean([model(event, factor) for event in drawn(share)]) for factor in factors]
    assert factors[int(np.argmax(gains))] == pytest.approx(share, rel=0.3)


def test_the_density_of_errors_integrates_to_one():
    one = DistanceErrors(np.zeros(1), np.array([3.0]), np.ones(1), np.ones((3, 1)))
    off = np.linspace(-400.0, 400.0, 4001)
    density = [
        np.exp(shared_error_log_likelihood(DistanceErrors(np.array([error]), one.stated, one.neighbors, one.stations), 4.0))
        for error in off
    ]
    student = np.sqrt(3.0 * np.pi) * 0.5 * np.sqrt(np.pi)  # of 3 degrees of freedom, times gamma(2)
    assert np.sum(density) * (off[1] - off[0]) == pytest.approx(student, rel=0.01)


def test_the_model_that_errors_follow_is_the_likeliest(events):
    gains = {row[0]: float(row[2].split()[0]) for row in compare_models(events)}
    assert max(gains, key=lambda name: gains[name]) in {"times what the surest state", "the same, 1.5 degrees at least"}
    likely = [float(row[3]) for row in by_stated(events)]
    assert likely[-1] > 2.0 * likely[0]


def test_pairs_share_alike_wherever_they_stand(events):
    products = [float(row[2]) for row in by_pairs(events) if int(row[1]) > 20]
    assert len(products) > 3
    assert np.ptp(products) < 1.0


def test_the_page_names_its_command(events, monkeypatch):
    monkeypatch.setattr(common_error, "MODELS", dict(list(MODELS.items())[:1]))
    assert "`python -m training location-shared --most 60`: 60 events" in common_error_page(events, 60)
