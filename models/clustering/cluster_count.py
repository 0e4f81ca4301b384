"""
The number of clusters, and whether there are any: each k scored, and compared with reference data without clusters.

Scores of each k: the loss by which the paper chooses, which favors few clusters; stability under resampling; silhouette (Rousseeuw 1987,
doi:10.1016/0377-0427(87)90125-7); gap statistic (Tibshirani et al. 2001, doi:10.1111/1467-9868.00293).

The k with the largest silhouette excess is selected: the silhouette less its mean over reference draws from one normal distribution of the
same mean and covariance. Structure is claimed where that excess exceeds every reference draw's own by a margin, where k-means on subsets of
the events agrees, and where, projected on the line between the centers of one cluster and of the rest, the events are bimodal by the dip
test (`models.clustering.dip_test`) as no reference draw is. The dip keeps a single skewed or heavy-tailed cloud from passing for two.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.cluster import KMeans

from models.array_types import Floats, Integers
from models.clustering.dip_test import dip

COMPONENTS: Final = 8
"""
Principal components that are clustered, as they are: embeddings are whitened in the network's graph, and whitening a small upload once more
would amplify its noise to the variance of its structure.
"""
REFERENCE_DRAWS: Final = 9
RESAMPLINGS: Final = 6
SUBSET_FRACTION: Final = 0.8
EXCESS_MARGIN: Final = 0.03
MIN_STABILITY: Final = 0.5
DIP_FACTOR: Final = 1.15
"""Required ratio of the dip to the largest of the reference draws, which are few, and for skewed clouds a little small."""


@dataclass(frozen=True)
class ClusterCountScore:
    """
    Scores of k clusters.

    `loss`: cross-entropy of the assignment in nats, as if clusters were spherical normal distributions of equal variance (the loss that
    DeepCluster's classifier is trained with). `stability`: mean adjusted Rand index against k-means on subsets. `silhouette`: -1 to 1.
    `gap`: log dispersion within clusters, subtracted from its mean over reference draws. `silhouette_excess`: silhouette less its mean over
    reference draws.
    """

    k: int
    loss: float
    stability: float
    silhouette: float
    gap: float
    silhouette_excess: float


@dataclass(frozen=True)
class Search:
    """Settings of a search over k: the values of k, the number of k-means starts, and the seed."""

    counts: tuple[int, ...]
    starts: int
    seed: int

    def fit(self, points: Floats, k: int, starts: int | None = None) -> KMeans:
        """Fit k-means with k clusters to points [n, components]."""
        return KMeans(k, n_init=starts or self.starts, random_state=self.seed).fit(points)


@dataclass(frozen=True)
class CountSelection:
    """The scores of every k, the index of the selected one, and whether there is structure at all."""

    scores: tuple[ClusterCountScore, ...]
    best: int
    structured: bool


def score_counts(
    embeddings: Floats, points: Floats, fits: list[KMeans], sample: Integers, search: Search, random: np.random.Generator
) -> CountSelection:
    """
    Score k-means fits, one for each k, and select k.

    Parameters
    ----------
    embeddings : float64 [n, m]
        Embeddings of unit length.
    points : float64 [n, components]
        Their leading components, which were clustered.
    fits : list of KMeans
        Fits of `points` for each of `search.counts`.
    sample : int64 [events]
        Indices of the events on which is computed what takes more than linear time.
    search : Search
        Settings of the search.
    random : numpy.random.Generator
        Source of reference draws and subsets.

    """
    labels = [fit.labels_[sample] for fit in fits]
    reference = _fit_reference(embeddings[sample], search, random)
    log_dispersions = np.log([[fit.inertia_ / len(sample) + 1e-300 for fit in row] for row in reference.fits]).mean(axis=0)
    silhouettes = np.array([silhouette(points[sample], each) for each in labels])
    excess = silhouettes - reference.silhouettes.mean(axis=0)
    scores = tuple(
        ClusterCountScore(
            k=k,
            loss=assignment_loss(points, fit),
            stability=_stability(points[sample], labels[number], search, k, random),
            silhouette=float(silhouettes[number]),
            gap=float(log_dispersions[number] - np.log(fit.inertia_ / len(points) + 1e-300)),
            silhouette_excess=float(excess[number]),
        )
        for number, (k, fit) in enumerate(zip(search.counts, fits, strict=True))
    )
    best = int(np.argmax(excess))
    structured = (
        excess[best] > _max_reference_excess(reference.silhouettes) + EXCESS_MARGIN
        and scores[best].stability >= MIN_STABILITY
        and max_dip(points[sample], labels[best]) > DIP_FACTOR * reference.max_dip(best)
    )
    return CountSelection(scores, best, bool(structured))


@dataclass(frozen=True)
class _Reference:
    """Draws [n, components] without clusters, with k-means fits [draws, k] of each, and the silhouettes [draws, k] of these."""

    draws: list[Floats]
    fits: list[list[KMeans]]
    silhouettes: Floats

    def max_dip(self, index: int) -> float:
        """Compute the largest dip of any draw in the clusters of the k at that index."""
        return max(max_dip(draw, row[index].labels_) for draw, row in zip(self.draws, self.fits, strict=True))


def _fit_reference(embeddings: Floats, search: Search, random: np.random.Generator) -> _Reference:
    """Draw reference data without clusters, and fit k-means for every k to each draw."""
    draws = [_draw_without_clusters(embeddings, random) for _ in range(REFERENCE_DRAWS)]
    fits = [[search.fit(draw, k, 1) for k in search.counts] for draw in draws]
    silhouettes = np.array([[silhouette(draw, fit.labels_) for fit in row] for draw, row in zip(draws, fits, strict=True)])
    return _Reference(draws, fits, silhouettes)


def scale_to_unit_length(embeddings: Floats) -> Floats:
    """Scale embeddings [n, m] to length one; zeros stay zero."""
    return np.asarray(embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12))


def leading_components(embeddings: Floats) -> Floats:
    """Compute principal components [n, at most 8] of embeddings [n, m]; the sign of each makes its largest absolute value positive."""
    centered = embeddings - embeddings.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
    points = (left * strengths)[:, :COMPONENTS]
    return np.asarray(points * np.where(points.max(axis=0) >= -points.min(axis=0), 1.0, -1.0))


def within_cluster_variance(own_squares: Floats, dimensions: int) -> float:
    """Compute the variance per dimension of spherical clusters of equal variance, from squared distances [n] to the own center."""
    return max(float(own_squares.mean()) / dimensions, 1e-12)


def assignment_loss(points: Floats, fit: KMeans) -> float:
    """Compute the mean cross-entropy [nats] of the assignment, as if clusters were spherical normal distributions of equal variance."""
    squares = fit.transform(points) ** 2
    own = squares.min(axis=1)
    return float(np.log(np.exp((own[:, None] - squares) / (2 * within_cluster_variance(own, points.shape[1]))).sum(axis=1)).mean())


def silhouette(points: Floats, labels: Integers) -> float:
    """
    Compute the mean silhouette of points [n, m]; zero where it is not defined, for one cluster or as many as points.

    Written out: for the few events of most uploads, the checks of scikit-learn's function take ten times as long as the arithmetic.
    """
    _, members, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if not 1 < len(sizes) < len(points):
        return 0.0
    squares = (points**2).sum(axis=1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares[None] - 2.0 * points @ points.T, 0.0))
    np.fill_diagonal(distances, 0.0)
    sums = distances @ (members[:, None] == np.arange(len(sizes)))
    rows = np.arange(len(points))
    own = sums[rows, members] / np.maximum(sizes[members] - 1, 1)
    others = sums / sizes
    others[rows, members] = np.inf
    nearest = others.min(axis=1)
    single = sizes[members] == 1
    return float(np.where(single, 0.0, (nearest - own) / np.maximum(np.maximum(nearest, own), 1e-300)).mean())


def adjusted_rand_index(one: Integers, other: Integers) -> float:
    """Compute the adjusted Rand index of two labelings [n], numbered from 0: 1 where they agree, 0 by chance (Hubert & Arabie 1985)."""
    width = int(other.max()) + 1
    table = np.bincount(one * width + other, minlength=(int(one.max()) + 1) * width).reshape(-1, width)
    together = int((table**2).sum())
    both = together - len(one)
    only_one, only_other = (int((table.sum(axis=axis) ** 2).sum()) - together for axis in (1, 0))
    neither = len(one) ** 2 - only_one - only_other - together
    if only_one == 0 == only_other:
        return 1.0
    expected = (both + only_one) * (only_one + neither) + (both + only_other) * (only_other + neither)
    return 2.0 * (both * neither - only_one * only_other) / expected


def max_dip(points: Floats, labels: Integers) -> float:
    """Compute the largest dip of points [n, m], over clusters, projected on the line between the centers of the cluster and of the rest."""
    dips = [0.0]
    for cluster in np.unique(labels):
        inside = labels == cluster
        if 1 < inside.sum() < len(points) - 1:
            dips.append(dip(points @ (points[inside].mean(axis=0) - points[~inside].mean(axis=0))))
    return max(dips)


def _draw_without_clusters(embeddings: Floats, random: np.random.Generator) -> Floats:
    """As many points of one normal distribution of the same mean and covariance, processed like the embeddings."""
    covariance = np.atleast_2d(np.cov(embeddings.T)) + 1e-12 * np.eye(embeddings.shape[1])
    draws = embeddings.mean(axis=0) + random.normal(size=embeddings.shape) @ np.linalg.cholesky(covariance).T
    return leading_components(scale_to_unit_length(draws))


def _max_reference_excess(silhouettes: Floats) -> float:
    """Largest silhouette excess, over draws and k, of a reference draw over the mean of the others; silhouettes [draws, k]."""
    others = (silhouettes.sum(axis=0) - silhouettes) / (len(silhouettes) - 1)
    return float(np.max(silhouettes - others))


def _stability(points: Floats, labels: Integers, search: Search, k: int, random: np.random.Generator) -> float:
    """Mean adjusted Rand index of the clusters and those of k-means on subsets, with other seeds, on the events of each subset."""
    size = min(len(points), max(k + 1, round(SUBSET_FRACTION * len(points))))
    scores = []
    for number in range(RESAMPLINGS):
        subset = random.choice(len(points), size, replace=False)
        again = Search(search.counts, 1, search.seed + 1 + number).fit(points[subset], k)
        scores.append(adjusted_rand_index(labels[subset], again.labels_))
    return float(np.mean(scores))
