"""How far the class may trust the place: twin events that nothing is scored on, with several odds of a place away from the ice."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.analysis.class_prior import (
    PRIOR_ODDS_OFF_ICE,
    horizontal_uncertainty_km,
    prior_odds,
    probability_at_ice_sheets,
    tectonic_prior_odds,
)
from models.analysis.pipeline import locate_event
from models.analysis.sections import SectionReference, make_reference
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings
from training.datasets.archive import ArchivedEvent, read_manifest, read_shard
from training.evaluation.event_scores import test_splits_of
from training.evaluation.location_scores import open_models
from training.evaluation.markdown import markdown_table, write_part

PAGE = Path("docs/explanation/training.md")
RADII_KM = tuple(pairwise((0.0, 500.0, 2000.0, np.inf)))
TRIED = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 200.0)


@dataclass(frozen=True)
class PriorTrial:
    """
    One event: its class, the logarithm of its odds of being tectonic without the place.

    `at_ice`: probability that it was at the ice; `radius_km` that the epicenter is stated with (68 %).
    """

    kind: str
    log_odds: float
    at_ice: float
    radius_km: float

    def right(self, away_odds: float) -> bool:
        """Whether the likelier class is the true one with those odds of a place away from the ice."""
        tectonic = self.log_odds + np.log(prior_odds(self.at_ice, away_odds)) > 0
        return bool(tectonic) == (self.kind == "earthquake")


def try_priors(archive: Path, settings: TrainingSettings, most: int | None, stem: str) -> list[PriorTrial]:
    """Events of one file of the archive that no split tests on, at most `most`, through the served chain."""
    models, found = open_models(settings), []
    for event in [event for event in read_shard(archive, stem) if not test_splits_of(event.truth or {})][:most]:
        try:
            located = locate_event(models, condition(event.records, CONDITIONING), records=event.records)
        except UnusableData:
            continue
        if located.classification is None:
            raise ValueError("an event whose type nobody gave has been located without one")
        found.append(_weighed(event, located.classification.probabilities, make_reference(located.location)))
    return found


def _weighed(event: ArchivedEvent, said: dict[str, float], reference: SectionReference) -> PriorTrial:
    tectonic, glacial = (max(said[name], 1e-12) for name in CLASSES)
    log_odds = np.log(tectonic / glacial) - np.log(tectonic_prior_odds(reference))
    return PriorTrial(
        str((event.truth or {})["kind"]), float(log_odds), probability_at_ice_sheets(reference), horizontal_uncertainty_km(reference)
    )


def lines(events: Sequence[PriorTrial]) -> list[tuple[str, ...]]:
    """For every odds tried, the share recognized of each class and their mean, of epicenters stated to within each radius."""
    groups = [[event for event in events if low < event.radius_km <= high] for low, high in RADII_KM]
    return [(f"{odds:g}", *(_recognized(group, odds) for group in groups)) for odds in TRIED]


def _recognized(events: Sequence[PriorTrial], odds: float) -> str:
    shares = [_mean([event.right(odds) for event in events if event.kind == kind]) for kind in CLASSES]
    return f"{shares[0]:.2f}, {shares[1]:.2f}: {np.mean(shares):.2f}"


def _mean(answers: Sequence[bool]) -> float:
    return float(np.mean(answers)) if answers else np.nan


def add_heading(events: Sequence[PriorTrial], low: float, high: float) -> str:
    """A column's head: radii, and how many events of each class."""
    counts = [sum(event.kind == kind and low < event.radius_km <= high for event in events) for kind in CLASSES]
    radii = f"beyond {low:g} km" if np.isinf(high) else f"to {high:g} km"
    return f"{radii} ({counts[0]} and {counts[1]})"


def write_class_prior(settings: TrainingSettings, archive: Path, most: int | None) -> None:
    """The table, to docs/explanation/training.md."""
    work = partial(try_priors, archive, settings, most)
    stems = list(read_manifest(archive)["shards"])
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        parts = tqdm(pool.map(work, stems), desc="weighed", unit="file", total=len(stems), mininterval=5)
        events = [event for part in parts for event in part]
    heads = ("odds away from the ice", *(add_heading(events, low, high) for low, high in RADII_KM))
    served = ", ".join(f"{odds:g}" for _, odds in PRIOR_ODDS_OFF_ICE)
    command = "python -m training place-odds" + (f" --most {most}" if most else "")
    text = (
        f"{markdown_table(heads, lines(events))}\n\n`{command}`: {len(events)} events of the twin that no split tests on, by the "
        f"radius of 68 % of the epicenter (tectonic and glacial ones); in a cell the shares recognized, and their mean. Served: {served}."
    )
    write_part(PAGE, "place-odds", text)
