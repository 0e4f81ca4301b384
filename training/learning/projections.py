"""Linear maps from a backbone's features to an embedding; they are exported with the network."""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats32


@dataclass(frozen=True)
class Projection:
    """The map (features - mean) @ matrix, scaled to unit length; `mean` [n], `matrix` [n, size]."""

    mean: Floats32
    matrix: Floats32

    def __call__(self, features: Floats32) -> Floats32:
        """Project features [m, n] to an embedding [m, size] of unit length."""
        projected = (features - self.mean) @ self.matrix
        return np.asarray(projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-9), dtype=np.float32)

    def pad(self, size: int) -> "Projection":
        """Return the projection with columns of zeros up to that size."""
        return Projection(self.mean, np.pad(self.matrix, ((0, 0), (0, size - self.matrix.shape[1]))))


def fit_whitening(features: Floats32, size: int) -> Projection:
    """
    Fit a whitening by principal components to features [m, n]: the published embedding of DeepCluster.

    At most `size` components, scaled to unit variance; those without variance keep their scale.
    """
    mean = features.mean(axis=0)
    _, scales, directions = np.linalg.svd(features - mean, full_matrices=False)
    deviations = scales[:size] / np.sqrt(len(features))
    used = np.where(deviations > 1e-5 * max(deviations[0], 1e-30), deviations, 1.0)
    return Projection(mean, (directions[:size].T / used).astype(np.float32))
