"""The real events of a folder as one upload: which of them the shipped families model puts together."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.analysis.pipeline import embed_event
from models.clustering.clusters import Clustering, find_clusters
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.families import FAMILIES
from models.specs.offset import OFFSET
from training.evaluation.real_events import read_gather

K_MAX, STARTS, SEED = 8, 10, 3407

HEAD = """## Real events as one upload

The real events at hand, all embedded by the shipped model (version {version}) and grouped together; nothing was trained or tuned
on them. {verdict}

| event | type | magnitude | depth km | traces | family | confidence | outlier |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def real_events_section(artifacts: Path, folder: Path) -> str:
    """The section of docs/families.md on a folder of real events (see training.real_events)."""
    store = open_store(artifacts)
    models = {spec.name: OnnxModel.load(store, spec, threads=1) for spec in (OFFSET, FAMILIES)}
    folders = sorted(path.parent for path in folder.glob("*/event.json"))
    truths = [json.loads((event / "event.json").read_text()) for event in folders]
    gathers = [read_gather(event) for event in folders]
    found = find_clusters(np.stack([embed_event(models, gather)[0] for gather in gathers]), 2, K_MAX, STARTS, SEED)
    traces = [len(gather.trace_ids) for gather in gathers]
    return (
        HEAD.format(version=models[FAMILIES.name].version, verdict=describe_result(found))
        + "\n".join(embedding_rows(truths, traces, found))
        + "\n"
    )


def describe_result(found: Clustering) -> str:
    """What the grouping says of itself."""
    sizes = ", ".join(str(size) for size in found.sizes)
    structure = "The service says that there is structure" if found.structure_found else "The service says that there is no clear structure"
    return f"{structure}; best number of families {found.k}, of {sizes} events."


def embedding_rows(truths: list[dict[str, Any]], traces: list[int], found: Clustering) -> list[str]:
    """One line an event, by family."""
    order = np.lexsort((np.arange(len(truths)), found.labels))
    return [
        f"| {truths[k]['event_id']} | {truths[k]['type']} | {_number(truths[k].get('magnitude'))} | {_number(truths[k].get('depth_km'))} |"
        f" {traces[k]} | {found.labels[k]} | {found.confidences[k]:.2f} | {'yes' if found.outliers[k] else ''} |"
        for k in order
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
