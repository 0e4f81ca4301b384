"""`fine_tune=true`: DeepCluster trained on the upload itself, once for each k, in a worker that does nothing else."""

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


def fine_tune_job(task: JobContext) -> JobOutput:
    """
    The families of a network trained on these events; raises FineTuneUnavailable where the service offers no training.

    Whether there is any structure is judged on the embedding that has not seen the events: one trained to part them finds parts
    in noise, too.
    """
    settings, options = task.desk.settings, task.record.submission.options
    if settings.fine_tune_workers == 0:
        raise FineTuneUnavailable("this service does not train on uploads; send the bundle without fine_tune")
    try:
        from training.learning import fine_tuning  # noqa: PLC0415 -- the training group may be absent
    except ImportError as error:
        raise FineTuneUnavailable("this service has no training installed; send the bundle without fine_tune") from error
    with closing(EmbeddedEvents()) as embedded:
        embed_all(task, embedded)
        check_event_count(len(embedded.names), options.k_min)
        if len(embedded.names) > settings.max_fine_tune_events:
            raise LimitExceeded(f"{len(embedded.names)} events; at most {settings.max_fine_tune_events} are trained on")
        return cluster_output(task, embedded, _tuned(task, embedded, fine_tuning.fine_tune_clusters), fine_tuned=True)


def _tuned(task: JobContext, embedded: EmbeddedEvents, train: Callable[..., Tuned]) -> Clustering:
    """The families that stand out most, over all k."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415 -- scikit-learn takes longer than a worker's start may

    settings, options = task.desk.settings, task.record.submission.options
    untouched = find_clusters(np.stack(embedded.embeddings), options.k_min, options.k_max, settings.cluster_starts, options.seed)
    pictures = embedded.thumbnails(range(len(embedded.names)))
    each = 0.07 / len(untouched.selection)
    tuned: list[Clustering] = []
    for number, k in enumerate(choice.k for choice in untouched.selection):
        progress = task.progress.part(0.85 + each * number, 0.85 + each * (number + 1))
        trained = train(pictures, k, settings.fine_tune_rounds, options.seed, partial(progress, f"deepcluster k={k}"))
        tuned.append(_judged(trained.embedding, k, trained.loss, settings.cluster_starts, options.seed))
    best = max(tuned, key=lambda found: found.selection[0].excess)
    return replace(best, selection=tuple(found.selection[0] for found in tuned), structure_found=untouched.structure_found)


def _judged(embedding: NDArray[np.float32], k: int, loss: float, starts: int, seed: int) -> Clustering:
    """The k families of an embedding, with the loss that the network ended with."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415

    found = find_clusters(embedding, k, k, starts, seed)
    return replace(found, selection=tuple(replace(choice, loss=loss) for choice in found.selection))
