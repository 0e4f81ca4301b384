"""Depth phases are looked for after the earliest first arrival of each trace, at distances that have any."""

import numpy as np

from models.analysis.depth_phases import find_onsets
from models.seismic.association.arrivals import Arrival
from models.seismic.depth_phases.rises import Onset


def arrive(trace: int, phase: str, time_s: float) -> Arrival:
    return Arrival(trace, phase, time_s, 0.0, 1.0)


def test_the_earliest_first_arrival_of_each_trace_counts():
    arrivals = (arrive(1, "PKPab", 30.0), arrive(0, "P", 5.0), arrive(1, "PKP", 20.0), arrive(0, "S", 2.0), arrive(0, "LR", 1.0))
    assert find_onsets(arrivals, np.array([60.0, 150.0])) == {0: Onset(5.0, "P"), 1: Onset(20.0, "PKP")}


def test_traces_near_the_source_and_beyond_the_shadow_of_p_are_left_out():
    arrivals = tuple(arrive(trace, "P", 5.0) for trace in range(4))
    assert list(find_onsets(arrivals, np.array([3.0, 24.0, 60.0, 101.0]))) == [2]
    assert find_onsets((), np.zeros(0)) == {}
