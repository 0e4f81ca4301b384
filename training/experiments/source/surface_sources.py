"""The page on explosions and collapses at few regional stations: what waveforms and Love waves say of them and of earthquakes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from models.analysis.physical_evidence import MAX_EXPLOSION_LOG_RATIO
from models.analysis.source import limit_explosion
from models.seismic.discriminants.love_rayleigh import weigh_explosion
from models.seismic.earth.random_sources import SURFACE_DEPTH_KM, SURFACE_TENSORS
from training.config import TrainingSettings
from training.evaluation.event_result import EDITION, NAN
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.class_evidence import draw_love_ratios
from training.experiments.kept_results import continue_results
from training.experiments.source.page import DOUBTED_FROM
from training.experiments.source.regional_networks import (
    DEPTHS_KM,
    DISTANCES_DEG,
    MAGNITUDES,
    STATIONS,
    RegionalEvent,
    Simulator,
    draw_regional_events,
    invert_tensor,
    open_simulator,
)
from training.random_streams import Purpose, make_generator

KINDS: Final = ("earthquake", *SURFACE_TENSORS)
TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "surface_sources.md"


@dataclass(frozen=True)
class EventRatios:
    """
    Log likelihood ratios of an explosion or collapse against an earthquake of one event, as served.

    By the waveforms of verticals alone, and of all components, NaN where nothing is compared; and by Love over Rayleigh waves.
    """

    by_verticals: float
    by_components: float
    by_love: float

    @property
    def combined(self) -> float:
        """By the waveforms of all components and Love waves together."""
        return min(np.nan_to_num(self.by_components) + self.by_love, MAX_EXPLOSION_LOG_RATIO)


def weigh_events(settings: TrainingSettings, kind: str, count: int, seed: int) -> list[EventRatios]:
    """Draw so many events of a kind, with known responses, and weigh each, or read the results that an earlier run has kept."""

    def weigh(first: int) -> Iterator[EventRatios]:
        simulator = open_simulator(settings, seed)
        for number, event in enumerate(tqdm(draw_regional_events(simulator, kind, count, seed), kind, count)):
            if number >= first:
                yield weigh_event(simulator, event, make_generator(seed + 1, Purpose.SOURCES, number))

    path = settings.build_dir / "evaluation" / f"surface-{EDITION}-{seed}-{kind}.jsonl"
    return list(continue_results(path, count, lambda row: EventRatios(**row), weigh))


def weigh_event(simulator: Simulator, event: RegionalEvent, random: np.random.Generator) -> EventRatios:
    """Weigh an event by its waveforms, and by Love waves at 12 to 20 s, which are drawn and not synthesized."""
    solutions = [limit_explosion(invert_tensor(simulator, event, horizontals=horizontals)) for horizontals in (False, True)]
    depth_km = SURFACE_DEPTH_KM if event.source.kind in SURFACE_TENSORS else event.source.depth_km
    ratios = draw_love_ratios(event.tensor[None] / np.abs(event.tensor).max(), depth_km, event.azimuths_deg, random)
    by_waveforms = [NAN if one is None else one for one in solutions]
    return EventRatios(by_waveforms[0], by_waveforms[1], weigh_explosion(ratios))


def describe_events(kind: str, events: Sequence[EventRatios]) -> list[tuple[str, ...]]:
    """Describe the log ratios of events of a kind by each evidence: a row each."""
    rows: list[tuple[str, ...]] = []
    for name, ratios in (
        ("waveforms, verticals", np.array([one.by_verticals for one in events])),
        ("waveforms, all components", np.array([one.by_components for one in events])),
        ("Love waves", np.array([one.by_love for one in events])),
        ("Love waves and waveforms", np.array([one.combined for one in events])),
    ):
        compared = ratios[np.isfinite(ratios)]
        quartiles = ", ".join(f"{value:.1f}" for value in np.quantile(compared, (0.25, 0.5, 0.75))) if len(compared) else "none"
        doubted = format_fraction(list(np.nan_to_num(ratios) >= DOUBTED_FROM))
        rows.append((kind, name, str(len(compared)), quartiles, doubted))
    return rows


def write_surface_sources_page(settings: TrainingSettings, command: str, events: int, seed: int) -> Path:
    """Weigh so many events of each kind; write `surface_sources.md`."""
    rows: list[tuple[str, ...]] = []
    for kind in KINDS:
        rows += describe_events(kind, weigh_events(settings, kind, events, seed))
    heads = ("kind", "evidence", "compared", "quartiles of the log ratio", f"{DOUBTED_FROM:g} and above, of all")
    bounds = {"stations": STATIONS, "distances": DISTANCES_DEG, "magnitudes": MAGNITUDES, "depths": DEPTHS_KM}
    ranges = {name: f"{low:g} to {high:g}" for name, (low, high) in bounds.items()}
    fields = ranges | {"events": str(events), "doubted": f"{DOUBTED_FROM:g}", "table": format_table(heads, rows)}
    return write_page(RESULTS / "surface_sources.md", TEMPLATE, command, **fields)
