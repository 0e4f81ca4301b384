"""How good the models that read sections are: two-sided errors in the units of the field, each with its interval."""

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.registry.card import Metric
from models.specs.event_type import CLASSES
from training.evaluation.metrics import bootstrap, expected_calibration_error, fraction_metric, metric, percentile
from training.synthesis.sources import LABELS


def angle_difference_deg(a: Floats, b: Floats, period_deg: float) -> Floats:
    """Smallest difference of two angles modulo a period, in degrees."""
    return np.abs((a - b + period_deg / 2) % period_deg - period_deg / 2)


def score_type(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Share recognized of each class and their mean, accuracy and calibration error; of every kind the share flagged as novel."""
    known = truth < len(CLASSES)
    probabilities, kinds = said["probabilities"][known].astype(np.float64), truth[known]
    right = probabilities.argmax(axis=1) == kinds
    recalls = [
        fraction_metric(f"share of {name} sections recognized", dataset, right[kinds == k])
        for k, name in enumerate(CLASSES)
        if (kinds == k).any()
    ]
    flagged = said["novelty"] > 1
    flags = [
        fraction_metric(f"share of {name} sections flagged as novel", dataset, flagged[truth == k])
        for k, name in enumerate(LABELS)
        if (truth == k).any()
    ]
    if not known.any():
        return tuple(flags)
    return (
        _balanced(right, kinds, dataset),
        *recalls,
        fraction_metric("accuracy", dataset, right),
        _calibration(probabilities.max(axis=1), right, dataset),
        *flags,
    )


def _balanced(right: NDArray[np.bool_], kinds: Floats, dataset: str) -> Metric:
    """The mean of the classes' shares; events are drawn again within their class."""
    groups = [right[kinds == k] for k in np.unique(kinds)]
    random = np.random.default_rng(3407)
    draws = [[random.choice(group, len(group)).mean() for group in groups] for _ in range(400)]
    low, high = np.percentile(np.mean(draws, axis=1), [2.5, 97.5])
    value = float(np.mean([group.mean() for group in groups]))
    return Metric(name="balanced accuracy", dataset=dataset, value=value, low=float(low), high=float(high), n=len(right))


def _calibration(confidence: Floats, right: NDArray[np.bool_], dataset: str) -> Metric:
    value, low, high = bootstrap(lambda rows: expected_calibration_error(confidence[rows], right[rows]), np.arange(len(right)))
    return Metric(name="expected calibration error", dataset=dataset, value=value, low=low, high=high, n=len(right))


def score_depth(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Two-sided error in km, share within 10 km, coverage."""
    error = np.abs(said["depth_km"].astype(np.float64) - truth)
    rows = np.arange(len(truth))
    return (
        metric("median absolute error", dataset, "kilometer", error, percentile(50), rows),
        fraction_metric("share within 10 km, two-sided", dataset, error <= 10),
        fraction_metric("share of events inside one sigma", dataset, error <= said["depth_uncertainty_km"]),
    )


def score_azimuth(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Error modulo 180 degrees, share within 10 degrees, share of right signs."""
    azimuth = said["force_azimuth_deg"].astype(np.float64)
    error = angle_difference_deg(azimuth, truth, 180.0)
    rows = np.arange(len(truth))
    return (
        metric("median absolute error modulo 180 degrees", dataset, "degree", error, percentile(50), rows),
        fraction_metric("share within 10 degrees modulo 180", dataset, error <= 10),
        fraction_metric("share of right signs", dataset, angle_difference_deg(azimuth, truth, 360.0) < 90),
        fraction_metric("share of events inside one sigma", dataset, error <= said["force_azimuth_uncertainty_deg"]),
    )
