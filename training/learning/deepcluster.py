"""
DeepCluster, written from the paper (Caron et al. 2018, arXiv:1807.05520): cluster the features, learn the clusters, repeat.

Features are whitened by principal components and scaled to unit length, k-means gives pseudo-labels, batches are drawn
uniformly over clusters, and the classifier is drawn anew at each reassignment because the clusters' order means nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import normalized_mutual_info_score
from tqdm import tqdm

from models.array_types import Pictures
from models.networks.families import FamiliesModel
from training.learning.fit import choose_device
from training.learning.projections import Projection, fit_whitening

Labels = NDArray[np.int64]
OnProgress = Callable[[float], None]

PICTURES_A_COMPONENT = 8


class ClusterRecipe(BaseModel):
    """Rounds of clustering and learning. The paper's AlexNet sees Sobel gradients; `learning_rate` is that of plain SGD with momentum."""

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
    """What each round came to: mean loss, and NMI between its assignment and the one before (NaN in the first)."""

    losses: list[float] = field(default_factory=list)
    agreements: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Trained:
    """The network with its projection and centers in place, on the CPU; labels [n] of the last assignment; how it went."""

    network: FamiliesModel
    labels: Labels
    history: History


def count_components(pictures: int, most: int) -> int:
    """
    Components that so many pictures carry: one for each eight.

    The paper whitens a million pictures to 256. Whitening a hundred to 32 lifts their noise to the height of what they share,
    and k-means then parts noise.
    """
    return max(2, min(most, pictures // PICTURES_A_COMPONENT))


def ignore_progress(_: float) -> None:
    """Nobody watches, nobody stops it."""


def assign_pseudo_labels(embedding: NDArray[np.float32], clusters: int, seed: int) -> tuple[Labels, NDArray[np.float32]]:
    """
    K-means labels [n] and centers [clusters, size] of unit length; faiss splits clusters that run empty.

    On the GPU where there is one and faiss was built for it.
    """
    on_gpu = choose_device().type == "cuda" and faiss.get_num_gpus() > 0
    kmeans = faiss.Kmeans(embedding.shape[1], clusters, niter=25, nredo=2, seed=seed, gpu=on_gpu, min_points_per_centroid=1)
    kmeans.train(np.ascontiguousarray(embedding))
    labels = np.asarray(kmeans.index.search(np.ascontiguousarray(embedding), 1)[1][:, 0], dtype=np.int64)
    centers = np.asarray(kmeans.centroids, np.float32)
    return labels, np.asarray(centers / np.maximum(np.linalg.norm(centers, axis=1, keepdims=True), 1e-9), np.float32)


def sample_uniformly_over_labels(labels: Labels, random: np.random.Generator) -> Labels:
    """Row indices, as many as there are rows, drawn so that every cluster is seen equally often."""
    present = np.unique(labels)
    each = -(-len(labels) // len(present))
    rows = np.concatenate([random.choice(np.flatnonzero(labels == label), each) for label in present])
    return np.asarray(random.permutation(rows)[: len(labels)])


@torch.no_grad()
def extract_features(network: FamiliesModel, pictures: Pictures, batch: int) -> NDArray[np.float32]:
    """Features [n, m] of pictures, in evaluation mode, wherever the network is."""
    network.eval()
    where = next(network.parameters()).device
    parts = [
        network.embed(torch.from_numpy(pictures[i : i + batch]).to(where)).float().cpu().numpy() for i in range(0, len(pictures), batch)
    ]
    return np.concatenate(parts)


def train_deepcluster(
    network: FamiliesModel, pictures: Pictures, plan: ClusterRecipe, folder: Path | None = None, watch: OnProgress = ignore_progress
) -> Trained:
    """
    All rounds of DeepCluster on pictures [n, channels, rows, columns].

    With a folder, `last.pt` is kept there after each round and a stopped run goes on from it. `watch(share)` is called after
    each batch with the share of the rounds done, and may raise to end the run.
    """
    torch.manual_seed(plan.seed)
    network, size = network.to(choose_device()), count_components(len(pictures), network.projection.shape[1])
    history, before = _resume(folder, network)
    for turn in range(len(history.losses), plan.rounds):
        features = extract_features(network, pictures, plan.batch)
        labels, _ = assign_pseudo_labels(fit_whitening(features, size)(features), plan.clusters, plan.seed + turn)
        order = sample_uniformly_over_labels(labels, np.random.default_rng([plan.seed, turn]))
        history.losses.append(_learn(network, plan, pictures, labels, order, partial(_within, watch, turn, plan.rounds)))
        history.agreements.append(float("nan") if before is None else float(normalized_mutual_info_score(before, labels)))
        tqdm.write(f"round {turn + 1}: loss {history.losses[-1]:.3f}, NMI to the round before {history.agreements[-1]:.3f}")
        before = labels
        _keep(folder, network, history, labels)
    network = network.to("cpu").eval()
    features = extract_features(network, pictures, plan.batch)
    labels = set_projection(network, fit_whitening(features, size), features, plan.seed)
    return Trained(network, labels, history)


def set_projection(network: FamiliesModel, projection: Projection, features: NDArray[np.float32], seed: int) -> Labels:
    """Put projection and the centers of those features [n, m] into the network; returns the labels [n] of the centers."""
    whole = projection.padded(network.projection.shape[1])
    labels, centers = assign_pseudo_labels(whole(features), len(network.centers), seed)
    network.mean.copy_(torch.from_numpy(whole.mean))
    network.projection.copy_(torch.from_numpy(whole.matrix))
    network.centers.copy_(torch.from_numpy(centers))
    return labels


def _within(watch: OnProgress, turn: int, rounds: int, done: float) -> None:
    watch((turn + done) / rounds)


def _learn(network: FamiliesModel, plan: ClusterRecipe, pictures: Pictures, labels: Labels, order: Labels, watch: OnProgress) -> float:
    """One pass over the pseudo-labels with a new classifier; returns the mean loss. bfloat16 where there is a GPU."""
    where = next(network.parameters()).device
    network.last.reset_parameters()
    optimizer = torch.optim.SGD(network.parameters(), plan.learning_rate, momentum=0.9, weight_decay=plan.weight_decay)
    network.train()
    losses = []
    steps = max(len(order) // plan.batch, 1)
    for number, rows in enumerate(_bar(np.array_split(order, steps))):
        inputs, truth = torch.from_numpy(pictures[rows]).to(where), torch.from_numpy(labels[rows, None]).to(where)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(where.type, dtype=torch.bfloat16, enabled=where.type == "cuda"):
            raw = network.raw(inputs)
        loss = network.loss(raw.float(), truth)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
        watch((number + 1) / steps)
    return float(np.mean(losses))


def _bar(parts: list[Labels]) -> Iterator[Labels]:
    return iter(tqdm(parts, desc="pseudo-labels", unit="batch", mininterval=5, leave=False))


def _keep(folder: Path | None, network: FamiliesModel, history: History, labels: Labels) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        state = {"network": network.state_dict(), "history": vars(history), "labels": torch.from_numpy(labels)}
        torch.save(state, folder / "next.pt")
        (folder / "next.pt").rename(folder / "last.pt")


def _resume(folder: Path | None, network: FamiliesModel) -> tuple[History, Labels | None]:
    if folder is None or not (folder / "last.pt").exists():
        return History(), None
    state = torch.load(folder / "last.pt", map_location="cpu", weights_only=True)
    network.load_state_dict(state["network"])
    return History(**state["history"]), state["labels"].numpy()
