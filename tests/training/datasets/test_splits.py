"""Splits: every event in one, fractions as stated, regions and years whole."""

import numpy as np
import pytest

from training.datasets.splits import SPLIT_FRACTIONS, SPLIT_NAMES, name_region_cell, split_by_group, split_by_year, split_randomly

SIZES = {"Helheim": 103, "Kangerdlugssuaq": 84, "Jakobshavn": 71, "Kong Oscar": 49, "Upernavik": 39, "Rinks": 22, "Tracy": 9, "Hayes": 4}
GROUPS = [name for name, size in SIZES.items() for _ in range(size)]


def _fractions(splits):
    return np.array([(splits == split).mean() for split in SPLIT_NAMES])


def test_random_splits_have_the_stated_fractions():
    splits = split_randomly(886, seed=3407)
    assert [(splits == split).sum() for split in SPLIT_NAMES] == [495, 213, 178]


def test_splits_follow_from_the_seed():
    assert (split_randomly(886, 3407) == split_randomly(886, 3407)).all()
    assert (split_randomly(886, 3407) != split_randomly(886, 3408)).any()
    assert (split_by_group(GROUPS, 3407) == split_by_group(GROUPS, 3407)).all()


def test_regions_stay_whole():
    splits = split_by_group(GROUPS, seed=3407)
    for name in SIZES:
        assert len(set(splits[np.array(GROUPS) == name])) == 1
    np.testing.assert_allclose(_fractions(splits), SPLIT_FRACTIONS, atol=0.06)


def test_a_region_does_not_depend_on_the_order_of_events():
    order = np.random.default_rng(0).permutation(len(GROUPS))
    shuffled = split_by_group([GROUPS[k] for k in order], seed=3407)
    assert (shuffled == split_by_group(GROUPS, seed=3407)[order]).all()


def test_years_stay_whole_and_in_order():
    years = np.random.default_rng(1).integers(1993, 2014, 886)
    splits = split_by_year(years)
    assert years[splits == "train"].max() < years[splits == "validation"].min()
    assert years[splits == "validation"].max() < years[splits == "test"].min()
    np.testing.assert_allclose(_fractions(splits), SPLIT_FRACTIONS, atol=0.05)


@pytest.mark.parametrize(
    ("point", "name"), [((68.6, -33.0), "+60-060"), ((-0.1, 179.9), "-15+150"), ((90, 180), "+75-180"), ((-90, -180), "-90-180")]
)
def test_a_cell_is_named_after_its_corner(point, name):
    assert name_region_cell(*point) == name
