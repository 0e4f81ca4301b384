"""
How large an error the distances of one event share: models of it compared on the validation part of the twin.

The error of each trace is taken as one shared by all (normal, around zero) and one of its own (Student's t, as `misfit` has it),
and the shared one is integrated out; a model says how large the shared one is. The likelier the errors, the better the model.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import batched, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.analysis.distances import predict_distances
from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.seismic.geodesy import unit_vectors
from models.seismic.location.distance_misfit import DEGREES_OF_FREEDOM
from models.seismic.location.distance_posterior import COMMON_BIAS_FRACTION, MIN_COMMON_BIAS_DEG
from models.seismic.location.distances import prepare_distances
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings
from training.datasets.archive import ArchivedEvent
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica, select_replica_split
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.location_page import PAGE, twin_recipe
from training.evaluation.location_scores import BATCH, open_models
from training.evaluation.markdown import markdown_table, write_part
from training.evaluation.metrics import bootstrap

Model = Callable[["DistanceErrors", float], float]

MIN_TRACES = 4
FACTORS = tuple(np.round(np.geomspace(0.1, 4.0, 33), 3).tolist())
CONSTANTS_DEG = tuple(np.round(np.geomspace(0.5, 60.0, 33), 2).tolist())
SHIFTS_DEG = np.linspace(-150.0, 150.0, 601)
STATED_DEG = (0.0, 4.5, 6.0, 9.0, 13.0, 20.0, 90.0)
PAIRS_DEG = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 180.0)
MAX_SIGMA_DEG = 10.0


@dataclass(frozen=True)
class DistanceErrors:
    """Of one event: predicted less true distances [n], stated uncertainties [n], neighborhoods [n], unit vectors [3, n] of stations."""

    errors: Floats
    stated: Floats
    neighbors: Floats
    stations: Floats

    @property
    def surest(self) -> float:
        """The harmonic mean of squares of stated uncertainties, in degrees, each neighborhood counting once."""
        return float(np.sqrt(np.sum(1.0 / self.neighbors) / np.sum(self.stated**-2.0 / self.neighbors)))

    def of_shifts(self, shifts: Floats) -> Floats:
        """Logarithm of the density [k] of the errors where each trace's shared part is as in the row of `shifts` [k, n or 1]."""
        scales = self.stated * np.sqrt(self.neighbors)
        off = (self.errors - shifts) / scales
        return np.asarray(-(np.log(scales) + 0.5 * (DEGREES_OF_FREEDOM + 1.0) * np.log1p(off**2 / DEGREES_OF_FREEDOM)).sum(axis=1))


def shared_error_log_likelihood(event: DistanceErrors, deviation_deg: float) -> float:
    """Logarithm of the density of an event's errors, less a constant, if all share one of that deviation."""
    return _integrated(event.of_shifts(SHIFTS_DEG[:, None]), SHIFTS_DEG / deviation_deg)


def proportional_error(event: DistanceErrors, factor: float) -> float:
    """The same if what they share is a part of what each trace states."""
    steps = np.linspace(-5.0, 5.0, 201)
    return _integrated(event.of_shifts(factor * steps[:, None] * event.stated), steps)


def floored_error(event: DistanceErrors, factor: float) -> float:
    """The same if it is so many times what the surest traces state, and never below what the service takes at least."""
    return shared_error_log_likelihood(event, float(np.hypot(MIN_COMMON_BIAS_DEG, factor * event.surest)))


def _integrated(log_density: Floats, steps: Floats) -> float:
    """Over a standard normal variable at even steps."""
    return float(np.logaddexp.reduce(log_density - 0.5 * steps**2) + np.log((steps[1] - steps[0]) / np.sqrt(2.0 * np.pi)))


MODELS: dict[str, tuple[Model, tuple[float, ...]]] = {
    "one for all events, degrees": (shared_error_log_likelihood, CONSTANTS_DEG),
    "times the median stated": (lambda event, by: shared_error_log_likelihood(event, by * float(np.median(event.stated))), FACTORS),
    "times what the surest state": (lambda event, by: shared_error_log_likelihood(event, by * event.surest), FACTORS),
    f"the same, {MIN_COMMON_BIAS_DEG:g} degrees at least": (floored_error, FACTORS),
    "times what each states": (proportional_error, FACTORS),
}


def read_errors(model: OnnxModel, event: ArchivedEvent) -> DistanceErrors | None:
    """What the offset model's distances miss; None of an event with fewer than four of them."""
    try:
        gather = condition(event.records, CONDITIONING)
        readings = predict_distances(model, gather)
    except UnusableData:
        return None
    said = event.truth or {}
    data = prepare_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    if len(data.distances) < MIN_TRACES:
        return None
    point = unit_vectors(float(str(said["latitude_deg"])), float(str(said["longitude_deg"])))
    true = np.degrees(np.arccos(np.clip(point @ data.stations, -1.0, 1.0)))
    return DistanceErrors(data.distances - true, data.scales / np.sqrt(data.neighbors), data.neighbors, data.stations)


