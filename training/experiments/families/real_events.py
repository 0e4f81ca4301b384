"""Real events of a folder clustered as one upload by the shipped families model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.analysis.pipeline import embed_event
from models.clustering.clusters import Clustering, find_clusters
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.families import FAMILIES
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import list_real_events, read_real_records, read_real_truth
from training.evaluation.pages import format_table

K_MAX, STARTS, SEED = 8, 10, 3407

HEADS = ("event", "type", "magnitude", "depth km", "traces", "cluster", "confidence", "outlier")


def cluster_real_events(artifacts: Path, folder: Path) -> dict[str, str]:
    """Embed and cluster the real events of a folder; return the fields of the page (model version, verdict, table)."""
    store = open_store(artifacts)
    models = {spec.name: OnnxModel.load(store, spec, threads=1) for spec in (OFFSET, FAMILIES)}
    folders = list_real_events(folder)
    gathers = [condition(read_real_records(event), CONDITIONING) for event in folders]
    found = find_clusters(np.stack([embed_event(models, gather)[0] for gather in gathers]), 2, K_MAX, STARTS, SEED)
    lines = format_embeddings([read_real_truth(event) for event in folders], [len(gather.trace_ids) for gather in gathers], found)
    return {
        "version": models[FAMILIES.name].version,
        "real_verdict": describe_result(found),
        "real_events": format_table(HEADS, lines),
    }


def describe_result(found: Clustering) -> str:
    """Describe in a sentence whether structure was found, and the sizes of the clusters."""
    sizes = ", ".join(str(size) for size in found.sizes)
    structure = "The service finds structure" if found.structure_found else "The service finds no clear structure"
    return f"{structure}; the best number of clusters is {found.k}, with {sizes} events."


def format_embeddings(truths: Sequence[Truth], traces: Sequence[int], found: Clustering) -> list[tuple[str, ...]]:
    """Format a line for each event, ordered by cluster."""
    order = np.lexsort((np.arange(len(truths)), found.labels))
    return [
        (
            truths[k].name,
            truths[k].kind,
            _format_number(truths[k].magnitude),
            _format_number(truths[k].depth_km),
            str(traces[k]),
            str(found.labels[k]),
            f"{found.confidences[k]:.2f}",
            "yes" if found.outliers[k] else "",
        )
        for k in order
    ]


def _format_number(value: float) -> str:
    return f"{value:g}" if np.isfinite(value) else ""
