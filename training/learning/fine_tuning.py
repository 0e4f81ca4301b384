"""DeepCluster on an upload: a small network trained from scratch for one number of clusters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from models.array_types import Floats32, Pictures
from models.networks.families import FamiliesModel
from models.specs.families import EMBEDDING_SIZE
from training.learning.deepcluster import ClusterRecipe, train_deepcluster

BATCH = 32


@dataclass(frozen=True)
class Tuned:
    """Embedding [events, size] of the events trained on, and the mean loss of the last round."""

    embedding: Floats32
    loss: float


def make_fine_tuning_recipe(clusters: int, rounds: int, seed: int) -> ClusterRecipe:
    """Make the recipe: a ResNet18 of an eighth of the width, as some hundred pictures support no more and a CPU needs seconds a round."""
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


def fine_tune_clusters(pictures: Pictures, clusters: int, rounds: int, seed: int, on_progress: Callable[[float], None]) -> Tuned:
    """
    Train a small network on an upload's pictures uint8 [events, channels, rows, columns]; returns their embedding.

    A seed gives one answer on one machine. `on_progress` is called after each batch with the fraction done, and may raise to stop.
    """
    plan = make_fine_tuning_recipe(clusters, rounds, seed)
    torch.manual_seed(seed)
    network = FamiliesModel(plan.architecture, plan.width, pictures.shape[1], EMBEDDING_SIZE, clusters, sobel=plan.sobel)
    trained = train_deepcluster(network, np.ascontiguousarray(pictures), plan, on_progress=on_progress)
    with torch.no_grad():
        embeddings = [
            trained.network(torch.from_numpy(np.ascontiguousarray(batch)))[0].numpy()
            for batch in np.array_split(pictures, max(len(pictures) // BATCH, 1))
        ]
    return Tuned(np.concatenate(embeddings), trained.history.losses[-1])
