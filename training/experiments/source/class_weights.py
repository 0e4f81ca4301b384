"""
Weights of the source inversion in the class: for faint events chosen on the catalog replica, for clear ones on events of mixed paths.

Detected events of the replica are located as served, and both kinds of source are inverted for where the service would. Events of mixed
paths begin with even odds, at guessed epicenters. What is found is kept in `build/evaluation`, so that a stopped run continues.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from models.analysis.detection import detect_event
from models.analysis.event_class import add_force_evidence, choose_class, glacial_share
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
from models.array_types import Floats
from models.errors import TooFewStations, UnusableData
from models.imaging.conditioning import condition
from models.registry.earth_tables import load_earths
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.problem import EpicenterPrior
from models.specs.event_type import EVENT_CLASSES, EventClass
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings, load_recipe
from training.datasets.catalog_replica import ReplicaRecipe
from training.earth.greens import FULL_STORES
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import EDITION, describe_models
from training.evaluation.event_sources import LabeledEvent, ReplicaSource
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.source.mixed_paths import MixedEvent, draw_mixed_events, open_love_stores, open_mixed_sampler
from training.experiments.source.results import guess_epicenter, invert_likelihood
from training.random_streams import Purpose, make_generator
from training.synthesis.signal_to_noise import median_signal_to_noise

TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "class_weights.md"
MIN_SNR: Final = 2.0  # median of the traces: of fainter events the inversion says nothing
MIXED_SEEDS: Final = {"validation": (3408, 3409), "test": (3411,)}
MIXED_EVENTS: Final = 50  # of each kind
MAX_DEPTH_KM: Final = 60.0  # of earthquakes of mixed paths: deeper ones are no glacial earthquakes by their depth
EVEN: Final = (0.5, 0.5, 0.0)
KINDS: Final[tuple[EventClass, ...]] = ("glacial", "earthquake")
WEIGHTS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
OFFSETS: Final = tuple(range(-20, 11))


@dataclass(frozen=True)
class KindComparison:
    """
    What the service and the inversion say of one event of a true `kind`.

    `probabilities` as served without the inversion, in the order of `EVENT_CLASSES`; `share` as of `glacial_share`; `difference` of the log
    likelihoods, force less moment tensor; `log_likelihood`: the larger of both.
    """

    kind: str
    probabilities: tuple[float, ...]
    share: float
    difference: float
    log_likelihood: float

    def weigh(self, weight: float, offset: float) -> dict[EventClass, float]:
        """Compute the probabilities with the inversion's log odds."""
        served = dict(zip(EVENT_CLASSES, self.probabilities, strict=True))
        return add_force_evidence(served, self.share, weigh_difference(self.difference, weight, offset))


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
    tried = {kind: find_source(earths, gather, found.location, found.origin, kind, event.records) for kind in kinds}
    sources = {kind: source for kind, source in tried.items() if source is not None}
    difference = compare_kinds(sources)
    if difference is None:
        return None
    served, share = found.classification.probabilities, glacial_share(make_reference(found.location))
    probabilities, largest = tuple(served[name] for name in EVENT_CLASSES), max(one.log_likelihood for one in sources.values())
    return KindComparison(truth.kind, probabilities, share, difference, largest)


def compare_mixed_event(event: MixedEvent, earths: tuple[GreensTables, ...], prior: EpicenterPrior) -> KindComparison | None:
    """Invert an event of mixed paths and unknown responses for both kinds of source; None unless one of them fits clearly."""
    likelihoods = {kind: invert_likelihood(event, earths, prior, kind) for kind in ("force", "tensor")}
    force, tensor = likelihoods["force"], likelihoods["tensor"]
    if force is None or tensor is None or max(force, tensor) < CLEAR_LOG_LIKELIHOOD:
        return None
    return KindComparison(event.kind, EVEN, 1.0, force - tensor, max(force, tensor))


def compare_mixed(settings: TrainingSettings, seed: int) -> list[KindComparison]:
    """Compare the kinds of events of mixed paths that fit clearly, shallow earthquakes among them, with and without horizontals."""
    path = settings.build_dir / "evaluation" / f"class-weights-mixed-{seed}.jsonl"
    known = read_lines(path, {"edition": EDITION})
    earths, random = tuple(load_earths(settings.artifacts_dir).values()), make_generator(seed, Purpose.SOURCES, 0)
    sampler = open_mixed_sampler(settings, seed)
    love = open_love_stores(settings, sampler)
    for kind in KINDS:
        for number, event in enumerate(tqdm(draw_mixed_events(sampler, kind, MIXED_EVENTS, seed, love), kind, MIXED_EVENTS)):
            prior, key = guess_epicenter(event, random), f"{kind}-{number}"
            if key in known or event.source.depth_km > MAX_DEPTH_KM:
                continue
            found = [compare_mixed_event(one, earths, prior) for one in (replace(event, horizontals=None), event)]
            known[key] = [None if one is None else asdict(one) for one in found]
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, known[key]]) + "\n")
    return [KindComparison(**row) for rows in known.values() for row in rows or () if row is not None]


