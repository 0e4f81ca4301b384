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


class OriginWindows(NamedTuple):
    """Trial origin times: for each of m nodes `sample_count` samples from the sample `starts` [m] on."""

    starts: Integers
    sample_count: int


class DetectionModel(NamedTuple):
    """
    Model of the detection statistic: likelihood ratio of a source to noise at each distance, and errors of arrival times.

    Attributes
    ----------
    ratios : float32 [distances, bins]
        Likelihood ratio of a source to noise by the statistic.
    bins_per_unit : float
        Bins of `ratios` per unit of the statistic.
    deviations : [distances]
        Standard deviation of arrival times in samples.
    dead_fraction : float
        Fraction of traces that show no wave whatever the source.

    """

    ratios: Floats32
    bins_per_unit: float
    deviations: Floats
    dead_fraction: float


@compiled_sums
def detection_llr(statistic: Floats32, live: Flags, model: DetectionModel, weights: Floats, stride: int) -> Floats32:
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
    model : DetectionModel
        Likelihood ratios and errors of arrival times.
    weights : [n]
        Of the traces: below one where neighbors share their errors.
    stride : int
        Every such sample is returned.

    """
    steps, count = len(model.deviations), statistic.shape[2]
    result = np.zeros((len(statistic), steps, (count + stride - 1) // stride), np.float32)
    for d in range(steps):
        kernel = _gaussian_kernel(model.deviations[d])
        half = len(kernel) // 2
        ratio = np.ones(count + 2 * half, np.float32)
        for i in range(len(statistic)):
            _set_likelihood_ratio(ratio[half : half + count], statistic[i, d], live[i], model, d)
            for j in range(0, count, stride):
                mean = np.float32(0.0)
                for k in range(len(kernel)):
                    mean += kernel[k] * ratio[j + k]
                result[i, d, j // stride] = weights[i] * math.log(mean)
    return result


@compiled_sums
def _gaussian_kernel(deviation: float) -> Floats32:
    """Return the weights [2 k + 1] of a smoothing Gaussian with a standard deviation in samples."""
    half = math.ceil(_KERNEL_DEVIATIONS * deviation)
    kernel = np.exp(-0.5 * ((np.arange(2 * half + 1) - half) / max(deviation, 0.1)) ** 2)
    weights: Floats32 = (kernel / kernel.sum()).astype(np.float32)
    return weights


@compiled_sums
def _set_likelihood_ratio(ratio: Floats32, statistic: Floats32, live: Flags, model: DetectionModel, d: int) -> None:
    """Set `ratio` [samples] to the likelihood ratio of one trace at distance d, with a mean of one where live; one where not live."""
    ratios, last, dead, one = model.ratios[d], model.ratios.shape[1] - 1, np.float32(model.dead_fraction), np.float32(1.0)
    total, alive = 1e-9, 1e-9
    for j in range(len(ratio)):
        if live[j]:
            ratio[j] = ratios[int(min(statistic[j] * model.bins_per_unit, last))]
            total += ratio[j]
            alive += 1.0
    scale = np.float32((1.0 - model.dead_fraction) * alive / total)
    for j in range(len(ratio)):
        ratio[j] = dead + scale * ratio[j] if live[j] else one


@compiled_sums
def stack_sources(
    nodes: Floats,
    stations: Floats,
    llr: Floats32,
    grid: DistanceGrid,
    slowness: SlownessPrior,
    windows: OriginWindows,
    origin: OriginPrior,
) -> tuple[Floats, Integers]:
    """
    Stack log-likelihood ratios over traces for trial sources, with origin time and slowness integrated out.

    `nodes` [m, 3] and `stations` [n, 3] are unit vectors; `llr`, float32 [n, distances, samples], is that of `detection_llr` at the
    distances of `grid`. The slowness is common to all paths. Origin times of `windows` outside the samples of the prior are skipped.

    Returns the marginal log-likelihood ratio [m] of a source against noise, and the sample [m] of the most likely origin time.
    """
    starts, count = windows.starts, windows.sample_count
    total, best = np.full(len(nodes), _LOWEST), starts.copy()
    prior, first = origin.log_density, origin.first
    stack = np.empty(count, np.float32)
    distances, steps = np.empty(len(stations)), np.empty(len(stations), np.int64)
    for m in range(len(nodes)):
        _measure_distances(distances, steps, nodes[m], stations, grid, llr.shape[1] - 1)
        mass = 0.0
        for v in range(len(slowness.samples_per_deg)):
            _stack_traces(stack, llr, distances, steps, slowness.samples_per_deg[v], starts[m])
            for t in range(max(0, first - starts[m]), min(count, first + len(prior) - starts[m])):
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
def _stack_traces(stack: Floats32, llr: Floats32, distances: Floats, steps: Integers, samples_per_deg: float, start: int) -> None:
    """Set `stack` [origin times] to the sum of the traces' log-likelihood ratios, shifted by their travel times from sample `start` on."""
    stack[:] = 0.0
    for i in range(len(distances)):
        shift = start + round(distances[i] * samples_per_deg)
        low, high = max(0, -shift), min(len(stack), llr.shape[2] - shift)
        if low < high:
            trace = llr[i, steps[i]]
            for t in range(low, high):
                stack[t] += trace[t + shift]


@compiled_sums
def _measure_distances(distances: Floats, steps: Integers, node: Floats, stations: Floats, grid: DistanceGrid, last: int) -> None:
    """Write distances [n] from a node in degrees, and the nearest steps [n] of the grid."""
    for i in range(len(stations)):
        cosine = node[0] * stations[i, 0] + node[1] * stations[i, 1] + node[2] * stations[i, 2]
        distances[i] = _DEGREES * math.acos(min(1.0, max(-1.0, cosine)))
        steps[i] = min(max(round((distances[i] - grid.first_deg) / grid.step_deg), 0), last)
