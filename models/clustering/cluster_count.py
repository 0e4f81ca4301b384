"""
How many families there are, and whether there are any: each k scored, and held against draws from a cloud without families.

Reported for each k: the loss that the paper chooses by, which favors few families; stability under resampling; silhouette
(Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7); gap statistic (Tibshirani et al. 2001, doi:10.1111/1467-9868.00293).

Our rule: the k whose silhouette exceeds most what the same procedure finds in draws from one normal distribution of the same
mean and covariance. Families are said to be there where that excess beats every draw's own by a margin, where reruns on parts
of the events agree, and where seen along the line between a family and the rest there are two modes rather than one, as no
draw shows them (dip, `models.clustering.dip_test`). The last keeps a single skewed or heavy-tailed cloud from passing for two.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from models.array_types import Floats
from models.clustering.dip_test import dip

Labels = NDArray[np.int64]

# The embedding comes whitened out of its graph. Whitening a small upload once more would lift its noise to the height of
# its structure, so the leading components are kept as they are.
COMPONENTS: Final = 8
REFERENCE_DRAWS: Final = 9
RERUNS: Final = 6
PART: Final = 0.8
MARGIN: Final = 0.03
MIN_STABILITY: Final = 0.5
# How much deeper than in any draw the valley must be: draws are few, and of skewed clouds the dip is a little larger.
DEEPER: Final = 1.15


@dataclass(frozen=True)
class ClusterCountScore:
    """
    How well k families fit.

    `loss`: cross-entropy of the assignment in nats, were families round normal clouds of one width (the loss that DeepCluster's
    classifier is trained with); `stability`: mean adjusted Rand index against reruns on parts of the events; `silhouette`: -1
    to 1; `gap`: logarithm of the spread within families, below the mean of the draws; `excess`: silhouette above the mean of
    the draws.
    """

    k: int
    loss: float
    stability: float
    silhouette: float
    gap: float
    excess: float


@dataclass(frozen=True)
class Search:
    """One search over k: which k, how often k-means starts, and from which seed."""

    counts: tuple[int, ...]
    starts: int
    seed: int

    def fit(self, points: Floats, k: int, starts: int | None = None) -> KMeans:
        """K-means with k families."""
        return KMeans(k, n_init=starts or self.starts, random_state=self.seed).fit(points)


@dataclass(frozen=True)
class Selection:
    """The scores of every k, which of them is chosen (an index), and whether there are families at all."""

    selection: tuple[ClusterCountScore, ...]
    best: int
    structured: bool


def score_counts(
    rows: Floats, points: Floats, fits: list[KMeans], sample: Labels, search: Search, random: np.random.Generator
) -> Selection:
    """
    Score fits, one a k, of `points` [n, components] made of `rows` [n, m] of unit length, on the events `sample`.

    What takes more than linear time in the events is done on the sample.
    """
    labels = [fit.labels_[sample] for fit in fits]
    drawn = [_without_families(rows[sample], random) for _ in range(REFERENCE_DRAWS)]
    references = [[search.fit(cloud, k, 1) for k in search.counts] for cloud in drawn]
    silhouettes = np.array([silhouette(points[sample], found) for found in labels])
    draws = np.array([[silhouette(cloud, fit.labels_) for fit in row] for cloud, row in zip(drawn, references, strict=True)])
    spreads = np.log([[fit.inertia_ / len(sample) + 1e-300 for fit in row] for row in references]).mean(axis=0)
    excess = silhouettes - draws.mean(axis=0)
    selection = tuple(
        ClusterCountScore(
            k=k,
            loss=assignment_loss(points, fit),
            stability=_stability(points[sample], labels[number], search, k, random),
            silhouette=float(silhouettes[number]),
            gap=float(spreads[number] - np.log(fit.inertia_ / len(points) + 1e-300)),
            excess=float(excess[number]),
        )
        for number, (k, fit) in enumerate(zip(search.counts, fits, strict=True))
    )
    best = int(np.argmax(excess))
    chance = max(max_dip(cloud, row[best].labels_) for cloud, row in zip(drawn, references, strict=True))
    structured = (
        excess[best] > _largest_excess_by_chance(draws) + MARGIN
        and selection[best].stability >= MIN_STABILITY
        and max_dip(points[sample], labels[best]) > DEEPER * chance
    )
    return Selection(selection, best, bool(structured))


def unit_length(rows: Floats) -> Floats:
    """Rows [n, m] scaled to length one; rows of zeros stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def leading_components(rows: Floats) -> Floats:
    """Principal components [n, at most 8] of rows [n, m]; each turned so that its largest value is positive."""
    centered = rows - rows.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
    points = (left * strengths)[:, :COMPONENTS]
    return np.asarray(points * np.where(points.max(axis=0) >= -points.min(axis=0), 1.0, -1.0))


def within_cluster_variance(own: Floats, dimensions: int) -> float:
    """Variance a dimension of round clouds of one width, from squared distances [n] to the own center."""
    return max(float(own.mean()) / dimensions, 1e-12)


def assignment_loss(points: Floats, fit: KMeans) -> float:
    """Mean cross-entropy [nats] of the assignment, were families round normal clouds of one width."""
    squares = fit.transform(points) ** 2
    own = squares.min(axis=1)
    return float(np.log(np.exp((own[:, None] - squares) / (2 * within_cluster_variance(own, points.shape[1]))).sum(axis=1)).mean())


def silhouette(points: Floats, labels: Labels) -> float:
    """Zero where there are as many families as points, or only one."""
    return float(silhouette_score(points, labels)) if 1 < len(np.unique(labels)) < len(points) else 0.0


def max_dip(points: Floats, labels: Labels) -> float:
    """Largest dip of all points [n, m], each time seen along the line between the centers of one family and of the rest."""
    dips = [0.0]
    for family in np.unique(labels):
        inside = labels == family
        if 1 < inside.sum() < len(points) - 1:
            dips.append(dip(points @ (points[inside].mean(axis=0) - points[~inside].mean(axis=0))))
    return max(dips)


def _without_families(rows: Floats, random: np.random.Generator) -> Floats:
    """As many points from one normal distribution of the same mean and covariance, treated alike."""
    covariance = np.atleast_2d(np.cov(rows.T)) + 1e-12 * np.eye(rows.shape[1])
    drawn = rows.mean(axis=0) + random.normal(size=rows.shape) @ np.linalg.cholesky(covariance).T
    return leading_components(unit_length(drawn))


def _largest_excess_by_chance(draws: Floats) -> float:
    """The largest excess over k that a draw [draws, k] has over the mean of the others."""
    others = (draws.sum(axis=0) - draws) / (len(draws) - 1)
    return float(np.max(draws - others))


def _stability(points: Floats, labels: Labels, search: Search, k: int, random: np.random.Generator) -> float:
    """Mean adjusted Rand index between families of all and families of parts from other seeds, each compared on its part."""
    size = min(len(points), max(k + 1, round(PART * len(points))))
    scores = []
    for number in range(RERUNS):
        part = random.choice(len(points), size, replace=False)
        again = Search(search.counts, 1, search.seed + 1 + number).fit(points[part], k)
        scores.append(adjusted_rand_score(labels[part], again.labels_))
    return float(np.mean(scores))
