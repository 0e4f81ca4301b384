"""Compiled arithmetic below `onsets`: energy before and after each sample, and where the variance changes."""

import math

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.compiled import compiled

SPIKE = 8.0


def decimate_by_mean(samples: Floats, step: int) -> Floats:
    """Means of `step` samples each; a copy."""
    count = len(samples) // step
    return samples[: count * step].reshape(count, step).mean(axis=1) if step > 1 else samples.copy()


@compiled
def clean_in_place(samples: Floats) -> bool:
    """
    Take off the mean, bridge gaps linearly, cut single samples that stand out from both neighbors; False for a dead record.

    A spike is a sample further from the median of three than eight times what one sample in a thousand is: no earthquake
    does that, since it brings more than a thousandth of its record's samples along.
    """
    count = len(samples)
    before = -1
    total, alive = 0.0, 0
    for i in range(count):
        if math.isfinite(samples[i]):
            for j in range(before + 1, i):
                samples[j] = samples[i] if before < 0 else samples[before] + (samples[i] - samples[before]) * (j - before) / (i - before)
            before = i
            total += samples[i]
            alive += 1
    samples[before + 1 :] = samples[before]
    samples -= total / alive
    rough = np.zeros(count)
    for i in range(1, count - 1):
        rough[i] = samples[i] - _median(samples[i - 1], samples[i], samples[i + 1])
    rank = int(0.999 * (count - 1))
    limit = SPIKE * np.partition(np.abs(rough), rank)[rank]
    if limit > 0.0:
        for i in range(1, count - 1):
            if abs(rough[i]) > limit:
                samples[i] -= rough[i]
    lowest, highest = samples.min(), samples.max()
    return bool(highest > lowest)


@compiled
def _median(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@compiled
def sta_lta(filtered: Floats, live: NDArray[np.bool_], short: int, long: int, least: int) -> Floats:
    """
    Mean energy of `short` samples from each one on, over that of up to `long` samples before it [n].

    Zero where fewer than `least` samples came before, at the end, and where a gap of more than a short window is in reach. A
    hundredth of the median energy is added to both, so that dead samples before a record's real begin are no silence.
    """
    count = len(filtered)
    energy = filtered * filtered
    floor = 0.01 * np.median(energy)
    sums, dead = np.zeros(count + 1), np.zeros(count + 1)
    for i in range(count):
        sums[i + 1] = sums[i] + energy[i]
        dead[i + 1] = dead[i] + (0.0 if live[i] else 1.0)
    result = np.zeros(count)
    for i in range(least, count - short + 1):
        begin = max(0, i - long)
        if dead[i + short] - dead[max(0, i - least)] > 0 or dead[i] - dead[begin] > short:
            continue
        before = (sums[i] - sums[begin]) / (i - begin) + floor
        after = (sums[i + short] - sums[i]) / short + floor
        if before > 0.0:
            result[i] = after / before
    return result


@compiled
def aic_onset(filtered: Floats, begin: int, end: int) -> int:
    """The sample of begin..end before and after which two different variances explain the samples best."""
    count = end - begin
    best, place = math.inf, begin + count // 2
    total = 0.0
    for i in range(begin, end):
        total += filtered[i] ** 2
    head = 0.0
    for k in range(1, count - 1):
        head += filtered[begin + k - 1] ** 2
        if k < 2 or head <= 0.0 or total - head <= 0.0:
            continue
        loss = k * math.log(head / k) + (count - k) * math.log((total - head) / (count - k))
        if loss < best:
            best, place = loss, begin + k
    return place
