"""
Stack arrival log-likelihood ratios along travel-time curves: the compiled kernel of the association.

Migration-style association: each trace is turned into the log-likelihood ratio (LLR) of an arrival at each instant
(`pick_likelihood`), which is stacked along ak135 travel times over a grid of trial sources (as back-projection: Kao & Shan 2004,
doi:10.1111/j.1365-246X.2004.02276.x, or QuakeMigrate).

The stacking is sparse. Most of a trace's LLR is one constant, its base; only short runs around picks exceed it. The base is added as
two steps in a difference array (`rises`), which is integrated once at the end; only the runs are added sample by sample. Buffers are
reset to zero in the same pass that reads them.
"""

import math

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.association.pick_likelihood import MAX_RUNS, SparseLlr, to_sparse_runs
from models.seismic.earth.travel_times import interpolate_curve

_DEGREES = 180.0 / math.pi
_NEGLIGIBLE_LOG_DROP = 25.0  # a sample this far below the maximum adds less than 1e-10 of what the maximum adds to the integral


@compiled_sums
def stack_along_curves(
    nodes: Floats,
    stations: Floats,
    curves: Floats32,
    detection_probability: Floats32,
    independent_weights: Floats,
    llr: Floats32,
    llr_starts: Integers,
    rayleigh_llr: Floats32,
    rayleigh_starts: Integers,
    rayleigh_slowness: Floats,
    step: float,
    origin_starts: Integers,
    count: int,
    origin_log_prior: Floats32,
    origin_prior_start: int,
    integrated: bool,
) -> tuple[Floats, Integers, Floats]:
    """
    Stack the arrival LLR of all traces and phases at every trial depth d and node m, for all origin times.

    For each origin time the LLRs of a phase are shifted by its travel times and summed over traces. A phase contributes
    `max(log p + sum, log(1 - p))`, p being its detection probability at the network's mean distance, so that a missing phase costs
    a bounded amount. Neighboring stations are not independent: traces are weighted by `independent_weights`, except for the one
    phase with the largest gain, which is stacked with weight 1. Rayleigh waves add the sum over traces at the group velocity that
    fits an origin time best, less the log of the number of velocities tried.

    Parameters
    ----------
    nodes, stations : [m, 3], [n, 3]
        Unit vectors of the trial epicenters and of the stations, both at geocentric latitudes.
    curves : [d, phases, distances]
        Travel times in seconds at `DISTANCES_DEG`, NaN where a phase does not arrive.
    detection_probability : [phases, distances]
        Probability that the network detects the phase at all.
    independent_weights : [n]
        Weight of each trace in all phases but the one with the largest gain, 0 to 1.
    llr, llr_starts : [phases, n, samples], [phases, n]
        Arrival LLRs and the index of each one's first sample, counted from the reference time of all arrays here.
    rayleigh_llr, rayleigh_starts : [n, samples], [n]
        The same for the Rayleigh-wave envelope peak.
    rayleigh_slowness : [u]
        Trial group slownesses in seconds per degree; empty to leave Rayleigh waves out.
    step : float
        Sampling interval in seconds.
    origin_starts, count : [m], int
        First trial origin time of each node, in samples, and the number of origin times.
    origin_log_prior, origin_prior_start : [samples], int
        Log prior of the origin time and the index of its first sample; zero outside.
    integrated : bool
        Whether to compute the integral over origin times.

    Returns
    -------
    max_llr : [d, m]
        Maximum of the stack over origin times.
    index : [d, m]
        Which of the `count` origin times has it.
    marginal_llr : [d, m]
        Log of the integral of the exponential of the stack over origin times in seconds; NaN unless `integrated`.

    """
    shape = (len(curves), len(nodes))
    max_llr, index, marginal = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
    stacked, common, buffers = np.empty(count), np.empty(count), np.zeros((3, count))
    rises, distances = np.zeros((2, count + 1)), np.empty(len(stations))
    sparse, rayleigh_sparse = [to_sparse_runs(llr[p]) for p in range(len(llr))], to_sparse_runs(rayleigh_llr)
    for m in range(len(nodes)):
        _set_distances(distances, nodes[m], stations)
        common[:] = 0.0  # to all depths: Rayleigh waves and the prior
        first, shifts = origin_starts[m], origin_starts[m] - llr_starts
        if len(rayleigh_slowness) > 0:
            slowness = rayleigh_slowness / step
            _stack_rayleigh_waves(common, rises[0], rayleigh_llr, rayleigh_sparse, slowness, distances, first - rayleigh_starts)
        _add_prior(common, origin_log_prior, origin_prior_start - first)
        for d in range(len(curves)):
            stacked[:] = common
            _stack_phases(
                stacked, buffers, rises, curves[d], detection_probability, llr, sparse, distances, step, shifts, independent_weights
            )
            index[d, m] = np.argmax(stacked)
            max_llr[d, m] = stacked[index[d, m]]
            marginal[d, m] = max_llr[d, m] + math.log(_sum_relative(stacked, max_llr[d, m]) * step) if integrated else np.nan
    return max_llr, index, marginal


