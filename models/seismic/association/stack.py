"""
Stack arrival log-likelihood ratios along travel-time curves: the compiled kernel of the association.

Migration-style association: each trace is turned into the log-likelihood ratio (LLR) of an arrival at each instant
(`pick_likelihood`), which is stacked along ak135 travel times over a grid of trial sources (as back-projection: Kao & Shan 2004,
doi:10.1111/j.1365-246X.2004.02276.x, or QuakeMigrate).

For each origin time the LLRs of a phase are shifted by its travel times and summed over traces. A phase contributes
`max(log p + sum, log(1 - p))`, p being its detection probability at the network's mean distance, so that a missing phase costs a
bounded amount. Neighboring stations are not independent: traces are weighted, except for the one phase with the largest gain, which
is stacked with weight 1. Rayleigh waves add the sum over traces at the group velocity that fits an origin time best, less the log of
the number of velocities tried.

The stacking is sparse. Most of a trace's LLR is one constant, its base; only short runs around picks exceed it. The base is added as
two steps in a difference array (`rises`), which is integrated once at the end; only the runs are added sample by sample. Buffers are
reset to zero in the same pass that reads them.
"""

import math
from typing import NamedTuple

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.association.pick_likelihood import MAX_RUNS, SparseLlr, TimeGrid, to_sparse_runs
from models.seismic.earth.travel_times import interpolate_curve
from models.seismic.location.origin_time_prior import OriginPrior

_DEGREES = 180.0 / math.pi
_LOG_TWO = math.log(2.0)
_NEGLIGIBLE_LOG_DROP = 25.0  # a sample this far below the maximum adds less than 1e-10 of what the maximum adds to the integral


class PhaseTables(NamedTuple):
    """
    Travel times and detection probabilities of the phases that are stacked, at `DISTANCES_DEG`.

    Attributes
    ----------
    curves : float32 [d, phases, distances]
        Travel times in seconds from each of d trial depths, NaN where a phase does not arrive.
    detection_probability : float32 [phases, distances]
        Probability that the network detects the phase at all.
    alternatives : int [phases]
        Index of the phase that a trace may have a pick of in place of this one, where it arrives: of either with probability one half.
        The phase's own index without one, and -1 for a phase that is the alternative of another.

    """

    curves: Floats32
    detection_probability: Floats32
    alternatives: Integers


class PhaseLlr(NamedTuple):
    """
    Arrival LLRs of the phases that are stacked.

    Attributes
    ----------
    llr : float32 [phases, n, samples]
        LLR of each phase's arrival on each of n traces.
    starts : int [phases, n]
        Index of the first sample of each LLR, counted from the reference time in steps of the origin times' grid.
    weights : [n]
        Weight of each trace, 0 to 1, in all phases but the one with the largest gain: neighboring stations are not independent.

    """

    llr: Floats32
    starts: Integers
    weights: Floats


class RayleighLlr(NamedTuple):
    """
    LLRs of the Rayleigh-wave envelope peak.

    Attributes
    ----------
    llr : float32 [n, samples]
        LLR of the peak on each of n traces.
    starts : int [n]
        Index of the first sample of each LLR, counted as in `PhaseLlr`.
    slowness : [u]
        Trial group slownesses in seconds per degree; empty to leave Rayleigh waves out.

    """

    llr: Floats32
    starts: Integers
    slowness: Floats


