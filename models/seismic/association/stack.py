"""
Stacking what traces say along travel-time curves: the compiled arithmetic below `association`.

Every trace says for every instant how much likelier a phase's arrival then is than at any time (a logarithm, `rows`). At a
trial source these are summed along its travel times, for every origin time at once (`phase_sums`).
"""

import math

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.association.phase_stack import add_shifted_llr, stack_phases
from models.seismic.association.pick_likelihood import to_sparse_runs

_DEGREES = 180.0 / math.pi


@compiled_sums
def stack_along_curves(
    nodes: Floats,
    stations: Floats,
    curves: Floats32,
    audible: Floats32,
    alone: Floats,
    rows: Floats32,
    row_starts: Integers,
    surface_rows: Floats32,
    surface_starts: Integers,
    surface_slowness: Floats,
    step: float,
    begins: Integers,
    count: int,
    origin_row: Floats32,
    origin_begin: int,
    integrated: bool,
) -> tuple[Floats, Integers, Floats]:
    """
    The best sum over origin times for each depth and node, at which of them, and the logarithm of the integral over them [d, m].

    `nodes` [m, 3], `stations` [n, 3] unit vectors; `curves` [d, phases, distances] seconds; `audible` [phases, distances]: how
    likely a network at that distance hears the phase at all; `alone` [n]: what part of each trace stands alone. The phase that
    says most counts in full, the others so much: neighbors hear a wave, and take it for another, together. `rows` [phases, n,
    samples] of `evidence` with their `row_starts` [phases, n]; `surface_rows` [n, samples] with `surface_starts` [n] at each of
    `surface_slowness` [u] seconds a degree, of which every origin time takes the best (none: u of 0). Origin times are
    (begins + k) step, k below count, with a beginning [m] for each node; `origin_row` is what is known of them beforehand, its
    first sample at origin_begin step, nothing beyond its ends. The integral
    is NaN unless `integrated`.
    """
    shape = (len(curves), len(nodes))
    best, where, total = np.empty(shape), np.empty(shape, np.int64), np.empty(shape)
    added, waves, sums = np.empty(count), np.empty(count), np.zeros((3, count))
    rises, reach = np.zeros((2, count + 1)), np.empty(len(stations))
    told, waves_told = [to_sparse_runs(rows[p]) for p in range(len(rows))], to_sparse_runs(surface_rows)
    for m in range(len(nodes)):
        for i in range(len(stations)):
            cosine = nodes[m, 0] * stations[i, 0] + nodes[m, 1] * stations[i, 1] + nodes[m, 2] * stations[i, 2]
            reach[i] = math.acos(min(max(cosine, -1.0), 1.0)) * _DEGREES
        waves[:] = 0.0
        if len(surface_slowness) > 0:
            _surface_waves(waves, rises[0], surface_rows, waves_told, surface_slowness / step, reach, begins[m] - surface_starts)
        for k in range(max(0, origin_begin - begins[m]), min(count, origin_begin + len(origin_row) - begins[m])):
            waves[k] += origin_row[k + begins[m] - origin_begin]
        for d in range(len(curves)):
            added[:] = waves
            stack_phases(added, sums, rises, curves[d], audible, rows, told, reach, step, begins[m] - row_starts, alone)
            where[d, m] = np.argmax(added)
            best[d, m] = added[where[d, m]]
            total[d, m] = best[d, m] + math.log(_mass(added, best[d, m]) * step) if integrated else np.nan
    return best, where, total


@compiled_sums
def _mass(added: Floats, highest: float) -> float:
    """Sum of the exponentials, relative to the highest; few samples are near it, and an exponential costs more than a look."""
    mass = 0.0
    for value in added:
        if value > highest - 25.0:
            mass += math.exp(value - highest)
    return mass


@compiled_sums
def _surface_waves(
    waves: Floats,
    rises: Floats,
    rows: Floats32,
    told: tuple[Floats, Integers, Integers],
    samples_a_degree: Floats,
    reach: Floats,
    begins: Integers,
) -> None:
    """The sum over traces at the group velocity that fits best, each origin time its own, less the price of that choice."""
    bases, spans, parts = told
    part = np.zeros(len(waves))
    waves[:] = -1e30
    for slowness in samples_a_degree:
        for i in range(len(reach)):
            add_shifted_llr(part, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(reach[i] * slowness))
        level = 0.0
        for k in range(len(waves)):
            level += rises[k]
            waves[k] = max(waves[k], part[k] + level)
            part[k], rises[k] = 0.0, 0.0
        rises[len(waves)] = 0.0
    waves -= math.log(len(samples_a_degree))
