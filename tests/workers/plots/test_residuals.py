"""The axis of distance residuals."""

import numpy as np

from workers.plots.residuals import find_axis_limit


def test_a_few_wide_uncertainties_do_not_shrink_the_other_residuals():
    residuals, uncertainties = np.array([0.5, -2.0, 0.1, 1.0]), np.array([1.0, 1.0, 40.0, 1.0])
    assert find_axis_limit(residuals, uncertainties) == 3.0
    assert find_axis_limit(np.zeros(0), np.zeros(0)) == 1.0
