"""
DeepCluster, written from the paper (Caron et al. 2018, arXiv:1807.05520): cluster the features, learn the clusters, repeat.

Features are whitened by principal components and scaled to unit length, k-means gives pseudo-labels, batches are drawn
uniformly over clusters, and the classifier is drawn anew at each reassignment because the clusters' order means nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from tqdm import tqdm

from models.analysis.families import find_families
from models.catalog.families import EMBEDDING_SIZE, FAMILIES
from models.imaging.style import channels
from models.networks.heads import FamilyReader
from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from training.config import TrainingSettings, recipe
from training.export import add_metrics, export, worst_difference
from training.section_models import SectionPlan, load_sections
from training.supervised import device

LIMITS = (
    "Young weights: a few rounds of DeepCluster on some thousand synthetic sections.",
    "Families of small sets (under some tens of events) are often not told apart; structure_found says so.",
)


class ClusterRecipe(BaseModel):
    """Rounds of clustering and learning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: float
    clusters: int
    rounds: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int


@dataclass(frozen=True)
class Whitening:
    """Principal components: (features - mean) @ projection has unit variance."""

    mean: NDArray[np.float32]
    projection: NDArray[np.float32]

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Whitened features of unit length."""
        white = (features - self.mean) @ self.projection
        return np.asarray(white / np.maximum(np.linalg.norm(white, axis=1, keepdims=True), 1e-9), dtype=np.float32)


def whitening_of(features: NDArray[np.float32], size: int) -> Whitening:
    """The whitening of those features to `size` components."""
    mean = features.mean(axis=0)
    _, scales, directions = np.linalg.svd(features - mean, full_matrices=False)
    projection = directions[:size].T / np.maximum(scales[:size] / np.sqrt(len(features)), 1e-6)
    return Whitening(mean, projection.astype(np.float32))


def pseudo_labels(embedding: NDArray[np.float32], clusters: int, seed: int) -> NDArray[np.int64]:
    """K-means labels; faiss splits clusters that run empty."""
    kmeans = faiss.Kmeans(embedding.shape[1], clusters, niter=25, nredo=2, seed=seed, verbose=False)
    kmeans.train(embedding)
    return np.asarray(kmeans.index.search(embedding, 1)[1][:, 0], dtype=np.int64)


def uniform_over_labels(labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """Row indices, as many as there are rows, drawn so that every cluster is seen equally often."""
    present = np.unique(labels)
    each = -(-len(labels) // len(present))
    rows = np.concatenate([random.choice(np.flatnonzero(labels == label), each) for label in present])
    return np.asarray(random.permutation(rows)[: len(labels)])


@torch.no_grad()
def _features(network: FamilyReader, pictures: NDArray[np.uint8], batch: int) -> NDArray[np.float32]:
    network.eval()
    where = next(network.parameters()).device
    parts = [network.embed(torch.from_numpy(pictures[i : i + batch]).to(where)).cpu().numpy() for i in range(0, len(pictures), batch)]
    return np.concatenate(parts)


def _learn(network: FamilyReader, plan: ClusterRecipe, batches: Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]], steps: int) -> float:
    """One pass over the pseudo-labels with a new classifier; returns the mean loss."""
    where = next(network.parameters()).device
    network.last.reset_parameters()
    optimizer = torch.optim.SGD(network.parameters(), plan.learning_rate, momentum=0.9, weight_decay=plan.weight_decay)
    network.train()
    losses = []
    for pictures, labels in tqdm(batches, total=steps, desc="pseudo-labels", unit="batch", mininterval=5):
        optimizer.zero_grad(set_to_none=True)
        loss = network.loss(network.raw(torch.from_numpy(pictures).to(where)), torch.from_numpy(labels[:, None]).to(where))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def run(network: FamilyReader, pictures: NDArray[np.uint8], plan: ClusterRecipe) -> FamilyReader:
    """All rounds; the whitening of the last features is kept in the network. Prints NMI between successive assignments."""
    random = np.random.default_rng(plan.seed)
    network = network.to(device())
    before: NDArray[np.int64] | None = None
    size = network.whitening.shape[1]
    for turn in range(plan.rounds):
        features = _features(network, pictures, plan.batch)
        labels = pseudo_labels(whitening_of(features, size)(features), plan.clusters, plan.seed + turn)
        order = uniform_over_labels(labels, random)
        batches = ((pictures[rows], labels[rows]) for rows in np.array_split(order, max(len(order) // plan.batch, 1)))
        loss = _learn(network, plan, batches, max(len(order) // plan.batch, 1))
        agreement = float("nan") if before is None else normalized_mutual_info_score(before, labels)
        tqdm.write(f"round {turn + 1}: loss {loss:.3f}, NMI to the round before {agreement:.3f}")
        before = labels
    network = network.to("cpu").eval()
    kept = whitening_of(_features(network, pictures, plan.batch), size)
    network.mean.copy_(torch.from_numpy(kept.mean))
    network.whitening.copy_(torch.from_numpy(kept.projection))
    return network


def score(model: OnnxModel, pictures: NDArray[np.uint8], kinds: NDArray[np.int64], seed: int) -> tuple[Metric, ...]:
    """Agreement of served families with the true kinds, over ten mixtures of 120 test events."""
    embedding = model.run(pictures)["embedding"].astype(np.float64)
    random = np.random.default_rng(seed)
    scores = []
    for _ in range(10):
        rows = random.choice(len(kinds), min(120, len(kinds)), replace=False)
        found = find_families(embedding[rows], 2, 10, 5, seed)
        scores.append(adjusted_rand_score(kinds[rows], found.labels))
    low, high = np.percentile(scores, [2.5, 97.5])
    name = "ten mixtures of synthetic test events"
    return (
        Metric(
            name="adjusted Rand index against the true kinds",
            dataset=name,
            value=float(np.mean(scores)),
            low=float(low),
            high=float(high),
            n=10,
        ),
    )


def train(settings: TrainingSettings, version: str) -> Path:
    """The whole way from sections to a scored families artifact; returns its folder."""
    plan = recipe("families", ClusterRecipe)
    validation, test, training = load_sections(settings, recipe("section_models", SectionPlan))
    pictures = training.load_all(("distance",))["distance"]
    torch.manual_seed(plan.seed)
    torch.set_num_threads(settings.processes)
    faiss.omp_set_num_threads(settings.processes)
    network = run(FamilyReader(FAMILIES.architecture, plan.width, channels(FAMILIES.style), EMBEDDING_SIZE, plan.clusters), pictures, plan)
    data = {"sections": len(pictures), "recipe": plan.model_dump(mode="json")}
    place = export(network, FAMILIES, version, settings.artifacts_dir, data=data, limits=LIMITS, calibration={})
    parity = worst_difference(network, place / "model.onnx", validation.load(0)["distance"][:16])
    unseen = test.load_all(("distance", "truth"))
    model = OnnxModel.load(open_store(settings.artifacts_dir), FAMILIES, threads=settings.processes)
    scores = score(model, unseen["distance"], unseen["truth"][:, 0].astype(np.int64), plan.seed)
    add_metrics(
        place, (*scores, Metric(name="largest difference to torch, relative", dataset="16 validation pictures", value=parity, n=16))
    )
    return place
