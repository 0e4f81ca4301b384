"""
Weights of the source inversion in the class, for faint and for clear events.

They are compared on three sets of synthetic events. Those at ice sheets, where neither epicenter nor depth tell the class, run through
Earth models that the inversion does not have; those of replicas are few, because the class of most is decided or their epicenter
unknown. Both are located as served, and both kinds of source are inverted for where the service would. Events of mixed paths have
guessed epicenters, and are tried with horizontals too. What is found is kept in `build/evaluation`, so that a stopped run continues.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from math import log
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from models.analysis.detection import detect_event
from models.analysis.event_class import add_force_evidence, choose_class, glacial_share, tectonic_prior_odds
from models.analysis.pipeline import Models, locate_event
from models.analysis.sections import make_reference
from models.analysis.source import (
    CLASS_WEIGHTS,
    CLEAR_CLASS_WEIGHTS,
    CLEAR_LOG_LIKELIHOOD,
    compare_kinds,
    find_source,
    list_kinds,
    weigh_difference,
)
from models.array_types import Floats, Integers
from models.errors import TooFewStations, UnusableData
from models.imaging.conditioning import condition
from models.registry.earth_tables import load_earths
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.problem import EpicenterPrior
from models.seismic.source.solution import MIN_LOG_LIKELIHOOD
from models.specs.event_type import EVENT_CLASSES, EventClass
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings, load_recipe
from training.datasets.catalog_replica import ReplicaRecipe
from training.datasets.splits import SPLIT_NAMES
from training.earth.greens import FULL_STORES
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import EDITION, ResultCache, describe_models
from training.evaluation.event_sources import EventSource, LabeledEvent, ReplicaSource
from training.evaluation.metrics import bootstrap, format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.source.mixed_paths import MixedEvent, draw_mixed_events, open_love_stores, open_mixed_sampler
from training.experiments.source.results import guess_epicenter, invert_likelihood
from training.experiments.unseen_earths import KINDS as UNSEEN_KINDS
from training.experiments.unseen_earths import MAX_SHALLOW_KM, UnseenEarths
from training.random_streams import Purpose, make_generator
from training.synthesis.signal_to_noise import median_signal_to_noise

TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "class_weights.md"
REPLICA_SEEDS: Final = (3407, 3408)  # their validation parts
MIN_SNR: Final = 2.0  # median of the traces: of fainter events the inversion says nothing
ICE_SEEDS, ICE_EVENTS = (5, 6), 40  # events of each kind and seed
MIXED_SEEDS, MIXED_EVENTS = (3408,), 50
EVEN: Final = (0.5, 0.5, 0.0)
KINDS: Final[tuple[EventClass, ...]] = ("glacial", "earthquake")
OTHER_KINDS: Final = frozenset(UNSEEN_KINDS) - frozenset(KINDS)
WEIGHTS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
OFFSETS: Final = tuple(range(-20, 11))


@dataclass(frozen=True)
class KindComparison:
    """
    What the service and the inversion say of one event of a true `kind`.

    `probabilities` as served without the inversion, in the order of `EVENT_CLASSES`; `share` as of `glacial_share`; `difference` of the log
    likelihoods, force less moment tensor; `log_likelihood`: the larger of both. `prior_odds`: of an
    earthquake, as served. `event`: its name, which rows of one event share.
    """

    kind: str
    probabilities: tuple[float, ...]
    share: float
    difference: float
    log_likelihood: float
    prior_odds: float = 1.0
    event: str = ""

    def weigh(self, weight: float, offset: float) -> dict[EventClass, float]:
        """Compute the probabilities with the inversion's log odds."""
        served = dict(zip(EVENT_CLASSES, self.probabilities, strict=True))
        return add_force_evidence(served, self.share, weigh_difference(self.difference, weight, offset))


def begin_even(event: KindComparison) -> KindComparison:
    """Replace the prior odds of an earthquake by even ones."""
    served = dict(zip(EVENT_CLASSES, event.probabilities, strict=True))
    even = add_force_evidence(served, event.share, log(event.prior_odds))
    return replace(event, probabilities=tuple(even[name] for name in EVENT_CLASSES), prior_odds=1.0)


def compare_event(models: Models, earths: Mapping[str, GreensTables], event: LabeledEvent) -> KindComparison | None:
    """Locate an event that is detected and invert for both kinds of source; None where the service has nothing to compare."""
    truth = event.truth
    try:
        gather = condition(event.records, CONDITIONING)
        if not median_signal_to_noise(gather, (truth.latitude_deg, truth.longitude_deg), truth.depth_km, truth.origin_time_s) >= MIN_SNR:
            return None  # where it is unknown too
        if not detect_event(event.records, gather, models["offset"]).detected:
            return None
        found = locate_event(models, gather, records=event.records)
    except (UnusableData, TooFewStations):
        return None
    if len(kinds := list_kinds(found)) < 2 or found.classification is None:
        return None
    invert = partial(find_source, earths, gather, event.records, found.location, found.origin)
    tried = {kind: invert(kind, is_compared=True) for kind in kinds}
    sources = {kind: source for kind, source in tried.items() if source is not None}
    difference = compare_kinds(sources)
    if difference is None:
        return None
    served, reference = found.classification.probabilities, make_reference(found.location)
    probabilities, largest = tuple(served[name] for name in EVENT_CLASSES), max(one.log_likelihood for one in sources.values())
    odds = tectonic_prior_odds(reference)
    return KindComparison(truth.kind, probabilities, glacial_share(reference), difference, largest, odds, truth.name)


