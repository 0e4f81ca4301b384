"""
Two-sided measures with 95 % intervals: after Wilson for shares of events, else by bootstrap over events.

Whole events are drawn again, since traces of one event err together.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from models.registry.card import Metric

DRAWS = 400


def bootstrap(measure: Callable[[NDArray[np.int64]], float], groups: NDArray[np.int64], seed: int = 3407) -> tuple[float, float, float]:
    """Value, low and high of a measure of row indices, resampling whole groups (events) with replacement."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
    random = np.random.default_rng(seed)
    values = [measure(np.concatenate([members[i] for i in random.integers(len(members), size=len(members))])) for _ in range(DRAWS)]
    low, high = np.percentile(values, [2.5, 97.5])
    return measure(np.arange(len(groups))), float(low), float(high)


def metric(
    name: str,
    dataset: str,
    unit: str,
    values: NDArray[np.float64],
    reduce: Callable[[NDArray[np.float64]], float],
    groups: NDArray[np.int64],
) -> Metric:
    """A reduction of per-row values with its interval."""
    value, low, high = bootstrap(lambda rows: float(reduce(values[rows])), groups)
    return Metric(name=name, dataset=dataset, value=value, low=low, high=high, unit=unit, n=len(values))


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, doi:10.1080/01621459.1927.10502953); 0 to 1 of nothing."""
    if count == 0:
        return 0.0, 1.0
    share, spread = hits / count, z * z / count
    middle = (share + 0.5 * spread) / (1.0 + spread)
    half = z * np.sqrt(share * (1.0 - share) / count + spread / (4.0 * count)) / (1.0 + spread)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def fraction_metric(name: str, dataset: str, hits: NDArray[np.bool_]) -> Metric:
    """The share of events [n] of which something is true, with Wilson's interval; raises ZeroDivisionError without events."""
    low, high = wilson(int(hits.sum()), len(hits))
    return Metric(name=name, dataset=dataset, value=int(hits.sum()) / len(hits), low=low, high=high, n=len(hits))


def percentile(level: float) -> Callable[[NDArray[np.float64]], float]:
    """The reduction to a percentile."""
    return lambda values: float(np.percentile(values, level))


def percent(values: NDArray[np.float64]) -> float:
    """Mean of zeros and ones."""
    return float(np.mean(values))


def expected_calibration_error(probabilities: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Mean gap between stated confidence and accuracy over equally wide bins (Guo et al. 2017, arXiv:1706.04599)."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(probabilities[index == b].mean() - right[index == b].mean()) * (index == b).mean() for b in range(bins) if (index == b).any()
    ]
    return float(sum(gaps))
