"""Source pairs: the second view of a source is the first one rotated about the vertical."""

from dataclasses import replace

import numpy as np
import pytest

from training.datasets.source_pairs import rotate_rates
from training.synthesis.records import contract_source
from training.synthesis.sources import Source


@pytest.mark.parametrize("components", [3, 6])
def test_a_rotated_source_at_rotated_stations_radiates_the_same(components):
    rates = np.random.default_rng(components).normal(size=(components, 5))
    source = Source("any", 0.0, 0.0, 10.0, rates)
    original = contract_source(source, np.array([20.0, 130.0]))
    rotated = contract_source(replace(source, rates=rotate_rates(rates, np.radians(35.0))), np.array([55.0, 165.0]))
    np.testing.assert_allclose(rotated, original, atol=1e-12)