def compare_mixed_event(event: MixedEvent, earths: tuple[GreensTables, ...], prior: EpicenterPrior) -> KindComparison | None:
    """Invert an event of mixed paths and unknown responses for both kinds of source; None unless one of them fits better than noise."""
    likelihoods = {kind: invert_likelihood(event, earths, prior, kind) for kind in ("force", "tensor")}
    force, tensor = likelihoods["force"], likelihoods["tensor"]
    if force is None or tensor is None or max(force, tensor) < MIN_LOG_LIKELIHOOD:
        return None
    return KindComparison(event.kind, EVEN, 1.0, force - tensor, max(force, tensor))


def compare_mixed(settings: TrainingSettings, seed: int) -> list[KindComparison]:
    """Compare the kinds of events of mixed paths that fit, shallow earthquakes among them, with and without horizontals."""
    behavior = {"edition": EDITION, "log_likelihood": MIN_LOG_LIKELIHOOD}
    cache = ResultCache(settings.build_dir / "evaluation" / f"compared-kinds-mixed-{seed}.jsonl", behavior)
    known = cache.read()
    earths, random = tuple(load_earths(settings.artifacts_dir).values()), make_generator(seed, Purpose.SOURCES, 0)
    sampler = open_mixed_sampler(settings, seed)
    love = open_love_stores(settings, sampler)
    for kind in KINDS:
        for number, event in enumerate(tqdm(draw_mixed_events(sampler, kind, MIXED_EVENTS, seed, love), kind, MIXED_EVENTS)):
            prior, key = guess_epicenter(event, random), f"{kind}-{number}"
            if key in known or event.source.depth_km > MAX_SHALLOW_KM:
                continue
            found = [compare_mixed_event(one, earths, prior) for one in (replace(event, horizontals=None), event)]
            known[key] = [None if one is None else asdict(one) for one in found]
            cache.append({key: known[key]})
    return [KindComparison(**row | {"event": f"{seed}-{key}"}) for key, rows in known.items() for row in rows or () if row is not None]


def compare_events(settings: TrainingSettings, source: EventSource) -> list[KindComparison]:
    """Compare the kinds of all earthquakes and glacial earthquakes of a source that can be compared."""
    behavior = {"events": source.describe(), "models": describe_models(settings.artifacts_dir, calibrated=True)}
    cache = ResultCache(settings.build_dir / "evaluation" / f"compared-kinds-{source.name}.jsonl", behavior)
    known = cache.read()
    keys = [key for batch in source.batches(settings) for key in batch if key.split("-")[0] not in OTHER_KINDS]
    missing = [key for key in keys if key not in known]
    models, earths = open_models(settings), load_earths(settings.artifacts_dir)
    for key, event in tqdm(source.load(missing, settings), source.name, len(missing)):
        found = compare_event(models, earths, event)
        known[key] = None if found is None else asdict(found)
        cache.append({key: known[key]})
    return [KindComparison(**row | {"event": f"{source.name} {key}"}) for key in keys if (row := known[key]) is not None]


def select_clear(events: Sequence[KindComparison], *, clear: bool) -> list[KindComparison]:
    """Select the events of which a kind fits clearly, or those of which none does."""
    return [event for event in events if (event.log_likelihood >= CLEAR_LOG_LIKELIHOOD) == clear]


def measure_loss(events: Sequence[KindComparison], weight: float, offset: float) -> float:
    """Mean log loss of the probability of the true kind, the kinds weighted alike; lost probability counts to 0.001."""
    losses = [[-np.log(max(event.weigh(weight, offset)[kind], 1e-3)) for event in events if event.kind == kind] for kind in KINDS]
    return float(np.mean([np.mean(one) for one in losses if one]))


def tabulate_losses(events: Sequence[KindComparison]) -> Floats:
    """Tabulate the log loss [weights, offsets]."""
    return np.array([[measure_loss(events, weight, offset) for offset in OFFSETS] for weight in WEIGHTS])


def choose_weights(losses: Floats) -> tuple[float, float]:
    """Choose the weight and the offset of the least log loss [weights, offsets]."""
    weight, offset = np.unravel_index(int(np.argmin(losses)), losses.shape)
    return WEIGHTS[int(weight)], float(OFFSETS[int(offset)])


def describe_differences(events: Sequence[KindComparison]) -> tuple[str, ...]:
    """Describe the number of events of each kind and the quartiles of their differences."""
    cells = []
    for kind in KINDS:
        own = [event.difference for event in events if event.kind == kind]
        cells.append(f"{len(own)}; " + (", ".join(f"{value:.0f}" for value in np.quantile(own, (0.25, 0.5, 0.75))) if own else "none"))
    return tuple(cells)


