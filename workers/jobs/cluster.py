"""POST /anomalies/cluster: which events resemble each other, and how many families are there?"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import TooFewEvents
from workers.contracts import Assignment, Cluster, ClusterResult, Selection
from workers.exports.tables import cluster_products
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.embedding import EmbeddedEvents, embed_all
from workers.jobs.inputs import version_of
from workers.plots.families import OUTLIER, Family, contact_sheet, families_figure

if TYPE_CHECKING:
    from models.clustering.clusters import Clustering

MAX_SHEETS: Final = 12


def cluster_job(task: JobContext) -> JobOutput:
    """Raises what the reader raises, TooFewEvents, LimitExceeded, FineTuneUnavailable, Canceled, Superseded."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415 -- scikit-learn takes longer than a worker's start may

    options = task.record.submission.options
    if options.fine_tune:
        from workers.jobs.fine_tune import fine_tune_job  # noqa: PLC0415 -- where there is no training there is no PyTorch

        return fine_tune_job(task)
    with closing(EmbeddedEvents()) as embedded:
        embed_all(task, embedded)
        check_event_count(len(embedded.names), options.k_min)
        task.progress("families", 0.85)
        embeddings = np.stack(embedded.embeddings)
        found = find_clusters(embeddings, options.k_min, options.k_max, task.desk.settings.cluster_starts, options.seed)
        return cluster_output(task, embedded, found, fine_tuned=False)


def check_event_count(events: int, k_min: int) -> None:
    """Raises TooFewEvents."""
    if events <= k_min:
        raise TooFewEvents(
            f"usable events: {events}; at least {k_min + 1} are needed to look for {k_min} families "
            "(a waveform file, or a folder of an archive, is one event)"
        )


def cluster_output(task: JobContext, embedded: EmbeddedEvents, found: Clustering, *, fine_tuned: bool) -> JobOutput:
    """The answer with its figures."""
    task.progress("draw", 0.92)
    result = _result(task, embedded.names, found, fine_tuned)
    return JobOutput(result, embedded.warnings, _figures(embedded, found), cluster_products(result))


def _figures(embedded: EmbeddedEvents, found: Clustering) -> dict[str, bytes]:
    """A map, a contact sheet of all families, and a sheet of its own for each of the first dozen."""
    names = embedded.names
    said = f"{found.k} families of {len(names)} events" + ("" if found.structure_found else ", but no structure found")
    sheets = [
        Family(
            cluster=number,
            size=found.sizes[number],
            names=[names[row] for row in rows],
            pictures=embedded.thumbnails(rows),
        )
        for number, rows in enumerate(found.representatives)
        if rows
    ]
    shown = np.where(found.outliers, OUTLIER, found.labels)
    own = {f"family_{sheet.cluster}": contact_sheet([sheet], title=f"family {sheet.cluster} of {said}") for sheet in sheets[:MAX_SHEETS]}
    return {
        "families": families_figure(found.positions, shown, names, title=said),
        "contact_sheet": contact_sheet(sheets, title=said),
        **own,
    }


def _result(task: JobContext, names: list[str], found: Clustering, fine_tuned: bool) -> ClusterResult:
    rows = zip(names, found.labels.tolist(), found.confidences.tolist(), found.outliers.tolist(), strict=True)
    return ClusterResult(
        k=found.k,
        k_of_smallest_loss=found.k_of_smallest_loss,
        structure_found=found.structure_found,
        assignments=[Assignment(event=event, cluster=label, confidence=sure, outlier=outlier) for event, label, sure, outlier in rows],
        selection=[
            Selection(
                k=choice.k,
                loss=choice.loss,
                stability=choice.stability,
                silhouette=choice.silhouette,
                gap=choice.gap,
                excess=choice.excess,
            )
            for choice in found.selection
        ],
        clusters=[
            Cluster(cluster=number, size=size, representatives=[names[row] for row in found.representatives[number]])
            for number, size in enumerate(found.sizes)
        ],
        model=version_of(task, "families"),
        fine_tuned=fine_tuned,
    )
