"""
Kernel ridge regression from source pictures to source parameters: the training of the families model.

The generator knows the duration, depth, mechanism and spectrum of each source (`training.synthesis.source_parameters`); kinds are
not used. The embedding is the vector of predicted parameters, so that events with similar sources lie close together. The regression
is solved in closed form (Saunders, Gammerman & Vovk 1998, Ridge regression learning algorithm in dual variables): a few hundred
sources are too few for a convolutional backbone, whose average pooling discards at which period energy was observed.
"""

from itertools import product

import numpy as np
import scipy.linalg
import torch
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Integers, Pictures
from models.networks.families import POOL, KernelRegressionModel
from models.specs.families import CENTERS, EMBEDDING_SIZE
from training.learning.deepcluster import Projection, set_projection
from training.synthesis.source_parameters import WEIGHTS


class KernelRegressionRecipe(BaseModel):
    """
    Kernels and ridge penalties that cross-validation over sources chooses among.

    `sharpness` of the Laplacian kernel exp(-sharpness d), with d the Euclidean distance of two averaged pictures of brightness
    0 to 1; `penalties` of the ridge in units of the kernel of a picture with itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sharpness: tuple[float, ...]
    penalties: tuple[float, ...]
    folds: int
    seed: int


def scale_parameters(parameters: Floats) -> Floats:
    """Standardize source parameters [n, 16] to zero mean and unit variance, and multiply them by WEIGHTS."""
    deviation = np.maximum(parameters.std(axis=0), 1e-6)
    return np.asarray((parameters - parameters.mean(axis=0)) / deviation * WEIGHTS)


def fit_kernel_regression(views: Pictures, targets: Floats, recipe: KernelRegressionRecipe) -> KernelRegressionModel:
    """
    Fit the regression from views uint8 [sources, v, channels, rows, columns] to targets [sources, m], m at most EMBEDDING_SIZE.

    Kernel and penalty are those with the least cross-validated mean squared error.
    """
    known = average_patches(views.reshape(-1, *views.shape[2:]))
    sources = np.repeat(np.arange(len(views)), views.shape[1])
    truth = (targets - targets.mean(axis=0))[sources]
    distances = np.sqrt(_squared_distances(known / 255.0))
    tried = list(product(recipe.sharpness, recipe.penalties))
    errors = [_cross_validate(np.exp(-sharpness * distances), penalty, truth, sources, recipe) for sharpness, penalty in tried]
    sharpness, penalty = tried[int(np.argmin(errors))]
    kernel = np.exp(-sharpness * distances)
    model = KernelRegressionModel(torch.from_numpy(known), sharpness, EMBEDDING_SIZE, CENTERS)
    matrix = _solve_ridge(kernel, penalty, truth).astype(np.float32)
    projection = Projection(np.zeros(len(known), np.float32), matrix)
    set_projection(model, projection, kernel.astype(np.float32), recipe.seed)
    return model.eval()


def average_patches(pictures: Pictures) -> Pictures:
    """Average patches of POOL rows and columns of pictures [n, channels, rows, columns]; returns bytes [n, m], one row a picture."""
    count, channels, rows, columns = pictures.shape
    patches = pictures.reshape(count, channels, rows // POOL[0], POOL[0], columns // POOL[1], POOL[1])
    return np.asarray(np.rint(patches.mean(axis=(3, 5))), np.uint8).reshape(count, -1)


def _squared_distances(rows: Floats) -> Floats:
    lengths = (rows**2).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths - 2.0 * (rows @ rows.T), 0.0)


def _solve_ridge(kernel: Floats, penalty: float, truth: Floats) -> Floats:
    return np.asarray(scipy.linalg.solve(kernel + penalty * np.eye(len(kernel)), truth, assume_a="pos"))


def _cross_validate(kernel: Floats, penalty: float, truth: Floats, sources: Integers, recipe: KernelRegressionRecipe) -> float:
    """Compute the mean squared error of predicting each fold of sources from the others."""
    folds = np.random.default_rng(recipe.seed).integers(recipe.folds, size=int(sources.max()) + 1)[sources]
    error = 0.0
    for fold in range(recipe.folds):
        inside = folds == fold
        weights = _solve_ridge(kernel[np.ix_(~inside, ~inside)], penalty, truth[~inside])
        error += float(((kernel[np.ix_(inside, ~inside)] @ weights - truth[inside]) ** 2).sum())
    return error / truth.size
