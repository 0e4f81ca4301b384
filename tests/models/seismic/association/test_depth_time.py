"""Depth and origin time stay consistent with each other when either is changed or becomes more uncertain."""

import numpy as np
import pytest

from models.seismic.association.depth_time import DepthTime, summarize_depth_time

JOINT = DepthTime(100.0, 5.0, 400.0, 9.0, 40.0)  # 0.1 s later for each kilometer


def test_moments_are_those_of_samples():
    random = np.random.default_rng(1)
    depths = np.arange(0.0, 200.0, 5.0)
    times = 0.1 * depths[:, None] + random.normal(0.0, 1.0, (len(depths), 9))
    weights = np.repeat(np.exp(-0.5 * ((depths - 100.0) / 20.0) ** 2)[:, None], 9, axis=1)
    found = summarize_depth_time(depths, times, 7.0 * weights, 0.0)
    assert found.depth_km == pytest.approx(100.0, abs=0.5)
    assert found.depth_uncertainty_km == pytest.approx(20.0, rel=0.02)
    assert found.slope_s_per_km == pytest.approx(0.1, abs=0.01)
    assert found.time_uncertainty_s == pytest.approx(np.hypot(2.0, 1.0), rel=0.1)


def test_another_depth_moves_the_origin_time_and_leaves_what_depth_does_not_explain():
    moved = JOINT.at_depth(60.0, 10.0)
    assert moved.time_s == pytest.approx(1.0)
    assert moved.time_variance_s2 == pytest.approx(9.0 - 4.0 + 0.01 * 100.0)
    assert moved.correlation == pytest.approx(0.1 * 10.0 / np.sqrt(6.0))


def test_the_same_depth_with_the_same_uncertainty_changes_nothing():
    again = JOINT.at_depth(JOINT.depth_km, JOINT.depth_uncertainty_km)
    assert (again.time_s, again.time_variance_s2, again.covariance_km_s) == pytest.approx((5.0, 9.0, 40.0))


def test_an_error_of_the_depth_is_one_of_the_origin_time_too_and_a_common_one_is_not():
    wider = JOINT.add_errors(30.0, 2.0)
    assert wider.depth_variance_km2 == pytest.approx(1300.0)
    assert wider.time_variance_s2 == pytest.approx(9.0 + 9.0 + 4.0)
    assert wider.slope_s_per_km == pytest.approx(JOINT.slope_s_per_km)


def test_a_depth_that_is_fixed_leaves_the_origin_time_where_it_is():
    fixed = DepthTime(10.0, 5.0, 0.0, 4.0, 0.0)
    assert fixed.correlation == 0.0
    assert fixed.at_depth(50.0, 10.0).time_s == 5.0


def test_a_ratio_enlarges_both_errors_and_keeps_their_correlation():
    wider = JOINT.scale_errors(2.0)
    assert (wider.depth_uncertainty_km, wider.time_uncertainty_s) == pytest.approx((40.0, 6.0))
    assert wider.correlation == pytest.approx(JOINT.correlation)
