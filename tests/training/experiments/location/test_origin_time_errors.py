"""Simulated origin times: crusts that differ from ak135's, and errors by model on the same arrivals."""

import numpy as np
import pytest

from training.config import TrainingSettings
from training.experiments.location.arrival_simulation import AK135_CRUST, Crust
from training.experiments.location.origin_time_errors import HEADS, MODELS, OriginError, measure_origin_errors, summarize_origin_errors
from training.synthesis.catalogs import load_earthquakes, load_stations


def test_a_slow_mantle_delays_distant_stations_only():
    distances = np.array([0.2, 6.0])
    slow = Crust(AK135_CRUST.thickness_km, AK135_CRUST.velocity_km_s, 7.7)
    late = slow.first_arrival_s(distances, 10.0) - AK135_CRUST.first_arrival_s(distances, 10.0)
    assert late[0] == pytest.approx(0.0)
    assert 2.0 < late[1] < 5.0


def test_the_first_arrival_beside_the_source_is_the_direct_one():
    assert AK135_CRUST.first_arrival_s(np.zeros(1), 12.32)[0] == pytest.approx(2.0)


@pytest.mark.slow
def test_both_models_of_errors_fit_the_same_events():
    settings = TrainingSettings()
    catalogs = (load_earthquakes(settings.data_dir, 3407), load_stations(settings.data_dir))
    errors = [one for number in (2, 3, 4) for one in measure_origin_errors(*catalogs, 3407, number)]
    assert {one.model for one in errors} == set(MODELS)
    assert all(abs(one.error_s) < 30.0 and one.sigma_s > 0.0 for one in errors)


def test_the_table_has_a_line_for_each_geometry_crust_and_model():
    errors = [OriginError("local", "ak135", model, late, 1.0) for model in MODELS for late in (0.5, 1.5)]
    lines = summarize_origin_errors(errors)
    assert all(len(line) == len(HEADS) for line in lines)
    assert [line[2] for line in lines] == sorted(MODELS)
    assert lines[0][4] == "+1.00"
