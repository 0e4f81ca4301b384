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
from models.seismic.votes import MOST_RUNS, runs

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]
_DEGREES = 180.0 / math.pi


def _compiled[F: Callable[..., Any]](function: F) -> F:
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})(function))


@_compiled
def stack(
    nodes: Floats,
    stations: Floats,
    curves: Singles,
    audible: Singles,
    alone: Floats,
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

    `nodes` [m, 3], `stations` [n, 3] unit vectors; `curves` [d, phases, distances] seconds; `audible` [phases, distances]: how
    likely a network at that distance hears the phase at all; `alone` [n]: what part of each trace stands alone. The phase that
    says most counts in full, the others so much: neighbors hear a wave, and take it for another, together. `rows` [phases, n,
    samples] of `evidence` with their `row_starts` [phases, n]; `surface_rows` [n, samples] with `surface_starts` [n] at each of
    `surface_slowness` [u] seconds a degree, of which every origin time takes the best (none: u of 0). Origin times are
    (begins + k) step, k below count, with a beginning [m] for each node; `origin_row` is what is known of them beforehand, its
    first sample at origin_begin step, nothing beyond its ends.
    """
    shape = (len(curves), len(nodes))
    best, where, total = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
    added, waves, work = np.empty(count), np.empty(count), np.empty((3, count))
    rises, reach = np.zeros(count + 1), np.empty(len(stations))
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
            _phases(added, work, rises, curves[d], audible, rows, told, reach, step, begins[m] - row_starts, alone)
            where[d, m] = np.argmax(added)
            best[d, m] = added[where[d, m]]
            total[d, m] = best[d, m] + math.log(_mass(added, best[d, m]) * step)
    return best, where, total


@_compiled
def _phases(
    added: Floats,
    work: Floats,
    rises: Floats,
    curves: Singles,
    audible: Singles,
    rows: Singles,
    told: list[tuple[Floats, Integers, Integers]],
    reach: Floats,
    step: float,
    begins: Integers,
    alone: Floats,
) -> None:
    """All phases of all traces into the sum; `work` [3, count] is overwritten."""
    part, full, gain = work[0], work[1], work[2]
    every, middle = np.ones(len(reach)), np.mean(reach)
    gain[:] = 0.0
    for p in range(len(rows)):
        part[:] = 0.0
        if _onsets(part, rises, curves[p], rows[p], told[p], reach, step, begins[p], every if len(rows) == 1 else alone):
            _settle(part, rises)
            full[:] = part
            if len(rows) > 1 and np.min(alone) < 1.0:
                full[:] = 0.0
                _onsets(full, rises, curves[p], rows[p], told[p], reach, step, begins[p], every)
                _settle(full, rises)
            _heard_or_not(added, gain, part, full, look_up(audible[p], middle))
    for k in range(len(added)):
        added[k] += gain[k]


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
    weights: Floats,
) -> bool:
    """One phase of all traces, weighted, into the sum; whether any trace is where it arrives."""
    bases, spans, parts = told
    there = False
    for i in range(len(reach)):
        seconds = look_up(curve, reach[i])
        if seconds == seconds:  # noqa: PLR0124 -- not a NaN, in a loop that knows no isfinite
            there = True
            _add(added, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(seconds / step), weights[i])
    return there


@_compiled
def _heard_or_not(added: Floats, gain: Floats, part: Floats, full: Floats, heard: float) -> None:
    """A phase's weighted sum into the sum, as heard or, where that is likelier, not at all; and what its full sum would add, if most."""
    yes, no = math.log(heard), math.log(1.0 - heard)
    for k in range(len(added)):
        value = max(part[k] + yes, no)
        added[k] += value
        gain[k] = max(gain[k], max(full[k] + yes, no) - value)


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
            _add(part, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(reach[i] * slowness), 1.0)
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
def _add(added: Floats, rises: Floats, row: Singles, base: float, span: Integers, parts: Integers, shift: int, weight: float) -> None:
    """
    The sum with a weighted row that begins `shift` samples later: its runs above its base, and the base as a rise and a fall of all after.

    Nothing outside the record. Adding the base to every sample instead would be most of the work.
    """
    count = len(added)
    first, last = max(0, span[0] - shift), min(count, span[1] - shift)
    if first >= last:
        return
    rises[first] += weight * base
    rises[last] -= weight * base
    for r in range(MOST_RUNS):
        if parts[r, 1] == 0:
            break
        for k in range(max(0, parts[r, 0] - shift), min(count, parts[r, 1] - shift)):
            added[k] += weight * (row[k + shift] - base)


@_compiled
def _settle(added: Floats, rises: Floats) -> None:
    """Rises and falls [n + 1] into the sum [n], and none left."""
    level = 0.0
    for k in range(len(added)):
        level += rises[k]
        added[k] += level
    rises[:] = 0.0
