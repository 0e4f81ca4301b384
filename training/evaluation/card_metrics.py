"""What the cards say of events scored by the served chain: metrics of each model on a part of the twin, and on real events."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.registry.card import Metric
from training.evaluation.distance_metrics import score_distances
from training.evaluation.event_scores import EventScores
from training.evaluation.metrics import fraction_metric, metric, percentile
from training.evaluation.section_metrics import score_azimuth, score_depth, score_type
from training.synthesis.sources import KINDS

Rows = Sequence[EventScores]
Measure = Callable[[Rows, str], tuple[Metric, ...]]
TWIN_SET, REAL_SET, REAL_EVENT = "catalog twin", "real earthquakes", "real event"
# Events whose traces stand so many times over their noise, in the median: below, hardly anything is to be seen.
HIGH_SNR = 5.0
HIGH_SNR_SET = f"{TWIN_SET}, signal to noise {HIGH_SNR:g} and above"
# Traces that stand about ten times over their noise, within a factor of the square root of two.
SNR_MEASURE = (7.0, 14.0)
MANY = 8
GOAL_DEG, GOAL_MAGNITUDE = (10.0, 140.0), 5.5


def of_kind(rows: Rows, kind: str) -> list[EventScores]:
    """The events of a kind."""
    return [row for row in rows if row.truth.kind == kind]


def _column(rows: Rows, value: Callable[[EventScores], float]) -> Floats:
    return np.array([value(row) for row in rows], np.float64)


def all_traces(rows: Rows) -> tuple[Floats, NDArray[np.int64]]:
    """All traces that were read [n, 5], columns as in `Traces`, and the number of each one's event [n]."""
    parts = [np.stack([row.traces.true_deg, row.traces.said_deg, row.traces.sigma_deg, row.traces.late_s, row.traces.snr]) for row in rows]
    events = np.concatenate([np.full(part.shape[1], number) for number, part in enumerate(parts)])
    values = np.concatenate(parts, axis=1).T
    known = np.isfinite(values[:, :4]).all(axis=1)
    return values[known], events[known]


def type_metrics(rows: Rows, dataset: str) -> tuple[Metric, ...]:
    """Of the class as served: the section's probability with the odds of arrivals."""
    known = [row for row in rows if row.truth.kind in KINDS]
    said = {"probabilities": np.array([row.probabilities for row in known], np.float32)}
    said["novelty"] = _column(known, lambda row: row.novelty).astype(np.float32)
    return score_type(said, _column(known, lambda row: KINDS.index(row.truth.kind)), dataset)


def offset_metrics(rows: Rows, dataset: str) -> tuple[Metric, ...]:
    """Over traces, and over those that stand ten times over their noise."""
    values, events = all_traces(rows)
    if not len(values):
        return ()
    return (*_offset(values, events, dataset), *_at_ten(values, events, dataset))


def _offset(values: Floats, events: NDArray[np.int64], dataset: str) -> tuple[Metric, ...]:
    said = {"distance_deg": values[:, 1], "distance_uncertainty_deg": values[:, 2], "origin_lag_s": values[:, 3]}
    return score_distances(said, np.stack([values[:, 0], np.zeros(len(values))], axis=1), events, dataset)


def _at_ten(values: Floats, events: NDArray[np.int64], dataset: str) -> tuple[Metric, ...]:
    ten = (values[:, 4] >= SNR_MEASURE[0]) & (values[:, 4] < SNR_MEASURE[1])
    if not ten.any():
        return ()
    name = f"median absolute error of distance at a signal to noise of {SNR_MEASURE[0]:g} to {SNR_MEASURE[1]:g}"
    return (metric(name, dataset, "degree", np.abs(values[ten, 1] - values[ten, 0]), percentile(50), events[ten]),)


def depth_metrics(rows: Rows, dataset: str) -> tuple[Metric, ...]:
    """Of the model's own word, and of the service's answer, where an earthquake called glacial is a miss."""
    quakes = [row for row in of_kind(rows, "earthquake") if np.isfinite([row.depth_km, row.truth.depth_km]).all()]
    if not quakes:
        return ()
    said = {"depth_km": _column(quakes, lambda row: row.depth_km), "depth_uncertainty_km": _column(quakes, lambda row: row.depth_sigma_km)}
    truth = _column(quakes, lambda row: row.truth.depth_km)
    served = np.abs(_column(quakes, lambda row: row.served_depth_km) - truth)
    answered = np.flatnonzero(np.isfinite(served))
    as_served = [fraction_metric("share within 10 km as served, with arrival times", dataset, served <= 10)]
    if len(answered):
        name = "median absolute error as served, with arrival times"
        as_served.append(metric(name, dataset, "kilometer", served[answered], percentile(50), answered))
    return (*score_depth({name: values.astype(np.float32) for name, values in said.items()}, truth, dataset), *as_served)


