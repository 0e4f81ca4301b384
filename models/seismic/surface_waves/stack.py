"""Sums of many traces' wave trains at trial sources: compiled arithmetic below `surface_search`."""

import math

import numpy as np

from models.array_types import Flags, Floats, Floats32, Integers
from models.compiled import compiled_sums

_DEGREES = 180.0 / math.pi
_LOW = -1e30
_NEGLIGIBLE = 20.0


@compiled_sums
def detection_llr(
    standing: Floats32,
    live: Flags,
    ratios: Floats32,
    a_unit: float,
    sigmas: Floats,
    weights: Floats,
    stride: int,
    silent: float,
) -> Floats32:
    """
    Logarithm [n, ladder, samples / stride] of how much likelier an arrival is there than at any time, times `weights` [n].

    `standing` [n, ladder, samples] as `Wavetrains` has it, where `live` [n, samples]; elsewhere it says nothing. `ratios`
    [ladder, k]: likelihood with a source over noise by standing, `a_unit` steps a unit; each record's are made one on average, for a
    `silent` share are one. Arrivals are uncertain by `sigmas` [ladder] samples.
    """
    steps, most, count = len(sigmas), ratios.shape[1] - 1, standing.shape[2]
    result = np.zeros((len(standing), steps, (count + stride - 1) // stride), np.float32)
    one = np.float32(1.0)
    for d in range(steps):
        reach = math.ceil(2.5 * sigmas[d])
        kernel = np.exp(-0.5 * ((np.arange(2 * reach + 1) - reach) / max(sigmas[d], 0.1)) ** 2)
        kernel = (kernel / kernel.sum()).astype(np.float32)
        ratio = np.ones(count + 2 * reach, np.float32)
        for i in range(len(standing)):
            whole, alive = 1e-9, 1e-9
            for j in range(count):
                if live[i, j]:
                    ratio[j + reach] = ratios[d, int(min(standing[i, d, j] * a_unit, most))]
                    whole += ratio[j + reach]
                    alive += 1.0
            scale = np.float32((1.0 - silent) * alive / whole)
            for j in range(count):
                ratio[j + reach] = np.float32(silent) + scale * ratio[j + reach] if live[i, j] else one
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
    rows: Floats32,
    slownesses: tuple[Floats, Floats],
    ladder: tuple[float, float],
    begins: Integers,
    span: int,
    known: tuple[Floats, int],
) -> tuple[Floats, Integers]:
    """
    Logarithm [m] of how much likelier all traces are with a source at nodes [m, 3] than in noise, and the best origin's sample [m].

    `rows` [n, ladder, samples] of `told`; `slownesses`: those of an event in samples a degree, and the logarithm of their prior;
    the ladder's first distance and step. Origins from sample `begins` [m] on, `span` of them; `known`: logarithm of their prior,
    from a sample on, and that sample.
    """
    total, best = np.full(len(nodes), _LOW), begins.copy()
    before, first = known
    added = np.empty(span, np.float32)
    reach, step = np.empty(len(stations)), np.empty(len(stations), np.int64)
    for m in range(len(nodes)):
        _reach(reach, step, nodes[m], stations, ladder, rows.shape[1] - 1)
        mass = 0.0
        for v in range(len(slownesses[0])):
            added[:] = 0.0
            for i in range(len(stations)):
                shift = begins[m] + round(reach[i] * slownesses[0][v])
                low, high = max(0, -shift), min(span, rows.shape[2] - shift)
                if low < high:
                    row = rows[i, step[i]]
                    for t in range(low, high):
                        added[t] += row[t + shift]
            for t in range(max(0, first - begins[m]), min(span, first + len(before) - begins[m])):
                value = added[t] + before[begins[m] + t - first] + slownesses[1][v]
                if value > total[m]:
                    mass = 1.0 + mass * math.exp(max(total[m] - value, -80.0))
                    total[m], best[m] = value, begins[m] + t
                elif value > total[m] - _NEGLIGIBLE:
                    mass += math.exp(value - total[m])
        if mass > 0.0:
            total[m] += math.log(mass)
    return total, best


@compiled_sums
def _reach(reach: Floats, step: Integers, node: Floats, stations: Floats, ladder: tuple[float, float], last: int) -> None:
    """Distances [n] from a node in degrees, and the nearest steps of the ladder."""
    for i in range(len(stations)):
        cosine = node[0] * stations[i, 0] + node[1] * stations[i, 1] + node[2] * stations[i, 2]
        reach[i] = _DEGREES * math.acos(min(1.0, max(-1.0, cosine)))
        step[i] = min(max(round((reach[i] - ladder[0]) / ladder[1]), 0), last)
