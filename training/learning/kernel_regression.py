"""
A reader taught what sources are like: kernel ridge regression from the source picture to the description of its source.

The generator knows a source's duration, depth, mechanism and spectrum (training.descriptions), as it knows which two views are
one source; no kind is named. The embedding is the description that is read off the picture, so events lie close together whose
sources are alike. Solved, not trained (Saunders, Gammerman & Vovk 1998, Ridge regression learning algorithm in dual variables):
a few hundred sources are too few for a convolutional trunk, whose average over the picture forgets which period a row was.
"""

from itertools import product

import numpy as np
import scipy.linalg
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Pictures
from models.networks.families import POOL, KernelRegressionModel
from models.specs.families import CENTERS, EMBEDDING_SIZE
from training.learning.deepcluster import set_projection
from training.learning.projections import Projection
from training.synthesis.source_parameters import WEIGHTS


class KernelRegressionRecipe(BaseModel):
    """
    Kernels and penalties to choose from by cross-validation over sources.

    `sharpness`: of the Laplacian kernel, one over the distance of two averaged pictures in brightness; `penalties`: of the ridge,
    in units of a picture's likeness to itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sharpness: tuple[float, ...]
    penalties: tuple[float, ...]
    folds: int
    seed: int


def scale_parameters(descriptions: Floats) -> Floats:
    """Descriptions [n, 16] about their mean, of unit variance, times WEIGHTS."""
    spread = np.maximum(descriptions.std(axis=0), 1e-6)
    return np.asarray((descriptions - descriptions.mean(axis=0)) / spread * WEIGHTS)


def fit_kernel_regression(views: Pictures, targets: Floats, recipe: KernelRegressionRecipe) -> KernelRegressionModel:
    """A reader of targets [sources, m], m at most EMBEDDING_SIZE, off views [sources, v, channels, rows, columns] of the sources."""
    known = average_patches(views.reshape(-1, *views.shape[2:]))
    sources = np.repeat(np.arange(len(views)), views.shape[1])
    truth = (targets - targets.mean(axis=0))[sources]
    distances = np.sqrt(_squared_distances(known / 255.0))
    tried = list(product(recipe.sharpness, recipe.penalties))
    misses = [_missed(np.exp(-sharpness * distances), penalty, truth, sources, recipe) for sharpness, penalty in tried]
    sharpness, penalty = tried[int(np.argmin(misses))]
    likeness = np.exp(-sharpness * distances)
    reader = KernelRegressionModel(torch.from_numpy(known), sharpness, EMBEDDING_SIZE, CENTERS)
    matrix = _solved(likeness, penalty, truth).astype(np.float32)
    projection = Projection(np.zeros(len(known), np.float32), matrix)
    set_projection(reader, projection, likeness.astype(np.float32), recipe.seed)
    return reader.eval()


def average_patches(pictures: Pictures) -> Pictures:
    """Means [n, m] over patches of POOL rows and columns of pictures [n, channels, rows, columns], as bytes."""
    count, channels, rows, columns = pictures.shape
    patches = pictures.reshape(count, channels, rows // POOL[0], POOL[0], columns // POOL[1], POOL[1])
    return np.asarray(np.rint(patches.mean(axis=(3, 5))), np.uint8).reshape(count, -1)


def _squared_distances(rows: Floats) -> Floats:
    lengths = (rows**2).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths - 2.0 * (rows @ rows.T), 0.0)


def _solved(likeness: Floats, penalty: float, truth: Floats) -> Floats:
    return np.asarray(scipy.linalg.solve(likeness + penalty * np.eye(len(likeness)), truth, assume_a="pos"))


def _missed(likeness: Floats, penalty: float, truth: Floats, sources: NDArray[np.int64], recipe: KernelRegressionRecipe) -> float:
    """Mean squared error where the sources of one fold are read by a reader that knows those of the others."""
    folds = np.random.default_rng(recipe.seed).integers(recipe.folds, size=int(sources.max()) + 1)[sources]
    missed = 0.0
    for fold in range(recipe.folds):
        inside = folds == fold
        weights = _solved(likeness[np.ix_(~inside, ~inside)], penalty, truth[~inside])
        missed += float(((likeness[np.ix_(inside, ~inside)] @ weights - truth[inside]) ** 2).sum())
    return missed / truth.size
