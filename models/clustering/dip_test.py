"""The dip test of unimodality (Hartigan & Hartigan 1985, doi:10.1214/aos/1176346577)."""

from typing import Final

import numpy as np

from models.array_types import Floats
from models.compiled import compiled

MAX_POINTS: Final = 128
"""Larger samples are reduced to so many quantiles: this changes the dip by less than half of one over their number."""


def dip(values: Floats) -> float:
    """
    Compute the dip of a sample [n]: the largest distance of its distribution function from the nearest unimodal one, 0 to 0.25.

    0.5 / n for a perfectly unimodal sample, near 0.25 for two distant clusters of equal size. Shape and tails of a single mode hardly
    matter.
    """
    if len(values) < 4:
        return 0.5 / max(len(values), 1)
    at, below, upto = _empirical_distribution(np.sort(values))
    low, high = 0, len(at) - 1
    # The nearest unimodal distribution is convex to the left of its mode and concave to the right. As the mode moves right, the misfit
    # grows on the left and falls on the right: the larger of the two has its minimum where they cross.
    while high - low > 1:
        middle = (low + high) // 2
        convex = _convex_misfit(at[: middle + 1], below[: middle + 1], upto[: middle + 1])
        if convex < _concave_misfit(at[middle:], below[middle:], upto[middle:]):
            low = middle
        else:
            high = middle
    misfits = [
        max(_convex_misfit(at[: mode + 1], below[: mode + 1], upto[: mode + 1]), _concave_misfit(at[mode:], below[mode:], upto[mode:]))
        for mode in range(low, high + 1)
    ]
    return max(min(misfits) / 2, 0.5 / len(values))


def _empirical_distribution(ordered: Floats) -> tuple[Floats, Floats, Floats]:
    """Distinct values of an ordered sample, the fraction of the sample below each, and the fraction up to each."""
    if len(ordered) > MAX_POINTS:
        ordered = np.quantile(ordered, (np.arange(MAX_POINTS) + 0.5) / MAX_POINTS)
    at, counts = np.unique(ordered, return_counts=True)
    upto = np.cumsum(counts) / len(ordered)
    return at, upto - counts / len(ordered), upto


@compiled
def _convex_misfit(at: Floats, below: Floats, upto: Floats) -> float:
    """Largest height of the distribution function above its greatest convex minorant."""
    if len(at) < 2:
        return 0.0
    hull, last = np.zeros(len(at), np.int64), 0
    for c in range(1, len(at)):
        # A corner on or above the line from the corner before it to the new one is not on the lower hull.
        while last > 0:
            a, b = hull[last - 1], hull[last]
            if (below[b] - below[a]) * (at[c] - at[a]) < (below[c] - below[a]) * (at[b] - at[a]):
                break
            last -= 1
        last += 1
        hull[last] = c
    corners = hull[: last + 1]
    return float(np.max(upto - np.interp(at, at[corners], below[corners])))


def _concave_misfit(at: Floats, below: Floats, upto: Floats) -> float:
    """Largest depth of the distribution function below its least concave majorant: the convex misfit of the mirrored sample."""
    return _convex_misfit(-at[::-1], 1 - upto[::-1], 1 - below[::-1])
