"""Simulated body waves have the delays of their depth, and the page counts what is read of them."""

import numpy as np
import pytest

from training.config import TrainingSettings
from training.experiments.location.body_wave_simulation import (
    GEOMETRIES,
    draw_double_couple,
    draw_phases,
    draw_source_time_function,
    radiate_p,
    radiate_sv,
)
from training.experiments.location.depth_phases import HEADS, DepthTrial, format_trials, run_trials

pytestmark = pytest.mark.slow


def test_a_double_couple_radiates_p_and_s_as_theory_says():
    tensor = draw_double_couple(np.random.default_rng(1))
    assert abs(np.trace(tensor)) < 1e-12
    takeoffs, azimuths = (
        np.arccos(np.random.default_rng(2).uniform(-1.0, 1.0, 40_000)),
        np.random.default_rng(3).uniform(0.0, 360.0, 40_000),
    )
    assert np.mean(radiate_p(tensor, takeoffs, azimuths) ** 2) == pytest.approx(4.0 / 15.0, rel=0.05)
    assert np.mean(radiate_sv(tensor, takeoffs, azimuths) ** 2) < 2.0 / 5.0  # SH has the rest
    assert np.mean(radiate_p(tensor, takeoffs, azimuths)) == pytest.approx(0.0, abs=0.02)


def test_phases_come_in_order_and_a_larger_source_lasts_longer():
    random = np.random.default_rng(5)
    phases = {name: lags for name, lags, _ in draw_phases("P", np.array([50.0, 60.0]), np.array([10.0, 20.0]), 300.0, random)}
    assert np.all(phases["sP"] > phases["pP"])
    assert np.all(phases["pP"] > 55.0)
    small, large = (len(draw_source_time_function(magnitude, 5.0, random)) for magnitude in (5.0, 7.5))
    assert large > 5 * small


def test_depths_of_simulated_events_are_read_and_tabulated():
    trials = [trial for trial in run_trials(TrainingSettings(data_dir=None), 12, 7) if trial is not None]
    assert len(trials) >= 6
    deviations = [abs(trial.depth_km - trial.true_km) / trial.deviation_km for trial in trials]
    assert np.median(deviations) < 1.5
    lines = format_trials(trials)
    assert all(len(line) == len(HEADS) for line in lines)
    assert sum(int(line[2]) for line in lines[:-1]) == len(trials) == int(lines[-1][2])


def test_a_trial_is_right_within_fifteen_kilometers():
    made = DepthTrial(GEOMETRIES[0].name, 100.0, 108.0, 10.0, 108.0, 0.9, 80.0, found=True)
    line = format_trials([made])[-1]
    assert line[7].startswith("100%")
