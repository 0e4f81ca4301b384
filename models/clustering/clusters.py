"""
Families among unlabelled events: k-means on their embeddings over a range of k, and whether there is any structure at all.

How many, and whether there are any: `models.clustering.cluster_count`.
"""

import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from models.array_types import Floats
from models.clustering.cluster_count import (
    ClusterCountScore,
    Search,
    Selection,
    leading_components,
    score_counts,
    unit_length,
    within_cluster_variance,
)
from models.errors import TooFewEvents

Labels = NDArray[np.int64]

MAX_SAMPLE: Final = 1000  # events on which k is chosen; all are assigned
REPRESENTATIVES: Final = 6
# An outlier is further from its center than this many robust deviations of its family (Iglewicz & Hoaglin's 3.5).
OUTLYING: Final = 3.5
MIN_CLUSTER_SIZE: Final = 5  # members from which on a family says how far is far; in smaller ones all families together do


@dataclass(frozen=True)
class Clustering:
    """
    The families of n events, largest first, numbered from 0.

    `labels`, `confidences` [n]: family and its probability, if families were round clouds of one width. `outliers` [n]: events
    much further from their center than the others of their family. `representatives`: for each family the events (row numbers)
    nearest to its center. `positions` [n, 2]: map of the two leading components. Without structure the best k of the range is
    told all the same, and means nothing.
    """

    k: int
    structure_found: bool
    labels: Labels
    confidences: Floats
    outliers: NDArray[np.bool_]
    selection: tuple[ClusterCountScore, ...]
    representatives: tuple[tuple[int, ...], ...]
    positions: Floats

    @property
    def sizes(self) -> tuple[int, ...]:
        """Events in each family."""
        return tuple(np.bincount(self.labels, minlength=self.k).tolist())

    @property
    def k_of_smallest_loss(self) -> int:
        """What the paper's rule would choose."""
        return min(self.selection, key=lambda choice: choice.loss).k


def find_clusters(embeddings: NDArray[np.floating], k_min: int, k_max: int, starts: int, seed: int) -> Clustering:
    """
    Families of events by their embeddings [n, m], for k from k_min to k_max (at most n - 1), `starts` k-means starts each.

    The same events give the same families in whatever order, for the same seed. Raises TooFewEvents where there are not more
    different events than k_min, or fewer than three.
    """
    rows = np.asarray(embeddings, np.float64)
    different = len(np.unique(rows, axis=0))
    if different < max(3, k_min + 1):
        raise TooFewEvents(f"different events: {different}; at least {max(3, k_min + 1)} are needed to look for {k_min} families")
    order = np.lexsort(rows.T[::-1])
    search = Search(tuple(range(k_min, min(k_max, different - 1) + 1)), starts, seed)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a part or a draw may hold fewer different points than k
        found = _find(unit_length(rows[order]), search)
    return _in_order_of(found, order)


def _find(rows: Floats, search: Search) -> Clustering:
    random = np.random.default_rng(search.seed)
    points = leading_components(rows)
    sample = np.sort(random.choice(len(rows), min(len(rows), MAX_SAMPLE), replace=False))
    fits = [search.fit(points, k) for k in search.counts]
    verdict = score_counts(rows, points, fits, sample, search, random)
    return _described(points, fits[verdict.best], verdict)


def _described(points: Floats, fit: KMeans, verdict: Selection) -> Clustering:
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
    confidences = _confidences(squares, own, points.shape[1])
    outliers = _outliers(np.sqrt(own), labels)
    return Clustering(k, verdict.structured, labels, confidences, outliers, verdict.selection, nearest, positions)


def _confidences(squares: Floats, own: Floats, dimensions: int) -> Floats:
    """Probability [n] of the own family, for squared distances [n, k] to round normal clouds of one width."""
    return np.asarray(1.0 / np.exp((own[:, None] - squares) / (2.0 * within_cluster_variance(own, dimensions))).sum(axis=1))


def _outliers(distances: Floats, labels: Labels) -> NDArray[np.bool_]:
    """Which events [n] lie further from their center than the median of their family and OUTLYING robust deviations."""
    far = np.zeros(len(labels), np.bool_)
    for family in np.unique(labels):
        inside = labels == family
        known = distances[inside] if inside.sum() >= MIN_CLUSTER_SIZE else distances
        median = np.median(known)
        deviation = 1.4826 * np.median(np.abs(known - median))
        far[inside] = distances[inside] > median + OUTLYING * max(deviation, 1e-9)
    return far


def _nearest(squares: Floats, members: Labels) -> list[int]:
    return [int(row) for row in members[np.argsort(squares[members], kind="stable")][:REPRESENTATIVES]]


def _in_order_of(found: Clustering, order: Labels) -> Clustering:
    """The same families for events as they came: row i of `found` is event order[i]."""
    back = np.argsort(order)
    representatives = tuple(tuple(int(order[row]) for row in family) for family in found.representatives)
    return Clustering(
        k=found.k,
        structure_found=found.structure_found,
        labels=found.labels[back],
        confidences=found.confidences[back],
        outliers=found.outliers[back],
        selection=found.selection,
        representatives=representatives,
        positions=found.positions[back],
    )
