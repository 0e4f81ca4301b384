"""
Stack arrival log-likelihood ratios along travel-time curves: the compiled kernel of the association.

Migration-style association: each trace is turned into the log-likelihood ratio (LLR) of an arrival at each instant
(`pick_likelihood`), which is stacked along ak135 travel times over a grid of trial sources (as back-projection: Kao & Shan 2004,
doi:10.1111/j.1365-246X.2004.02276.x, or QuakeMigrate).

For each origin time the LLRs of a phase are shifted by its travel times and summed over traces. A phase contributes
`max(log p + sum, log(1 - p))`, p being its detection probability at the network's mean distance, so that a missing phase costs a
bounded amount. Neighboring stations are not independent: traces are weighted, except for the one phase with the largest gain, which
is stacked with weight 1. A wave guided by the crust is stacked together with the phase that it may be picked instead of
(`_stack_alternative`). Rayleigh waves add the sum over traces at the group velocity that fits an origin time best, less the log of the
number of velocities tried.

Almost all of the time goes into adding shifted rows of samples, which the compiler turns into vector instructions: adding every sample of
a row takes less time than to find those that are not constant. Buffers are reset to zero in the same pass that reads them.
"""

import math
from typing import NamedTuple

import numpy as np

from models.array_types import Floats, Floats32, Integers, PickIndices
from models.compiled import compiled_sums
from models.seismic.association.pick_likelihood import LlrBases, TimeGrid, find_bases
from models.seismic.earth.travel_times import find_interval, interpolate_between, interpolate_curve
from models.seismic.location.origin_time_prior import OriginPrior

