"""
Scores for the cards of the shipped artifacts: the test parts of the catalog twin and real events, through the served chain.

The networks learned from other draws of the same catalogs and nothing was held back from them for these splits: what a split tests
is how a model does in those regions and years, not how it would do without having seen their like
(`training.experiments.resnet_depth.run` holds back).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.array_types import Floats
from models.registry.card import Card, Metric
from models.registry.store import CARD_FILE, open_store
from training.config import TrainingSettings, read_commit
from training.datasets.archive import read_manifest
from training.datasets.shards import combine_fingerprints
from training.evaluation import card_figures, input_figures
from training.evaluation.card_metrics import (
    HIGH_SNR,
    HIGH_SNR_SET,
    REAL_EVENT,
    REAL_MEASURES,
    REAL_SET,
    TWIN_MEASURES,
    TWIN_SET,
    all_traces,
)
from training.evaluation.event_scores import SPLITS, EventScores, score_real, score_twin

FIGURES = Path("docs/figures/models")
STATED_LIMITS = "Measured on the twin: "
MIN_SNR, MIN_EVENTS = 15.0, 10


def twin_metrics(rows: Sequence[EventScores]) -> dict[str, tuple[Metric, ...]]:
    """Of each model the metrics on every split's test part, split after split, then on the events of any that stand over their noise."""
    parts = {f"{TWIN_SET}, {name} split": [row for row in rows if name in row.tested_by] for name in SPLITS}
    parts[HIGH_SNR_SET] = [row for row in rows if row.snr >= HIGH_SNR]
    return {
        model: tuple(found for dataset, part in parts.items() if part for found in measure(part, dataset))
        for model, measure in TWIN_MEASURES.items()
    }


def real_metrics(rows: Sequence[EventScores]) -> dict[str, tuple[Metric, ...]]:
    """Of each model the metrics on real events."""
    return {model: measure(rows) for model, measure in REAL_MEASURES.items()}


def card_limits(rows: Sequence[EventScores]) -> dict[str, tuple[str, ...]]:
    """What the twin shows of each model's limits, in plain words with numbers."""
    values, _ = all_traces(rows)
    snr = np.array([row.snr for row in rows])
    right = np.array([row.right for row in rows], np.float64)
    depth = np.abs([row.depth_error_km for row in rows])
    azimuth = np.abs([row.azimuth_error_deg for row in rows])
    return {
        "event_type": _low_and_high_snr("right for {:.0%} of the events", snr, right, np.mean),
        "offset": _low_and_high_snr(
            "a median error of {:.1f} degrees for traces", values[:, 4], np.abs(values[:, 1] - values[:, 0]), np.median
        ),
        "depth": _low_and_high_snr("a median error of {:.0f} km for events", snr, depth, np.median),
        "force_azimuth": _low_and_high_snr("a median error of {:.0f} degrees modulo 180 for events", snr, azimuth, np.median),
    }


def _low_and_high_snr(words: str, snr: Floats, values: Floats, reduce: Callable[[Floats], np.floating]) -> tuple[str, ...]:
    """One sentence; none where there are too few on either side."""
    known = np.isfinite(values)
    low, high = values[known & (snr < HIGH_SNR)], values[known & (snr >= MIN_SNR)]
    if min(len(low), len(high)) < MIN_EVENTS:
        return ()
    texts = [words.format(float(reduce(part))).replace("%", " %") for part in (low, high)]
    where = f"whose signal to noise is below {HIGH_SNR:g} (n = {len(low)})", f"where it is {MIN_SNR:g} and above (n = {len(high)})"
    return (f"{STATED_LIMITS}{texts[0]} {where[0]}, {texts[1]} {where[1]}.",)


def add_scores(card: Card, metrics: Sequence[Metric], said: Sequence[str], record: dict[str, Any]) -> Card:
    """The card with those metrics first, in place of older ones on the same data; with those limits in place of measured ones."""
    old = {metric.dataset for metric in metrics}
    kept = [metric for metric in card.metrics if metric.dataset not in old and not (_real(old) and _real({metric.dataset}))]
    limits = [limit for limit in card.limits if not limit.startswith(STATED_LIMITS)]
    data = card.data | {"scored": card.data.get("scored", {}) | record}
    return card.model_copy(update={"metrics": (*metrics, *kept), "limits": (*limits, *said), "data": data})


def _real(datasets: set[str]) -> bool:
    return any(name.startswith((REAL_SET, REAL_EVENT)) for name in datasets)


def score_artifacts(settings: TrainingSettings, archive: Path, real: Path | None, most: int | None, figures: Path = FIGURES) -> None:
    """Score every model that the twin tells about; write cards and figures."""
    rows = score_twin(archive, settings, most)
    seen = [] if real is None else list(score_real(real, settings))
    twin, earth, words = twin_metrics(rows), real_metrics(seen) if seen else {}, card_limits(rows)
    record = {"commit": read_commit(), "twin": combine_fingerprints(str(read_manifest(archive)["shards"])), "twin_events": len(rows)}
    record |= {"real_events": len(seen)} if seen else {}
    for name, metrics in twin.items():
        path = open_store(settings.artifacts_dir).path(name).with_name(CARD_FILE)
        card = add_scores(Card.load(path), (*metrics, *earth.get(name, ())), words[name], record)
        card.save(path)
    card_figures.draw_card_figures(rows, seen, figures)
    input_figures.draw_input_figures(settings, figures)
