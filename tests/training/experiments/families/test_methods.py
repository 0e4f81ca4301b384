"""Baselines measure what they say."""

import numpy as np
import pytest

from training.experiments.families.methods import fit_shared_directions, measure_spectra

pytestmark = pytest.mark.slow


def test_spectral_features_measure_period_and_duration():
    pictures = np.zeros((2, 2, 24, 32), np.uint8)
    pictures[0, 0, 3, 10:20] = 200
    pictures[1, 0, 3, 10] = 200
    long, short = measure_spectra(pictures)
    assert long[:24].argmax() == short[:24].argmax() == 3
    assert long[24 + 3] > short[24 + 3] > 0


def test_directions_shared_by_two_views_come_first():
    random = np.random.default_rng(0)
    source = random.normal(size=(200, 1))
    one, other = (np.concatenate([3 * random.normal(size=(200, 5)), source + 0.1 * random.normal(size=(200, 1))], 1) for _ in range(2))
    projection = fit_shared_directions(one.astype(np.float32), other.astype(np.float32), 2)
    projected = (one - projection.mean) @ projection.matrix
    assert abs(np.corrcoef(projected[:, 0], source[:, 0])[0, 1]) > 0.95
    assert projected[:, 1].std() < 0.5 * projected[:, 0].std()
