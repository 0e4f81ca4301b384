"""
Weights of the source inversion in the class: chosen on the validation part of the catalog replica, tested on its test part.

Detected events are located as served, and both kinds of source are inverted for where the service would. What they say is kept in
`build/evaluation`, so that a stopped run continues.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from models.analysis.detection import detect_event
from models.analysis.event_class import add_force_evidence, choose_class, glacial_share
from models.analysis.pipeline import Models, locate_event
from models.analysis.sections import make_reference
from models.analysis.source import CLASS_OFFSET, CLASS_WEIGHT, compare_kinds, find_source, list_kinds, weigh_difference
from models.array_types import Floats
from models.errors import TooFewStations, UnusableData
from models.imaging.conditioning import condition
from models.registry.earth_tables import load_earths
from models.seismic.geodesy import distance_deg
from models.seismic.source.greens_tables import GreensTables
from models.specs.event_type import EVENT_CLASSES, EventClass
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings, load_recipe
from training.datasets.catalog_replica import ReplicaRecipe
from training.earth.greens import FULL_STORES
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import describe_models
from training.evaluation.event_sources import LabeledEvent, ReplicaSource
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.synthesis.signal_to_noise import signal_to_noise

TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "class_weights.md"
MIN_SNR: Final = 2.0  # median of the traces: of fainter events the inversion says nothing
KINDS: Final[tuple[EventClass, ...]] = ("glacial", "earthquake")
WEIGHTS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
OFFSETS: Final = tuple(range(-10, 11))


@dataclass(frozen=True)
class KindComparison:
    """
    What the service and the inversion say of one event of a true `kind`.

    `probabilities` as served without the inversion, in the order of `EVENT_CLASSES`; `share` as of `glacial_share`; `difference` of the log
    likelihoods, force less moment tensor.
    """

    kind: str
    probabilities: tuple[float, ...]
    share: float
    difference: float

    def weigh(self, weight: float, offset: float) -> dict[EventClass, float]:
        """Compute the probabilities with the inversion's log odds."""
        served = dict(zip(EVENT_CLASSES, self.probabilities, strict=True))
        return add_force_evidence(served, self.share, weigh_difference(self.difference, weight, offset))


def compare_event(models: Models, earths: Mapping[str, GreensTables], event: LabeledEvent) -> KindComparison | None:
    """Locate an event that is detected and invert for both kinds of source; None where the service has nothing to compare."""
    truth = event.truth
    try:
        gather = condition(event.records, CONDITIONING)
        distances = distance_deg(truth.latitude_deg, truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
        ratios = signal_to_noise(gather, distances, truth.depth_km, truth.origin_time_s)
        if not np.isfinite(ratios).any() or np.nanmedian(ratios) < MIN_SNR:
            return None
        if not detect_event(event.records, gather, models["offset"]).detected:
            return None
        found = locate_event(models, gather, records=event.records)
    except (UnusableData, TooFewStations):
        return None
    if len(kinds := list_kinds(found)) < 2 or found.classification is None:
        return None
    sources = {kind: find_source(earths, gather, found.location, found.origin, kind, event.records) for kind in kinds}
    difference = compare_kinds({kind: source for kind, source in sources.items() if source is not None})
    served, share = found.classification.probabilities, glacial_share(make_reference(found.location))
    return None if difference is None else KindComparison(truth.kind, tuple(served[name] for name in EVENT_CLASSES), share, difference)


def compare_part(settings: TrainingSettings, part: str, most: int | None) -> list[KindComparison]:
    """Compare the kinds of all events of a part of the replica through three Earth models that can be compared."""
    source = ReplicaSource(load_recipe("twin", ReplicaRecipe).model_copy(update={"store": FULL_STORES}), part, most)
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


def read_lines(path: Path, behavior: Mapping[str, Any]) -> dict[str, dict[str, Any] | None]:
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


def write_class_weights_page(settings: TrainingSettings, command: str, most: int | None) -> Path:
    """Compare the kinds of the events of the replica's validation and test parts; write `class_weights.md`."""
    fitted, tested = (compare_part(settings, part, most) for part in ("validation", "test"))
    losses = choose_weights(fitted)
    best = tuple(int(index) for index in np.unravel_index(int(np.argmin(losses)), losses.shape))
    settings_tried = {
        "without the inversion": (0.0, 0.0),
        "as served": (CLASS_WEIGHT, CLASS_OFFSET),
        "least loss on the validation part": (WEIGHTS[best[0]], float(OFFSETS[best[1]])),
    }
    by_weight = [
        (f"{weight:g}", str(OFFSETS[int(np.argmin(row))]), f"{row.min():.3f}", f"{row[OFFSETS.index(int(CLASS_OFFSET))]:.3f}")
        for weight, row in zip(WEIGHTS, losses, strict=True)
    ]
    answers = [
        (name, f"{weight:g}", f"{offset:g}", part, f"{measure_loss(events, weight, offset):.3f}", describe_answers(events, weight, offset))
        for name, (weight, offset) in settings_tried.items()
        for part, events in (("validation", fitted), ("test", tested))
    ]
    tables = {
        "weights": format_table(("weight", "best offset", "log loss", f"log loss with the offset {CLASS_OFFSET:g}"), by_weight),
        "answers": format_table(("weights", "weight", "offset", "part", "log loss", "answered rightly"), answers),
    }
    return write_page(RESULTS / "class_weights.md", TEMPLATE, command, fitted=describe_part(fitted), tested=describe_part(tested), **tables)
