"""
Two-sided measures with 95 % intervals: after Wilson for fractions of events, else by bootstrap over events.

Whole events are resampled, since errors of traces of one event are correlated.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from models.array_types import Flags, Floats, Integers
from models.registry.card import Metric
from models.specs.event_type import CLASSES
from training.synthesis.sources import LABELS

DRAWS = 400
NEAR_FRACTION = 0.08
"""A distance within this fraction of the true one counts as right."""

Outputs = Mapping[str, np.ndarray[tuple[int, ...], np.dtype[np.floating]]]
"""Outputs of a network by name, each [n, ...]."""


def bootstrap(measure: Callable[[Integers], float], groups: Integers, seed: int = 3407) -> tuple[float, float, float]:
    """Value and 95 % interval of a measure of row indices, resampling whole groups (events) [n] with replacement."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    random = np.random.default_rng(seed)
    values = [measure(np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])) for _ in range(DRAWS)]
    low, high = np.percentile(values, [2.5, 97.5])
    return measure(np.arange(len(groups))), float(low), float(high)


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a fraction (Wilson 1927, doi:10.1080/01621459.1927.10502953); (0, 1) for a count of zero."""
    if count == 0:
        return 0.0, 1.0
    fraction, spread = hits / count, z * z / count
    middle = (fraction + 0.5 * spread) / (1.0 + spread)
    half = z * np.sqrt(fraction * (1.0 - fraction) / count + spread / (4.0 * count)) / (1.0 + spread)
    return max(0.0, round(float(middle - half), 12)), min(1.0, round(float(middle + half), 12))


def metric(name: str, dataset: str, unit: str, values: Floats, reduce: Callable[[Floats], float], groups: Integers) -> Metric:
    """Reduce per-row values [n] to a metric with its bootstrap interval over groups [n]."""
    value, low, high = bootstrap(lambda rows: float(reduce(values[rows])), groups)
    return Metric(name=name, dataset=dataset, value=value, low=low, high=high, unit=unit, n=len(values))


def fraction_metric(name: str, dataset: str, hits: Flags) -> Metric:
    """Fraction of events [n] of which something is true, with Wilson's interval; raises ZeroDivisionError without events."""
    low, high = wilson(int(hits.sum()), len(hits))
    return Metric(name=name, dataset=dataset, value=int(hits.sum()) / len(hits), low=low, high=high, n=len(hits))


def percentile(level: float) -> Callable[[Floats], float]:
    """Make the reduction to a percentile."""
    return lambda values: float(np.percentile(values, level))


def percent(values: Floats) -> float:
    """Mean of zeros and ones."""
    return float(np.mean(values))


def format_fraction(hits: Sequence[bool]) -> str:
    """Format a fraction in percent with Wilson's interval; "none" without events."""
    if not len(hits):
        return "none"
    low, high = wilson(int(np.sum(hits)), len(hits))
    return f"{np.mean(hits):.0%} ({low:.0%} to {high:.0%})"


