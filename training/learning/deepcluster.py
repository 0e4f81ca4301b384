"""
DeepCluster, written from the paper (Caron et al. 2018, arXiv:1807.05520): cluster the features, learn the clusters, repeat.

Features are whitened by principal components and scaled to unit length, k-means assigns pseudo-labels, batches are drawn uniformly
over clusters, and the classifier is initialized anew in each round, because the order of clusters is arbitrary.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
import torch
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import normalized_mutual_info_score
from tqdm import tqdm

from models.array_types import Floats32, Integers, Pictures
from models.networks.families import FamiliesModel
from training.learning.checkpoint import resume_checkpoint, save_checkpoint
from training.learning.fit import choose_device

OnProgress = Callable[[float], None]

PICTURES_PER_COMPONENT = 8


class ClusterRecipe(BaseModel):
    """
    Architecture and hyperparameters of DeepCluster.

    `rounds` of clustering and learning; `sobel`: the network sees Sobel gradients, as the paper's AlexNet does; `learning_rate`
    is that of stochastic gradient descent with momentum 0.9.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Literal["alexnet", "resnet18", "resnet50"]
    sobel: bool
    width: float
    clusters: int
    rounds: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int


@dataclass
class History:
    """Mean loss of each round, and the NMI between its assignment and the one before (NaN in the first)."""

    losses: list[float] = field(default_factory=list)
    agreements: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """The network with projection and centers set, on the CPU; labels [n] of the last assignment; the history of rounds."""

    network: FamiliesModel
    labels: Integers
    history: History


@dataclass(frozen=True)
class Projection:
    """The linear map (features - mean) @ matrix, scaled to unit length, exported with the network; `mean` [n], `matrix` [n, size]."""

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


