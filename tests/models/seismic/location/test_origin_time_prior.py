"""The prior of the origin time."""

import numpy as np
import pytest

from models.seismic.location.origin_time_prior import EARLIER_DENSITY, ORIGIN_OUTLIER_PROBABILITY, estimate_llr, origin_time_density


def test_origins_long_before_the_records_are_improbable():
    assert origin_time_density(np.array([69.0, 71.0, 200.0]), 100.0).tolist() == [EARLIER_DENSITY, 1.0, 1.0]


def test_an_estimate_is_a_normal_density_mixed_with_uniform_outliers():
    times = np.linspace(-2000.0, 2000.0, 8001)
    density = ORIGIN_OUTLIER_PROBABILITY * np.exp(estimate_llr(times, (50.0, 20.0), 4000.0)) / 4000.0
    assert density.sum() * 0.5 == pytest.approx(1.0, abs=1e-3)
    assert times[np.argmax(density)] == 50.0
    inside = np.abs(times - 50.0) < 80.0
    assert density[inside].sum() * 0.5 == pytest.approx(1.0 - ORIGIN_OUTLIER_PROBABILITY, abs=0.02)
