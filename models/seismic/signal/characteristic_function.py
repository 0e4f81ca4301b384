"""Characteristic functions of a picker: STA/LTA and the Akaike information criterion (AIC), with the cleaning of a record before."""

import math
from typing import Final

import numpy as np

from models.array_types import Flags, Floats, Floats32
from models.compiled import compiled

SPIKE_RATIO: Final = 8.0
SPIKE_QUANTILE: Final = 0.999
ENERGY_FLOOR: Final = 0.01  # of the median energy
_LEADING_BITS: Final = 15  # of a double: its exponent and four more, 16 values for each octave


@compiled
def decimate_by_mean(samples: Floats | Floats32, step: int) -> Floats:
    """Average blocks of `step` samples; a copy [n // step]."""
    blocks = np.zeros(len(samples) // step)
    for i in range(len(blocks)):
        for j in range(i * step, (i + 1) * step):
            blocks[i] += samples[j]
        blocks[i] /= step
    return blocks


@compiled
def find_order_statistic(values: Floats, rank: int) -> float:
    """
    Find the value [n] of a rank, 0 for the lowest, among values that are not negative.

    Values are counted by the leading bits of their pattern, whose order is theirs; only those with the same leading bits as the one sought
    are ordered. That takes a fraction of the time of a partition of all.
    """
    bits = values.view(np.int64)
    counts = np.zeros(1 << _LEADING_BITS, np.int64)
    for i in range(len(bits)):
        counts[bits[i] >> (63 - _LEADING_BITS)] += 1
    leading, before = 0, 0
    while before + counts[leading] <= rank:
        before += counts[leading]
        leading += 1
    alike = np.empty(counts[leading])
    found = 0
    for i in range(len(bits)):
        if bits[i] >> (63 - _LEADING_BITS) == leading:
            alike[found] = values[i]
            found += 1
    return float(np.partition(alike, rank - before)[rank - before])


@compiled
def _find_median(values: Floats) -> float:
    """Find the median of values that are not negative."""
    middle = len(values) // 2
    upper = find_order_statistic(values, middle)
    return upper if len(values) % 2 else 0.5 * (find_order_statistic(values, middle - 1) + upper)


@compiled
def clean_in_place(samples: Floats) -> bool:
    """
    Demean samples [n], interpolate gaps (NaN) linearly and remove spikes of one sample; return False for a constant record.

    A spike differs from the median of itself and its neighbors by more than eight times the 99.9th percentile of that difference.
    Earthquakes do not: they raise it at more than a thousandth of the samples.
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
    rank = int(SPIKE_QUANTILE * (count - 1))
    limit = SPIKE_RATIO * find_order_statistic(np.abs(rough), rank)
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
def sta_lta(filtered: Floats, live: Flags, short: int, long: int, min_long: int) -> Floats:
    """
    Compute the ratio [n] of short-term to long-term average energy, both windows adjacent to each sample.

    Allen 1978, doi:10.1785/BSSA0680051521. A hundredth of the median energy is added to both averages, so that zeros before a record's
    true start are not taken for silence.

    Parameters
    ----------
    filtered : [n]
        Band-passed samples, or the norm of several components.
    live : [n]
        Which samples were recorded.
    short, long : int
        Samples of the short window (from each sample on) and of the long one (before it).
    min_long : int
        Samples that the long window must have. The ratio is zero where fewer came before, where one of them or of the short window is
        in a gap, where the long window has gaps of more than a short window in all, and at the end.

    """
    count = len(filtered)
    sums, dead = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    energy = filtered * filtered
    floor = ENERGY_FLOOR * _find_median(energy)
    for i in range(count):
        sums[i + 1] = sums[i] + energy[i]
        dead[i + 1] = dead[i] + (0 if live[i] else 1)
    result = np.zeros(count)
    for i in range(min_long, min(long, count - short + 1)):
        result[i] = _divide((sums[i + short] - sums[i]) / short + floor, sums[i] / i + floor)
    first = max(min_long, long)
    if count - short + 1 > first:
        ahead, here, behind = sums[first + short :], sums[first : count - short + 1], sums[first - long : count - short + 1 - long]
        found = result[first : count - short + 1]
        for k in range(len(found)):
            found[k] = _divide((ahead[k] - here[k]) / short + floor, (here[k] - behind[k]) / long + floor)
    if dead[count]:
        for i in range(min_long, count - short + 1):
            if dead[i + short] - dead[max(0, i - min_long)] > 0 or dead[i] - dead[max(0, i - long)] > short:
                result[i] = 0.0
    return result


@compiled
def _divide(after: float, before: float) -> float:
    """Divide energies; zero where there was none before."""
    return after / before if before > 0.0 else 0.0


@compiled
def aic_onset(filtered: Floats, begin: int, end: int) -> int:
    """
    Find the onset between two samples: the index that minimizes the Akaike information criterion (Maeda 1985).

    AIC(k) = k log(variance of the k samples before) + (n - k) log(variance of the n - k samples after), of zero-mean noise.
    """
    count = end - begin
    best, onset = math.inf, begin + count // 2
    total = 0.0
    for i in range(begin, end):
        total += filtered[i] ** 2
    before = 0.0
    for k in range(1, count - 1):
        before += filtered[begin + k - 1] ** 2
        if k < 2 or before <= 0.0 or total - before <= 0.0:
            continue
        loss = k * math.log(before / k) + (count - k) * math.log((total - before) / (count - k))
        if loss < best:
            best, onset = loss, begin + k
    return onset


def find_peaks(values: Floats, threshold: float, separation: int, max_peaks: int) -> list[int]:
    """Find the indices of at most `max_peaks` peaks, highest first, each the maximum within `separation` samples."""
    left = values.copy()
    peaks: list[int] = []
    while len(peaks) < max_peaks:
        peak = int(np.argmax(left))
        if left[peak] < threshold:
            break
        window = slice(max(0, peak - separation), peak + separation + 1)
        if values[peak] >= values[window].max():
            peaks.append(peak)
        left[window] = 0.0
    return peaks