def describe_answers(events: Sequence[KindComparison], weight: float, offset: float) -> str:
    """Describe the share of each kind that is answered rightly, and how many are answered to be another kind."""
    cells = []
    for kind in KINDS:
        answers = [choose_class(event.weigh(weight, offset)) for event in events if event.kind == kind]
        wrong = sum(answer not in (kind, "undetermined") for answer in answers)
        cells.append(f"{kind} {format_fraction([answer == kind for answer in answers])}, wrong {wrong}")
    return "; ".join(cells)


def tabulate_answers(parts: Mapping[str, Sequence[KindComparison]], tried: Mapping[str, tuple[float, float]]) -> str:
    """Tabulate the log loss and the answers of each part with some weights and offsets."""
    lines = [
        (name, f"{weight:g}", f"{offset:g}", part, f"{measure_loss(events, weight, offset):.3f}", describe_answers(events, weight, offset))
        for name, (weight, offset) in tried.items()
        for part, events in parts.items()
    ]
    return format_table(("weights", "weight", "offset", "part", "log loss", "answered rightly"), lines)


def describe_loss(events: Sequence[KindComparison], served: tuple[float, float], best: tuple[float, float]) -> str:
    """Describe how much more log loss the weights `served` have than the `best`, with an interval by bootstrap over events."""
    if {event.kind for event in events} != set(KINDS):
        return "unknown"

    def measure(rows: Integers) -> float:
        some = [events[row] for row in rows.tolist()]
        return measure_loss(some, *served) - measure_loss(some, *best)

    value, low, high = bootstrap(measure, np.unique([event.event for event in events], return_inverse=True)[1])
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def describe_choice(sets: Mapping[str, Sequence[KindComparison]], served: tuple[float, float]) -> dict[str, str]:
    """Describe sets of events by name, the loss by weight on all together, and their answers with no, the `served` and the best weight."""
    together = [event for events in sets.values() for event in events]
    losses = tabulate_losses(together)
    chosen = choose_weights(losses)
    tried = {"without the inversion": (0.0, 0.0), "as served": served, "least loss": chosen}
    by_weight = [
        (f"{weight:g}", str(OFFSETS[int(np.argmin(row))]), f"{row.min():.3f}", f"{row[OFFSETS.index(int(served[1]))]:.3f}")
        for weight, row in zip(WEIGHTS, losses, strict=True)
    ]
    counts = [(name, *describe_differences(events)) for name, events in sets.items()]
    return {
        "events": format_table(("events", *(f"{kind}: n; quartiles of the difference" for kind in KINDS)), counts),
        "weights": format_table(("weight", "best offset", "log loss", f"log loss with the offset {served[1]:g}"), by_weight),
        "excess": describe_loss(together, served, chosen),
        "answers": tabulate_answers({**sets, "all": together}, tried),
    }


def write_class_weights_page(settings: TrainingSettings, command: str, most: int | None) -> Path:
    """Compare the kinds of events at ice sheets, of replicas and of mixed paths; write `class_weights.md`."""
    recipe = load_recipe("replica", ReplicaRecipe).model_copy(update={"store": FULL_STORES})
    replicas = [ReplicaSource(recipe.model_copy(update={"seed": seed}), SPLIT_NAMES[1], most) for seed in REPLICA_SEEDS]
    at_ice = [UnseenEarths(min(ICE_EVENTS, most or ICE_EVENTS), seed, at_ice=True) for seed in ICE_SEEDS]
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        located = pool.map(partial(compare_events, settings), [*at_ice, *replicas])
        mixed = [event for events in pool.map(partial(compare_mixed, settings), MIXED_SEEDS) for event in events]
        found = list(located)
    ice = [begin_even(event) for events in found[: len(at_ice)] for event in events]
    replica = [event for events in found[len(at_ice) :] for event in events]
    texts: dict[str, str] = {}
    for name, served in (("faint", CLASS_WEIGHTS), ("clear", CLEAR_CLASS_WEIGHTS)):
        every = {"ice sheets": ice, "replica": replica, "mixed paths": mixed}
        sets = {label: select_clear(events, clear=name == "clear") for label, events in every.items()}
        texts |= {f"{name}_{key}": text for key, text in describe_choice(sets, served).items()}
    return write_page(
        RESULTS / "class_weights.md",
        TEMPLATE,
        command,
        threshold=f"{CLEAR_LOG_LIKELIHOOD:.0f}",
        least=f"{MIN_LOG_LIKELIHOOD:.0f}",
        depth=f"{MAX_SHALLOW_KM:.0f}",
        ice_events=str(ICE_EVENTS),
        ice_seeds=" and ".join(map(str, ICE_SEEDS)),
        replica_seeds=" and ".join(map(str, REPLICA_SEEDS)),
        mixed_seeds=" and ".join(map(str, MIXED_SEEDS)),
        **texts,
    )
