"""
How well an embedding's clusters agree with the true kinds of sources, over mixtures of test sources drawn at random.

A mixture holds two to eight kinds in unequal proportions. Its events are clustered without their labels, and the clusters are
compared with the kinds (adjusted Rand index: Hubert & Arabie 1985, doi:10.1007/BF01908075).
"""

from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict
from sklearn.metrics import adjusted_rand_score

from models.array_types import Floats32, Integers
from models.clustering.clusters import find_clusters
from training.datasets.shards import Arrays
from training.datasets.source_pairs import KINDS, STYLES

DIRICHLET_CONCENTRATION, MIN_EVENTS_PER_KIND = 2.0, 5


class BenchmarkRecipe(BaseModel):
    """Number of mixtures (`draws`), ranges of kinds and events in each, and `k_max` and `starts` of the clustering."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    draws: int
    kinds: tuple[int, int]
    events: tuple[int, int]
    k_max: int
    starts: int
    seed: int


@dataclass(frozen=True)
class Mixture:
    """Indices of the test events in one mixture, and their true kinds, both [events]."""

    rows: Integers
    kinds: Integers


def single_views(shards: Arrays) -> tuple[Arrays, Integers]:
    """Take the first view of each source: its pictures by style, and its kind (index in KINDS) [sources]."""
    return {name: np.ascontiguousarray(shards[name][:, 0]) for name in STYLES}, shards["truth"][:, 0].astype(np.int64)


def draw_mixture(kinds: Integers, plan: BenchmarkRecipe, random: np.random.Generator) -> Mixture:
    """
    Draw a mixture of kinds from a pool of test events, without replacement.

    Proportions follow a symmetric Dirichlet distribution (concentration 2), the wanted number of events is log-uniform, and each
    kind has at least MIN_EVENTS_PER_KIND events or all that the pool holds.
    """
    present = random.choice(len(KINDS), random.integers(plan.kinds[0], plan.kinds[1] + 1), replace=False)
    events = np.exp(random.uniform(*np.log(plan.events)))
    wanted = events * random.dirichlet(np.full(len(present), DIRICHLET_CONCENTRATION))
    rows = []
    for kind, count in zip(present, wanted, strict=True):
        pool = np.flatnonzero(kinds == kind)
        rows.append(random.choice(pool, min(max(int(count), MIN_EVENTS_PER_KIND), len(pool)), replace=False))
    shuffled = random.permutation(np.concatenate(rows))
    return Mixture(shuffled, kinds[shuffled])


def score_mixture(embedding: Floats32, mixture: Mixture, plan: BenchmarkRecipe) -> tuple[float, float, float]:
    """
    Cluster the events of a mixture by the embedding [test events, size] as serving does, and compare with their kinds.

    Returns the adjusted Rand index at the chosen and at the true number of clusters, and 1 where these numbers are equal, else 0.
    """
    events, truth = embedding[mixture.rows], mixture.kinds
    true_k = len(np.unique(truth))
    found = find_clusters(events, 2, plan.k_max, plan.starts, plan.seed)
    at_true_k = find_clusters(events, true_k, true_k, plan.starts, plan.seed)
    ari, ari_true_k = (float(adjusted_rand_score(truth, clustering.labels)) for clustering in (found, at_true_k))
    return ari, ari_true_k, float(found.k == true_k)