def count_components(pictures: int, maximum: int) -> int:
    """
    Count the principal components that so many pictures support: one for each eight, at least two.

    The paper whitens a million pictures to 256 components. Whitening a hundred pictures to 32 amplifies their noise to the level
    of what they share, and k-means then separates noise.
    """
    return max(2, min(maximum, pictures // PICTURES_PER_COMPONENT))


def ignore_progress(_: float) -> None:
    """Do nothing with the fraction done: the default callback."""


def assign_pseudo_labels(embedding: Floats32, clusters: int, seed: int) -> tuple[Integers, Floats32]:
    """
    Cluster an embedding [n, size] by k-means; returns labels [n] and centers [clusters, size] of unit length.

    faiss splits clusters that run empty, and computes on the GPU where there is one and it was built for it.
    """
    on_gpu = choose_device().type == "cuda" and faiss.get_num_gpus() > 0
    kmeans = faiss.Kmeans(embedding.shape[1], clusters, niter=25, nredo=2, seed=seed, gpu=on_gpu, min_points_per_centroid=1)
    kmeans.train(np.ascontiguousarray(embedding))
    labels = np.asarray(kmeans.index.search(np.ascontiguousarray(embedding), 1)[1][:, 0], dtype=np.int64)
    centers = np.asarray(kmeans.centroids, np.float32)
    return labels, np.asarray(centers / np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-9), np.float32)


def sample_uniformly_over_labels(labels: Integers, random: np.random.Generator) -> Integers:
    """Draw as many row indices as there are labels, with replacement, so that every cluster is drawn equally often."""
    present = np.unique(labels)
    each = -(-len(labels) // len(present))
    rows = np.concatenate([random.choice(np.flatnonzero(labels == label), each) for label in present])
    return np.asarray(random.permutation(rows)[: len(labels)])


@torch.no_grad()
def extract_features(network: FamiliesModel, pictures: Pictures, batch: int) -> Floats32:
    """Compute the features [n, m] of pictures, in evaluation mode, on the device that holds the network."""
    network.eval()
    device = next(network.parameters()).device
    features = [
        network.embed(torch.from_numpy(pictures[i : i + batch]).to(device)).float().cpu().numpy() for i in range(0, len(pictures), batch)
    ]
    return np.concatenate(features)


def train_deepcluster(
    network: FamiliesModel,
    pictures: Pictures,
    plan: ClusterRecipe,
    folder: Path | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Trained:
    """
    Train a network by DeepCluster on pictures uint8 [n, channels, rows, columns].

    `folder` keeps `last.pt` after each round, from which an interrupted run continues. `on_progress` is called after each batch with
    the fraction done, 0 to 1, and may raise to end the run.
    """
    torch.manual_seed(plan.seed)
    network, size = network.to(choose_device()), count_components(len(pictures), network.projection.shape[1])
    made_for = {**plan.model_dump(mode="json"), "pictures": len(pictures)}
    history, before = _resume(folder, network, made_for)
    for turn in range(len(history.losses), plan.rounds):
        features = extract_features(network, pictures, plan.batch)
        labels, _ = assign_pseudo_labels(fit_whitening(features, size)(features), plan.clusters, plan.seed + turn)
        order = sample_uniformly_over_labels(labels, np.random.default_rng([plan.seed, turn]))
        in_round = partial(_report_within_round, on_progress, turn, plan.rounds)
        history.losses.append(_learn_labels(network, plan, pictures, labels, order, in_round))
        history.agreements.append(float("nan") if before is None else float(normalized_mutual_info_score(before, labels)))
        tqdm.write(f"round {turn + 1}: loss {history.losses[-1]:.3f}, NMI to the round before {history.agreements[-1]:.3f}")
        before = labels
        if folder is not None:
            progress = {"history": vars(history), "labels": torch.from_numpy(labels)}
            save_checkpoint(folder, {"network": network}, made_for, progress)
    network = network.to("cpu").eval()
    features = extract_features(network, pictures, plan.batch)
    labels = set_projection(network, fit_whitening(features, size), features, plan.seed)
    return Trained(network, labels, history)


def set_projection(network: FamiliesModel, projection: Projection, features: Floats32, seed: int) -> Integers:
    """Set a network's projection, and its centers by k-means of the projected features [n, m]; returns their labels [n]."""
    padded = projection.pad(network.projection.shape[1])
    labels, centers = assign_pseudo_labels(padded(features), len(network.centers), seed)
    network.mean.copy_(torch.from_numpy(padded.mean))
    network.projection.copy_(torch.from_numpy(padded.matrix))
    network.centers.copy_(torch.from_numpy(centers))
    return labels


def _report_within_round(on_progress: OnProgress, turn: int, rounds: int, fraction: float) -> None:
    on_progress((turn + fraction) / rounds)


def _learn_labels(
    network: FamiliesModel, plan: ClusterRecipe, pictures: Pictures, labels: Integers, order: Integers, on_progress: OnProgress
) -> float:
    """Train one pass over the pseudo-labels with a new classifier, in bfloat16 on a GPU; returns the mean loss."""
    device = next(network.parameters()).device
    network.head.reset_parameters()
    optimizer = torch.optim.SGD(network.parameters(), plan.learning_rate, momentum=0.9, weight_decay=plan.weight_decay)
    network.train()
    losses = []
    steps = max(len(order) // plan.batch, 1)
    bar = tqdm(np.array_split(order, steps), desc="pseudo-labels", unit="batch", mininterval=5, leave=False)
    for number, rows in enumerate(bar):
        inputs, truth = torch.from_numpy(pictures[rows]).to(device), torch.from_numpy(labels[rows, None]).to(device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
            logits = network.logits(inputs)
        loss = network.loss(logits.float(), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        on_progress((number + 1) / steps)
    return float(np.mean(losses))


def _resume(folder: Path | None, network: FamiliesModel, made_for: dict[str, Any]) -> tuple[History, Integers | None]:
    progress = None if folder is None else resume_checkpoint(folder, {"network": network}, made_for)
    return (History(), None) if progress is None else (History(**progress["history"]), progress["labels"].numpy())
