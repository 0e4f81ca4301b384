"""Metrics of the cards, from evaluated events of the synthetic catalog replica and of real events."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.registry.card import Metric
from models.specs.event_type import EVENT_CLASSES
from training.config import TrainingSettings, read_commit
from training.datasets.archive import read_manifest
from training.datasets.shards import combine_fingerprints
from training.evaluation.card_figures import draw_card_figures
from training.evaluation.card_writer import MEASURED_LIMITS, REAL_EVENT, REAL_SET, update_card
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import EventResult, collect, select_kind, stack_traces
from training.evaluation.event_sources import SPLITS, ArchiveSource, FolderSource
from training.evaluation.metrics import fraction_metric, metric, percentile, score_azimuth, score_depth, score_distances, score_type
from training.synthesis.sources import KINDS

Results = Sequence[EventResult]
REPLICA_SET = "synthetic catalog replica"
HIGH_SNR = 5.0
"""Median signal-to-noise ratio from which events have metrics of their own: below, hardly anything rises above the noise."""
HIGH_SNR_SET = f"{REPLICA_SET}, signal-to-noise ratio of {HIGH_SNR:g} and above"
SNR_BANDS = {"7 to 14": (7.0, 14.0), "10 and above": (10.0, np.inf)}
"""Traces with metrics of their own, by signal-to-noise ratio: about 10, within a factor of the square root of 2, and all from 10 on."""
LIMIT_SNR, MIN_LIMIT_EVENTS = 15.0, 10
"""The limits compare events below HIGH_SNR with those from LIMIT_SNR on, where there are that many of both."""
MIN_STATIONS = 8
GOAL_DEG, GOAL_MAGNITUDE = (10.0, 140.0), 5.5


def update_cards(settings: TrainingSettings, archive: Path, real: Path | None, most: int | None, figures: Path) -> None:
    """Evaluate the events of the replica's archive that some split tests on, and real events; write cards and figures."""
    results = list(evaluate(ArchiveSource(archive, "tested", most), settings))
    real_results = [] if real is None else list(evaluate(FolderSource(real), settings))
    on_replica, limits = measure_replica(results), describe_limits(results)
    on_real = measure_real_events(real_results) if real_results else {}
    fingerprint = combine_fingerprints(str(read_manifest(archive)["shards"]))
    scored = {"commit": read_commit(), "replica": fingerprint, "replica_events": len(results)}
    scored |= {"real_events": len(real_results)} if real_results else {}
    for name, metrics in on_replica.items():
        measured = (*metrics, *on_real.get(name, ()))
        update_card(settings.artifacts_dir, name, metrics=measured, limits=limits[name], scored=scored)
    draw_card_figures(results, real_results, figures)


def measure_replica(results: Results) -> dict[str, tuple[Metric, ...]]:
    """Metrics of each model on the test part of every split, split by split, then on the events with a high signal-to-noise ratio."""
    subsets = {f"{REPLICA_SET}, {name} split": [result for result in results if name in result.tested_by] for name in SPLITS}
    subsets[HIGH_SNR_SET] = [result for result in results if result.snr >= HIGH_SNR]
    return {
        model: tuple(found for dataset, subset in subsets.items() if subset for found in measure(subset, dataset))
        for model, measure in REPLICA_MEASURES.items()
    }


def measure_real_events(results: Results) -> dict[str, tuple[Metric, ...]]:
    """Metrics of each model on real events."""
    return {model: measure(results) for model, measure in REAL_MEASURES.items()}


def describe_limits(results: Results) -> dict[str, tuple[str, ...]]:
    """State for each model how good it is at low and at high signal-to-noise ratios, in one sentence with numbers."""
    values, _ = stack_traces(results)
    snr = np.array([result.snr for result in results])
    right = np.array([result.is_right for result in results], np.float64)
    depth = np.abs([result.depth_error_km for result in results])
    azimuth = np.abs([result.azimuth_error_deg for result in results])
    distance = np.abs(values[:, 1] - values[:, 0])
    return {
        "event_type": _compare_by_snr("right for {:.0%} of the events", snr, right, np.mean),
        "offset": _compare_by_snr("a median error of {:.1f} degrees for traces", values[:, 4], distance, np.median),
        "depth": _compare_by_snr("a median error of {:.0f} km for events", snr, depth, np.median),
        "force_azimuth": _compare_by_snr("a median error of {:.0f} degrees modulo 180 for events", snr, azimuth, np.median),
    }


