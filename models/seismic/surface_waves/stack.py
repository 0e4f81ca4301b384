"""Compiled stack of dispersion-corrected envelopes over trial sources: per-trace likelihoods, and their sum over traces."""

import math
from typing import NamedTuple

import numpy as np

from models.array_types import Flags, Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.location.origin_time_prior import OriginPrior

_DEGREES = 180.0 / math.pi
_LOWEST = -1e30
_NEGLIGIBLE = 20.0
_KERNEL_DEVIATIONS = 2.5


class SlownessPrior(NamedTuple):
    """Slownesses [v] of all paths of an event in samples per degree, with log weights [v]."""

    samples_per_deg: Floats
    log_weights: Floats


class DistanceGrid(NamedTuple):
    """First distance and step of the grid of dispersion corrections, in degrees."""

    first_deg: float
    step_deg: float


@compiled_sums
def detection_llr(
    statistic: Floats32,
    live: Flags,
    ratios: Floats32,
    bins_per_unit: float,
    sigmas: Floats,
    weights: Floats,
    stride: int,
    dead: float,
) -> Floats32:
    """
    Compute the log-likelihood ratio of an arrival at each instant against noise: float32 [n, distances, samples / stride].

    The detection statistic is mapped to a likelihood ratio, normalized to a mean of one over the record, mixed with one for dead traces,
    smoothed by a Gaussian of the arrival time's error, and its logarithm is multiplied by the trace's weight. Zero where not live.

    Parameters
    ----------
    statistic : float32 [n, distances, samples]
        Exponential with mean 1 in noise.
    live : [n, samples]
        Where the statistic is known.
    ratios : float32 [distances, bins]
        Likelihood ratio of a source to noise by the statistic.
    bins_per_unit : float
        Bins of `ratios` per unit of the statistic.
    sigmas : [distances]
        Standard deviation of arrival times in samples.
    weights : [n]
        Of the traces: below one where neighbors share their errors.
    stride : int
        Every such sample is returned.
    dead : float
        Fraction of traces that show no wave whatever the source.

    """
    steps, last, count = len(sigmas), ratios.shape[1] - 1, statistic.shape[2]
    result = np.zeros((len(statistic), steps, (count + stride - 1) // stride), np.float32)
    one = np.float32(1.0)
    for d in range(steps):
        half = math.ceil(_KERNEL_DEVIATIONS * sigmas[d])
        kernel = np.exp(-0.5 * ((np.arange(2 * half + 1) - half) / max(sigmas[d], 0.1)) ** 2)
        kernel = (kernel / kernel.sum()).astype(np.float32)
        ratio = np.ones(count + 2 * half, np.float32)
        for i in range(len(statistic)):
            total, alive = 1e-9, 1e-9
            for j in range(count):
                if live[i, j]:
                    ratio[j + half] = ratios[d, int(min(statistic[i, d, j] * bins_per_unit, last))]
                    total += ratio[j + half]
                    alive += 1.0
            scale = np.float32((1.0 - dead) * alive / total)
            for j in range(count):
                ratio[j + half] = np.float32(dead) + scale * ratio[j + half] if live[i, j] else one
            for j in range(0, count, stride):
                mean = np.float32(0.0)
                for k in range(len(kernel)):
                    mean += kernel[k] * ratio[j + k]
                result[i, d, j // stride] = weights[i] * math.log(mean)
    return result


@compiled_sums
def stack_sources(
    nodes: Floats,
    stations: Floats,
    llr: Floats32,
    slowness: SlownessPrior,
    grid: DistanceGrid,
    starts: Integers,
    span: int,
    origin: OriginPrior,
) -> tuple[Floats, Integers]:
    """
    Stack log-likelihood ratios over traces for trial sources, with origin time and slowness integrated out.

    Parameters
    ----------
    nodes, stations : [m, 3], [n, 3]
        Unit vectors of trial epicenters and stations.
    llr : float32 [n, distances, samples]
        From `detection_llr`.
    slowness : SlownessPrior
        Of all paths together.
    grid : DistanceGrid
        Of `llr`.
    starts : int [m]
        First origin time (sample) of each node.
    span : int
        Number of origin times.
    origin : OriginPrior
        Prior of the origin time; times outside it are skipped.

    Returns
    -------
    [m], int [m]
        Marginal log-likelihood ratio of a source against noise, and the sample of the most likely origin time.

    """
    total, best = np.full(len(nodes), _LOWEST), starts.copy()
    prior, first = origin.log_density, origin.first
    stack = np.empty(span, np.float32)
    distances, steps = np.empty(len(stations)), np.empty(len(stations), np.int64)
    for m in range(len(nodes)):
        _measure_distances(distances, steps, nodes[m], stations, grid, llr.shape[1] - 1)
        mass = 0.0
        for v in range(len(slowness.samples_per_deg)):
            stack[:] = 0.0
            for i in range(len(stations)):
                shift = starts[m] + round(distances[i] * slowness.samples_per_deg[v])
                low, high = max(0, -shift), min(span, llr.shape[2] - shift)
                if low < high:
                    trace = llr[i, steps[i]]
                    for t in range(low, high):
                        stack[t] += trace[t + shift]
            for t in range(max(0, first - starts[m]), min(span, first + len(prior) - starts[m])):
                value = stack[t] + prior[starts[m] + t - first] + slowness.log_weights[v]
                if value > total[m]:
                    mass = 1.0 + mass * math.exp(max(total[m] - value, -80.0))
                    total[m], best[m] = value, starts[m] + t
                elif value > total[m] - _NEGLIGIBLE:
                    mass += math.exp(value - total[m])
        if mass > 0.0:
            total[m] += math.log(mass)
    return total, best


@compiled_sums
def _measure_distances(distances: Floats, steps: Integers, node: Floats, stations: Floats, grid: DistanceGrid, last: int) -> None:
    """Write distances [n] from a node in degrees, and the nearest steps [n] of the grid."""
    for i in range(len(stations)):
        cosine = node[0] * stations[i, 0] + node[1] * stations[i, 1] + node[2] * stations[i, 2]
        distances[i] = _DEGREES * math.acos(min(1.0, max(-1.0, cosine)))
        steps[i] = min(max(round((distances[i] - grid.first_deg) / grid.step_deg), 0), last)
