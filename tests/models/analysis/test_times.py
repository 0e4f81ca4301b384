"""When times are believed, and what they and the section say of depth together."""

import pytest

from models.analysis.times import combine_depths, heard_by_most
from models.seismic.timed import Arrival


def arrivals(**counts):
    return [Arrival(place, phase, 0.0, 0.0, 1.0) for phase, count in counts.items() for place in range(count)]


@pytest.mark.parametrize(
    ("heard", "traces", "believed"),
    [
        ({"P": 6}, 10, True),
        ({"P": 5}, 10, False),
        ({"P": 3, "PKP": 3}, 10, True),
        ({"LR": 6, "P": 1}, 10, True),
        ({"S": 10}, 10, False),
        ({"P": 2}, 3, False),
        ({"P": 3}, 3, True),
        ({}, 10, False),
    ],
)
def test_times_are_believed_where_most_of_the_network_heard_the_same_wave(heard, traces, believed):
    assert heard_by_most(arrivals(**heard), traces) is believed


def test_the_surer_of_two_depths_counts_more():
    depth, deviation = combine_depths((20.0, 40.0), (40.0, 20.0))
    assert depth == pytest.approx(36.0)
    assert deviation == pytest.approx(17.9, abs=0.1)


def test_depths_that_contradict_each_other_are_less_sure_than_either():
    depth, deviation = combine_depths((10.0, 10.0), (500.0, 10.0))
    assert depth == pytest.approx(255.0)
    assert deviation > 200.0


def test_a_depth_without_a_clue_changes_nothing():
    assert combine_depths((33.0, 10.0), (350.0, 1e4)) == pytest.approx((33.0, 10.0), rel=0.01)