def _compare_by_snr(words: str, snr: Floats, values: Floats, reduce: Callable[[Floats], np.floating]) -> tuple[str, ...]:
    """One sentence; none where there are too few on either side."""
    known = np.isfinite(values)
    low, high = values[known & (snr < HIGH_SNR)], values[known & (snr >= LIMIT_SNR)]
    if min(len(low), len(high)) < MIN_LIMIT_EVENTS:
        return ()
    texts = [words.format(float(reduce(group))).replace("%", " %") for group in (low, high)]
    where = f"whose signal-to-noise ratio is below {HIGH_SNR:g} (n = {len(low)})", f"where it is {LIMIT_SNR:g} and above (n = {len(high)})"
    return (f"{MEASURED_LIMITS}{texts[0]} {where[0]}, {texts[1]} {where[1]}.",)


def measure_type(results: Results, dataset: str) -> tuple[Metric, ...]:
    """Metrics of the served class."""
    known = [result for result in results if result.truth.kind in KINDS]
    outputs = {"probabilities": np.array([result.probabilities for result in known], np.float32)}
    outputs["novelty"] = collect(known, lambda result: result.ood_score).astype(np.float32)
    return score_type(outputs, collect(known, lambda result: KINDS.index(result.truth.kind)), dataset)


def measure_distances(results: Results, dataset: str) -> tuple[Metric, ...]:
    """Metrics of the distances of all traces, and of those in the bands of the signal-to-noise ratio."""
    values, events = stack_traces(results)
    return (*_score_traces(values, events, dataset), *_score_snr_bands(values, events, dataset)) if len(values) else ()


def _score_traces(values: Floats, events: Integers, dataset: str) -> tuple[Metric, ...]:
    outputs = {"distance_deg": values[:, 1], "distance_uncertainty_deg": values[:, 2], "origin_lag_s": values[:, 3]}
    return score_distances(outputs, np.stack([values[:, 0], np.zeros(len(values))], axis=1), events, dataset)


def _score_snr_bands(values: Floats, events: Integers, dataset: str) -> tuple[Metric, ...]:
    found = []
    for band, (low, high) in SNR_BANDS.items():
        rows = (values[:, 4] >= low) & (values[:, 4] < high)
        if rows.any():
            name = f"median absolute error of distance at a signal-to-noise ratio of {band}"
            found.append(metric(name, dataset, "degree", np.abs(values[rows, 1] - values[rows, 0]), percentile(50), events[rows]))
    return tuple(found)


def measure_depths(results: Results, dataset: str) -> tuple[Metric, ...]:
    """Metrics of the served depth, for which an earthquake without one is a miss, then of the network's."""
    quakes = [one for one in select_kind(results, "earthquake") if np.isfinite([one.network_depth_km, one.truth.depth_km]).all()]
    if not quakes:
        return ()
    outputs = _collect_outputs(quakes, depth_km="network_depth_km", depth_uncertainty_km="network_depth_sigma_km")
    truth = collect(quakes, lambda result: result.truth.depth_km)
    error = np.abs(collect(quakes, lambda result: result.depth_km) - truth)
    answered = np.flatnonzero(np.isfinite(error))
    as_served = [fraction_metric("share within 10 km as served", dataset, error <= 10)]
    if len(answered):
        as_served.append(metric("median absolute error as served", dataset, "kilometer", error[answered], percentile(50), answered))
    return (*as_served, *score_depth(outputs, truth, dataset))


def _collect_outputs(results: Results, **fields: str) -> dict[str, Floats32]:
    """Outputs of a network by name, as it gave them, from those fields of the results."""
    return {name: collect(results, attrgetter(field)).astype(np.float32) for name, field in fields.items()}