def _some(recipe: ReplicaRecipe, settings: TrainingSettings, numbers: tuple[int, ...]) -> list[DistanceErrors]:
    model = open_models(settings)["offset"]
    found = [read_errors(model, event) for event in draw_replica(recipe, settings, list(numbers))]
    return [one for one in found if one is not None]


def report_common_error(settings: TrainingSettings, store: str | None, most: int | None) -> Path:
    """Read the twin's validation part and write which model of the shared error it supports."""
    chosen = twin_recipe(store)
    parts = list(batched(select_replica_split(chosen, settings, SPLIT_NAMES[1])[:most], BATCH))
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        done = tqdm(pool.map(partial(_some, chosen, settings), parts), desc="read", unit="batch", total=len(parts))
        events = [event for some in done for event in some]
    write_part(PAGE, "shared", common_error_page(events, most))
    return PAGE


def common_error_page(events: Sequence[DistanceErrors], most: int | None) -> str:
    """The tables."""
    command = f"python -m training location-shared{'' if most is None else f' --most {most}'}"
    return "\n\n".join((
        f"`{command}`: {len(events)} events of the twin's validation part with {MIN_TRACES} distances and more. Log-likelihood an "
        f"event, above that of {MIN_COMMON_BIAS_DEG:g} degrees for all; intervals are 95 %, by bootstrap over events. The service takes "
        f"{COMMON_BIAS_FRACTION:g} times what the surest state (the harmonic mean of squares), {MIN_COMMON_BIAS_DEG:g} degrees at least.",
        markdown_table(
            ("deviation of the shared error", "likeliest value", "log-likelihood", "less the service's"), compare_models(events)
        ),
        "The likeliest deviation by what the surest traces state:",
        markdown_table(("surest state, degrees", "events", "their median", "likeliest, degrees"), by_stated(events)),
        f"Pairs of traces that state less than {MAX_SIGMA_DEG:g} degrees, errors in units of what they state (cut at 4), mean over events: "
        "what they share is their mean product. Neighbors share more, but weighing this too made the true epicenters no likelier.",
        markdown_table(("stations apart, degrees", "events", "mean product", "half the mean square of the difference"), by_pairs(events)),
    ))  # fmt: skip


def compare_models(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """Of each model the likeliest value and what it gains."""
    before = np.array([shared_error_log_likelihood(event, MIN_COMMON_BIAS_DEG) for event in events])
    served = np.array([floored_error(event, COMMON_BIAS_FRACTION) for event in events]) - before
    rows = []
    for name, (model, values) in MODELS.items():
        gains = np.array([[model(event, value) for value in values] for event in events]) - before[:, None]
        best, low, high = bootstrap(partial(_likeliest, gains, values), np.arange(len(events)))
        own = gains[:, values.index(best)]
        rows.append((name, f"{best:.3g} ({low:.3g} to {high:.3g})", _interval(own), _interval(own - served)))
    return rows


def _interval(values: Floats) -> str:
    middle, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.arange(len(values)))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _likeliest(gains: Floats, values: tuple[float, ...], rows: NDArray[np.int64]) -> float:
    return values[int(gains[rows].mean(axis=0).argmax())]


def by_stated(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """The likeliest deviation in classes of what the surest traces state."""
    likely = np.array([[shared_error_log_likelihood(event, value) for value in CONSTANTS_DEG] for event in events])
    stated = np.array([event.surest for event in events])
    rows = []
    for low, high in pairwise(STATED_DEG):
        inside = (stated >= low) & (stated < high)
        if inside.any():
            best = CONSTANTS_DEG[int(likely[inside].mean(axis=0).argmax())]
            rows.append((f"{low:g} to {high:g}", str(inside.sum()), f"{np.median(stated[inside]):.1f}", f"{best:.1f}"))
    return rows


def by_pairs(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """How alike the errors of sure traces are, by how far their stations stand apart."""
    found: dict[int, list[tuple[float, float]]] = {}
    for event in events:
        sure = np.flatnonzero(event.stated < MAX_SIGMA_DEG)
        first, second = sure[np.array(np.triu_indices(len(sure), 1))]
        apart = np.degrees(np.arccos(np.clip((event.stations[:, first] * event.stations[:, second]).sum(axis=0), -1.0, 1.0)))
        standard = np.clip(event.errors / event.stated, -4.0, 4.0)
        product, difference = standard[first] * standard[second], 0.5 * (standard[first] - standard[second]) ** 2
        places = np.digitize(apart, PAIRS_DEG) - 1
        for place in np.unique(places).tolist():
            found.setdefault(place, []).append((product[places == place].mean(), difference[places == place].mean()))
    names = [f"{low:g} to {high:g}" for low, high in pairwise(PAIRS_DEG)]
    means = {place: np.mean(some, axis=0) for place, some in found.items()}
    return [(names[place], str(len(found[place])), f"{means[place][0]:.2f}", f"{means[place][1]:.2f}") for place in sorted(found)]
