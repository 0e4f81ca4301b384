"""
Sums of delayed traces over windows and slownesses: where an array's traces are more alike than noise would be.

Semblance after Neidell & Taner 1971, doi:10.1190/1.1440186; of noise it follows Fisher's distribution (Blandford 1974,
doi:10.1190/1.1440453).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as fisher

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled

QUIET: Final = 25.0  # percent of a record's windows are quieter than its usual level
LOUD: Final = 4.0  # times as much energy as that stands out: surface waves of an hour's noise come to less
MAX_WINDOWS: Final = 3  # a band
MAX_SLOWNESSES: Final = 8  # slownesses of a front
MAX_LOG_DROP: Final = 6.0  # a slowness this much less likely than the likeliest (in logarithm) is not told
LIKELIHOOD_EXPONENT: Final = 0.5  # of a likelihood that takes signals for plane waves in white noise
FALSE_ALARM_PROBABILITY: Final = 1e-9  # of a window of noise being as coherent: a hundred thousand windows and slownesses are looked at
WINDOW_PERIODS: Final = 3.0  # of the band's middle


def detect_coherent_windows(
    traces: Floats, places: Floats, rate_hz: float, width: int, fineness: tuple[float, float], heard: NDArray[np.bool_]
) -> list[tuple[int, list[tuple[float, Floats]]]]:
    """
    Windows that noise would not bring about, the most coherent first: first sample (at the middle), and what it may be.

    `heard`: which windows (of `window_hop` each) are looked at. What a window may be is
    the maxima over slowness with the logarithm of their likelihood: sparse arrays see a wave in several directions.
    """
    grid, (rows, columns) = _grid(float(np.hypot(*places.T).max()), *fineness)
    hop = window_hop(width)
    semblance = _semblance(traces, places, grid, rate_hz, (width, hop))
    semblance[:, ~heard] = 0.0
    best = semblance.max(axis=0)
    freedom = 2.0 * WINDOW_PERIODS  # independent samples in a window of a band about an octave wide
    chance = fisher.logsf((len(traces) - 1) * best / (1.0 - best), freedom, freedom * (len(traces) - 1))
    inside = np.hypot(*grid.T) <= fineness[0]
    found: list[tuple[int, list[tuple[float, Floats]]]] = []
    for place in np.argsort(chance).tolist():
        if chance[place] > np.log(FALSE_ALARM_PROBABILITY) or len(found) == MAX_WINDOWS:
            break
        if all(abs(place * hop - other) >= width for other, _ in found):
            likely = -0.5 * LIKELIHOOD_EXPONENT * freedom * len(traces) * np.log(1.0 - semblance[:, place])
            peaks = _peaks(np.where(inside, likely, -np.inf).reshape(rows, columns))
            found.append((place * hop, [(float(likely[peak]), grid[peak]) for peak in peaks]))
    return found


def _grid(radius_deg: float, highest: float, step_s: float) -> tuple[Floats, tuple[int, int]]:
    """Slownesses [m, 2] a step apart that moves no trace by more than `step_s`, and rows and columns of that grid."""
    steps = np.arange(-highest, highest + 1e-9, max(step_s / radius_deg, highest / 24.0))
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2), (len(steps), len(steps))


def _peaks(likely: Floats) -> list[int]:
    """Numbers of local maxima on a grid [rows, columns] that are worth telling, the highest first."""
    around = np.pad(likely, 1, constant_values=-np.inf)
    views = [around[i : i + likely.shape[0], j : j + likely.shape[1]] for i in range(3) for j in range(3)]
    top = (likely == np.max(views, axis=0)) & (likely > likely.max() - MAX_LOG_DROP)
    peaks = np.flatnonzero(top)
    return [int(peak) for peak in peaks[np.argsort(-likely.ravel()[peaks])][:MAX_SLOWNESSES]]


def _semblance(traces: Floats, places: Floats, grid: Floats, rate_hz: float, window: tuple[int, int]) -> Floats:
    """Energy [slownesses, windows] of the mean of delayed traces over the mean of their energies, 0 to 1."""
    late = np.rint(places @ grid.T * rate_hz).astype(np.int64)
    reach, count = int(np.abs(late).max()) + 1, traces.shape[1]
    padded = np.pad(traces.astype(np.float32), ((0, 0), (reach, reach)))
    beams, energies = _sums(padded, np.ascontiguousarray(late.T) + reach, count, *window)
    floor = 1e-6 * len(traces) * energies.max(axis=1, keepdims=True) + 1e-300
    return np.clip(beams / np.maximum(len(traces) * energies, floor), 0.0, 1.0 - 1e-9)


@compiled
def _sums(padded: Floats32, shifts: Integers, count: int, width: int, hop: int) -> tuple[Floats, Floats]:
    """Energy of the sum of shifted traces, and the sum of their energies, in each window: both [shifts, windows]."""
    traces, windows = len(padded), max(0, (count - width + hop - 1) // hop)
    totals = np.zeros((traces, padded.shape[1] + 1))
    for n in range(traces):
        for j in range(padded.shape[1]):
            totals[n, j + 1] = totals[n, j] + padded[n, j] * padded[n, j]
    beams, energies = np.zeros((len(shifts), windows)), np.zeros((len(shifts), windows))
    beam, running = np.empty(count, np.float32), np.empty(count + 1)
    for k in range(len(shifts)):
        beam[:] = 0.0
        for n in range(traces):
            beam += padded[n, shifts[k, n] : shifts[k, n] + count]
        running[0] = 0.0
        for j in range(count):
            running[j + 1] = running[j] + beam[j] * beam[j]
        for w in range(windows):
            first = w * hop
            beams[k, w] = running[first + width] - running[first]
            for n in range(traces):
                energies[k, w] += totals[n, shifts[k, n] + first + width] - totals[n, shifts[k, n] + first]
    return beams, energies


def window_hop(width: int) -> int:
    """Samples from one window to the next."""
    return max(1, width // 4)


def energy_detection(traces: Floats, width: int) -> NDArray[np.bool_]:
    """Windows in which half of the traces at least are louder than they are most of the time."""
    energy = np.stack([_windowed(row**2, width, window_hop(width)) for row in traces])
    quiet = np.array([np.percentile(row[row > 0.0], QUIET) if (row > 0.0).any() else np.inf for row in energy])
    return np.asarray(np.median(energy / quiet[:, None], axis=0) > LOUD)


def _windowed(values: Floats, width: int, hop: int) -> Floats:
    """Sums over windows of a width, one a hop."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    starts = np.arange(0, len(values) - width, hop)
    return np.asarray(total[starts + width] - total[starts])


def compile_semblance() -> None:
    """Run the compiled loop once."""
    _sums(np.zeros((2, 12), np.float32), np.zeros((1, 2), np.int64), 10, 4, 1)
