"""Which events a model learns from, is chosen by, and is scored on: at random, by region or by year, the same at every call."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

PARTS: Final = ("train", "validation", "test")
# Of all events: a fifth for testing, three tenths of the rest for validation.
SHARES: Final = (0.56, 0.24, 0.2)

Labels = NDArray[np.str_]


def split_randomly(count: int, seed: int, shares: tuple[float, float, float] = SHARES) -> Labels:
    """
    Part [count] of each event, drawn at random.

    Test events are set aside first, then validation events, by scikit-learn's `train_test_split` with that seed as its random
    state, as a study that states such shares will have done it.
    """
    rest, test = train_test_split(np.arange(count), test_size=shares[2], random_state=seed)
    _, validation = train_test_split(rest, test_size=shares[1] / (shares[0] + shares[1]), random_state=seed)
    parts = np.full(count, PARTS[0], dtype="<U10")
    parts[validation], parts[test] = PARTS[1], PARTS[2]
    return parts


def split_by_group(groups: Sequence[str], seed: int, shares: tuple[float, float, float] = SHARES) -> Labels:
    """
    Part [events] of each event; all events of a group are in one part.

    Groups, shuffled and then largest first, go where most events are missing, so the shares are met as nearly as whole groups
    allow.
    """
    sizes = Counter(groups)
    names = np.random.default_rng(seed).permutation(sorted(sizes))
    missing = np.array(shares) * len(groups)
    chosen = {}
    for name in sorted(names, key=lambda name: -sizes[name]):
        part = int(np.argmax(missing))
        missing[part] -= sizes[name]
        chosen[str(name)] = PARTS[part]
    return np.array([chosen[group] for group in groups], dtype="<U10")


def split_by_year(years: Sequence[int] | NDArray[np.int64], shares: tuple[float, float, float] = SHARES) -> Labels:
    """Part [events] of each event: the first years train, the last ones test; whole years, as near the shares as these allow."""
    years = np.asarray(years)
    present, counts = np.unique(years, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(years)
    part_of = dict(zip(present.tolist(), np.searchsorted(np.cumsum(shares)[:2], middle).tolist(), strict=True))
    return np.array([PARTS[part_of[int(year)]] for year in years], dtype="<U10")


def name_region_cell(latitude_deg: float, longitude_deg: float) -> str:
    """Name of the region of 15 by 30 degrees that a place lies in, after its southwestern corner."""
    south = int(np.floor(min(latitude_deg, 89.9) / 15) * 15)
    west = int(np.floor(((longitude_deg + 180) % 360) / 30) * 30 - 180)
    return f"{south:+03d}{west:+04d}"
