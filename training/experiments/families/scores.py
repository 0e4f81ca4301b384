"""Scores of a method of embedding on one mixture of kinds, and the rules by which a number of clusters can be chosen."""

from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, normalized_mutual_info_score
from sklearn.mixture import GaussianMixture

from models.array_types import Floats32
from models.clustering.cluster_count import leading_components, scale_to_unit_length
from models.clustering.clusters import Clustering, find_clusters
from training.evaluation.cluster_metrics import BenchmarkRecipe, Mixture

RULES = (
    "smallest loss (the paper's)",
    "largest silhouette",
    "largest gap",
    "largest stability",
    "largest excess (ours)",
    "least BIC of Gaussian mixtures",
)
# Gaussian mixtures are fitted to the leading components only, with no variance below this fraction of the mean one.
MIXTURE_COMPONENTS, VARIANCE_FLOOR = 4, 0.02


@dataclass(frozen=True)
class ClusteringScore:
    """
    Agreement of the clusters of one mixture with its kinds.

    `ari`, `nmi`, `ami`: adjusted Rand index and (adjusted) normalized mutual information at the chosen k; `ari_true_k`: adjusted
    Rand index where k is given; `k_by_rule`: the number of clusters that each of RULES chooses.
    """

    ari: float
    nmi: float
    ami: float
    ari_true_k: float
    k: int
    true_k: int
    structure_found: bool
    k_by_rule: tuple[int, ...]


def score_method(embedding: Floats32, mixture: Mixture, plan: BenchmarkRecipe) -> ClusteringScore:
    """Cluster the events of a mixture by the embedding [test events, size] of a method as serving does, and compare with their kinds."""
    events, truth = embedding[mixture.rows], mixture.kinds
    found = find_clusters(events, 2, plan.k_max, plan.starts, plan.seed)
    true_k = len(np.unique(truth))
    at_true_k = find_clusters(events, true_k, true_k, plan.starts, plan.seed)
    return ClusteringScore(
        ari=float(adjusted_rand_score(truth, found.labels)),
        nmi=float(normalized_mutual_info_score(truth, found.labels)),
        ami=float(adjusted_mutual_info_score(truth, found.labels)),
        ari_true_k=float(adjusted_rand_score(truth, at_true_k.labels)),
        k=found.k,
        true_k=true_k,
        structure_found=found.structure_found,
        k_by_rule=(*choose_by_rules(found), count_by_mixture(events, plan)),
    )


def choose_by_rules(found: Clustering) -> tuple[int, ...]:
    """Choose the number of clusters by each of RULES but the last."""
    best = [max(found.scores, key=attrgetter(name)).k for name in ("silhouette", "gap", "stability", "silhouette_excess")]
    return (found.k_min_loss, *best)


def count_by_mixture(events: Floats32, plan: BenchmarkRecipe) -> int:
    """Choose the number of Gaussian components with the least Bayesian information criterion (Schwarz 1978, doi:10.1214/aos/1176344136)."""
    points = leading_components(scale_to_unit_length(events.astype(np.float64)))[:, :MIXTURE_COMPONENTS]
    floor = VARIANCE_FLOOR * float(points.var(axis=0).mean())
    fits = [GaussianMixture(k, reg_covar=floor, random_state=plan.seed).fit(points) for k in range(2, plan.k_max + 1)]
    return int(min(fits, key=lambda fit: fit.bic(points)).n_components)