def measure_azimuths(results: Results, dataset: str) -> tuple[Metric, ...]:
    """Metrics of the network's force azimuth at the served epicenter."""
    ice = [result for result in select_kind(results, "glacial") if np.isfinite(result.network_force_azimuth_deg)]
    if not ice:
        return ()
    fields = {"force_azimuth_deg": "network_force_azimuth_deg", "force_azimuth_uncertainty_deg": "network_force_azimuth_sigma_deg"}
    outputs = _collect_outputs(ice, **fields)
    return score_azimuth(outputs, collect(ice, lambda result: result.truth.force_azimuth_deg), dataset)


REPLICA_MEASURES: dict[str, Callable[[Results, str], tuple[Metric, ...]]] = {
    "event_type": measure_type,
    "offset": measure_distances,
    "depth": measure_depths,
    "force_azimuth": measure_azimuths,
}


def measure_real_types(results: Results) -> tuple[Metric, ...]:
    """Recall of real earthquakes, also of those with many stations; fraction of every kind in doubt; then event by event."""
    quakes = select_kind(results, "earthquake")
    found = []
    many = [result for result in quakes if result.stations >= MIN_STATIONS]
    for name, group in (("", quakes), (f" at {MIN_STATIONS} stations or more", many)):
        if group:
            right = np.array([result.is_right for result in group])
            found.append(fraction_metric(f"share of earthquakes answered as such{name}", REAL_SET, right))
    for kind in sorted({result.truth.kind for result in results}):
        neither = np.array([result.is_neither for result in select_kind(results, kind)])
        found.append(fraction_metric(f"share of {kind} events answered other, undetermined or none", "real events", neither))
    for result in results:
        values = {f"probability of {name}": (value, "1") for name, value in zip(EVENT_CLASSES, result.probabilities, strict=True)}
        found += _make_event_metrics(result, result.stations, values)
    return tuple(found)


def measure_real_distances(results: Results) -> tuple[Metric, ...]:
    """Metrics of distances of real earthquakes, of those that the goals are stated for, and event by event without intervals."""
    quakes = select_kind(results, "earthquake")
    if not quakes:
        return ()
    found = list(_score_traces(*stack_traces(quakes), REAL_SET))
    large = [result for result in quakes if result.truth.magnitude >= GOAL_MAGNITUDE]
    if large:
        values, events = stack_traces(large)
        far = (values[:, 0] >= GOAL_DEG[0]) & (values[:, 0] <= GOAL_DEG[1])
        name = f"{REAL_SET}, {GOAL_DEG[0]:g} to {GOAL_DEG[1]:g} degrees, magnitude {GOAL_MAGNITUDE:g} and above"
        found += _score_traces(values[far], events[far], name) if far.any() else ()
    for result in results:
        values, _ = stack_traces([result])
        error = values[:, 1] - values[:, 0]
        if len(values):
            summary = {
                "median absolute error of distance": (float(np.median(np.abs(error))), "degree"),
                "median error of distance": (float(np.median(error)), "degree"),
                "share of traces within one standard deviation": (float(np.mean(np.abs(error) <= values[:, 2])), "1"),
            }
            found += _make_event_metrics(result, len(values), summary)
    return tuple(found)


def measure_real_depths(results: Results) -> tuple[Metric, ...]:
    """Metrics of depths of real earthquakes, then event by event."""
    found = list(measure_depths(results, REAL_SET))
    for result in select_kind(results, "earthquake"):
        errors = {
            "error of the network's depth": (result.depth_error_km, "kilometer"),
            "error of the depth as served": (result.depth_km - result.truth.depth_km, "kilometer"),
        }
        known = {name: (value, unit) for name, (value, unit) in errors.items() if np.isfinite(value)}
        found += _make_event_metrics(result, result.stations, known)
    return tuple(found)


def _make_event_metrics(result: EventResult, count: int, values: dict[str, tuple[float, str]]) -> list[Metric]:
    dataset = f"{REAL_EVENT} {result.truth.name}"
    return [Metric(name=name, dataset=dataset, value=value, unit=unit, n=count) for name, (value, unit) in values.items()]


REAL_MEASURES: dict[str, Callable[[Results], tuple[Metric, ...]]] = {
    "event_type": measure_real_types,
    "offset": measure_real_distances,
    "depth": measure_real_depths,
}
