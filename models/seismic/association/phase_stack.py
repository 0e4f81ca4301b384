"""
What all traces say of a source's phases, summed along their travel times: compiled arithmetic below `stacking`.

A trace's record is a base and few runs above it (`votes.runs`), so that a sum is a few rises and falls and short runs; the level
between them is put in where the sum is used, in the one pass that also leaves zeros for the next phase.
"""

import math

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.seismic.association.pick_likelihood import MAX_RUNS
from models.seismic.earth.travel_times import FAR_STEP_DEG, NEAR_DEG, NEAR_NODES, NEAR_STEP_DEG


@compiled_sums
def stack_phases(
    added: Floats,
    sums: Floats,
    rises: Floats,
    curves: Floats32,
    audible: Floats32,
    rows: Floats32,
    told: list[tuple[Floats, Integers, Integers]],
    reach: Floats,
    step: float,
    begins: Integers,
    alone: Floats,
) -> None:
    """All phases of all traces into the sum; `sums` [3, count] and `rises` [2, count + 1] are overwritten, but for zeros."""
    part, full, gain = sums[0], sums[1], sums[2]
    middle, together = np.mean(reach), len(rows) == 1 or np.min(alone) >= 1.0
    for p in range(len(rows)):
        heard = interpolate_curve(audible[p], middle)
        yes, no = math.log(heard), math.log(1.0 - heard)
        if together:
            if _onsets(part, rises[0], curves[p], rows[p], told[p], reach, step, begins[p]):
                _heard_or_not(added, part, rises[0], yes, no)
        elif _both_onsets(part, full, rises, curves[p], rows[p], told[p], reach, step, begins[p], alone):
            _most_heard(added, gain, part, full, rises, yes, no)
    if not together:
        for k in range(len(added)):
            added[k] += gain[k]
            gain[k] = 0.0


@compiled_sums
def _onsets(
    added: Floats,
    rises: Floats,
    curve: Floats32,
    rows: Floats32,
    told: tuple[Floats, Integers, Integers],
    reach: Floats,
    step: float,
    begins: Integers,
) -> bool:
    """One phase of all traces into the sum; whether any trace is where it arrives."""
    bases, spans, parts = told
    there = False
    for i in range(len(reach)):
        seconds = interpolate_curve(curve, reach[i])
        if seconds == seconds:  # noqa: PLR0124 -- not a NaN, in a loop that knows no isfinite
            there = True
            add_shifted_llr(added, rises, rows[i], bases[i], spans[i], parts[i], begins[i] + round(seconds / step))
    return there


@compiled_sums
def _both_onsets(
    part: Floats,
    full: Floats,
    rises: Floats,
    curve: Floats32,
    rows: Floats32,
    told: tuple[Floats, Integers, Integers],
    reach: Floats,
    step: float,
    begins: Integers,
    weights: Floats,
) -> bool:
    """The same into a sum with every trace weighted, and one in full, whose rises are the second row."""
    bases, spans, parts = told
    there = False
    for i in range(len(reach)):
        seconds = interpolate_curve(curve, reach[i])
        if seconds != seconds:  # noqa: PLR0124
            continue
        there = True
        row, shift = rows[i], begins[i] + round(seconds / step)
        first, last = max(0, spans[i, 0] - shift), min(len(part), spans[i, 1] - shift)
        if first >= last:
            continue
        for k, rise in ((first, bases[i]), (last, -bases[i])):
            rises[0, k] += weights[i] * rise
            rises[1, k] += rise
        for r in range(MAX_RUNS):
            if parts[i, r, 1] == 0:
                break
            for k in range(max(0, parts[i, r, 0] - shift), min(len(part), parts[i, r, 1] - shift)):
                above = row[k + shift] - bases[i]
                part[k] += weights[i] * above
                full[k] += above
    return there


@compiled_sums
def _heard_or_not(added: Floats, part: Floats, rises: Floats, yes: float, no: float) -> None:
    """A phase's sum into the sum, as heard or, where that is likelier, not at all; zeros are left of it and its rises."""
    level = 0.0
    for k in range(len(added)):
        level += rises[k]
        added[k] += max(part[k] + level + yes, no)
        part[k], rises[k] = 0.0, 0.0
    rises[len(added)] = 0.0


@compiled_sums
def _most_heard(added: Floats, gain: Floats, part: Floats, full: Floats, rises: Floats, yes: float, no: float) -> None:
    """The same of a weighted sum, and what its full sum would add, if it is the most that any phase's would."""
    level, full_level = 0.0, 0.0
    for k in range(len(added)):
        level += rises[0, k]
        full_level += rises[1, k]
        value = max(part[k] + level + yes, no)
        added[k] += value
        gain[k] = max(gain[k], max(full[k] + full_level + yes, no) - value)
        part[k], full[k] = 0.0, 0.0
    rises[:] = 0.0


@compiled_sums
def interpolate_curve(curve: Floats32, distance_deg: float) -> float:
    """A curve of the travel-time table at a distance in degrees, linear between its nodes."""
    at = distance_deg / NEAR_STEP_DEG if distance_deg < NEAR_DEG else NEAR_NODES + (distance_deg - NEAR_DEG) / FAR_STEP_DEG
    low = min(int(at), len(curve) - 2)
    share = at - low
    if share <= 0.0:
        return float(curve[low])
    return float(curve[low]) * (1.0 - share) + float(curve[low + 1]) * share


@compiled_sums
def add_shifted_llr(added: Floats, rises: Floats, row: Floats32, base: float, span: Integers, parts: Integers, shift: int) -> None:
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
    for r in range(MAX_RUNS):
        if parts[r, 1] == 0:
            break
        for k in range(max(0, parts[r, 0] - shift), min(count, parts[r, 1] - shift)):
            added[k] += row[k + shift] - base
