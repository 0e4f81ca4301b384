"""Factors on origin time and depth give the stated coverage by method, and arrival times are simulated with the errors that are stated."""

import shutil

import numpy as np
import pytest

from models.registry.store import open_store
from models.seismic.location.geometry_scales import HYPOCENTER_KEY, read_hypocenter_scales, read_region_scales
from tests.support.event_results import make_result
from training.config import TrainingSettings
from training.experiments.location import arrival_simulation, hypocenter_coverage
from training.experiments.location.arrival_simulation import GEOMETRIES, ArrivalTrial, draw_trials, select_stations, simulate_pick_sets
from training.experiments.location.hypocenter_coverage import (
    ARRIVAL_TIMES,
    HEADS,
    SHARED,
    HypocenterSample,
    apply_scales,
    calibrate_hypocenters,
    cross_validate,
    fit_methods,
    fit_samples,
    format_coverage,
    format_factors,
)
from training.synthesis.catalogs import load_earthquakes, load_stations

pytestmark = pytest.mark.slow


def draw_samples(count, time_factor, depth_factor, effective=8.0, seed=1):
    random = np.random.default_rng(seed)
    times, depths = time_factor * np.abs(random.normal(size=count)), depth_factor * np.abs(random.normal(size=count))
    depths[::5] = np.nan
    return [HypocenterSample(effective, 40.0, 0.5, 0.5, time, depth) for time, depth in zip(times.tolist(), depths.tolist(), strict=True)]


def inside(values):
    known = np.array(values)[np.isfinite(values)]
    return float(np.mean(known <= 1.0))


def test_calibrated_errors_hold_the_truth_as_often_as_stated():
    samples = draw_samples(400, 3.0, 1.5)
    applied = cross_validate(samples)
    assert inside([one.time for one in samples]) < 0.35
    assert inside([one.time for one in applied]) == pytest.approx(0.68, abs=0.05)
    assert inside([one.depth for one in applied]) == pytest.approx(0.68, abs=0.06)
    assert fit_samples(draw_samples(400, 1.0, 0.3, seed=2))["time"] == fit_samples(draw_samples(400, 1.0, 0.3))["depth"] == [1.0, 1.0, 1.0]


def test_a_class_with_few_events_has_the_factors_of_all():
    table = fit_samples([*draw_samples(200, 2.0, 1.0), *draw_samples(10, 50.0, 1.0, effective=20.0)])
    assert table["events"] == [0, 200, 10]
    assert table["time"][2] == table["time"][0] < 5.0
    first = apply_scales(draw_samples(1, 2.0, 1.0), table)[0]
    assert first.time == pytest.approx(draw_samples(1, 2.0, 1.0)[0].time / table["time"][1])


def test_methods_by_waveforms_lend_each_other_events_and_arrival_times_stand_alone():
    groups = {
        "distances": draw_samples(60, 2.0, 2.0),
        "surface-wave-stack": draw_samples(5, 2.0, 2.0),
        ARRIVAL_TIMES: draw_samples(5, 9.0, 9.0),
    }
    tables = fit_methods(groups)
    assert set(tables) == {"distances", "surface-wave-stack"}
    assert read_hypocenter_scales({HYPOCENTER_KEY: tables}, "distances").at({"effective_stations": 8.0})[0] == pytest.approx(2.0, rel=0.25)
    assert "surface-wave-stack" in format_factors(tables, ("time", "time"), ("depth", "depth"))


def test_coverage_is_stated_with_its_number_of_events():
    line = format_coverage("all", draw_samples(100, 1.0, 1.0))
    assert len(line) == len(HEADS)
    assert (line[1], line[4]) == ("100", "80")
    assert format_coverage("none", [])[2:] == ("none", "none", "0", "none")


def test_first_picks_are_late_and_scatter_as_stated():
    random = np.random.default_rng(2)
    distances, angles = np.full(40, 60.0), np.linspace(0.0, 6.28, 40)
    stations = (distances, 30.0 * np.cos(angles), 60.0 * np.sin(angles))
    errors = []
    for _ in range(40):
        picks = simulate_pick_sets(stations, 30.0, (0.0, 1200.0), random)
        times = np.concatenate([pick.times_s for pick in picks])
        near = times[np.abs(times - 600.0) < 30.0]
        errors.append(np.median(near) if len(near) else np.nan)
    assert np.isfinite(errors).all()
    assert np.std(errors) > 0.5


def test_a_trial_is_the_same_again_and_kept(tmp_path, monkeypatch):
    earthquakes, stations = load_earthquakes(None, 1), load_stations(None)
    monkeypatch.setattr(arrival_simulation, "COVERED_GEOMETRIES", GEOMETRIES[2:3])
    first = list(draw_trials(earthquakes, stations, 1, 7, tmp_path / "trials.jsonl"))
    monkeypatch.setattr(arrival_simulation, "simulate_trial", None)
    assert repr(list(draw_trials(earthquakes, stations, 1, 7, tmp_path / "trials.jsonl"))) == repr(first)
    assert first[0].geometry == "global"


def test_stations_of_an_array_lie_together_and_a_sparse_table_has_none():
    stations, random = load_stations(None), np.random.default_rng(3)
    rows = [select_stations(GEOMETRIES[3], (0.0, 0.0), stations, random) for _ in range(40)]
    assert any(len(row) for row in rows)
    assert all(len(row) == 0 or np.ptp(stations.latitudes_deg[row]) <= 8.0 for row in rows)
    assert len(select_stations(GEOMETRIES[0], (-60.0, -140.0), stations, random)) == 0


def make_trial(number):
    errors = {"time_error_s": 0.1 * number, "time_sigma_s": 2.0, "depth_error_km": 0.3 * number, "depth_sigma_km": 10.0}
    return ArrivalTrial("global", 10.0, 60.0, 90.0, accepted=True, scale_68=0.03 * number, scale_90=0.02 * number, **errors)


def test_one_command_writes_factors_and_page(toy_artifacts, tmp_path, monkeypatch):
    results = [make_result(number) for number in range(1, 101)]
    monkeypatch.setattr(hypocenter_coverage, "evaluate", lambda *_: iter(results))
    monkeypatch.setattr(hypocenter_coverage, "simulate_arrivals", lambda *_: [make_trial(number) for number in range(1, 61)])
    settings = TrainingSettings(artifacts_dir=shutil.copytree(toy_artifacts, tmp_path / "artifacts"), processes=1)
    monkeypatch.chdir(tmp_path)
    options = {"store": "greens_10s", "most": None, "trials": 60, "seed": 1, "real": tmp_path}
    calibrate_hypocenters(settings, "python -m training experiment hypocenter-coverage", **options)
    card = open_store(settings.artifacts_dir).card("offset")
    assert set(card.calibration[HYPOCENTER_KEY]) == {"distances", ARRIVAL_TIMES, *SHARED}
    geometry = {"effective_stations": 12.0, "median_distance_deg": 60.0}
    time, depth = read_hypocenter_scales(card.calibration, "distances").at(geometry)
    assert np.mean([result.origin_scale <= time for result in results]) == pytest.approx(0.68, abs=0.04)
    assert depth == pytest.approx(5.0 / 4.0)
    assert read_region_scales(card.calibration, "arrival-times").at(geometry)[0] == pytest.approx(0.03 * 42, rel=0.05)
    page = (tmp_path / "docs" / "results" / "hypocenter_coverage.md").read_text()
    assert "| test part of the replica, as served | 100 |" in page
    assert "| real events, as served | 100 |" in page
    assert page.count("| of these by distances | 100 |") == 2
    assert "median distance, degrees, below 5" in page