@compiled_sums
def stack_along_curves(
    nodes: Floats,
    stations: Floats,
    tables: PhaseTables,
    arrivals: PhaseLlr,
    rayleigh: RayleighLlr,
    origins: TimeGrid,
    prior: OriginPrior,
    integrated: bool,
) -> tuple[Floats, Integers, Floats]:
    """
    Stack the arrival LLR of all traces and phases at every trial depth d and node m, for all origin times, as the module describes.

    `nodes` [m, 3] and `stations` [n, 3] are unit vectors at geocentric latitudes; `origins` samples the trial origin times, with starts
    [m]; their log prior is zero outside the samples of `prior`. All times are counted from one reference time.

    Returns three arrays [d, m]: the maximum of the stack over origin times; the index of its origin time; and, if `integrated`, the log
    of the integral of the exponential of the stack over origin times in seconds, else NaN.
    """
    step, count, shape = origins.step_s, origins.sample_count, (len(tables.curves), len(nodes))
    max_llr, index, marginal = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
    stacked, common, buffers = np.empty(count), np.empty(count), np.zeros((3, count))
    rises, distances = np.zeros((2, count + 1)), np.empty(len(stations))
    sparse, rayleigh_sparse = [to_sparse_runs(arrivals.llr[p]) for p in range(len(arrivals.llr))], to_sparse_runs(rayleigh.llr)
    for m in range(len(nodes)):
        _set_distances(distances, nodes[m], stations)
        common[:] = 0.0  # to all depths: Rayleigh waves and the prior
        first, shifts = origins.starts[m], origins.starts[m] - arrivals.starts
        if len(rayleigh.slowness) > 0:
            slowness = rayleigh.slowness / step
            _stack_rayleigh_waves(common, rises[0], rayleigh.llr, rayleigh_sparse, slowness, distances, first - rayleigh.starts)
        _add_prior(common, prior.log_density, prior.first - first)
        for d in range(len(tables.curves)):
            stacked[:] = common
            _stack_phases(stacked, buffers, rises, tables, d, arrivals, sparse, distances, step, shifts)
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
def _add_prior(stacked: Floats, log_prior: Floats | Floats32, start: int) -> None:
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
            _add_shifted_llr(trial, rises, llr[i], sparse.bases[i], sparse.records[i], sparse.runs[i], shift, 0.0, True)
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
    tables: PhaseTables,
    d: int,
    arrivals: PhaseLlr,
    sparse: list[SparseLlr],
    distances: Floats,
    step: float,
    shifts: Integers,
) -> None:
    """
    Add the LLR of all phases of all traces at depth d and one node to `stacked` [count].

    `shifts` [phases, n] are the first origin time less the first sample of each LLR. `buffers` [3, count] and `rises` [2, count + 1]
    are zero before and after. With a single phase, or weights of 1, the weighted and the unweighted stack are the same and only one is
    computed. A phase and its alternative are stacked together (`PhaseTables`).
    """
    weighted, full, gain = buffers[0], buffers[1], buffers[2]
    curves, llr, weights = tables.curves[d], arrivals.llr, arrivals.weights
    mean_distance, unweighted = np.mean(distances), len(llr) == 1 or np.min(weights) >= 1.0
    for p in range(len(llr)):
        q = tables.alternatives[p]
        if q < 0:
            continue
        probability = interpolate_curve(tables.detection_probability[p], mean_distance)
        log_detected, log_missed = math.log(probability), math.log(1.0 - probability)
        if unweighted:
            if _stack_phase(weighted, rises[0], curves[p], curves[q], llr[p], sparse[p], distances, step, shifts[p], p != q, True):
                if p != q:
                    _stack_phase(weighted, rises[0], curves[q], curves[p], llr[q], sparse[q], distances, step, shifts[q], True, False)
                _add_phase(stacked, weighted, rises[0], log_detected, log_missed)
        elif _stack_phase_both_ways(
            weighted, full, rises, curves[p], curves[q], llr[p], sparse[p], distances, step, shifts[p], weights, p != q, True
        ):
            if p != q:
                _stack_phase_both_ways(
                    weighted, full, rises, curves[q], curves[p], llr[q], sparse[q], distances, step, shifts[q], weights, True, False
                )
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
    other: Floats32,
    llr: Floats32,
    sparse: SparseLlr,
    distances: Floats,
    step: float,
    shifts: Integers,
    shared: bool,
    first: bool,
) -> bool:
    """
    Add one phase of all traces to `stacked` and `rises`; return whether the phase arrives at any station.

    `shared`: whether `other` is the curve of an alternative, and `first` whether the base of a trace is added, once for both.
    """
    arrives = False
    for i in range(len(distances)):
        seconds = interpolate_curve(curve, distances[i])
        if seconds == seconds:  # noqa: PLR0124 -- not NaN
            arrives = True
            shift = shifts[i] + round(seconds / step)
            discount = _discount(other, distances[i], shared)
            _add_shifted_llr(stacked, rises, llr[i], sparse.bases[i], sparse.records[i], sparse.runs[i], shift, discount, first)
    return arrives


