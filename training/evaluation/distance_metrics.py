"""How good distances and origin times are, over traces; intervals by bootstrap over events, whose traces err together."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.registry.card import Metric
from training.evaluation.metrics import metric, percent, percentile

WITHIN = 0.08


def score_distances(said: Mapping[str, NDArray[np.floating]], truth: Floats, events: NDArray[np.int64], dataset: str) -> tuple[Metric, ...]:
    """
    Two-sided errors, shares and coverage of traces, and the bias common to the traces of an event.

    `said` as the model's outputs, each [traces]; `truth` [traces, 2]: distance in degrees, seconds from the picture's left edge to
    the origin; `events` [traces] the number of each trace's event.
    """
    signed = said["distance_deg"].astype(np.float64) - truth[:, 0]
    error, sigma = np.abs(signed), said["distance_uncertainty_deg"].astype(np.float64)
    lag = np.abs(said["origin_lag_s"].astype(np.float64) - truth[:, 1])
    sure = sigma <= np.median(sigma)
    numbers = np.unique(events)
    bias = np.array([abs(np.median(signed[events == number])) for number in numbers])
    middle, far = percentile(50), percentile(90)
    held, within = (np.asarray(error <= limit, np.float64) for limit in (sigma, WITHIN * truth[:, 0]))
    return (
        metric("median absolute error of distance", dataset, "degree", error, middle, events),
        metric("90th percentile of the absolute error of distance", dataset, "degree", error, far, events),
        metric("median absolute error of distance, the surer half", dataset, "degree", error[sure], middle, events[sure]),
        metric(f"share of traces within {WITHIN:.0%} of the distance".replace("%", " %"), dataset, "1", within, percent, events),
        metric("share of traces inside one sigma", dataset, "1", held, percent, events),
        metric("median over events of the error common to their traces", dataset, "degree", bias, middle, numbers),
        metric("median absolute error of origin time", dataset, "second", lag, middle, events),
    )