@compiled_sums
def _set_distances(distances: Floats, node: Floats, stations: Floats) -> None:
    """Set `distances` [n] to the degrees between a node [3] and the stations [n, 3]."""
    for i in range(len(stations)):
        cosine = node[0] * stations[i, 0] + node[1] * stations[i, 1] + node[2] * stations[i, 2]
        distances[i] = math.acos(min(max(cosine, -1.0), 1.0)) * _DEGREES


@compiled_sums
def _add_prior(stacked: Floats, log_prior: Floats32, start: int) -> None:
    """Add the log prior of the origin time, whose first sample is at `start` of `stacked`."""
    for k in range(max(0, start), min(len(stacked), start + len(log_prior))):
        stacked[k] += log_prior[k - start]


@compiled_sums
def _stack_rayleigh_waves(
    stacked: Floats,
    rises: Floats,
    llr: Floats32,
    sparse: SparseLlr,
    slowness: Floats,
    distances: Floats,
    shifts: Integers,
) -> None:
    """
    Set `stacked` [count] to the Rayleigh-wave LLR at the best group slowness (samples per degree) for each origin time.

    The maximum over slownesses is lowered by the log of their number (Bonferroni), so that trying more of them gains nothing.
    `shifts` [n] are the first origin time less the first sample of each trace; `rises` [count + 1] is zero before and after.
    """
    trial = np.zeros(len(stacked))
    stacked[:] = -1e30
    for samples_per_degree in slowness:
        for i in range(len(distances)):
            shift = shifts[i] + round(distances[i] * samples_per_degree)
            _add_shifted_llr(trial, rises, llr[i], sparse.bases[i], sparse.records[i], sparse.runs[i], shift)
        level = 0.0
        for k in range(len(stacked)):
            level += rises[k]
            stacked[k] = max(stacked[k], trial[k] + level)
            trial[k], rises[k] = 0.0, 0.0
        rises[len(stacked)] = 0.0
    stacked -= math.log(len(slowness))


@compiled_sums
def _stack_phases(
    stacked: Floats,
    buffers: Floats,
    rises: Floats,
    curves: Floats32,
    detection_probability: Floats32,
    llr: Floats32,
    sparse: list[SparseLlr],
    distances: Floats,
    step: float,
    shifts: Integers,
    weights: Floats,
) -> None:
    """
    Add the LLR of all phases of all traces at one depth and node to `stacked` [count].

    `buffers` [3, count] and `rises` [2, count + 1] are zero before and after. With a single phase, or weights of 1, the weighted
    and the unweighted stack are the same and only one is computed.
    """
    weighted, full, gain = buffers[0], buffers[1], buffers[2]
    mean_distance, unweighted = np.mean(distances), len(llr) == 1 or np.min(weights) >= 1.0
    for p in range(len(llr)):
        probability = interpolate_curve(detection_probability[p], mean_distance)
        log_detected, log_missed = math.log(probability), math.log(1.0 - probability)
        if unweighted:
            if _stack_phase(weighted, rises[0], curves[p], llr[p], sparse[p], distances, step, shifts[p]):
                _add_phase(stacked, weighted, rises[0], log_detected, log_missed)
        elif _stack_phase_both_ways(weighted, full, rises, curves[p], llr[p], sparse[p], distances, step, shifts[p], weights):
            _add_weighted_phase(stacked, gain, weighted, full, rises, log_detected, log_missed)
    if not unweighted:
        for k in range(len(stacked)):
            stacked[k] += gain[k]
            gain[k] = 0.0


