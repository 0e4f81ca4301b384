"""Intervals are those of the literature, and metrics are in the units of the field."""

import numpy as np
import pytest

from training.evaluation.metrics import angle_difference_deg, bootstrap, expected_calibration_error, format_fraction, format_median, wilson


def test_wilsons_interval_is_that_of_the_literature():
    assert wilson(162, 177) == (pytest.approx(0.865, abs=1e-3), pytest.approx(0.948, abs=1e-3))
    assert wilson(0, 0) == (0.0, 1.0)
    assert [(wilson(0, count)[0], wilson(count, count)[1]) for count in (11, 16, 36)] == 3 * [(0.0, 1.0)]


def test_nothing_to_measure_is_called_none():
    assert format_fraction([]) == "none"
    assert format_median([]) == "none"


def test_a_median_of_equal_values_has_no_width():
    assert format_median(np.full(9, 3.0).tolist(), 1) == "3.0 (3.0 to 3.0)"


def test_intervals_resample_whole_events():
    values = np.repeat([0.0, 1.0], 50)
    value, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.repeat([0, 1], 50))
    assert (value, low, high) == (0.5, 0.0, 1.0)


def test_a_calibrated_answer_has_no_calibration_error():
    probabilities = np.repeat([0.55, 0.75], 100)
    right = np.concatenate([np.arange(100) < 55, np.arange(100) < 75])
    assert expected_calibration_error(probabilities, right) == pytest.approx(0.0, abs=1e-9)
    assert expected_calibration_error(probabilities, np.zeros(200, dtype=bool)) == pytest.approx(0.65)


@pytest.mark.parametrize(("a", "b", "period", "expected"), [(350, 10, 360, 20), (350, 10, 180, 20), (5, 185, 180, 0), (5, 185, 360, 180)])
def test_angles_are_compared_around_the_circle(a, b, period, expected):
    assert angle_difference_deg(np.array([a]), np.array([b]), period)[0] == pytest.approx(expected)
