"""Reproducible splits of events into training, validation and test: at random, by region, or by year."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

SPLIT_NAMES: Final = ("train", "validation", "test")
# One fifth of all events for test, three tenths of the rest for validation.
SPLIT_FRACTIONS: Final = (0.56, 0.24, 0.2)

Labels = NDArray[np.str_]


def split_randomly(count: int, seed: int, fractions: tuple[float, float, float] = SPLIT_FRACTIONS) -> Labels:
    """
    Split events at random; returns the split [count] of each.

    Test events are drawn first, then validation events, by scikit-learn's `train_test_split` with the seed as its random state, which is
    what a study that states such fractions has most likely done.
    """
    rest, test = train_test_split(np.arange(count), test_size=fractions[2], random_state=seed)
    _, validation = train_test_split(rest, test_size=fractions[1] / (fractions[0] + fractions[1]), random_state=seed)
    splits = np.full(count, SPLIT_NAMES[0], dtype="<U10")
    splits[validation], splits[test] = SPLIT_NAMES[1], SPLIT_NAMES[2]
    return splits


def split_by_group(groups: Sequence[str], seed: int, fractions: tuple[float, float, float] = SPLIT_FRACTIONS) -> Labels:
    """
    Split events such that all events of a group are in one split; returns the split [events] of each.

    Groups are shuffled, sorted by size, and each is assigned to the split that misses most events, which approximates the fractions as
    closely as whole groups allow.
    """
    sizes = Counter(groups)
    names = np.random.default_rng(seed).permutation(sorted(sizes))
    missing = np.array(fractions) * len(groups)
    chosen = {}
    for name in sorted(names, key=lambda name: -sizes[name]):
        split = int(np.argmax(missing))
        missing[split] -= sizes[name]
        chosen[str(name)] = SPLIT_NAMES[split]
    return np.array([chosen[group] for group in groups], dtype="<U10")


def split_by_year(years: Sequence[int] | NDArray[np.int64], fractions: tuple[float, float, float] = SPLIT_FRACTIONS) -> Labels:
    """Split events by whole years, the first for training and the last for test; returns the split [events] of each."""
    years = np.asarray(years)
    present, counts = np.unique(years, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / len(years)
    split_of = dict(zip(present.tolist(), np.searchsorted(np.cumsum(fractions)[:2], middle).tolist(), strict=True))
    return np.array([SPLIT_NAMES[split_of[int(year)]] for year in years], dtype="<U10")


def name_region_cell(latitude_deg: float, longitude_deg: float) -> str:
    """Name the cell of 15 by 30 degrees that contains a point, by its southwestern corner."""
    south = int(np.floor(min(latitude_deg, 89.9) / 15) * 15)
    west = int(np.floor(((longitude_deg + 180) % 360) / 30) * 30 - 180)
    return f"{south:+03d}{west:+04d}"
