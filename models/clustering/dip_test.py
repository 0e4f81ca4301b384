"""Whether numbers on a line have one mode or more: the dip of Hartigan & Hartigan 1985, doi:10.1214/aos/1176346577."""

from typing import Final

import numpy as np

from models.array_types import Floats
from models.compiled import compiled

# The dip is read off this many quantiles at most: it moves by less than half of one over their number.
MAX_POINTS: Final = 128


def dip(values: Floats) -> float:
    """
    Largest distance between the distribution of values [n] and the nearest one that has a single mode, 0 to 0.25.

    0.5 / n for numbers that a single mode explains, near 0.25 for two equal heaps. Shape and tails of the one mode do not matter.
    """
    if len(values) < 4:
        return 0.5 / max(len(values), 1)
    at, below, upto = _distribution(np.sort(values))
    low, high = 0, len(at) - 1
    # To the left of the mode the nearest distribution is convex, to the right concave; what is missed grows on the left and
    # falls on the right as the mode moves, so their larger is least where they meet.
    while high - low > 1:
        middle = (low + high) // 2
        if _misfit(at[: middle + 1], below[: middle + 1], upto[: middle + 1]) < _right(at[middle:], below[middle:], upto[middle:]):
            low = middle
        else:
            high = middle
    worst = [max(_misfit(at[: m + 1], below[: m + 1], upto[: m + 1]), _right(at[m:], below[m:], upto[m:])) for m in range(low, high + 1)]
    return max(min(worst) / 2, 0.5 / len(values))


def _distribution(ordered: Floats) -> tuple[Floats, Floats, Floats]:
    """Different values, the share of numbers below each, and the share up to each; thinned to quantiles."""
    if len(ordered) > MAX_POINTS:
        ordered = np.quantile(ordered, (np.arange(MAX_POINTS) + 0.5) / MAX_POINTS)
    at, counts = np.unique(ordered, return_counts=True)
    upto = np.cumsum(counts) / len(ordered)
    return at, upto - counts / len(ordered), upto


@compiled
def _misfit(at: Floats, below: Floats, upto: Floats) -> float:
    """How far the steps rise above the greatest convex function under them."""
    if len(at) < 2:
        return 0.0
    hull, last = np.zeros(len(at), np.int64), 0
    for c in range(1, len(at)):
        # A corner on or above the line from the one before it to the new one is none.
        while last > 0:
            a, b = hull[last - 1], hull[last]
            if (below[b] - below[a]) * (at[c] - at[a]) < (below[c] - below[a]) * (at[b] - at[a]):
                break
            last -= 1
        last += 1
        hull[last] = c
    corners = hull[: last + 1]
    return float(np.max(upto - np.interp(at, at[corners], below[corners])))


def _right(at: Floats, below: Floats, upto: Floats) -> float:
    """The same from the other end: the least concave function above, seen upside down."""
    return _misfit(-at[::-1], 1 - upto[::-1], 1 - below[::-1])
