"""Linear maps from a backbone's features to an embedding; they are exported with the network."""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats32

SHRINKAGE = 0.1


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


def fit_shared_directions(one: Floats32, other: Floats32, size: int) -> Projection:
    """
    Fit the directions in which two views [m, n] of the same sources correlate, each scaled by its correlation.

    Canonical correlation analysis with one map for both views (Hotelling 1936, doi:10.1093/biomet/28.3-4.321), the covariance
    shrunk toward a multiple of the identity. What differs between views (location, stations, noise) is projected out.
    """
    both = np.concatenate([one, other]).astype(np.float64)
    mean = both.mean(axis=0)
    deviation = both.std(axis=0) + 1e-6
    a, b = (one - mean) / deviation, (other - mean) / deviation
    total = (a.T @ a + b.T @ b) / (2 * len(a))
    shared = (a.T @ b + b.T @ a) / (2 * len(a))
    total += SHRINKAGE * np.trace(total) / len(total) * np.eye(len(total))
    inverse = np.linalg.inv(np.linalg.cholesky(total))
    values, vectors = np.linalg.eigh(inverse @ shared @ inverse.T)
    order = np.argsort(-values)[:size]
    scaled = (inverse.T @ vectors[:, order]) * np.clip(values[order], 0.0, 1.0) / deviation[:, None]
    return Projection(mean.astype(np.float32), scaled.astype(np.float32))
