"""Picks that belong to other stations of a local network are distinguished from those that belong to their own."""

from functools import cache

import numpy as np
import pytest

from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.pick_assignment import is_assigned_at_random, permute_stations
from tests.support import synthetic_picks

SOURCE = (38.0, 27.0)


@cache
def collect(count: int = 12, distances_deg: tuple[float, float] = (0.3, 4.0), seed: int = 3) -> Candidates:
    """Candidates of stations around an event with origin time 0 (POSIX)."""
    rng = np.random.default_rng(seed)
    stations = synthetic_picks.draw_stations(rng, SOURCE, count, distances_deg[1], distances_deg[0])
    picks = synthetic_picks.simulate_picks(rng, SOURCE, 10.0, *stations, (-60.0, 300.0), phases=("P", "S"))
    data = collect_candidates(picks, [synthetic_picks.NO_PEAKS] * count, *stations)
    assert data is not None
    return data


def permute(data: Candidates, seed: int) -> Candidates:
    return permute_stations(data, np.random.default_rng(seed).permutation(len(data.trace_indices)))


def test_picks_of_other_stations_fit_no_better_than_random_ones_mostly():
    data = collect()
    assert not is_assigned_at_random(data, SOURCE)
    assert sum(is_assigned_at_random(permute(data, seed), SOURCE) for seed in range(1, 7)) >= 4


@pytest.mark.parametrize(("count", "seed"), [(10, 4), (12, 5), (16, 6), (24, 7)])
def test_picks_of_their_own_stations_fit_better(count, seed):
    assert not is_assigned_at_random(collect(count, (0.1, 3.0), seed), SOURCE)


def test_few_stations_are_not_tested():
    data = collect()
    assert is_assigned_at_random(permute(data, 1), SOURCE)
    assert not is_assigned_at_random(permute(data, 1).subset(np.arange(9)), SOURCE)


def test_the_order_of_traces_changes_nothing():
    data = permute(collect(), 1)
    order = np.random.default_rng(5).permutation(len(data.trace_indices))
    assert is_assigned_at_random(data.subset(order), SOURCE)


def test_stations_that_one_wave_reaches_at_once_are_not_tested():
    assert not is_assigned_at_random(permute(collect(12, (1.0, 1.1)), 1), SOURCE)


def test_a_network_wider_than_the_search_near_it_is_not_tested():
    data = synthetic_picks.teleseismic_candidates()
    assert not is_assigned_at_random(permute(data, 1), synthetic_picks.SOURCE)


def test_stations_keep_their_places_when_picks_are_permuted():
    data, order = collect(), np.roll(np.arange(12), 1)
    moved = permute_stations(data, order)
    np.testing.assert_array_equal(moved.stations, data.stations)
    np.testing.assert_array_equal(moved.trace_indices, data.trace_indices)
    np.testing.assert_array_equal(moved.pick_times, data.pick_times[order])
