"""
Turn the picks of a trace into the log-likelihood ratio (LLR) of an arrival at each instant, against a uniformly distributed one.

The LLR of a trace with picks k is `log(1 - p + p T sum_k w_k N(t; t_k, sigma_k))`: with probability p the arrival is among the picks,
at pick k with weight w_k and a normal error sigma_k; otherwise it is anywhere in the record, whose length is T.
"""

import math
from typing import NamedTuple

import numpy as np

from models.array_types import Floats, Floats32, Integers, PickIndices
from models.compiled import compiled_sums

_MIN_EXCESS = 1e-4  # of an LLR above its base; less is taken for none


class PickMixture(NamedTuple):
    """
    The picks of n traces, at most k each, as a mixture density of the arrival time of one phase.

    Attributes
    ----------
    times, deviations, weights : [n, k]
        Time and standard deviation of each pick in seconds, and its weight. Weights sum to 1; unused picks have weight 0.
    probabilities : [n]
        Probability p that the arrival is among the picks, below 1.
    record_starts, record_ends : [n]
        First and last instant of each record in seconds, between which an arrival that is not among the picks is uniformly distributed.

    """

    times: Floats
    deviations: Floats
    weights: Floats
    probabilities: Floats
    record_starts: Floats
    record_ends: Floats


class TimeGrid(NamedTuple):
    """
    Sampling of n time series: sample k of series i is at (`starts`[i] + k) `step_s` seconds.

    `starts` are integers [..., n]; k is below `sample_count`.
    """

    step_s: float
    starts: Integers
    sample_count: int


class LlrBases(NamedTuple):
    """
    Level and extent of the LLRs [n, samples] of n traces.

    `levels` [n]: the LLR in the record away from picks. `records` [n, 2]: first sample of the record and the one after its last; an empty
    record for a trace without any nonzero sample.
    """

    levels: Floats
    records: Integers


@compiled_sums
def write_arrival_llr(picks: PickMixture, grid: TimeGrid, counts: Integers, result: Floats32) -> None:
    """
    Write the LLR of an arrival to the first `counts` [n] samples of each row of `result` [n, count], and zero to the others.

    The formula is that of the module; the LLR is zero outside the record. Times of picks, records and grid (with starts [n]) are in
    seconds after a common reference time. Normal densities are cut off at 5 standard deviations, and an excess above the level away from
    picks of less than 1e-4 is taken for none.
    """
    times, starts, step = picks.times, grid.starts, grid.step_s
    deviations, weights, probabilities = picks.deviations, picks.weights, picks.probabilities
    record_starts, record_ends = picks.record_starts, picks.record_ends
    ratio, windows = np.zeros(grid.sample_count), np.zeros((times.shape[1], 2), np.int64)
    for i in range(len(times)):
        result[i] = 0.0
        first = max(0, math.ceil(record_starts[i] / step) - starts[i])
        last = min(counts[i] - 1, math.floor(record_ends[i] / step) - starts[i])
        if last <= first or probabilities[i] <= 0.0:
            continue
        scale = probabilities[i] * (record_ends[i] - record_starts[i]) / (1.0 - probabilities[i])
        for j in range(times.shape[1]):
            sigma = deviations[i, j]
            low = max(first, math.ceil((times[i, j] - 5.0 * sigma) / step) - starts[i])
            high = min(last, math.floor((times[i, j] + 5.0 * sigma) / step) - starts[i]) if weights[i, j] > 0.0 else low - 1
            windows[j, 0], windows[j, 1] = low, high + 1
            peak = scale * weights[i, j] / (sigma * math.sqrt(2.0 * math.pi))
            for k in range(low, high + 1):
                deviation = ((starts[i] + k) * step - times[i, j]) / sigma
                ratio[k] += peak * math.exp(-0.5 * deviation * deviation)
        base = math.log(1.0 - probabilities[i])
        result[i, first : last + 1] = base
        for j in range(len(windows)):
            for k in range(windows[j, 0], windows[j, 1]):
                excess = math.log(1.0 + ratio[k])  # of sums near 1 nothing is kept that log1p would save
                if excess > _MIN_EXCESS:
                    result[i, k] = base + excess
                ratio[k] = 0.0  # for windows that overlap, and for the next trace


@compiled_sums
def write_nearest_picks(picks: PickMixture, grid: TimeGrid, result: PickIndices) -> None:
    """
    Write the index of the pick with the largest density at each sample to the rows of `result` [n, count]; -1 where there is none.

    Densities are cut off as those of `write_arrival_llr`.
    """
    times, starts, step = picks.times, grid.starts, grid.step_s
    largest = np.zeros(grid.sample_count)
    for i in range(len(times)):
        result[i], largest[:] = -1, 0.0
        for j in range(times.shape[1]):
            sigma, weight = picks.deviations[i, j], picks.weights[i, j]
            low = max(0, math.ceil((times[i, j] - 5.0 * sigma) / step) - starts[i])
            high = min(grid.sample_count - 1, math.floor((times[i, j] + 5.0 * sigma) / step) - starts[i]) if weight > 0.0 else low - 1
            for k in range(low, high + 1):
                deviation = ((starts[i] + k) * step - times[i, j]) / sigma
                density = weight / sigma * math.exp(-0.5 * deviation * deviation)
                if density > largest[k]:
                    largest[k], result[i, k] = density, j


@compiled_sums
def find_bases(llr: Floats32) -> LlrBases:
    """Find level and extent of each LLR [n, samples] of `write_arrival_llr`: its lowest value, and from where to where it is not zero."""
    levels, records = np.zeros(len(llr)), np.zeros((len(llr), 2), np.int64)
    for i in range(len(llr)):
        row, first, last = llr[i], 0, llr.shape[1]
        while first < last and row[first] == 0.0:
            first += 1
        while last > first and row[last - 1] == 0.0:
            last -= 1
        if first < last:
            levels[i], records[i, 0], records[i, 1] = row.min(), first, last
    return LlrBases(levels, records)
