"""Factors on regions make them contain the truth as often as stated, and are left at 1 where they already do."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.location.geometry_scales import REGIONS_KEY, read_region_scales
from tests.support.event_results import make_result
from training.evaluation.region_calibration import CLASS_BOUNDS, calibration_factor, conformal_factor, fit_by_method


@pytest.fixture(scope="module")
def results():
    return [make_result(number) for number in range(1, 101)]


def test_a_conformal_factor_covers_new_events_as_often_as_stated():
    random = np.random.default_rng(5)
    covered = [np.mean(random.gamma(2.0, 1.0, 400) <= conformal_factor(random.gamma(2.0, 1.0, 60), 0.68)) for _ in range(200)]
    assert np.mean(covered) == pytest.approx(0.68, abs=0.02)


def test_fitted_factors_give_the_stated_coverage(results):
    epicenters = [result.epicenter for result in results]
    found = fit_by_method(results)["distances"]
    scale_68, scale_90 = read_region_scales({REGIONS_KEY: {"distances": found}}, "distances").at({"effective_stations": 12.0})
    assert np.mean([one.scale_68 <= scale_68 for one in epicenters]) == pytest.approx(0.68, abs=0.02)
    assert scale_90 == 1.0  # 99 of 100 are contained as it is: a region is never made smaller
    assert found["events"] == [0, 0, 100]
    assert len(found["inner"]) == len(CLASS_BOUNDS["effective_stations"]) + 1


def test_few_events_fit_nothing(results):
    assert fit_by_method(results[:20]) == {}
    timed = [replace(result, method="distances+arrival-times") for result in results[:20]]
    assert set(fit_by_method([*results, *timed])) == {"distances"}


def test_regions_with_the_stated_coverage_are_left_as_they_are():
    scales = np.linspace(0.01, 1.45, 100)  # 69 of 100 contain the truth
    assert calibration_factor(scales, 0.68) == 1.0
    assert calibration_factor(scales / 2.0, 0.68) == 1.0
    assert calibration_factor(scales, 0.90) == conformal_factor(scales, 0.90)
    assert calibration_factor(3.0 * scales, 0.68) == conformal_factor(3.0 * scales, 0.68)
    random = np.random.default_rng(6)
    covered = [np.mean(drawn <= calibration_factor(drawn[:60], 0.68)) for drawn in random.gamma(2.0, 0.43, (200, 400))]
    assert np.mean(covered) == pytest.approx(0.68, abs=0.02)
