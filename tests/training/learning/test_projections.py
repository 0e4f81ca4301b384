"""Linear projections of features."""

import numpy as np

from training.learning.projections import fit_whitening


def test_whitened_features_are_uncorrelated_before_they_are_scaled():
    features = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32) @ np.diag([9, 5, 3, 2, 1, 0.5]).astype(np.float32)
    whitening = fit_whitening(features, 4)
    white = (features - whitening.mean) @ whitening.matrix
    np.testing.assert_allclose(np.cov(white.T), np.eye(4), atol=0.02)
