"""
What one trace says of an arrival at every instant: compiled arithmetic below `stacking`.

A logarithm of how much likelier the arrival is there than at any time, and where that says anything at all.
"""

import math

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums

MAX_RUNS = 32  # four onsets in each of four bands, on vertical and on horizontal components


@compiled_sums
def arrival_llr(
    times: Floats,
    deviations: Floats,
    weights: Floats,
    shares: Floats,
    begins: Floats,
    ends: Floats,
    step: float,
    starts: Integers,
    count: int,
) -> Floats32:
    """
    Logarithm of how much likelier an arrival at each instant is than by chance [n, count]; sample k of row i at (starts[i] + k) step.

    Row i: log(1 - share + share T sum of weighted normal densities at the candidates), T the record's length; zero, which says
    nothing, outside begins..ends. `times`, `deviations`, `weights` [n, k] (weight zero fills up), seconds after instant 0.
    """
    result = np.zeros((len(times), count), np.float32)
    lift = np.empty(count)
    for i in range(len(times)):
        first = max(0, math.ceil(begins[i] / step) - starts[i])
        last = min(count - 1, math.floor(ends[i] / step) - starts[i])
        if last <= first or shares[i] <= 0.0:
            continue
        lift[:] = 0.0
        scale = shares[i] * (ends[i] - begins[i]) / (1.0 - shares[i])
        for j in range(times.shape[1]):
            if weights[i, j] <= 0.0:
                continue
            sigma = deviations[i, j]
            peak = scale * weights[i, j] / (sigma * math.sqrt(2.0 * math.pi))
            low = max(first, math.ceil((times[i, j] - 5.0 * sigma) / step) - starts[i])
            high = min(last, math.floor((times[i, j] + 5.0 * sigma) / step) - starts[i])
            for k in range(low, high + 1):
                off = ((starts[i] + k) * step - times[i, j]) / sigma
                lift[k] += peak * math.exp(-0.5 * off * off)
        base = math.log(1.0 - shares[i])
        for k in range(first, last + 1):
            result[i, k] = base + (math.log1p(lift[k]) if lift[k] > 0.0 else 0.0)
    return result


@compiled_sums
def to_sparse_runs(rows: Floats32) -> tuple[Floats, Integers, Integers]:
    """
    Where rows [..., n, samples] of `evidence` say something: base [n], record [n, 2], runs [n, MAX_RUNS, 2] above the base.

    A record's samples lie from the first to before the second number, and so do those of a run; runs without samples fill up.
    """
    bases = np.zeros(len(rows))
    spans, parts = np.zeros((len(rows), 2), np.int64), np.zeros((len(rows), MAX_RUNS, 2), np.int64)
    for i in range(len(rows)):
        row = rows[i]
        there = np.flatnonzero(row)
        if len(there) == 0:
            continue
        bases[i] = row.min()
        spans[i, 0], spans[i, 1] = there[0], there[-1] + 1
        count, above = 0, False
        for k in range(spans[i, 0], spans[i, 1]):
            higher = row[k] > bases[i] + 1e-4
            if higher and not above and count < MAX_RUNS:
                parts[i, count, 0] = k
                parts[i, count, 1] = spans[i, 1]
                count += 1
            if above and not higher:
                parts[i, count - 1, 1] = k
            above = higher
    return bases, spans, parts
