"""How good the models that read sections are: two-sided errors in the units of the field, each with its interval."""

import numpy as np
from numpy.typing import NDArray

from models.catalog.event_type import CLASSES
from models.registry.card import Metric
from training.metrics import expected_calibration_error, metric, percentile, share
from training.sources import KINDS

Floats = NDArray[np.float64]


def angle_difference_deg(a: Floats, b: Floats, period_deg: float) -> Floats:
    """Smallest difference of two angles modulo a period, in degrees."""
    return np.abs((a - b + period_deg / 2) % period_deg - period_deg / 2)


def score_type(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Accuracy, share recognized of each class and calibration error; of every kind the share flagged as novel."""
    known = truth < len(CLASSES)
    probabilities, kinds = said["probabilities"][known].astype(np.float64), truth[known]
    right = probabilities.argmax(axis=1) == kinds
    rows = np.arange(len(truth))
    recalls = [
        metric(f"share of {name} sections recognized", dataset, "1", right[kinds == k].astype(np.float64), share, rows[known][kinds == k])
        for k, name in enumerate(CLASSES)
    ]
    flagged = (said["novelty"] > 1).astype(np.float64)
    flags = [
        metric(f"share of {name} sections flagged as novel", dataset, "1", flagged[truth == k], share, rows[truth == k])
        for k, name in enumerate(KINDS)
        if (truth == k).any()
    ]
    error = expected_calibration_error(probabilities.max(axis=1), right)
    return (
        metric("accuracy", dataset, "1", right.astype(np.float64), share, rows[known]),
        *recalls,
        Metric(name="expected calibration error", dataset=dataset, value=error, n=int(known.sum())),
        *flags,
    )


def score_depth(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Two-sided error in km, share within 10 km, coverage."""
    error = np.abs(said["depth_km"].astype(np.float64) - truth)
    rows = np.arange(len(truth))
    held = (error <= said["depth_uncertainty_km"]).astype(np.float64)
    return (
        metric("median absolute error", dataset, "kilometer", error, percentile(50), rows),
        metric("share within 10 km, two-sided", dataset, "1", (error <= 10).astype(np.float64), share, rows),
        metric("share of events inside one sigma", dataset, "1", held, share, rows),
    )


def score_azimuth(said: dict[str, NDArray[np.float32]], truth: Floats, dataset: str) -> tuple[Metric, ...]:
    """Error modulo 180 degrees, share within 10 degrees, share of right signs."""
    azimuth = said["force_azimuth_deg"].astype(np.float64)
    error = angle_difference_deg(azimuth, truth, 180.0)
    rows = np.arange(len(truth))
    sign = (angle_difference_deg(azimuth, truth, 360.0) < 90).astype(np.float64)
    held = (error <= said["force_azimuth_uncertainty_deg"]).astype(np.float64)
    return (
        metric("median absolute error modulo 180 degrees", dataset, "degree", error, percentile(50), rows),
        metric("share within 10 degrees modulo 180", dataset, "1", (error <= 10).astype(np.float64), share, rows),
        metric("share of right signs", dataset, "1", sign, share, rows),
        metric("share of events inside one sigma", dataset, "1", held, share, rows),
    )
