"""Job of POST /anomalies/cluster: cluster events into families by the similarity of their record sections."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import TooFewEvents
from models.seismic.data_issues import DataIssue
from workers.exports.figure_data import write_families_data
from workers.exports.tables import cluster_products
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.embedding import EmbeddedEvents, embed_all
from workers.jobs.inputs import to_warnings
from workers.plots.families import OUTLIER, Family, contact_sheet, families_figure
from workers.results import Assignment, Cluster, ClusterResult, Selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.clustering.clusters import Clustering
    from workers.contracts import DataWarning

MAX_NAMED: Final = 3
"""Events that an error names."""

_FAILURES: Final = ("no-usable-trace", "limit-exceeded", "unreadable-waveform", "unreadable-archive", "unsupported-part")
"""Warnings of what is not an event of the clustering; others are of events that are."""

MAX_FAMILY_SHEETS: Final = 12
"""Maximum number of families with a contact sheet of their own."""

MAX_FAMILIES_SHOWN: Final = 30
MAX_WAVEFORMS_SHOWN: Final = 6
"""Maximum numbers of families with waveforms, and of events of each, for the page."""


def cluster_job(job: JobContext) -> JobOutput:
    """Cluster the events of a submission; raises what `embed_all` raises, and TooFewEvents."""
    from models.clustering.clusters import find_clusters  # noqa: PLC0415 -- importing scikit-learn would delay the start of workers

    options = job.record.submission.options
    with closing(EmbeddedEvents()) as events:
        embed_all(job, events)
        check_event_count(len(events.names), options.k_min, events.warnings)
        job.progress("families", 0.85)
        embeddings = np.stack(events.embeddings)
        clustering = find_clusters(embeddings, options.k_min, options.k_max, job.worker.settings.cluster_starts, options.seed)
        return cluster_output(job, events, clustering, fine_tuned=False)


def check_event_count(events: int, k_min: int, warnings: Sequence[DataWarning] = ()) -> None:
    """Check that there are more events than clusters; raises TooFewEvents, which names the first events that were left out, and why."""
    if events <= k_min:
        failures = [warning for warning in warnings if warning.code in _FAILURES]
        left_out = "".join(f"; {_describe_warning(warning)}" for warning in failures[:MAX_NAMED])
        raise TooFewEvents(
            f"usable events: {events}; at least {k_min + 1} are needed for {k_min} families "
            f"(each waveform file, or each folder of an archive, is one event){left_out}"
        )


def _describe_warning(warning: DataWarning) -> str:
    name = warning.trace or warning.part or ""
    return warning.detail if warning.detail.startswith(name) else f"{name}: {warning.detail}"


def cluster_output(job: JobContext, events: EmbeddedEvents, clustering: Clustering, *, fine_tuned: bool) -> JobOutput:
    """
    Return the output of a clustering job.

    Parameters
    ----------
    job
        The job.
    events
        Its embedded events.
    clustering
        The clusters of these events.
    fine_tuned
        Whether the embedding was trained on the events.

    Returns
    -------
    JobOutput
        Result, data warnings and figures.

    """
    job.progress("draw", 0.92)
    result = _to_result(job, events.names, clustering, fine_tuned)
    data = {"families": write_families_data(events.names, clustering.positions, _choose_waveforms(events, clustering))}
    warnings = [*events.warnings, *limit_warnings(clustering, job.record.submission.options.k_max)]
    return JobOutput(result, warnings, _draw_figures(events, clustering), cluster_products(result), data)


def limit_warnings(clustering: Clustering, k_max: int) -> list[DataWarning]:
    """Return a data warning (code `most-families`) where the largest number of families fits best and more events than that differ."""
    if not clustering.structure_found or clustering.k < k_max or len(clustering.labels) <= k_max + 1:
        return []
    found = f"the largest number of families that was tried, {k_max}, fits best, so that there may be more; raise k_max"
    return to_warnings([DataIssue(None, None, "most-families", found)])


def _draw_figures(events: EmbeddedEvents, clustering: Clustering) -> dict[str, bytes]:
    """Draw a map of the embedding, a contact sheet of all families, and one of each of the first `MAX_FAMILY_SHEETS` families."""
    names = events.names
    summary = f"{clustering.k} families of {len(names)} events" + ("" if clustering.structure_found else ", no cluster structure found")
    sheets = [
        Family(
            cluster=number,
            size=clustering.sizes[number],
            names=[names[index] for index in indices],
            pictures=events.thumbnails(indices),
        )
        for number, indices in enumerate(clustering.representatives)
        if indices
    ]
    colored_by = np.where(clustering.outliers, OUTLIER, clustering.labels)
    own = {
        f"family_{sheet.cluster}": contact_sheet([sheet], title=f"Family {sheet.cluster} of {summary}")
        for sheet in sheets[:MAX_FAMILY_SHEETS]
    }
    return {
        "families": families_figure(clustering.positions, colored_by, names, title=summary),
        "contact_sheet": contact_sheet(sheets, title=summary),
        **own,
    }


def _choose_waveforms(events: EmbeddedEvents, clustering: Clustering) -> dict[int, NDArray[np.int8]]:
    """Choose representatives of the first `MAX_FAMILIES_SHOWN` families, and return their waveforms by index of the event."""
    families = clustering.representatives[:MAX_FAMILIES_SHOWN]
    return {index: events.waveforms(index) for family in families for index in family[:MAX_WAVEFORMS_SHOWN]}


def _to_result(job: JobContext, names: list[str], clustering: Clustering, fine_tuned: bool) -> ClusterResult:
    per_event = zip(names, clustering.labels.tolist(), clustering.confidences.tolist(), clustering.outliers.tolist(), strict=True)
    return ClusterResult(
        k=clustering.k,
        k_of_smallest_loss=clustering.k_min_loss,
        structure_found=clustering.structure_found,
        assignments=[
            Assignment(event=event, cluster=label, confidence=confidence, outlier=outlier)
            for event, label, confidence, outlier in per_event
        ],
        selection=[
            Selection(
                k=choice.k,
                loss=choice.loss,
                stability=choice.stability,
                silhouette=choice.silhouette,
                gap=choice.gap,
                excess=choice.silhouette_excess,
            )
            for choice in clustering.scores
        ],
        clusters=[
            Cluster(cluster=number, size=size, representatives=[names[index] for index in clustering.representatives[number]])
            for number, size in enumerate(clustering.sizes)
        ],
        model=job.model_version("families"),
        fine_tuned=fine_tuned,
    )
