"""
Families among unlabelled events: k-means on their embeddings over a range of k, and whether there is any structure at all.

How many: the k whose silhouette (Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7) exceeds most what the same procedure finds
in draws from one normal distribution of the same mean and covariance, as in the gap statistic (Tibshirani et al. 2001,
doi:10.1111/1467-9868.00293). Neither the loss, which falls with k, nor the silhouette alone, which a longish cloud has
too, can tell. Structure is found where that excess beats every draw's own by a margin and reruns on parts of the events agree.
"""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from models.errors import TooFewEvents

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

# The embedding comes whitened out of its graph. Whitening a small upload once more would lift its noise to the height of
# its structure, so the leading components are kept as they are.
COMPONENTS: Final = 8
REFERENCE_DRAWS: Final = 9
RERUNS: Final = 6
PART: Final = 0.8
MARGIN: Final = 0.03
LEAST_STABILITY: Final = 0.5
LARGEST_SAMPLE: Final = 1000  # events on which k is chosen; all are assigned
REPRESENTATIVES: Final = 6


@dataclass(frozen=True)
class Choice:
    """
    How well k families fit.

    `loss`: mean squared distance to the family's center; `stability`: mean adjusted Rand index against reruns on parts of the
    events; `silhouette`: -1 to 1; `excess`: silhouette above the mean of the draws without structure.
    """

    k: int
    loss: float
    stability: float
    silhouette: float
    excess: float


@dataclass(frozen=True)
class Families:
    """
    The families of n events, largest first, numbered from 0.

    `labels`, `confidences` [n]: family and its probability, if families were round clouds of one width. `representatives`: for
    each family the events (row numbers) nearest to its center. `positions` [n, 2]: map of the two leading components.
    Without structure the best k of the range is told all the same, and means nothing.
    """

    k: int
    structure_found: bool
    labels: Labels
    confidences: Floats
    selection: tuple[Choice, ...]
    representatives: tuple[tuple[int, ...], ...]
    positions: Floats

    @property
    def sizes(self) -> tuple[int, ...]:
        """Events in each family."""
        return tuple(np.bincount(self.labels, minlength=self.k).tolist())


@dataclass(frozen=True)
class _Search:
    """One search over k: how often k-means starts, from which seed, and which k."""

    counts: tuple[int, ...]
    starts: int
    seed: int

    def fit(self, points: Floats, k: int, starts: int | None = None) -> KMeans:
        return KMeans(k, n_init=starts or self.starts, random_state=self.seed).fit(points)


