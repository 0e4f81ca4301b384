"""
Stacking what traces say along travel-time curves: the compiled arithmetic below `association`.

Every trace says for every instant how much likelier a phase's arrival then is than at any time (a logarithm, `rows`). At a
trial source these are summed along its travel times, for every origin time at once.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

from models.seismic.travel_times import FAR_STEP_DEG, NEAR_DEG, NEAR_NODES, NEAR_STEP_DEG

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
MOST_RUNS = 16  # four onsets in each of four bands
_DEGREES = 180.0 / math.pi


def _compiled[F: Callable[..., Any]](function: F) -> F:
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})(function))


@_compiled
def evidence(
    times: Floats,
    deviations: Floats,
    weights: Floats,
    shares: Floats,
    begins: Floats,
    ends: Floats,
    step: float,
    starts: Integers,
    count: int,
) -> Singles:
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


@_compiled
def runs(rows: Singles) -> tuple[Floats, Integers, Integers]:
    """
    Where rows [..., n, samples] of `evidence` say something: base [n], record [n, 2], runs [n, MOST_RUNS, 2] above the base.

    A record's samples lie from the first to before the second number, and so do those of a run; runs without samples fill up.
    """
    bases = np.zeros(len(rows))
    spans, parts = np.zeros((len(rows), 2), np.int64), np.zeros((len(rows), MOST_RUNS, 2), np.int64)
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
            if higher and not above and count < MOST_RUNS:
                parts[i, count, 0] = k
                parts[i, count, 1] = spans[i, 1]
                count += 1
            if above and not higher:
                parts[i, count - 1, 1] = k
            above = higher
    return bases, spans, parts


@_compiled
def stack(
    nodes: Floats,
    stations: Floats,
    curves: Singles,
    rows: Singles,
    row_starts: Integers,
    surface_rows: Singles,
    surface_starts: Integers,
    surface_slowness: Floats,
    step: float,
    begins: Integers,
    count: int,
    origin_row: Singles,
    origin_begin: int,
) -> tuple[Floats, Integers, Floats]:
    """
    The best sum over origin times for each depth and node, at which of them, and the logarithm of the integral over them [d, m].

    `nodes` [m, 3], `stations` [n, 3] unit vectors; `curves` [d, phases, distances] seconds; `rows` [phases, n, samples] of
    `evidence` with their `row_starts` [phases, n]; `surface_rows` [n, samples] with `surface_starts` [n] at each of
    `surface_slowness` [u] seconds a degree, of which every origin time takes the best (none: u of 0). Origin times are
    (begins + k) step, k below count, with a beginning [m] for each node; `origin_row` is what is known of them beforehand, its
    first sample at origin_begin step, nothing beyond its ends.
    """
    shape = (len(curves), len(nodes))
    best, where, total = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
    added, waves, rises, reach = np.empty(count), np.empty(count), np.zeros(count + 1), np.empty(len(stations))
    told, waves_told = [runs(rows[p]) for p in range(len(rows))], runs(surface_rows)
    for m in range(len(nodes)):
        for i in range(len(stations)):
            cosine = nodes[m, 0] * stations[i, 0] + nodes[m, 1] * stations[i, 1] + nodes[m, 2] * stations[i, 2]
            reach[i] = math.acos(min(max(cosine, -1.0), 1.0)) * _DEGREES
        waves[:] = 0.0
        if len(surface_slowness) > 0:
            _surface_waves(waves, rises, surface_rows, waves_told, surface_slowness / step, reach, begins[m] - surface_starts)
        for k in range(max(0, origin_begin - begins[m]), min(count, origin_begin + len(origin_row) - begins[m])):
            waves[k] += origin_row[k + begins[m] - origin_begin]
        for d in range(len(curves)):
            added[:] = waves
            for p in range(len(rows)):
                _onsets(added, rises, curves[d, p], rows[p], told[p], reach, step, begins[m] - row_starts[p])
            _settle(added, rises)
            where[d, m] = np.argmax(added)
            best[d, m] = added[where[d, m]]
            total[d, m] = best[d, m] + math.log(_mass(added, best[d, m]) * step)
    return best, where, total


@_compiled
def _onsets(
    added: Floats,
    rises: Floats,
    curve: Singles,
    rows: Singles,
    told: tuple[Floats, Integers, Integers],
    reach: Floats,
    step: float,
    begins: Integers,
) -> None:
    """One phase of all traces into the sum."""
    bases, spans, parts = told
    for i in range(len(reach)):
        seconds = look_up(curve, reach[i])
        if seconds == seconds:  # noqa: PLR0124 -- not a NaN, in a loop that knows no isfinite
            _add(added, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(seconds / step))


@_compiled
def _mass(added: Floats, highest: float) -> float:
    """Sum of the exponentials, relative to the highest; few samples are near it, and an exponential costs more than a look."""
    mass = 0.0
    for value in added:
        if value > highest - 25.0:
            mass += math.exp(value - highest)
    return mass


@_compiled
def _surface_waves(
    waves: Floats,
    rises: Floats,
    rows: Singles,
    told: tuple[Floats, Integers, Integers],
    samples_a_degree: Floats,
    reach: Floats,
    begins: Integers,
) -> None:
    """The sum over traces at the group velocity that fits best, each origin time its own, less the price of that choice."""
    bases, spans, parts = told
    part = np.empty(len(waves))
    waves[:] = -1e30
    for slowness in samples_a_degree:
        part[:] = 0.0
        for i in range(len(reach)):
            _add(part, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(reach[i] * slowness))
        _settle(part, rises)
        for k in range(len(waves)):
            waves[k] = max(waves[k], part[k])
    waves -= math.log(len(samples_a_degree))


@_compiled
def look_up(curve: Singles, distance_deg: float) -> float:
    """A curve of the travel-time table at a distance in degrees, linear between its nodes."""
    at = distance_deg / NEAR_STEP_DEG if distance_deg < NEAR_DEG else NEAR_NODES + (distance_deg - NEAR_DEG) / FAR_STEP_DEG
    low = min(int(at), len(curve) - 2)
    share = at - low
    if share <= 0.0:
        return float(curve[low])
    return float(curve[low]) * (1.0 - share) + float(curve[low + 1]) * share


@_compiled
def _add(added: Floats, rises: Floats, row: Singles, base: float, span: Integers, parts: Integers, shift: int) -> None:
    """
    The sum with a row that begins `shift` samples later: its runs above its base, and the base as a rise and a fall of all after.

    Nothing outside the record. Adding the base to every sample instead would be most of the work.
    """
    count = len(added)
    first, last = max(0, span[0] - shift), min(count, span[1] - shift)
    if first >= last:
        return
    rises[first] += base
    rises[last] -= base
    for r in range(MOST_RUNS):
        if parts[r, 1] == 0:
            break
        for k in range(max(0, parts[r, 0] - shift), min(count, parts[r, 1] - shift)):
            added[k] += row[k + shift] - base


@_compiled
def _settle(added: Floats, rises: Floats) -> None:
    """Rises and falls [n + 1] into the sum [n], and none left."""
    level = 0.0
    for k in range(len(added)):
        level += rises[k]
        added[k] += level
    rises[:] = 0.0
