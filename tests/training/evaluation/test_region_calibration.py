"""Factors on regions make them contain the truth as often as stated, and are left at 1 where they already do."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.registry.store import open_store
from models.seismic.location.region_calibration import CARD_KEY, read_coverage_scales
from models.specs.offset import OFFSET
from tests.support.event_results import make_result
from training.config import TrainingSettings
from training.evaluation import region_calibration
from training.evaluation.region_calibration import BORDERS, calibration_factor, conformal_factor, fit_by_method, fit_coverage_scales


@pytest.fixture(scope="module")
def results():
    return [make_result(number) for number in range(1, 101)]


def test_a_conformal_factor_covers_new_events_as_often_as_stated():
    random = np.random.default_rng(5)
    covered = [np.mean(random.gamma(2.0, 1.0, 400) <= conformal_factor(random.gamma(2.0, 1.0, 60), 0.68)) for _ in range(200)]
    assert np.mean(covered) == pytest.approx(0.68, abs=0.02)


def test_fitted_factors_give_the_stated_coverage(results):
    epicenters = [result.epicenter for result in results]
    found = fit_coverage_scales(epicenters)
    assert found is not None
    scale_68, scale_90 = read_coverage_scales({CARD_KEY: {"distances": found}}, "distances").at(12.0)
    assert np.mean([one.scale_68 <= scale_68 for one in epicenters]) == pytest.approx(0.68, abs=0.02)
    assert np.mean([one.scale_90 <= scale_90 for one in epicenters]) == pytest.approx(0.90, abs=0.02)
    assert found["events"] == [0, 0, 100]
    assert len(found["inner"]) == len(BORDERS) + 1


def test_few_events_fit_nothing(results):
    assert fit_coverage_scales([result.epicenter for result in results[:20]]) is None
    timed = [replace(result, method="distances+arrival-times") for result in results[:20]]
    assert set(fit_by_method([*results, *timed])) == {"distances"}


def test_regions_with_the_stated_coverage_are_left_as_they_are():
    scales = np.linspace(0.01, 1.45, 100)  # 69 of 100 contain the truth
    assert calibration_factor(scales, 0.68) == 1.0
    assert calibration_factor(scales, 0.90) == conformal_factor(scales, 0.90)
    assert calibration_factor(3.0 * scales, 0.68) == conformal_factor(3.0 * scales, 0.68)
    random = np.random.default_rng(6)
    covered = [np.mean(drawn <= calibration_factor(drawn[:60], 0.68)) for drawn in random.gamma(2.0, 0.43, (200, 400))]
    assert np.mean(covered) == pytest.approx(0.68, abs=0.02)


def test_the_factors_are_put_into_the_card_that_is_served(results, toy_artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(region_calibration, "evaluate", lambda *_: iter(results))
    artifacts = shutil.copytree(toy_artifacts, tmp_path / "artifacts")
    monkeypatch.chdir(tmp_path)
    settings = TrainingSettings(artifacts_dir=artifacts, processes=1)
    path = region_calibration.calibrate_regions(settings, "python -m training evaluate regions", None, None)
    store = open_store(artifacts)
    assert path.parent == store.path("offset").parent
    assert read_coverage_scales(store.verify(OFFSET).calibration, "distances").at(12.0) == (1.38, 0.91)
    assert "| distances | from 12 | 100 | 1.38 | 0.91 |" in (tmp_path / "docs/results/region_calibration.md").read_text()
