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
_DEGREES = 180.0 / math.pi


def _compiled[F: Callable[..., Any]](function: F) -> F:
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz", "reassoc"})(function))


@_compiled
def evidence(
    times: Floats, deviations: Floats, weights: Floats, shares: Floats, begins: Floats, ends: Floats, step: float, count: int
) -> Singles:
    """
    Logarithm of how much likelier an arrival at each instant is than by chance [n, count].

    Row i: log(1 - share + share T sum of weighted normal densities at the candidates), T the record's length; zero, which says
    nothing, outside begins..ends. `times`, `deviations`, `weights` [n, k] (weight zero fills up), seconds after instant 0.
    """
    result = np.zeros((len(times), count), np.float32)
    lift = np.empty(count)
    for i in range(len(times)):
        first, last = max(0, math.ceil(begins[i] / step)), min(count - 1, math.floor(ends[i] / step))
        if last <= first or shares[i] <= 0.0:
            continue
        lift[:] = 0.0
        scale = shares[i] * (ends[i] - begins[i]) / (1.0 - shares[i])
        for j in range(times.shape[1]):
            if weights[i, j] <= 0.0:
                continue
            sigma = deviations[i, j]
            peak = scale * weights[i, j] / (sigma * math.sqrt(2.0 * math.pi))
            low = max(first, math.ceil((times[i, j] - 5.0 * sigma) / step))
            high = min(last, math.floor((times[i, j] + 5.0 * sigma) / step))
            for k in range(low, high + 1):
                off = (k * step - times[i, j]) / sigma
                lift[k] += peak * math.exp(-0.5 * off * off)
        base = math.log(1.0 - shares[i])
        for k in range(first, last + 1):
            result[i, k] = base + (math.log1p(lift[k]) if lift[k] > 0.0 else 0.0)
    return result


@_compiled
def stack(
    nodes: Floats,
    stations: Floats,
    curves: Singles,
    rows: Singles,
    surface_rows: Singles,
    surface_slowness: Floats,
    step: float,
    begins: NDArray[np.int64],
    count: int,
    origin_row: Singles,
    origin_begin: int,
) -> tuple[Floats, NDArray[np.int64], Floats]:
    """
    The best sum over origin times at each node, at which of them, and the logarithm of the integral over them [m].

    `nodes` [m, 3], `stations` [n, 3] unit vectors; `curves` [phases, distances] seconds; `rows` [phases, n, samples] of
    `evidence`; `surface_rows` [n, samples] at each of `surface_slowness` [u] seconds a degree, of which every origin time
    takes the mean likelihood (none: u of 0). Origin times are (begins + k) step, k below count,
    with a beginning [m] for each node;
    `origin_row` is what is known of them beforehand, its first sample at origin_begin step, nothing beyond its ends.
    """
    best, where, total = np.empty(len(nodes)), np.empty(len(nodes), np.int64), np.empty(len(nodes))
    added, part, waves = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    reach = np.empty(len(stations))
    for m in range(len(nodes)):
        for i in range(len(stations)):
            cosine = nodes[m, 0] * stations[i, 0] + nodes[m, 1] * stations[i, 1] + nodes[m, 2] * stations[i, 2]
            reach[i] = math.acos(min(max(cosine, -1.0), 1.0)) * _DEGREES
        added[:] = 0.0
        _add(added, origin_row, begins[m] - origin_begin)
        for p in range(len(curves)):
            for i in range(len(stations)):
                seconds = look_up(curves[p], reach[i])
                if seconds == seconds:  # noqa: PLR0124 -- not a NaN, in a loop that knows no isfinite
                    _add(added, rows[p, i], begins[m] + round(seconds / step))
        if len(surface_slowness) > 0:
            waves[:] = -1e30
            for u in range(len(surface_slowness)):
                part[:] = 0.0
                for i in range(len(stations)):
                    _add(part, surface_rows[i], begins[m] + round(reach[i] * surface_slowness[u] / step))
                _blend(waves, part)
            added += waves - np.float32(math.log(len(surface_slowness)))
        highest = np.argmax(added)
        best[m], where[m] = added[highest], highest
        mass = 0.0
        for k in range(count):
            mass += math.exp(min(np.float64(added[k]) - best[m], 0.0))
        total[m] = best[m] + math.log(mass * step)
    return best, where, total


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
def _add(added: Singles, row: Singles, shift: int) -> None:
    """Sum of a row that begins `shift` samples later; nothing beyond its ends."""
    low, high = max(0, -shift), min(len(added), len(row) - shift)
    if low < high:
        part = row[low + shift : high + shift]
        target = added[low:high]
        for k in range(high - low):
            target[k] += part[k]


@_compiled
def _blend(kept: Singles, part: Singles) -> None:
    """Logarithm of the sum of two likelihoods, to within rounding where one is far below."""
    for k in range(len(kept)):
        high, low = max(kept[k], part[k]), min(kept[k], part[k])
        kept[k] = high + (math.log1p(math.exp(low - high)) if low - high > -10.0 else np.float32(0.0))
