"""Linear projections of features."""

import numpy as np

from training.learning.projections import fit_shared_directions, fit_whitening


def test_whitened_features_are_uncorrelated_before_they_are_scaled():
    features = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32) @ np.diag([9, 5, 3, 2, 1, 0.5]).astype(np.float32)
    whitening = fit_whitening(features, 4)
    white = (features - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.cov(white.T), np.eye(4), atol=0.02)


def test_directions_shared_by_two_views_come_first():
    random = np.random.default_rng(0)
    source = random.normal(size=(200, 1))
    one, other = (np.concatenate([3 * random.normal(size=(200, 5)), source + 0.1 * random.normal(size=(200, 1))], 1) for _ in range(2))
    projection = fit_shared_directions(one.astype(np.float32), other.astype(np.float32), 2)
    projected = (one - projection.mean) @ projection.matrix
    assert abs(np.corrcoef(projected[:, 0], source[:, 0])[0, 1]) > 0.95
    assert projected[:, 1].std() < 0.5 * projected[:, 0].std()
