"""How far the class may trust the place: twin events that nothing is scored on, with several odds of a place away from the ice."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.analysis.events import locate_event
from models.analysis.glaciers import AWAY_ODDS, odds_of_share, share_at_ice_sheets
from models.analysis.sections import reference_at
from models.catalog.event_type import CLASSES
from models.catalog.pictures import CONDITIONING
from models.errors import UnusableData
from models.imaging.conditioning import condition
from training.archive import ArchivedEvent, read_manifest, read_shard
from training.config import SPAWN, TrainingSettings
from training.location_events import open_models
from training.pages import table, write_part
from training.scored_events import held_out_by

PAGE = Path("docs/training.md")
TRIED = (1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 200.0)


@dataclass(frozen=True)
class Weighed:
    """One event: its class, the logarithm of its odds of being tectonic without the place, and the probability that it was at the ice."""

    kind: str
    log_odds: float
    at_ice: float

    def right(self, away_odds: float) -> bool:
        """Whether the likelier class is the true one with those odds of a place away from the ice."""
        tectonic = self.log_odds + np.log(odds_of_share(self.at_ice, away_odds)) > 0
        return bool(tectonic) == (self.kind == "earthquake")


def weigh(archive: Path, settings: TrainingSettings, most: int | None, stem: str) -> list[Weighed]:
    """Events of one file of the archive that no split tests on, at most `most`, through the served chain."""
    models, found = open_models(settings), []
    for event in [event for event in read_shard(archive, stem) if not held_out_by(event.truth or {})][:most]:
        try:
            located = locate_event(models, condition(event.records, CONDITIONING), records=event.records)
        except UnusableData:
            continue
        if located.classification is None:
            raise ValueError("an event whose type nobody gave has been located without one")
        found.append(_weighed(event, located.classification.probabilities, share_at_ice_sheets(reference_at(located.location))))
    return found


def _weighed(event: ArchivedEvent, said: dict[str, float], at_ice: float) -> Weighed:
    tectonic, glacial = (max(said[name], 1e-12) for name in CLASSES)
    log_odds = np.log(tectonic / glacial) - np.log(odds_of_share(at_ice, AWAY_ODDS))
    return Weighed(str((event.truth or {})["kind"]), float(log_odds), at_ice)


def lines(events: Sequence[Weighed]) -> list[tuple[str, ...]]:
    """For every odds tried the share recognized of each class and their mean."""
    rows = []
    for odds in TRIED:
        shares = [np.mean([event.right(odds) for event in events if event.kind == kind]) for kind in CLASSES]
        rows.append((f"{odds:g}", *(f"{share:.3f}" for share in shares), f"{np.mean(shares):.3f}"))
    return rows


def write(settings: TrainingSettings, archive: Path, most: int | None) -> None:
    """The table, to docs/training.md."""
    work = partial(weigh, archive, settings, most)
    stems = list(read_manifest(archive)["shards"])
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        parts = tqdm(pool.map(work, stems), desc="weighed", unit="file", total=len(stems), mininterval=5)
        events = [event for part in parts for event in part]
    heads = ("odds away from the ice", *(f"share of {name} events recognized" for name in CLASSES), "balanced accuracy")
    command = "python -m training place-odds" + (f" --most {most}" if most else "")
    text = (
        f"{table(heads, lines(events))}\n\n`{command}`: {len(events)} events of the twin that no split tests on; {AWAY_ODDS:g} is served."
    )
    write_part(PAGE, "place-odds", text)