def compare_part(settings: TrainingSettings, part: str, most: int | None) -> list[KindComparison]:
    """Compare the kinds of all events of a part of the replica through three Earth models that can be compared."""
    source = ReplicaSource(load_recipe("replica", ReplicaRecipe).model_copy(update={"store": FULL_STORES}), part, most)
    behavior = {"events": source.describe(), "models": describe_models(settings.artifacts_dir, calibrated=True)}
    path = settings.build_dir / "evaluation" / f"class-weights-{part}.jsonl"
    known, keys = read_lines(path, behavior), [key for batch in source.batches(settings) for key in batch]
    missing = [key for key in keys if key not in known]
    models, earths = open_models(settings), load_earths(settings.artifacts_dir)
    for key, event in tqdm(source.load(missing, settings), part, len(missing)):
        found = compare_event(models, earths, event)
        known[key] = None if found is None else asdict(found)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([key, known[key]]) + "\n")
    return [KindComparison(**row) for key in keys if (row := known[key]) is not None]


def read_lines(path: Path, behavior: Mapping[str, Any]) -> dict[str, Any]:
    """Read the rows by key that were kept with the same behavior; a file of another behavior is begun anew."""
    header = json.dumps(behavior, sort_keys=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if not lines or lines[0] != header:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + "\n", encoding="utf-8")
        return {}
    return dict(json.loads(line) for line in lines[1:])


def measure_loss(events: Sequence[KindComparison], weight: float, offset: float) -> float:
    """Mean log loss of the probability of the true kind, the kinds weighted alike; lost probability counts to 0.001."""
    losses = [[-np.log(max(event.weigh(weight, offset)[kind], 1e-3)) for event in events if event.kind == kind] for kind in KINDS]
    return float(np.mean([np.mean(one) for one in losses if one]))


def choose_weights(events: Sequence[KindComparison]) -> Floats:
    """Tabulate the log loss [weights, offsets]."""
    return np.array([[measure_loss(events, weight, offset) for offset in OFFSETS] for weight in WEIGHTS])


def describe_part(events: Sequence[KindComparison]) -> str:
    """Describe the comparisons of a part: events and differences of each kind."""
    lines = []
    for kind in KINDS:
        own = np.array([event.difference for event in events if event.kind == kind])
        quartiles = ", ".join(f"{value:.0f}" for value in np.quantile(own, (0.25, 0.5, 0.75))) if len(own) else "none"
        lines.append(f"- {kind.capitalize()}: n = {len(own)}; quartiles of the difference {quartiles}.")
    return "\n".join(lines)


def describe_answers(events: Sequence[KindComparison], weight: float, offset: float) -> str:
    """Describe the share of each kind that is answered rightly, and how many are answered to be another kind."""
    cells = []
    for kind in KINDS:
        answers = [choose_class(event.weigh(weight, offset)) for event in events if event.kind == kind]
        wrong = sum(answer not in (kind, "undetermined") for answer in answers)
        cells.append(f"{kind} {format_fraction([answer == kind for answer in answers])}, wrong {wrong}")
    return "; ".join(cells)


def describe_choice(parts: Mapping[str, Sequence[KindComparison]], served: tuple[float, float]) -> dict[str, str]:
    """Describe the events of both parts, the loss by weight on the validation part, and the answers with the weights `served`."""
    losses = choose_weights(parts["validation"])
    best = tuple(int(index) for index in np.unravel_index(int(np.argmin(losses)), losses.shape))
    tried = {
        "without the inversion": (0.0, 0.0),
        "as served": served,
        "least loss on the validation part": (WEIGHTS[best[0]], float(OFFSETS[best[1]])),
    }
    by_weight = [
        (f"{weight:g}", str(OFFSETS[int(np.argmin(row))]), f"{row.min():.3f}", f"{row[OFFSETS.index(int(served[1]))]:.3f}")
        for weight, row in zip(WEIGHTS, losses, strict=True)
    ]
    answers = [
        (name, f"{weight:g}", f"{offset:g}", part, f"{measure_loss(events, weight, offset):.3f}", describe_answers(events, weight, offset))
        for name, (weight, offset) in tried.items()
        for part, events in parts.items()
    ]
    return {
        "fitted": describe_part(parts["validation"]),
        "tested": describe_part(parts["test"]),
        "weights": format_table(("weight", "best offset", "log loss", f"log loss with the offset {served[1]:g}"), by_weight),
        "answers": format_table(("weights", "weight", "offset", "part", "log loss", "answered rightly"), answers),
    }


def write_class_weights_page(settings: TrainingSettings, command: str, most: int | None) -> Path:
    """Compare the kinds of faint events of the replica and of clear events of mixed paths; write `class_weights.md`."""
    seeds = [seed for part in MIXED_SEEDS.values() for seed in part]
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        replica = pool.map(partial(compare_part, settings, most=most), MIXED_SEEDS)
        mixed = dict(zip(seeds, pool.map(partial(compare_mixed, settings), seeds), strict=True))
        compared = dict(zip(MIXED_SEEDS, replica, strict=True))
    unclear = {part: [event for event in events if event.log_likelihood < CLEAR_LOG_LIKELIHOOD] for part, events in compared.items()}
    clear = {part: [event for seed in seeds for event in mixed[seed]] for part, seeds in MIXED_SEEDS.items()}
    texts = describe_choice(unclear, CLASS_WEIGHTS) | {
        f"clear_{name}": text for name, text in describe_choice(clear, CLEAR_CLASS_WEIGHTS).items()
    }
    return write_page(RESULTS / "class_weights.md", TEMPLATE, command, threshold=f"{CLEAR_LOG_LIKELIHOOD:.0f}", **texts)
