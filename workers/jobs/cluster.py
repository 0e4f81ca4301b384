"""POST /anomalies/cluster: which events resemble each other, and how many families are there?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.analysis.events import embed_event
from models.catalog.pictures import CONDITIONING
from models.errors import NoUsableTrace, TooFewEvents
from models.imaging.conditioning import condition
from workers.contracts import Assignment, Cluster, ClusterResult, DataWarning, Selection
from workers.failures import FineTuneUnavailable
from workers.figures import Family, contact_sheet, families_figure
from workers.jobs.desk import Outcome, Progress, Task
from workers.jobs.reading import many_events, version_of, warnings_of
from workers.parsing import EventRecords
from workers.products import cluster_products

if TYPE_CHECKING:
    from models.analysis.families import Families

_THUMBNAIL_STEP = 2


@dataclass(frozen=True)
class _Seen:
    """What is kept of an event once its records are gone: `embedding` [n], `thumbnail` uint8 [channels, rows, columns]."""

    name: str
    embedding: NDArray[np.float32]
    thumbnail: NDArray[np.uint8]


def cluster(task: Task) -> Outcome:
    """Raises what the reader raises, TooFewEvents, FineTuneUnavailable, Canceled, Superseded."""
    from models.analysis.families import find_families  # noqa: PLC0415 -- scikit-learn takes longer than a worker's start may

    options = task.record.submission.options
    if options.fine_tune:
        raise FineTuneUnavailable("this service does not train on uploads; send the bundle without fine_tune")
    seen, warnings = _see_all(task)
    if len(seen) <= options.k_min:
        raise TooFewEvents(f"{len(seen)} usable events; more than {options.k_min} are needed for {options.k_min} families")
    task.progress("families", 0.85)
    embeddings = np.stack([event.embedding for event in seen])
    found = find_families(embeddings, options.k_min, options.k_max, task.desk.settings.cluster_starts, options.seed)
    task.progress("draw", 0.92)
    result = _result(task, seen, found)
    return Outcome(result, warnings, _figures(seen, found), cluster_products(result))


def _see_all(task: Task) -> tuple[list[_Seen], list[DataWarning]]:
    """Every event that can be embedded; the others are told in the warnings."""
    seen: list[_Seen] = []
    warnings: list[DataWarning] = []
    progress = task.progress.part(0.05, 0.85)
    for step, event in enumerate(many_events(task), 1):
        warnings += warnings_of(event.remarks)
        try:
            seen.append(_see(task, event, progress, step))
        except NoUsableTrace as error:
            warnings.append(DataWarning(trace=None, part=event.name, code=error.code, detail=f"event left out: {error.detail}"))
    return seen, warnings


def _see(task: Task, event: EventRecords, progress: Progress, step: int) -> _Seen:
    """One event, its records let go."""
    progress("embed", 1.0 - 1.0 / (1.0 + 0.02 * step))  # how many will come, only the end of the stream tells
    embedding, section = embed_event(task.desk.models.models, condition(event.records, CONDITIONING))
    return _Seen(event.name, embedding, _thumbnail(section))


def _thumbnail(section: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightest of each square of pixels, so that thin lines stay."""
    step = _THUMBNAIL_STEP
    channels, rows, columns = section.shape[0], section.shape[1] // step, section.shape[2] // step
    squares = section[:, : rows * step, : columns * step].reshape(channels, rows, step, columns, step)
    return np.asarray(squares.max(axis=(2, 4)))


def _figures(seen: list[_Seen], found: Families) -> dict[str, bytes]:
    said = f"{found.k} families of {len(seen)} events" + ("" if found.structure_found else ", but no structure found")
    sheets = [
        Family(
            cluster=number,
            size=found.sizes[number],
            names=[seen[row].name for row in rows],
            pictures=np.stack([seen[row].thumbnail for row in rows]),
        )
        for number, rows in enumerate(found.representatives)
    ]
    return {
        "families": families_figure(found.positions, found.labels, [event.name for event in seen], title=said),
        "contact_sheet": contact_sheet(sheets, title=said),
    }


def _result(task: Task, seen: list[_Seen], found: Families) -> ClusterResult:
    rows = zip(seen, found.labels.tolist(), found.confidences.tolist(), strict=True)
    return ClusterResult(
        k=found.k,
        structure_found=found.structure_found,
        assignments=[Assignment(event=event.name, cluster=label, confidence=confidence) for event, label, confidence in rows],
        selection=[
            Selection(k=choice.k, loss=choice.loss, stability=choice.stability, silhouette=choice.silhouette) for choice in found.selection
        ],
        clusters=[
            Cluster(cluster=number, size=size, representatives=[seen[row].name for row in found.representatives[number]])
            for number, size in enumerate(found.sizes)
        ],
        model=version_of(task, "families"),
        fine_tuned=False,
    )
