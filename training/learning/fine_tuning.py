"""DeepCluster on an upload: a small network from scratch, for one number of clusters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.networks.families import FamiliesModel
from models.specs.families import EMBEDDING_SIZE
from training.learning.deepcluster import ClusterRecipe, train_deepcluster

BATCH = 32


@dataclass(frozen=True)
class Tuned:
    """Embedding [events, size] of the events trained on, and the mean loss of the last round."""

    embedding: NDArray[np.float32]
    loss: float


def fine_tuning_recipe(clusters: int, rounds: int, seed: int) -> ClusterRecipe:
    """A ResNet18 of an eighth of the width: some hundred pictures carry no more, and a CPU does a round in seconds."""
    return ClusterRecipe(
        architecture="resnet18",
        sobel=True,
        width=0.125,
        clusters=clusters,
        rounds=rounds,
        batch=BATCH,
        learning_rate=0.02,
        weight_decay=1e-5,
        seed=seed,
    )


def fine_tune_clusters(pictures: NDArray[np.uint8], clusters: int, rounds: int, seed: int, watch: Callable[[float], None]) -> Tuned:
    """
    All rounds on pictures uint8 [events, channels, rows, columns]; `watch(share)` after each batch, may raise to stop.

    The same seed gives the same answer on the same machine.
    """
    plan = fine_tuning_recipe(clusters, rounds, seed)
    torch.manual_seed(seed)
    network = FamiliesModel(plan.architecture, plan.width, pictures.shape[1], EMBEDDING_SIZE, clusters, sobel=plan.sobel)
    trained = train_deepcluster(network, np.ascontiguousarray(pictures), plan, watch=watch)
    with torch.no_grad():
        parts = [
            trained.network(torch.from_numpy(np.ascontiguousarray(part)))[0].numpy()
            for part in np.array_split(pictures, max(len(pictures) // BATCH, 1))
        ]
    return Tuned(np.concatenate(parts), trained.history.losses[-1])
