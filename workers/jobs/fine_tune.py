"""Job of POST /anomalies/cluster with `fine_tune=true`: train DeepCluster on the upload for each number of clusters k, then cluster."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from models.errors import LimitExceeded
from workers.jobs.cluster import check_event_count, cluster_output
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.embedding import EmbeddedEvents, embed_all
from workers.problems import FineTuneUnavailable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.clustering.clusters import Clustering
    from training.learning.fine_tuning import Tuned


def fine_tune_job(job: JobContext) -> JobOutput:
    """
    Cluster the events of a submission by networks trained on them.

    Whether there is any cluster structure is decided on the shipped embedding, which was not trained on these events: a
    network trained to separate events into clusters finds clusters in noise, too.

    Raises FineTuneUnavailable where the service offers no training, LimitExceeded over `max_fine_tune_events`, and what
    `cluster_job` raises.
    """
    settings, options = job.worker.settings, job.record.submission.options
    if settings.fine_tune_workers == 0:
        raise FineTuneUnavailable("this service does not train on uploads; submit the bundle without fine_tune")
    try:
        from training.learning import fine_tuning  # noqa: PLC0415 -- the training dependencies may be absent
    except ImportError as error:
        raise FineTuneUnavailable("this service has no training dependencies installed; submit the bundle without fine_tune") from error
    with closing(EmbeddedEvents()) as events:
        embed_all(job, events)
        count = len(events.names)
        check_event_count(count, options.k_min)
        if count > settings.max_fine_tune_events:
            raise LimitExceeded(f"{count} events; fine-tuning takes at most {settings.max_fine_tune_events}")
        return cluster_output(job, events, _find_tuned_clusters(job, events, fine_tuning.fine_tune_clusters), fine_tuned=True)


def _find_tuned_clusters(job: JobContext, events: EmbeddedEvents, train: Callable[..., Tuned]) -> Clustering:
    """Train and cluster for each k, and return the clustering whose silhouette exceeds that of unclustered data most."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415 -- importing scikit-learn would delay the start of workers

    settings, options = job.worker.settings, job.record.submission.options
    shipped = find_clusters(np.stack(events.embeddings), options.k_min, options.k_max, settings.cluster_starts, options.seed)
    pictures = events.thumbnails(range(len(events.names)))
    step = 0.07 / len(shipped.scores)
    tuned: list[Clustering] = []
    for number, k in enumerate(score.k for score in shipped.scores):
        progress = job.progress.section(0.85 + step * number, 0.85 + step * (number + 1))
        trained = train(pictures, k, settings.fine_tune_rounds, options.seed, partial(progress, f"deepcluster k={k}"))
        tuned.append(_cluster_with_loss(trained.embedding, k, trained.loss, settings.cluster_starts, options.seed))
    best = max(tuned, key=lambda clustering: clustering.scores[0].silhouette_excess)
    scores = tuple(clustering.scores[0] for clustering in tuned)
    return replace(best, scores=scores, structure_found=shipped.structure_found)


def _cluster_with_loss(embedding: NDArray[np.float32], k: int, loss: float, starts: int, seed: int) -> Clustering:
    """Find k clusters in an embedding [events, dimensions], with the final loss of its network as the loss of that k."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415 -- as above

    clustering = find_clusters(embedding, k, k, starts, seed)
    return replace(clustering, scores=tuple(replace(score, loss=loss) for score in clustering.scores))
