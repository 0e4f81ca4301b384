"""
How much larger than computed the stated regions must be: found on the validation part of the twin, kept in the offset card.

Split conformal prediction: the factor is the quantile, with its correction for a finite sample, of how far each ellipse must be
stretched to hold its event (Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715), by classes of effective stations. It is stated only
of a class whose regions as computed contradict what they promise (95 % interval of the share that they hold, after Wilson): a third
of all events lie near the edge of their ellipse, so that the chance in a factor of few events costs more than it mends. Fitted on halves
of the validation part, factors missed 68 and 90 % on the other halves by 5.4 and 3.5 points so, by 6.5 and 4.2 with all stated.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.registry.card import Card
from models.registry.store import CARD_FILE, open_store
from models.seismic.location.region_calibration import CARD_KEY
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90
from training.config import TrainingSettings
from training.datasets.catalog_replica import select_replica_split
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.location_page import PAGE, twin_recipe
from training.evaluation.location_scores import LocationResult, LocationScore
from training.evaluation.location_tables import share_of
from training.evaluation.markdown import markdown_table, write_part
from training.evaluation.metrics import wilson
from training.evaluation.result_cache import cached_results

BORDERS = (6.0, 12.0)
MIN_EVENTS = 30  # events of a class that is given factors of its own


def conformal(needed: NDArray[np.float64], level: float) -> float:
    """The stretch that a new event needs at most with that probability: the ceil((n + 1) level)-th smallest of n."""
    rank = min(int(np.ceil((len(needed) + 1) * level)), len(needed))
    return float(np.sort(needed)[rank - 1])


def factor(needed: NDArray[np.float64], level: float) -> float:
    """That stretch where regions as they are do not hold what they promise, beyond chance; else 1."""
    low, high = wilson(int((needed <= 1.0).sum()), len(needed))
    return 1.0 if low <= level <= high else conformal(needed, level)


def fit_scales(places: Sequence[LocationScore]) -> dict[str, Any] | None:
    """Borders and factors for a card, as `models.seismic.location.region_calibration` reads them; None where there are too few events."""
    if len(places) < MIN_EVENTS:
        return None
    which = np.digitize([place.effective_stations for place in places], BORDERS)
    groups = [which == k for k in range(len(BORDERS) + 1)]
    rows = [group if group.sum() >= MIN_EVENTS else np.ones_like(group) for group in groups]
    inner, outer = np.array([place.inner for place in places]), np.array([place.outer for place in places])
    return {
        "stations": list(BORDERS),
        "inner": [round(factor(inner[row], CONFIDENCE), 3) for row in rows],
        "outer": [round(factor(outer[row], CONFIDENCE_90), 3) for row in rows],
        "events": [int(group.sum()) for group in groups],
    }


def region_tables(rows: Sequence[LocationResult]) -> dict[str, Any]:
    """Tables by method; the distances alone are located for every event, with times only some."""
    by_method = {"distances": [row.offsets for row in rows]}
    for method in sorted({row.method for row in rows} - {"distances"}):
        by_method[method] = [row.best for row in rows if row.method == method]
    found = {method: fit_scales(places) for method, places in by_method.items()}
    return {method: one for method, one in found.items() if one is not None}


def calibrate_regions(settings: TrainingSettings, store: str | None, most: int | None) -> Path:
    """Fit on the twin's validation part, put the tables into the served offset model's card, and tell about it in the docs."""
    chosen = twin_recipe(store)
    numbers = select_replica_split(chosen, settings, SPLIT_NAMES[1])[:most]
    rows = cached_results(chosen, settings, SPLIT_NAMES[1], numbers)
    found = region_tables(rows)
    path = open_store(settings.artifacts_dir).path("offset").with_name(CARD_FILE)
    card = Card.load(path)
    card.model_copy(update={"calibration": card.calibration | {CARD_KEY: found}}).save(path)
    write_part(PAGE, "regions", regions_page(rows, found, len(numbers), chosen.seed))
    return path


def regions_page(rows: Sequence[LocationResult], found: dict[str, Any], count: int, seed: int) -> str:
    """The factors, and what the regions held before."""
    lines = [
        (method, name, str(events), f"{inner:.2f}", f"{outer:.2f}")
        for method, one in found.items()
        for name, events, inner, outer in zip(_classes(), one["events"], one["inner"], one["outer"], strict=True)
    ]
    before = f"68 % {share_of([row.offsets.inner <= 1.0 for row in rows])}, 90 % {share_of([row.offsets.outer <= 1.0 for row in rows])}"
    return (
        f"`python -m training location-regions`: {len(rows)} located of {count} events of the twin's validation part (seed {seed}); the "
        f"factors are in the card of the offset model, the test above is on events that they were not fitted on. A class of fewer than "
        f"{MIN_EVENTS} events has the factors of all, and one that held what it promised, but for chance, has 1. Regions of the distances "
        f"alone held, before: {before}.\n\n"
        + markdown_table(("method", "effective stations", "events", "68 % ellipse times", "90 % ellipse times"), lines)
    )


def _classes() -> list[str]:
    return [f"below {BORDERS[0]:g}", f"{BORDERS[0]:g} to {BORDERS[1]:g}", f"from {BORDERS[1]:g}"]