def find_families(embeddings: NDArray[np.floating], k_min: int, k_max: int, starts: int, seed: int) -> Families:
    """
    Families of events by their embeddings [n, m], for k from k_min to k_max (at most n - 1), `starts` k-means starts each.

    The same events give the same families in whatever order, for the same seed. Raises TooFewEvents where there are not more
    different events than k_min, or fewer than three.
    """
    rows = np.asarray(embeddings, np.float64)
    different = len(np.unique(rows, axis=0))
    if different < max(3, k_min + 1):
        raise TooFewEvents(f"{different} different events; at least {max(3, k_min + 1)} are needed for {k_min} families")
    order = np.lexsort(rows.T[::-1])
    search = _Search(tuple(range(k_min, min(k_max, different - 1) + 1)), starts, seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a part or a draw may hold fewer different points than k
        found = _find(_unit_length(rows[order]), search)
    return _in_order_of(found, order)


def _find(rows: Floats, search: _Search) -> Families:
    random = np.random.default_rng(search.seed)
    points = leading_components(rows)
    sample = np.sort(random.choice(len(rows), min(len(rows), LARGEST_SAMPLE), replace=False))
    fits = [search.fit(points, k) for k in search.counts]
    silhouettes = np.array([_silhouette(points[sample], fit.labels_[sample]) for fit in fits])
    draws = np.array([_silhouettes_without_structure(rows[sample], search, random) for _ in range(REFERENCE_DRAWS)])
    excess = silhouettes - draws.mean(axis=0)
    selection = tuple(
        Choice(k, float(fit.inertia_) / len(rows), _stability(points[sample], fit.labels_[sample], search, k, random), *scores)
        for k, fit, *scores in zip(search.counts, fits, silhouettes.tolist(), excess.tolist(), strict=True)
    )
    best = int(np.argmax(excess))
    structured = bool(excess[best] > _largest_excess_by_chance(draws) + MARGIN and selection[best].stability >= LEAST_STABILITY)
    return _described(points, fits[best], selection, structured)


def leading_components(rows: Floats) -> Floats:
    """Principal components [n, at most 8] of rows [n, m]; each turned so that its largest value is positive."""
    centered = rows - rows.mean(axis=0)
    left, strengths, _ = np.linalg.svd(centered, full_matrices=False)
    points = (left * strengths)[:, :COMPONENTS]
    return np.asarray(points * np.where(points.max(axis=0) >= -points.min(axis=0), 1.0, -1.0))


def _silhouettes_without_structure(rows: Floats, search: _Search, random: np.random.Generator) -> list[float]:
    """Silhouette for each k in a draw of as many rows from one normal distribution of the same mean and covariance."""
    covariance = np.atleast_2d(np.cov(rows.T)) + 1e-12 * np.eye(rows.shape[1])
    drawn = rows.mean(axis=0) + random.normal(size=rows.shape) @ np.linalg.cholesky(covariance).T
    points = leading_components(_unit_length(drawn))
    return [_silhouette(points, search.fit(points, k, 1).labels_) for k in search.counts]


def _largest_excess_by_chance(draws: Floats) -> float:
    """The largest excess over k that a draw [draws, k] has over the mean of the others."""
    others = (draws.sum(axis=0) - draws) / (len(draws) - 1)
    return float(np.max(draws - others))


def _stability(points: Floats, labels: Labels, search: _Search, k: int, random: np.random.Generator) -> float:
    """Mean adjusted Rand index between families of all and families of parts, each compared on its part."""
    size = min(len(points), max(k + 1, round(PART * len(points))))
    parts = [random.choice(len(points), size, replace=False) for _ in range(RERUNS)]
    return float(np.mean([adjusted_rand_score(labels[part], search.fit(points[part], k, 1).labels_) for part in parts]))


def _silhouette(points: Floats, labels: Labels) -> float:
    """Zero where there are as many families as points, or only one."""
    return float(silhouette_score(points, labels)) if 1 < len(np.unique(labels)) < len(points) else 0.0


def _described(points: Floats, fit: KMeans, selection: tuple[Choice, ...], structured: bool) -> Families:
    """Families numbered by size; of two alike, the one that comes first in the sorted events."""
    k = len(fit.cluster_centers_)
    sizes = np.bincount(fit.labels_, minlength=k)
    first = np.array([np.flatnonzero(fit.labels_ == family)[0] if sizes[family] else len(points) for family in range(k)])
    ranking = np.lexsort((first, -sizes))
    labels = np.argsort(ranking)[fit.labels_].astype(np.int64)
    squares = ((points[:, None, :] - fit.cluster_centers_[ranking][None]) ** 2).sum(axis=2)
    own = squares[np.arange(len(points)), labels]
    nearest = tuple(tuple(_nearest(own, np.flatnonzero(labels == family))) for family in range(k))
    positions = np.zeros((len(points), 2))
    positions[:, : points.shape[1]] = points[:, :2]
    return Families(k, structured, labels, _confidences(squares, own, points.shape[1]), selection, nearest, positions)


def _confidences(squares: Floats, own: Floats, dimensions: int) -> Floats:
    """Probability [n] of the own family, for squared distances [n, k] to round normal clouds of one width."""
    variance = max(float(own.mean()) / dimensions, 1e-12)
    return np.asarray(1.0 / np.exp((own[:, None] - squares) / (2.0 * variance)).sum(axis=1))


def _nearest(squares: Floats, members: Labels) -> list[int]:
    return [int(row) for row in members[np.argsort(squares[members], kind="stable")][:REPRESENTATIVES]]


def _unit_length(rows: Floats) -> Floats:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))


def _in_order_of(found: Families, order: Labels) -> Families:
    """The same families for events as they came: row i of `found` is event order[i]."""
    back = np.argsort(order)
    representatives = tuple(tuple(int(order[row]) for row in family) for family in found.representatives)
    return Families(
        k=found.k,
        structure_found=found.structure_found,
        labels=found.labels[back],
        confidences=found.confidences[back],
        selection=found.selection,
        representatives=representatives,
        positions=found.positions[back],
    )