_DEGREES = 180.0 / math.pi
_LOG_TWO = math.log(2.0)
_NO_ARRIVAL = np.iinfo(np.int64).min
_LANES = 16  # samples that are compared at once
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
    nearest_picks : int8 [phases, n, samples]
        Index of the pick that each sample of an LLR is due to, -1 for none: one pick is not counted for a phase and its alternative too.
        Without any phases where none has an alternative.

    """

    llr: Floats32
    starts: Integers
    weights: Floats
    nearest_picks: PickIndices


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
    stacked, common, buffers, distances = np.empty(count), np.empty(count), np.zeros((3, count)), np.empty(len(stations))
    shifts = np.empty(arrivals.starts.shape, np.int64)
    bases, rayleigh_bases = [find_bases(arrivals.llr[p]) for p in range(len(arrivals.llr))], find_bases(rayleigh.llr)
    for m in range(len(nodes)):
        _set_distances(distances, nodes[m], stations)
        common[:] = 0.0  # to all depths: Rayleigh waves and the prior
        first, mean_distance = origins.starts[m], np.mean(distances)
        if len(rayleigh.slowness) > 0:
            slowness = rayleigh.slowness / step
            _stack_rayleigh_waves(common, buffers[0], rayleigh.llr, rayleigh_bases, slowness, distances, first - rayleigh.starts)
        _add_prior(common, prior.log_density, prior.first - first)
        for d in range(len(tables.curves)):
            stacked[:] = common
            _set_shifts(shifts, tables.curves[d], distances, step, arrivals.starts, first)
            _stack_phases(stacked, buffers, tables, mean_distance, arrivals, bases, shifts)
            index[d, m] = _find_maximum(stacked)
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
def _set_shifts(shifts: Integers, curves: Floats32, distances: Floats, step: float, starts: Integers, first: int) -> None:
    """
    Set `shifts` [phases, n] to the sample of each LLR at which the phase arrives from an origin at index `first`, if it does.

    `curves` [phases, distances] are those of one depth, `starts` those of `PhaseLlr`; `_NO_ARRIVAL` where a phase does not arrive.
    """
    for i in range(len(distances)):
        low, fraction = find_interval(distances[i])
        for p in range(len(curves)):
            seconds = interpolate_between(curves[p], low, fraction)
            arrives = seconds == seconds  # noqa: PLR0124 -- not NaN
            shifts[p, i] = first - starts[p, i] + round(seconds / step) if arrives else _NO_ARRIVAL


@compiled_sums
def _add_prior(stacked: Floats, log_prior: Floats | Floats32, start: int) -> None:
    """Add the log prior of the origin time, whose first sample is at `start` of `stacked`."""
    for k in range(max(0, start), min(len(stacked), start + len(log_prior))):
        stacked[k] += log_prior[k - start]


@compiled_sums
def _stack_rayleigh_waves(
    stacked: Floats,
    trial: Floats,
    llr: Floats32,
    bases: LlrBases,
    slowness: Floats,
    distances: Floats,
    shifts: Integers,
) -> None:
    """
    Set `stacked` [count] to the Rayleigh-wave LLR at the best group slowness (samples per degree) for each origin time.

    The maximum over slownesses is lowered by the log of their number (Bonferroni), so that trying more of them gains nothing.
    `shifts` [n] are the first origin time less the first sample of each trace; `trial` [count] is zero before and after.
    """
    stacked[:] = -1e30
    for samples_per_degree in slowness:
        for i in range(len(distances)):
            _add_llr(trial, llr, bases, i, shifts[i] + round(distances[i] * samples_per_degree), 0.0)
        for k in range(len(stacked)):
            stacked[k] = trial[k] if trial[k] > stacked[k] else stacked[k]
            trial[k] = 0.0
    stacked -= math.log(len(slowness))


@compiled_sums
def _stack_phases(
    stacked: Floats,
    buffers: Floats,
    tables: PhaseTables,
    mean_distance: float,
    arrivals: PhaseLlr,
    bases: list[LlrBases],
    shifts: Integers,
) -> None:
    """
    Add the LLR of all phases of all traces at one depth and one node to `stacked` [count].

    `shifts` [phases, n] are those of `_set_shifts`. `buffers` [3, count] are zero before and after. With a single phase, or weights of 1,
    the weighted and the unweighted stack are the same and only one is computed. A phase and its alternative are stacked together
    (`PhaseTables`).
    """
    weighted, full, gain = buffers[0], buffers[1], buffers[2]
    llr, weights = arrivals.llr, arrivals.weights
    unweighted = len(llr) == 1 or np.min(weights) >= 1.0
    for p in range(len(llr)):
        q = tables.alternatives[p]
        if q < 0:
            continue
        probability = interpolate_curve(tables.detection_probability[p], mean_distance)
        log_detected, log_missed = math.log(probability), math.log(1.0 - probability)
        if unweighted:
            if _stack_phase(weighted, llr[p], bases[p], shifts[p], shifts[q], p != q):
                if p != q:
                    _stack_alternative(weighted, full, arrivals, bases, p, q, shifts)
                    full[:] = 0.0
                _add_phase(stacked, weighted, log_detected, log_missed)
        elif _stack_phase_both_ways(weighted, full, llr[p], bases[p], shifts[p], shifts[q], weights, p != q):
            if p != q:
                _stack_alternative(weighted, full, arrivals, bases, p, q, shifts)
            _add_weighted_phase(stacked, gain, weighted, full, log_detected, log_missed)
    if not unweighted:
        for k in range(len(stacked)):
            stacked[k] += gain[k]
            gain[k] = 0.0


@compiled_sums
def _stack_phase(stacked: Floats, llr: Floats32, bases: LlrBases, shifts: Integers, others: Integers, shared: bool) -> bool:
    """
    Add one phase of all traces, shifted by `shifts` [n], to `stacked`; return whether the phase arrives at any station.

    `shared`: whether `others` [n] are the shifts of an alternative.
    """
    arrives = False
    for i in range(len(shifts)):
        if shifts[i] != _NO_ARRIVAL:
            arrives = True
            discount = _LOG_TWO if shared and others[i] != _NO_ARRIVAL else 0.0
            _add_llr(stacked, llr, bases, i, shifts[i], discount)
    return arrives


@compiled_sums
def _stack_phase_both_ways(
    weighted: Floats,
    full: Floats,
    llr: Floats32,
    bases: LlrBases,
    shifts: Integers,
    others: Integers,
    weights: Floats,
    shared: bool,
) -> bool:
    """Add one phase of all traces to `weighted` with their weights and to `full` with weight 1, else as `_stack_phase`."""
    arrives = False
    for i in range(len(shifts)):
        if shifts[i] == _NO_ARRIVAL:
            continue
        arrives = True
        shift, base, weight = shifts[i], bases.levels[i], weights[i]
        begin, end = max(0, bases.records[i, 0] - shift), min(len(weighted), bases.records[i, 1] - shift)
        if begin >= end:
            continue
        one, two, row = weighted[begin:end], full[begin:end], llr[i, begin + shift : end + shift]
        if not (shared and others[i] != _NO_ARRIVAL):
            for k in range(len(row)):
                one[k] += weight * row[k]
                two[k] += row[k]
            continue
        for k in range(len(row)):
            excess = row[k] - base - _LOG_TWO
            value = base + (excess if excess > 0.0 else 0.0)
            one[k] += weight * value
            two[k] += value
    return arrives


@compiled_sums
def _stack_alternative(weighted: Floats, full: Floats, arrivals: PhaseLlr, bases: list[LlrBases], p: int, q: int, shifts: Integers) -> None:
    """
    Add phase `q`, the alternative of `p`, of all traces to `weighted` with their weights and to `full` with weight 1.

    A trace may have a pick of either, or one of each: the lesser of the two then has the trace's weight in `full` too, as other phases
    have. Where both would be the same pick, it is of either with probability one half. The base of a trace is that of `p`, which is added
    with it, or that of `q` where `p` is outside the record.
    """
    nearest = arrivals.nearest_picks
    for i in range(shifts.shape[1]):
        if shifts[q, i] == _NO_ARRIVAL:
            continue
        row, first, floor, weight = arrivals.llr[q, i], shifts[q, i], bases[q].levels[i], arrivals.weights[i]
        shared, to_other = shifts[p, i] != _NO_ARRIVAL, shifts[p, i] - first
        discount, other_floor = _LOG_TWO if shared else 0.0, bases[p].levels[i]
        other_begin, other_end = bases[p].records[i]
        begin, end = max(0, bases[q].records[i, 0] - first), min(len(weighted), bases[q].records[i, 1] - first)
        for k in range(begin, end):
            sample = k + first
            excess, other = row[sample] - floor, sample + to_other
            added = max(excess - discount, 0.0)
            if not (shared and other_begin <= other < other_end):
                weighted[k] += weight * (floor + added)
                full[k] += floor + added
            elif excess > 0.0:
                counted = arrivals.llr[p, i, other] - other_floor
                before = max(counted - discount, 0.0)
                if nearest[q, i, sample] == nearest[p, i, other]:
                    either = max(counted, excess) + math.log(0.5 + 0.5 * math.exp(-abs(counted - excess)))
                    added = max(either, 0.0) - before
                    full[k] += added
                else:
                    full[k] += max(added, before) + weight * min(added, before) - before
                weighted[k] += weight * added


@compiled_sums
def _add_phase(stacked: Floats, phase: Floats, log_detected: float, log_missed: float) -> None:
    """Add the stack of one phase, detected or (where that is likelier) missed, and reset `phase` to zero."""
    for k in range(len(stacked)):
        detected = phase[k] + log_detected
        stacked[k] += detected if detected > log_missed else log_missed
        phase[k] = 0.0


@compiled_sums
def _add_weighted_phase(stacked: Floats, gain: Floats, weighted: Floats, full: Floats, log_detected: float, log_missed: float) -> None:
    """
    Add the weighted stack of one phase and update, per origin time, the largest gain of any phase from being stacked unweighted.

    Resets `weighted` and `full` to zero.
    """
    for k in range(len(stacked)):
        detected, unweighted = weighted[k] + log_detected, full[k] + log_detected
        value = detected if detected > log_missed else log_missed
        gained = (unweighted if unweighted > log_missed else log_missed) - value
        stacked[k] += value
        gain[k] = gained if gained > gain[k] else gain[k]
        weighted[k], full[k] = 0.0, 0.0


@compiled_sums
def _add_llr(stacked: Floats, llr: Floats32, bases: LlrBases, i: int, shift: int, discount: float) -> None:
    """
    Add the LLR of trace i, read from sample `shift` on, to `stacked`; zero outside its record.

    What exceeds the base is lowered by `discount`, but not below the base. Comparisons are written out here and above because the compiler
    vectorizes them, but not `max`, which has to care for NaN.
    """
    begin, end = max(0, bases.records[i, 0] - shift), min(len(stacked), bases.records[i, 1] - shift)
    if begin >= end:
        return
    base, target, row = bases.levels[i], stacked[begin:end], llr[i, begin + shift : end + shift]
    if discount == 0.0:
        for k in range(len(row)):
            target[k] += row[k]
        return
    for k in range(len(row)):
        excess = row[k] - base - discount
        target[k] += base + (excess if excess > 0.0 else 0.0)


@compiled_sums
def _find_maximum(values: Floats) -> int:
    """Find the index of the first of the largest values, none of them NaN: in lanes, as a vector instruction compares them."""
    highest, whole = np.full(_LANES, values[0]), len(values) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        block = values[first : first + _LANES]
        for lane in range(_LANES):
            highest[lane] = block[lane] if block[lane] > highest[lane] else highest[lane]
    largest = max(highest.max(), values[whole:].max() if whole < len(values) else values[0])
    index = 0
    while values[index] < largest:
        index += 1
    return index


@compiled_sums
def _sum_relative(values: Floats, maximum: float) -> float:
    """Sum exp(value - maximum), skipping negligible values: few are near the maximum, and an exponential costs more than a comparison."""
    total = 0.0
    for value in values:
        if value > maximum - _NEGLIGIBLE_LOG_DROP:
            total += math.exp(value - maximum)
    return total
