"""
Clusters of unlabeled events: k-means on their embeddings over a range of k.

How k is selected, and whether there is any structure: `models.clustering.cluster_count`. A cluster is called a family in answers.
"""

import warnings
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from models.array_types import Flags, Floats, Floats32, Integers
from models.clustering.cluster_count import (
    ClusterCountScore,
    CountSelection,
    Search,
    leading_components,
    scale_to_unit_length,
    score_counts,
    within_cluster_variance,
)
from models.errors import TooFewEvents

MAX_SAMPLE: Final = 1000  # events on which k is selected; all events are assigned
REPRESENTATIVES: Final = 6
OUTLIER_DEVIATIONS: Final = 3.5
"""Robust deviations beyond the median distance from the center that make an outlier (Iglewicz & Hoaglin 1993)."""
MIN_CLUSTER_SIZE: Final = 5  # from which on a cluster has a median distance of its own; smaller ones take that of all events


@dataclass(frozen=True)
class Clustering:
    """
    Clusters of n events, numbered from 0 by decreasing size.

    `labels`, `confidences` [n]: cluster of each event and its posterior probability, as if clusters were spherical normal distributions of
    equal variance. `outliers` [n]: whether an event lies much farther from its center than the others of its cluster. `scores`: of every k
    tried. `representatives`: for each cluster the indices of the events nearest to its center. `positions` [n, 2]: the two leading
    components, as a map. Without structure (`structure_found` False) the best k of the range is returned all the same, without meaning.
    """

    k: int
    structure_found: bool
    labels: Integers
    confidences: Floats
    outliers: Flags
    scores: tuple[ClusterCountScore, ...]
    representatives: tuple[tuple[int, ...], ...]
    positions: Floats

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of events in each cluster."""
        return tuple(np.bincount(self.labels, minlength=self.k).tolist())

    @property
    def k_min_loss(self) -> int:
        """The k of smallest loss, which the paper's rule selects."""
        return min(self.scores, key=lambda score: score.loss).k


def find_clusters(embeddings: Floats | Floats32, k_min: int, k_max: int, starts: int, seed: int) -> Clustering:
    """
    Cluster events by their embeddings and select the number of clusters.

    The same events give the same clusters for the same seed, whatever their order.

    Parameters
    ----------
    embeddings : float [n, m]
        Embeddings of the events.
    k_min, k_max : int
        Range of the number of clusters; the upper end is reduced to the number of distinct events less one.
    starts : int
        Number of k-means starts for each k.
    seed : int
        Seed of k-means, reference draws and subsets.

    Raises
    ------
    TooFewEvents
        If there are at most k_min distinct events, or fewer than three.

    """
    rows = np.asarray(embeddings, np.float64)
    distinct = len(np.unique(rows, axis=0))
    if distinct < max(3, k_min + 1):
        raise TooFewEvents(f"different events: {distinct}; at least {max(3, k_min + 1)} are needed to look for {k_min} families")
    order = np.lexsort(rows.T[::-1])
    search = Search(tuple(range(k_min, min(k_max, distinct - 1) + 1)), starts, seed)
    with threadpool_limits(1), config_context(skip_parameter_validation=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a subset or a draw may hold fewer distinct points than k
        clustering = _cluster_sorted(scale_to_unit_length(rows[order]), search)
    return _restore_order(clustering, order)


def _cluster_sorted(embeddings: Floats, search: Search) -> Clustering:
    random = np.random.default_rng(search.seed)
    points = leading_components(embeddings)
    sample = np.sort(random.choice(len(embeddings), min(len(embeddings), MAX_SAMPLE), replace=False))
    fits = [search.fit(points, k) for k in search.counts]
    selection = score_counts(embeddings, points, fits, sample, search, random)
    return _describe_clusters(points, fits[selection.best], selection)


def _describe_clusters(points: Floats, fit: KMeans, selection: CountSelection) -> Clustering:
    """Number the clusters by size; of two of equal size, the one of the first event in sorted order comes first."""
    k = len(fit.cluster_centers_)
    sizes = np.bincount(fit.labels_, minlength=k)
    first = np.array([np.flatnonzero(fit.labels_ == cluster)[0] if sizes[cluster] else len(points) for cluster in range(k)])
    ranking = np.lexsort((first, -sizes))
    labels = np.argsort(ranking)[fit.labels_].astype(np.int64)
    squares = ((points[:, None, :] - fit.cluster_centers_[ranking][None]) ** 2).sum(axis=2)
    own = squares[np.arange(len(points)), labels]
    positions = np.zeros((len(points), 2))
    positions[:, : points.shape[1]] = points[:, :2]
    return Clustering(
        k=k,
        structure_found=selection.structured,
        labels=labels,
        confidences=_confidences(squares, own, points.shape[1]),
        outliers=_outliers(np.sqrt(own), labels),
        scores=selection.scores,
        representatives=tuple(tuple(_nearest(own, np.flatnonzero(labels == cluster))) for cluster in range(k)),
        positions=positions,
    )


def _confidences(squares: Floats, own: Floats, dimensions: int) -> Floats:
    """Posterior probability [n] of the own cluster, from squared distances to all centers [n, k] and to the own one [n]."""
    return np.asarray(1.0 / np.exp((own[:, None] - squares) / (2.0 * within_cluster_variance(own, dimensions))).sum(axis=1))


def _outliers(distances: Floats, labels: Integers) -> Flags:
    """Whether a distance [n] from the own center exceeds the cluster's median by more than OUTLIER_DEVIATIONS robust deviations."""
    outliers = np.zeros(len(labels), np.bool_)
    for cluster in np.unique(labels):
        inside = labels == cluster
        compared = distances[inside] if inside.sum() >= MIN_CLUSTER_SIZE else distances
        median = np.median(compared)
        deviation = 1.4826 * np.median(np.abs(compared - median))
        outliers[inside] = distances[inside] > median + OUTLIER_DEVIATIONS * max(deviation, 1e-9)
    return outliers


def _nearest(squares: Floats, members: Integers) -> list[int]:
    return [int(index) for index in members[np.argsort(squares[members], kind="stable")][:REPRESENTATIVES]]


def _restore_order(clustering: Clustering, order: Integers) -> Clustering:
    """Reorder a clustering of sorted events, of which the i-th is event order[i], to the order in which the events came."""
    back = np.argsort(order)
    return replace(
        clustering,
        labels=clustering.labels[back],
        confidences=clustering.confidences[back],
        outliers=clustering.outliers[back],
        representatives=tuple(tuple(int(order[index]) for index in cluster) for cluster in clustering.representatives),
        positions=clustering.positions[back],
    )
