"""What is stated of a source."""

import numpy as np
import pytest

from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.solution import AZIMUTH_TEMPERATURE, TEMPERATURE, weigh_samples
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
