"""Methods that embed unlabeled events from their pictures: baselines, published methods, and a supervised upper limit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats32
from models.networks.families import FamiliesModel
from models.specs.families import EMBEDDING_SIZE
from models.specs.pictures import SOURCE
from training.datasets.shards import Arrays
from training.datasets.source_pairs import KINDS, STYLES
from training.experiments.families import vicreg
from training.experiments.families.vicreg import ContrastiveRecipe
from training.learning import deepcluster, kernel_regression
from training.learning.deepcluster import ClusterRecipe, Projection, extract_features, fit_whitening, set_projection
from training.learning.kernel_regression import KernelRegressionRecipe

Embed = Callable[[Arrays], Floats32]
BATCH = 64
# Principal components of pictures and spectra: as many as the shipped embedding has.
COMPONENTS = EMBEDDING_SIZE
SHRINKAGE = 0.1


class MethodsPlan(BaseModel):
    """Recipes of the methods that the shipped one is compared with, and shards of records without an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise_shards: int
    views: ContrastiveRecipe
    published: ClusterRecipe
    deepcluster: ClusterRecipe


@dataclass(frozen=True)
class Method:
    """A method: `embed` maps pictures by style [n, channels, rows, columns] to rows [n, size]; `supervised`: it saw labels."""

    name: str
    embed: Embed
    supervised: bool = False


def load_network(style: str, recipe: ClusterRecipe | ContrastiveRecipe) -> FamiliesModel:
    """Make an untrained network for pictures of a style, with its lazy layers initialized."""
    torch.manual_seed(recipe.seed)
    channels = 2 if style == "source" else 3
    sobel = isinstance(recipe, ClusterRecipe) and recipe.sobel
    network = FamiliesModel(recipe.architecture, recipe.width, channels, EMBEDDING_SIZE, recipe.clusters, sobel=sobel)
    network.embed(torch.zeros(2, channels, STYLES[style].rows, STYLES[style].columns, dtype=torch.uint8))
    return network


def flatten_views(views: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Flatten both views of each source [sources, 2, ...] to single pictures [2 x sources, ...]."""
    return views.reshape(-1, *views.shape[2:])


def measure_spectra(pictures: NDArray[np.uint8]) -> Floats32:
    """
    Measure spectral features [n, 2 x rows] of source pictures: the maximum level at each period, and the time within 8 dB of it.

    Levels are in units of 10 dB, durations the logarithms of numbers of columns.
    """
    levels = pictures[:, 0].astype(np.float32) * (SOURCE.dynamic_range_db / 255)
    peak = levels.max(axis=2)
    length = np.log1p((levels > peak[..., None] - 8.0).sum(axis=2) * (peak > 0))
    return np.concatenate([peak / 10, 2 * length], axis=1).astype(np.float32)


def _flatten_pictures(pictures: NDArray[np.uint8]) -> Floats32:
    return np.asarray(pictures.reshape(len(pictures), -1) / np.float32(255), np.float32)


def _project_on_components(features: Floats32, train: Floats32) -> Floats32:
    mean = train.mean(axis=0)
    _, _, directions = np.linalg.svd(train - mean, full_matrices=False)
    return np.asarray((features - mean) @ directions[:COMPONENTS].T, np.float32)


def make_baselines(train: Arrays) -> list[Method]:
    """Make the baselines: principal components, fitted on training sources, of sections, source pictures and spectral features."""

    def pictures(style: str) -> Embed:
        fitted_on = _flatten_pictures(train[style][:, 0])
        return lambda test: _project_on_components(_flatten_pictures(test[style]), fitted_on)

    known = measure_spectra(flatten_views(train["source"]))
    return [
        Method("sections, principal components", pictures("distance")),
        Method("source pictures, principal components", pictures("source")),
        Method("spectral features", lambda test: _project_on_components(measure_spectra(test["source"]), known)),
    ]


def make_untrained_method(train: Arrays, plan: MethodsPlan) -> Method:
    """Make the baseline of an untrained backbone, whitened on training sections."""
    network = load_network("distance", plan.published).eval()
    whitening = fit_whitening(extract_features(network, train["distance"][:, 0], BATCH), EMBEDDING_SIZE)
    return Method("sections, untrained AlexNet", lambda test: whitening(extract_features(network, test["distance"], BATCH)))


def fit_deepcluster_method(name: str, style: str, train: Arrays, recipe: ClusterRecipe, folder: Path) -> Method:
    """Train DeepCluster on one view of each source."""
    trained = deepcluster.train_deepcluster(load_network(style, recipe), train[style][:, 0], recipe, folder / f"{style}-deepcluster")
    return Method(name, lambda test: embed_pictures(trained.network, test[style]))


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


def train_views_network(train: Arrays, recipe: ContrastiveRecipe, folder: Path) -> FamiliesModel:
    """Train a backbone with VICReg on pairs of views, and project it on the directions in which the views agree."""
    network = load_network("source", recipe)
    vicreg.train_vicreg(network, train["source"], recipe, folder / "views")
    one, other = (extract_features(network, train["source"][:, k], BATCH) for k in range(2))
    set_projection(network, fit_shared_directions(one, other, EMBEDDING_SIZE), np.concatenate([one, other]), recipe.seed)
    return network


def make_shared_directions_method(train: Arrays) -> Method:
    """Make the method of principal components projected on the directions in which two views of a source agree, without a network."""
    one, other = (_flatten_pictures(train["source"][:, view]) for view in range(2))
    seen = np.concatenate([one, other])
    agreement = fit_shared_directions(_project_on_components(one, seen), _project_on_components(other, seen), EMBEDDING_SIZE // 2)
    return Method(
        "source pictures, what two views agree in", lambda test: agreement(_project_on_components(_flatten_pictures(test["source"]), seen))
    )


def make_supervised_method(train: Arrays, recipe: KernelRegressionRecipe) -> Method:
    """Fit the shipped reader to the true kinds: an upper limit for methods without labels."""
    trained = kernel_regression.fit_kernel_regression(train["source"], np.eye(len(KINDS))[train["truth"][:, 0].astype(np.int64)], recipe)
    return Method("true kinds (supervised, an upper limit)", lambda test: embed_pictures(trained, test["source"]), True)


@torch.no_grad()
def embed_pictures(network: FamiliesModel, pictures: NDArray[np.uint8]) -> Floats32:
    """Embed pictures as the exported graph does [n, size]."""
    network.eval()
    parts = [network(torch.from_numpy(pictures[i : i + BATCH]))[0].numpy() for i in range(0, len(pictures), BATCH)]
    return np.concatenate(parts)
