"""The one writer of model cards after export: metrics, calibrations and limits that were measured on the shipped artifact."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from models.registry.card import Card, Metric
from models.registry.store import CARD_FILE, open_store

MEASURED_LIMITS: Final = "Measured on the replica: "
"""Prefix of the limits that are measured, so that a later measurement replaces them."""
REAL_SET, REAL_EVENT = "real earthquakes", "real event"
"""Prefixes of the names of data sets of real events, all together and one by one."""


def update_card(
    artifacts: Path,
    name: str,
    *,
    metrics: Sequence[Metric] = (),
    calibration: Mapping[str, Any] | None = None,
    limits: Sequence[str] | None = None,
    scored: Mapping[str, Any] | None = None,
) -> Path:
    """
    Update the card of the served version of a model, and return its path; what is not given stays.

    `metrics` come first and replace those on the same data sets; metrics on real events replace all metrics on real events.
    `calibration` replaces entries of the same key. `limits` are sentences that begin with MEASURED_LIMITS and replace the measured
    ones of before. `scored` states what the metrics were measured on and is merged into `data["scored"]`.
    """
    path = open_store(artifacts).path(name).with_name(CARD_FILE)
    card = Card.load(path)
    changes: dict[str, Any] = {"metrics": _merge_metrics(card.metrics, metrics)}
    if calibration is not None:
        changes["calibration"] = card.calibration | dict(calibration)
    if limits is not None:
        changes["limits"] = (*(limit for limit in card.limits if not limit.startswith(MEASURED_LIMITS)), *limits)
    if scored is not None:
        changes["data"] = card.data | {"scored": card.data.get("scored", {}) | dict(scored)}
    card.model_copy(update=changes).save(path)
    return path


def _merge_metrics(before: Sequence[Metric], metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    datasets = {metric.dataset for metric in metrics}
    with_real = any(_is_real(dataset) for dataset in datasets)
    kept = [metric for metric in before if metric.dataset not in datasets and not (with_real and _is_real(metric.dataset))]
    return (*metrics, *kept)


def _is_real(dataset: str) -> bool:
    return dataset.startswith((REAL_SET, REAL_EVENT))