@compiled_sums
def _stack_phase(
    stacked: Floats,
    rises: Floats,
    curve: Floats32,
    llr: Floats32,
    sparse: SparseLlr,
    distances: Floats,
    step: float,
    shifts: Integers,
) -> bool:
    """Add one phase of all traces to `stacked` and `rises`; return whether the phase arrives at any station."""
    arrives = False
    for i in range(len(distances)):
        seconds = interpolate_curve(curve, distances[i])
        if seconds == seconds:  # noqa: PLR0124 -- not NaN
            arrives = True
            shift = shifts[i] + round(seconds / step)
            _add_shifted_llr(stacked, rises, llr[i], sparse.bases[i], sparse.records[i], sparse.runs[i], shift)
    return arrives


@compiled_sums
def _stack_phase_both_ways(
    weighted: Floats,
    full: Floats,
    rises: Floats,
    curve: Floats32,
    llr: Floats32,
    sparse: SparseLlr,
    distances: Floats,
    step: float,
    shifts: Integers,
    weights: Floats,
) -> bool:
    """
    Add one phase of all traces to `weighted` with their weights and to `full` with weight 1; return whether it arrives at any station.

    `rises` [2, count + 1] belong to the weighted and to the full stack.
    """
    arrives = False
    for i in range(len(distances)):
        seconds = interpolate_curve(curve, distances[i])
        if seconds != seconds:  # noqa: PLR0124 -- NaN
            continue
        arrives = True
        row, shift = llr[i], shifts[i] + round(seconds / step)
        first, last = max(0, sparse.records[i, 0] - shift), min(len(weighted), sparse.records[i, 1] - shift)
        if first >= last:
            continue
        for k, rise in ((first, sparse.bases[i]), (last, -sparse.bases[i])):
            rises[0, k] += weights[i] * rise
            rises[1, k] += rise
        for r in range(MAX_RUNS):
            if sparse.runs[i, r, 1] == 0:
                break
            for k in range(max(0, sparse.runs[i, r, 0] - shift), min(len(weighted), sparse.runs[i, r, 1] - shift)):
                excess = row[k + shift] - sparse.bases[i]
                weighted[k] += weights[i] * excess
                full[k] += excess
    return arrives


@compiled_sums
def _add_phase(stacked: Floats, phase: Floats, rises: Floats, log_detected: float, log_missed: float) -> None:
    """Add the stack of one phase, detected or (where that is likelier) missed, and reset `phase` and `rises` to zero."""
    level = 0.0
    for k in range(len(stacked)):
        level += rises[k]
        stacked[k] += max(phase[k] + level + log_detected, log_missed)
        phase[k], rises[k] = 0.0, 0.0
    rises[len(stacked)] = 0.0


@compiled_sums
def _add_weighted_phase(
    stacked: Floats, gain: Floats, weighted: Floats, full: Floats, rises: Floats, log_detected: float, log_missed: float
) -> None:
    """
    Add the weighted stack of one phase and update, per origin time, the largest gain of any phase from being stacked unweighted.

    Resets `weighted`, `full` and `rises` to zero.
    """
    level, full_level = 0.0, 0.0
    for k in range(len(stacked)):
        level += rises[0, k]
        full_level += rises[1, k]
        value = max(weighted[k] + level + log_detected, log_missed)
        stacked[k] += value
        gain[k] = max(gain[k], max(full[k] + full_level + log_detected, log_missed) - value)
        weighted[k], full[k] = 0.0, 0.0
    rises[:] = 0.0


@compiled_sums
def _add_shifted_llr(stacked: Floats, rises: Floats, llr: Floats32, base: float, record: Integers, runs: Integers, shift: int) -> None:
    """
    Add one trace's LLR, read from sample `shift` on, to `stacked` (its runs) and `rises` (its base, as two steps); zero outside its record.

    Adding the base sample by sample would be most of the work.
    """
    count = len(stacked)
    first, last = max(0, record[0] - shift), min(count, record[1] - shift)
    if first >= last:
        return
    rises[first] += base
    rises[last] -= base
    for r in range(MAX_RUNS):
        if runs[r, 1] == 0:
            break
        for k in range(max(0, runs[r, 0] - shift), min(count, runs[r, 1] - shift)):
            stacked[k] += llr[k + shift] - base


@compiled_sums
def _sum_relative(values: Floats, maximum: float) -> float:
    """Sum exp(value - maximum), skipping negligible values: few are near the maximum, and an exponential costs more than a comparison."""
    total = 0.0
    for value in values:
        if value > maximum - _NEGLIGIBLE_LOG_DROP:
            total += math.exp(value - maximum)
    return total