def azimuth_metrics(rows: Rows, dataset: str) -> tuple[Metric, ...]:
    """Of the model's word at the epicenter found."""
    ice = [row for row in of_kind(rows, "glacial") if np.isfinite(row.force_azimuth_deg)]
    if not ice:
        return ()
    said = {
        "force_azimuth_deg": _column(ice, lambda row: row.force_azimuth_deg).astype(np.float32),
        "force_azimuth_uncertainty_deg": _column(ice, lambda row: row.force_azimuth_sigma_deg).astype(np.float32),
    }
    return score_azimuth(said, _column(ice, lambda row: row.truth.force_azimuth_deg), dataset)


TWIN_MEASURES: dict[str, Measure] = {
    "event_type": type_metrics,
    "offset": offset_metrics,
    "depth": depth_metrics,
    "force_azimuth": azimuth_metrics,
}


def real_type(rows: Rows) -> tuple[Metric, ...]:
    """Shares over earthquakes, and over those with many stations; of the other kinds what was flagged; then event by event."""
    quakes = of_kind(rows, "earthquake")
    found = []
    for name, group in (("", quakes), (f", {MANY} stations or more", [row for row in quakes if row.stations >= MANY])):
        if group:
            right = np.array([row.right for row in group])
            found.append(fraction_metric(f"share of earthquake sections recognized{name}", REAL_SET, right))
    for kind in sorted({row.truth.kind for row in rows}):
        flagged = np.array([row.novelty > 1 for row in of_kind(rows, kind)])
        found.append(fraction_metric(f"share of {kind} sections flagged as novel", f"{REAL_SET} and others", flagged))
    for row in rows:
        found += _of_event(row, row.stations, {"probability of an earthquake": (row.probabilities[0], "1"), "novelty": (row.novelty, "1")})
    return tuple(found)


def real_offset(rows: Rows) -> tuple[Metric, ...]:
    """Over traces of earthquakes, over those that the goals are stated for, and event by event; of a single event no intervals."""
    quakes = of_kind(rows, "earthquake")
    if not quakes:
        return ()
    found = list(_offset(*all_traces(quakes), REAL_SET))
    large = [row for row in quakes if row.truth.magnitude >= GOAL_MAGNITUDE]
    if large:
        values, events = all_traces(large)
        far = (values[:, 0] >= GOAL_DEG[0]) & (values[:, 0] <= GOAL_DEG[1])
        name = f"{REAL_SET}, {GOAL_DEG[0]:g} to {GOAL_DEG[1]:g} degrees, magnitude {GOAL_MAGNITUDE:g} and above"
        found += _offset(values[far], events[far], name) if far.any() else ()
    for row in rows:
        values, _ = all_traces([row])
        error = values[:, 1] - values[:, 0]
        said = {
            "median absolute error of distance": (float(np.median(np.abs(error))), "degree"),
            "median error of distance": (float(np.median(error)), "degree"),
            "share of traces inside one sigma": (float(np.mean(np.abs(error) <= values[:, 2])), "1"),
        }
        found += _of_event(row, len(values), said) if len(values) else []
    return tuple(found)


def real_depth(rows: Rows) -> tuple[Metric, ...]:
    """Over earthquakes, then event by event."""
    found = list(depth_metrics(rows, REAL_SET))
    for row in of_kind(rows, "earthquake"):
        true = row.truth.depth_km
        said = {
            "depth less the true one": (row.depth_km - true, "kilometer"),
            "depth as served less the true one": (row.served_depth_km - true, "kilometer"),
        }
        found += _of_event(row, row.stations, {name: (value, unit) for name, (value, unit) in said.items() if np.isfinite(value)})
    return tuple(found)


def _of_event(row: EventScores, count: int, said: dict[str, tuple[float, str]]) -> list[Metric]:
    dataset = f"{REAL_EVENT} {row.truth.name}"
    return [Metric(name=name, dataset=dataset, value=value, unit=unit, n=count) for name, (value, unit) in said.items()]


REAL_MEASURES: dict[str, Callable[[Rows], tuple[Metric, ...]]] = {"event_type": real_type, "offset": real_offset, "depth": real_depth}