def format_median(values: Sequence[float], digits: int = 0) -> str:
    """Format a median with its bootstrap interval; "none" without values."""
    array = np.asarray(values, np.float64)
    if not len(array):
        return "none"
    middle, low, high = bootstrap(lambda rows: float(np.median(array[rows])), np.arange(len(array)))
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def expected_calibration_error(probabilities: Floats, right: Flags, bins: int = 10) -> float:
    """Mean difference of predicted probability and accuracy over bins of equal width (Guo et al. 2017, arXiv:1706.04599)."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(probabilities[index == b].mean() - right[index == b].mean()) * (index == b).mean() for b in range(bins) if (index == b).any()
    ]
    return float(sum(gaps))


def angle_difference_deg(a: Floats, b: Floats | float, period_deg: float) -> Floats:
    """Smallest absolute difference of two angles modulo a period, in degrees."""
    return np.abs((a - b + period_deg / 2) % period_deg - period_deg / 2)


def score_distances(outputs: Outputs, truth: Floats, events: Integers, dataset: str) -> tuple[Metric, ...]:
    """
    Score distances and origin times of traces, with intervals by bootstrap over events.

    `outputs` are those of the distance model [traces]; `truth` [traces, 2] holds the distance in degrees and the seconds from the left
    edge of the picture to the origin time; `events` [traces] numbers the event of each trace.
    """
    signed = outputs["distance_deg"].astype(np.float64) - truth[:, 0]
    error, sigma = np.abs(signed), outputs["distance_uncertainty_deg"].astype(np.float64)
    lag = np.abs(outputs["origin_lag_s"].astype(np.float64) - truth[:, 1])
    sure = sigma <= np.median(sigma)
    numbers = np.unique(events)
    bias = np.array([abs(np.median(signed[events == number])) for number in numbers])
    middle, far = percentile(50), percentile(90)
    covered, within = (np.asarray(error <= limit, np.float64) for limit in (sigma, NEAR_FRACTION * truth[:, 0]))
    return (
        metric("median absolute error of distance", dataset, "degree", error, middle, events),
        metric("90th percentile of the absolute error of distance", dataset, "degree", error, far, events),
        metric("median absolute error of distance, the more certain half", dataset, "degree", error[sure], middle, events[sure]),
        metric(f"share of traces within {NEAR_FRACTION:.0%} of the distance".replace("%", " %"), dataset, "1", within, percent, events),
        metric("share of traces within one standard deviation", dataset, "1", covered, percent, events),
        metric("median over events of the error common to their traces", dataset, "degree", bias, middle, numbers),
        metric("median absolute error of origin time", dataset, "second", lag, middle, events),
    )


def score_type(outputs: Outputs, truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """
    Score the class: recalls and their mean, accuracy, calibration error, and the fraction of each kind flagged as out of distribution.

    `truth` [events] are indices in LABELS; kinds that are no class of the model count for the flags alone.
    """
    known = truth < len(CLASSES)
    probabilities, kinds = outputs["probabilities"][known].astype(np.float64), truth[known]
    right = probabilities.argmax(axis=1) == kinds
    flags = _measure_fractions("share of {} sections out of distribution (novelty above 1)", dataset, outputs["novelty"] > 1, truth)
    if not known.any():
        return flags
    confidence = probabilities.max(axis=1)
    error, low, high = bootstrap(lambda rows: expected_calibration_error(confidence[rows], right[rows]), np.arange(len(right)))
    return (
        _measure_balanced_accuracy(right, kinds, dataset),
        *_measure_fractions("share of {} sections recognized", dataset, right, kinds),
        fraction_metric("accuracy", dataset, right),
        Metric(name="expected calibration error", dataset=dataset, value=error, low=low, high=high, n=len(right)),
        *flags,
    )


def _measure_fractions(name: str, dataset: str, hits: Flags, kinds: Floats) -> tuple[Metric, ...]:
    """Fraction of hits among the events of each kind (index in LABELS) of which there are any."""
    words = [label.replace("_", " ").replace("clvd", "CLVD") for label in LABELS]
    return tuple(fraction_metric(name.format(word), dataset, hits[kinds == k]) for k, word in enumerate(words) if (kinds == k).any())


def _measure_balanced_accuracy(right: Flags, kinds: Floats, dataset: str) -> Metric:
    """Mean of the recalls; events are resampled within their class."""
    groups = [right[kinds == k] for k in np.unique(kinds)]
    random = np.random.default_rng(3407)
    draws = [[random.choice(group, len(group)).mean() for group in groups] for _ in range(DRAWS)]
    low, high = np.percentile(np.mean(draws, axis=1), [2.5, 97.5])
    value = float(np.mean([group.mean() for group in groups]))
    return Metric(name="balanced accuracy", dataset=dataset, value=value, low=float(low), high=float(high), n=len(right))


def score_depth(outputs: Outputs, truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Score depths [events] in kilometers: absolute error, fraction within 10 km, coverage of one standard deviation."""
    error = np.abs(outputs["depth_km"].astype(np.float64) - truth)
    rows = np.arange(len(truth))
    return (
        metric("median absolute error", dataset, "kilometer", error, percentile(50), rows),
        fraction_metric("share within 10 km", dataset, error <= 10),
        fraction_metric("share of events within one standard deviation", dataset, error <= outputs["depth_uncertainty_km"]),
    )


def score_azimuth(outputs: Outputs, truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Score force azimuths [events] in degrees: error modulo 180, fraction within 10 degrees, fraction of right signs, coverage."""
    azimuth = outputs["force_azimuth_deg"].astype(np.float64)
    error = angle_difference_deg(azimuth, truth, 180.0)
    rows = np.arange(len(truth))
    return (
        metric("median absolute error modulo 180 degrees", dataset, "degree", error, percentile(50), rows),
        fraction_metric("share within 10 degrees modulo 180", dataset, error <= 10),
        fraction_metric("share of forces with the right sign", dataset, angle_difference_deg(azimuth, truth, 360.0) < 90),
        fraction_metric("share of events within one standard deviation", dataset, error <= outputs["force_azimuth_uncertainty_deg"]),
    )
