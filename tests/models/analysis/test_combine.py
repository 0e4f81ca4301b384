"""Weighted means and medians of origin times and depths."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.combine import OriginTime, combine_origin_times, join_origin_times, weighted_median
from models.analysis.distances import predict_distances


def test_one_outlier_does_not_move_the_origin_time(opened, make_gather):
    readings = predict_distances(opened["offset"], make_gather())
    times = 1000.0 + np.arange(8.0)
    times[3] = 9e5
    origin = combine_origin_times(replace(readings, origin_times_s=times, origin_uncertainties_s=np.full(8, 2.0)))
    assert origin.time_s == pytest.approx(1004.5)
    assert 2.0 <= origin.uncertainty_s < 6.0


def test_a_trace_of_small_uncertainty_outweighs_many_of_large(opened, make_gather):
    readings = predict_distances(opened["offset"], make_gather())
    times, stated = np.full(8, 50.0), np.full(8, 100.0)
    times[6], stated[6] = 0.0, 1.0
    assert combine_origin_times(replace(readings, origin_times_s=times, origin_uncertainties_s=stated)).time_s == 0.0


def test_origin_times_of_stack_and_readings_are_weighted_by_their_variances():
    joined = join_origin_times(OriginTime(1030.0, 40.0), OriginTime(1000.0, 20.0))
    assert joined.time_s == pytest.approx(1006.0)
    assert joined.uncertainty_s == pytest.approx(17.9, abs=0.1)


def test_origin_times_that_differ_by_more_than_one_deviation_have_a_larger_one():
    joined = join_origin_times(OriginTime(1100.0, 40.0), OriginTime(1000.0, 30.0))
    assert joined.time_s == pytest.approx(1036.0)
    assert joined.uncertainty_s == pytest.approx(48.0)


def test_a_stack_of_other_waves_does_not_move_the_origin_time():
    read = OriginTime(1000.0, 50.0)
    assert join_origin_times(OriginTime(560.0, 57.0), read) is read
    stacked = OriginTime(400.0, 40.0)
    assert join_origin_times(stacked, OriginTime(1000.0, 150.0)) is stacked, "weak signals"


@pytest.mark.parametrize(
    ("values", "weights", "median"), [([3, 1, 2], [1, 1, 1], 2), ([1, 2], [1, 1], 1.5), ([1, 2, 9], [1, 1, 5], 9), ([4], [2], 4)]
)
def test_half_of_the_weight_lies_on_either_side_of_the_median(values, weights, median):
    assert weighted_median(np.array(values, float), np.array(weights, float)) == median