@compiled_sums
def _discount(other: Floats32, distance: float, shared: bool) -> float:
    """Return the log of 2 where a trace may have a pick of the other phase instead, else 0."""
    if not shared:
        return 0.0
    seconds = interpolate_curve(other, distance)
    return _LOG_TWO if seconds == seconds else 0.0  # noqa: PLR0124 -- not NaN


@compiled_sums
def _stack_phase_both_ways(
    weighted: Floats,
    full: Floats,
    rises: Floats,
    curve: Floats32,
    other: Floats32,
    llr: Floats32,
    sparse: SparseLlr,
    distances: Floats,
    step: float,
    shifts: Integers,
    weights: Floats,
    shared: bool,
    first: bool,
) -> bool:
    """
    Add one phase of all traces to `weighted` with their weights and to `full` with weight 1; return whether it arrives at any station.

    `rises` [2, count + 1] belong to the weighted and to the full stack; `other`, `shared` and `first` are as in `_stack_phase`.
    """
    arrives = False
    for i in range(len(distances)):
        seconds = interpolate_curve(curve, distances[i])
        if seconds != seconds:  # noqa: PLR0124 -- NaN
            continue
        arrives = True
        row, shift, discount = llr[i], shifts[i] + round(seconds / step), _discount(other, distances[i], shared)
        begin, end = max(0, sparse.records[i, 0] - shift), min(len(weighted), sparse.records[i, 1] - shift)
        if begin >= end:
            continue
        if first:
            for k, rise in ((begin, sparse.bases[i]), (end, -sparse.bases[i])):
                rises[0, k] += weights[i] * rise
                rises[1, k] += rise
        for r in range(MAX_RUNS):
            if sparse.runs[i, r, 1] == 0:
                break
            for k in range(max(0, sparse.runs[i, r, 0] - shift), min(len(weighted), sparse.runs[i, r, 1] - shift)):
                excess = max(row[k + shift] - sparse.bases[i] - discount, 0.0)
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
def _add_shifted_llr(
    stacked: Floats,
    rises: Floats,
    llr: Floats32,
    base: float,
    record: Integers,
    runs: Integers,
    shift: int,
    discount: float,
    with_base: bool,
) -> None:
    """
    Add one trace's LLR, read from sample `shift` on, to `stacked` (its runs) and `rises` (its base, as two steps); zero outside its record.

    Adding the base sample by sample would be most of the work. Runs are lowered by `discount`, but not below the base.
    """
    count = len(stacked)
    first, last = max(0, record[0] - shift), min(count, record[1] - shift)
    if first >= last:
        return
    if with_base:
        rises[first] += base
        rises[last] -= base
    for r in range(MAX_RUNS):
        if runs[r, 1] == 0:
            break
        for k in range(max(0, runs[r, 0] - shift), min(count, runs[r, 1] - shift)):
            stacked[k] += max(llr[k + shift] - base - discount, 0.0)


@compiled_sums
def _sum_relative(values: Floats, maximum: float) -> float:
    """Sum exp(value - maximum), skipping negligible values: few are near the maximum, and an exponential costs more than a comparison."""
    total = 0.0
    for value in values:
        if value > maximum - _NEGLIGIBLE_LOG_DROP:
            total += math.exp(value - maximum)
    return total
