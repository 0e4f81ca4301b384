"""What is stated of the samples of a posterior."""

import numpy as np

from models.seismic.source.solution import STATED_TEMPERATURE, TEMPERATURE, weigh_samples


def test_samples_of_a_hot_chain_are_weighted_to_the_temperature_of_what_is_stated():
    """Of a likelihood exp(-x²/2) a chain samples a normal distribution whose variance is its temperature."""
    samples = np.random.default_rng(1).normal(0.0, TEMPERATURE**0.5, 20000)

    weights = weigh_samples(-0.5 * samples**2)

    assert np.isclose(weights.sum(), 1.0)
    assert np.isclose(weights @ samples**2, STATED_TEMPERATURE, rtol=0.05)
