"""Intervals are those of the literature, and metrics are in the units of the field."""

import numpy as np
import pytest

from training.evaluation.metrics import format_fraction, format_median, wilson


def test_wilsons_interval_is_that_of_the_literature():
    assert wilson(162, 177) == (pytest.approx(0.865, abs=1e-3), pytest.approx(0.948, abs=1e-3))
    assert wilson(0, 0) == (0.0, 1.0)


def test_nothing_to_measure_is_called_none():
    assert format_fraction([]) == "none"
    assert format_median([]) == "none"


def test_a_median_of_equal_values_has_no_width():
    assert format_median(np.full(9, 3.0).tolist(), 1) == "3.0 (3.0 to 3.0)"
