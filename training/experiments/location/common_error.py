"""
The error common to all distances of one event: models of its standard deviation compared by likelihood (decision 0012).

The error of each trace is taken as the sum of a common one (normal with mean zero) and one of its own (Student's t, as in
`models.seismic.location.distance_misfit`); the common one is integrated out. Events are those of the validation part of the replica.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from models.array_types import Floats, Integers
from models.seismic.geodesy import unit_vectors
from models.seismic.location.distance_misfit import DEGREES_OF_FREEDOM
from models.seismic.location.distance_posterior import (
    COMMON_BIAS_SCALE_DEG,
    MAX_COMMON_BIAS_FRACTION,
    MIN_COMMON_BIAS_DEG,
    common_deviation_deg,
)
from models.seismic.location.distances import prepare_distances
from models.seismic.location.solution import StationDistances
from training.config import TrainingSettings
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import EventResult
from training.evaluation.event_sources import ReplicaSource
from training.evaluation.location_page import load_replica_recipe
from training.evaluation.metrics import bootstrap
from training.evaluation.pages import RESULTS, format_table, write_page

TEMPLATE = Path(__file__).parents[1] / "templates" / "common_distance_error.md"
MIN_TRACES = 4
FACTORS = tuple(np.round(np.geomspace(0.1, 4.0, 33), 3).tolist())
SCALES_DEG = (5.0, 7.0, 10.0, 13.0, 16.0, 20.0, 25.0, 32.0, 40.0, 50.0, 65.0, 80.0)
CONSTANTS_DEG = tuple(np.round(np.geomspace(0.5, 60.0, 33), 2).tolist())
SHIFTS_DEG = np.linspace(-150.0, 150.0, 601)
SIGMA_BORDERS_DEG = (0.0, 4.5, 6.0, 9.0, 13.0, 20.0, 90.0)
SEPARATION_BORDERS_DEG = (0.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 90.0, 180.0)
MAX_PAIR_SIGMA_DEG = 10.0


@dataclass(frozen=True)
class DistanceErrors:
    """
    Errors of the distances of one event.

    `errors` predicted less true [n], `sigmas` predicted standard deviations [n], `neighbors` number of stations that share a
    neighborhood [n], `stations` unit vectors [3, n].
    """

    errors: Floats
    sigmas: Floats
    neighbors: Floats
    stations: Floats

    @property
    def smallest_sigma(self) -> float:
        """Harmonic mean of the squared sigmas in degrees, each neighborhood counting once: dominated by the smallest ones."""
        return float(np.sqrt(np.sum(1.0 / self.neighbors) / np.sum(self.sigmas**-2.0 / self.neighbors)))

    def log_density(self, shifts: Floats) -> Floats:
        """Log density [k] of the errors, up to a constant, given the common error of each trace in the rows of `shifts` [k, n or 1]."""
        scales = self.sigmas * np.sqrt(self.neighbors)
        residuals = (self.errors - shifts) / scales
        return np.asarray(-(np.log(scales) + 0.5 * (DEGREES_OF_FREEDOM + 1.0) * np.log1p(residuals**2 / DEGREES_OF_FREEDOM)).sum(axis=1))


def constant_error_llk(event: DistanceErrors, sigma_deg: float) -> float:
    """Log-likelihood of a common error with that standard deviation."""
    return _marginalize(event.log_density(SHIFTS_DEG[:, None]), SHIFTS_DEG / sigma_deg)


def proportional_error_llk(event: DistanceErrors, factor: float) -> float:
    """Log-likelihood of a common error that moves each trace in proportion to its own sigma."""
    steps = np.linspace(-5.0, 5.0, 201)
    return _marginalize(event.log_density(factor * steps[:, None] * event.sigmas), steps)


def floored_error_llk(event: DistanceErrors, factor: float) -> float:
    """Log-likelihood of `factor` times the smallest sigmas, combined with the minimum in quadrature."""
    return constant_error_llk(event, float(np.hypot(MIN_COMMON_BIAS_DEG, factor * event.smallest_sigma)))


def growing_error_llk(event: DistanceErrors, scale_deg: float) -> float:
    """Log-likelihood of the served model, whose part of the smallest sigmas grows with them."""
    return constant_error_llk(event, common_deviation_deg(event.smallest_sigma, scale_deg))


def _marginalize(log_density: Floats, steps: Floats) -> float:
    """Average over a normal variable, at even steps [k] of a standard deviation, between the first and the last."""
    log_weights = -0.5 * steps**2
    return float(np.logaddexp.reduce(log_density + log_weights) - np.logaddexp.reduce(log_weights))


MODELS: dict[str, tuple[Callable[[DistanceErrors, float], float], tuple[float, ...]]] = {
    "constant, degrees": (constant_error_llk, CONSTANTS_DEG),
    "times the median sigma": (lambda event, by: constant_error_llk(event, by * float(np.median(event.sigmas))), FACTORS),
    "times the smallest sigmas": (lambda event, by: constant_error_llk(event, by * event.smallest_sigma), FACTORS),
    f"times the smallest sigmas, {MIN_COMMON_BIAS_DEG:g} degrees at least": (floored_error_llk, FACTORS),
    "times the sigma of each trace": (proportional_error_llk, FACTORS),
    f"smallest sigmas squared over degrees, at most {MAX_COMMON_BIAS_FRACTION:g} of them, {MIN_COMMON_BIAS_DEG:g} at least": (
        growing_error_llk,
        SCALES_DEG,
    ),
}
"""Models of the standard deviation of the common error, each with the values of its parameter that are tried."""


def measure_errors(result: EventResult) -> DistanceErrors | None:
    """Measure the errors of the predicted distances of an event; None with fewer than MIN_TRACES."""
    traces = result.traces
    data = prepare_distances(StationDistances(traces.latitudes_deg, traces.longitudes_deg, traces.predicted_deg, traces.sigma_deg))
    if len(data.distances) < MIN_TRACES:
        return None
    source = unit_vectors(result.truth.latitude_deg, result.truth.longitude_deg)
    true = np.degrees(np.arccos(np.clip(source @ data.stations, -1.0, 1.0)))
    return DistanceErrors(data.distances - true, data.scales / np.sqrt(data.neighbors), data.neighbors, data.stations)


def write_common_error_page(settings: TrainingSettings, command: str, store: str | None, most: int | None) -> Path:
    """Compare the models on the validation part of the replica; write `common_distance_error.md`."""
    results = evaluate(ReplicaSource(load_replica_recipe(store), SPLIT_NAMES[1], most), settings)
    events = [errors for result in results if (errors := measure_errors(result)) is not None]
    return write_page(
        RESULTS / "common_distance_error.md",
        TEMPLATE,
        command,
        events=str(len(events)),
        traces=str(MIN_TRACES),
        minimum=f"{MIN_COMMON_BIAS_DEG:g}",
        scale=f"{COMMON_BIAS_SCALE_DEG:g}",
        fraction=f"{MAX_COMMON_BIAS_FRACTION:g}",
        pair_sigma=f"{MAX_PAIR_SIGMA_DEG:g}",
        models=format_table(
            ("standard deviation of the common error", "most likely value", "log-likelihood", "less that of the service"),
            compare_models(events),
        ),
        by_sigma=format_table(("smallest sigmas, degrees", "events", "median", "most likely, degrees"), compare_by_sigma(events)),
        pairs=format_table(
            ("distance between stations, degrees", "events", "mean product", "half the mean square of the difference"),
            compare_pairs(events),
        ),
    )


def compare_models(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """Find the most likely value of each model, and its mean log-likelihood above the minimum for all and above the served model."""
    before = np.array([constant_error_llk(event, MIN_COMMON_BIAS_DEG) for event in events])
    served = np.array([growing_error_llk(event, COMMON_BIAS_SCALE_DEG) for event in events]) - before
    rows = []
    for name, (model, values) in MODELS.items():
        gains = np.array([[model(event, value) for value in values] for event in events]) - before[:, None]
        best, low, high = bootstrap(partial(_most_likely, gains, values), np.arange(len(events)))
        own = gains[:, values.index(best)]
        rows.append((name, f"{best:.3g} ({low:.3g} to {high:.3g})", _format_mean(own), _format_mean(own - served)))
    return rows


def _format_mean(values: Floats) -> str:
    middle, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.arange(len(values)))
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _most_likely(gains: Floats, values: tuple[float, ...], rows: Integers) -> float:
    return values[int(gains[rows].mean(axis=0).argmax())]


def compare_by_sigma(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """Find the most likely standard deviation in classes of the smallest sigmas."""
    likelihoods = np.array([[constant_error_llk(event, value) for value in CONSTANTS_DEG] for event in events])
    sigmas = np.array([event.smallest_sigma for event in events])
    rows = []
    for low, high in pairwise(SIGMA_BORDERS_DEG):
        inside = (sigmas >= low) & (sigmas < high)
        if inside.any():
            best = CONSTANTS_DEG[int(likelihoods[inside].mean(axis=0).argmax())]
            rows.append((f"{low:g} to {high:g}", str(inside.sum()), f"{np.median(sigmas[inside]):.1f}", f"{best:.1f}"))
    return rows


def compare_pairs(events: Sequence[DistanceErrors]) -> list[tuple[str, str, str, str]]:
    """Measure how errors of traces with a small sigma are correlated, by the distance between their stations."""
    found: dict[int, list[tuple[float, float]]] = {}
    for event in events:
        sure = np.flatnonzero(event.sigmas < MAX_PAIR_SIGMA_DEG)
        first, second = sure[np.array(np.triu_indices(len(sure), 1))]
        apart = np.degrees(np.arccos(np.clip((event.stations[:, first] * event.stations[:, second]).sum(axis=0), -1.0, 1.0)))
        standard = np.clip(event.errors / event.sigmas, -4.0, 4.0)
        product, difference = standard[first] * standard[second], 0.5 * (standard[first] - standard[second]) ** 2
        classes = np.digitize(apart, SEPARATION_BORDERS_DEG) - 1
        for k in np.unique(classes).tolist():
            found.setdefault(k, []).append((product[classes == k].mean(), difference[classes == k].mean()))
    names = [f"{low:g} to {high:g}" for low, high in pairwise(SEPARATION_BORDERS_DEG)]
    means = {k: np.mean(values, axis=0) for k, values in found.items()}
    return [(names[k], str(len(found[k])), f"{means[k][0]:.2f}", f"{means[k][1]:.2f}") for k in sorted(found)]
