"""What is stated of a source."""

import numpy as np
import pytest

from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.solution import AZIMUTH_TEMPERATURE, TEMPERATURE, interpolate_profile, weigh_samples
from tests.support.sources import make_tensor


def test_samples_of_a_hot_chain_are_weighted_to_the_temperature_of_azimuths():
    """Of a likelihood exp(-x²/2) a chain samples a normal distribution whose variance is its temperature."""
    samples = np.random.default_rng(1).normal(0.0, TEMPERATURE**0.5, 20000)

    weights = weigh_samples(-0.5 * samples**2)

    assert np.isclose(weights.sum(), 1.0)
    assert np.isclose(weights @ samples**2, AZIMUTH_TEMPERATURE, rtol=0.05)


def test_the_depth_profile_is_tempered_like_the_samples():
    tensor = make_tensor()
    best = int(np.argmax(tensor.depth_profile))
    at, above = tensor.depth_log_likelihood(np.array([DEPTHS_KM[best], DEPTHS_KM[best - 1]], float))

    assert at - above == pytest.approx((tensor.depth_profile[best] - tensor.depth_profile[best - 1]) / TEMPERATURE)


def test_the_best_depth_may_lie_between_the_tabulated_ones():
    depths = np.array(DEPTHS_KM, np.float64)
    profile = -0.5 * ((depths - 505.0) / 9.0) ** 2
    between = np.arange(400.0, 600.0)
    found = interpolate_profile(profile, between)
    assert between[np.argmax(found)] == pytest.approx(505.0, abs=3.0)
    assert interpolate_profile(profile, np.array([900.0])) == interpolate_profile(profile, depths[-1:])
