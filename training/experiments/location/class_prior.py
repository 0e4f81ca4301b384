"""Which prior odds of the class an epicenter justifies: several odds tried on replica events that no split tests on (decision 0013)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from models.analysis.event_class import PRIOR_ODDS_OFF_ICE, prior_odds, prior_odds_off_ice
from models.specs.event_type import CLASSES
from training.config import TrainingSettings
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import EventResult, select_located
from training.evaluation.event_sources import ArchiveSource
from training.evaluation.pages import RESULTS, format_table, write_page

RADII_KM = tuple(pairwise((0.0, 500.0, 2000.0, np.inf)))
TRIED_ODDS = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 200.0)
TEMPLATE = Path(__file__).parents[1] / "templates" / "class_prior.md"


@dataclass(frozen=True)
class PriorTrial:
    """
    One event: its true class, and its log odds of being tectonic without the prior of the epicenter.

    `at_ice`: probability that the epicenter lies at an ice sheet; `radius_km`: its stated 68 % radius.
    """

    kind: str
    log_odds: float
    at_ice: float
    radius_km: float

    def is_right(self, odds_off_ice: float) -> bool:
        """Whether the class is right with those prior odds of a tectonic earthquake off the ice."""
        is_tectonic = self.log_odds + np.log(prior_odds(self.at_ice, odds_off_ice)) > 0
        return bool(is_tectonic) == (self.kind == "earthquake")


def make_trial(result: EventResult) -> PriorTrial:
    """Take the served prior odds of the epicenter out of the probabilities of a located event; `other` counts as not tectonic."""
    at_ice, radius_km = result.probability_at_ice, result.epicenter.uncertainty_km
    tectonic, rest = max(result.probabilities[0], 1e-12), max(1.0 - result.probabilities[0], 1e-12)
    served = prior_odds(at_ice, prior_odds_off_ice(radius_km))
    return PriorTrial(result.truth.kind, float(np.log(tectonic / rest) - np.log(served)), at_ice, radius_km)


def format_recall_table(trials: Sequence[PriorTrial]) -> list[tuple[str, ...]]:
    """For each of the tried odds, format the recall of each class and their mean, by the radius of the epicenter."""
    groups = [[trial for trial in trials if low < trial.radius_km <= high] for low, high in RADII_KM]
    return [(f"{odds:g}", *(_format_recalls(group, odds) for group in groups)) for odds in TRIED_ODDS]


def _format_recalls(trials: Sequence[PriorTrial], odds: float) -> str:
    recalls = [_mean([trial.is_right(odds) for trial in trials if trial.kind == kind]) for kind in CLASSES]
    return f"{recalls[0]:.2f}, {recalls[1]:.2f}: {np.mean(recalls):.2f}"


def _mean(answers: Sequence[bool]) -> float:
    return float(np.mean(answers)) if answers else np.nan


def format_heading(trials: Sequence[PriorTrial], low: float, high: float) -> str:
    """Format the head of a column: the radii, and the number of events of each class."""
    counts = [sum(trial.kind == kind and low < trial.radius_km <= high for trial in trials) for kind in CLASSES]
    radii = f"beyond {low:g} km" if np.isinf(high) else f"to {high:g} km"
    return f"{radii} ({counts[0]} and {counts[1]})"


def write_class_prior_page(settings: TrainingSettings, command: str, archive: Path, most: int | None) -> Path:
    """Try the odds on the archive of the replica; write `class_prior.md`."""
    trials = [make_trial(result) for result in select_located(list(evaluate(ArchiveSource(archive, "untested", most), settings)))]
    heads = ("prior odds off the ice", *(format_heading(trials, low, high) for low, high in RADII_KM))
    return write_page(
        RESULTS / "class_prior.md",
        TEMPLATE,
        command,
        events=str(len(trials)),
        served=", ".join(f"{odds:g}" for _, odds in PRIOR_ODDS_OFF_ICE),
        recalls=format_table(heads, format_recall_table(trials)),
    )
