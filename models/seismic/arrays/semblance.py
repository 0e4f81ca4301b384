"""
Detection of coherent windows of an array by semblance over a grid of slowness vectors.

Semblance is the energy of the mean of delayed traces over the mean of their energies (Neidell & Taner 1971,
doi:10.1190/1.1440186). In noise it follows Fisher's F distribution (Blandford 1974, doi:10.1190/1.1440453).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import f as fisher

from models.array_types import Flags, Floats, Floats32, Integers
from models.compiled import compiled

NOISE_PERCENTILE: Final = 25.0  # of the energies of a trace's windows: its noise level
MIN_ENERGY_RATIO: Final = 4.0  # over the noise level; an hour of noise at surface-wave periods stays below it
MAX_WINDOWS: Final = 3  # in each band
MAX_SLOWNESSES: Final = 8  # alternatives of one window
MAX_LOG_DROP: Final = 6.0  # below the most likely slowness vector; less likely ones are dropped
LIKELIHOOD_EXPONENT: Final = 0.5  # tempers a likelihood that takes signals for plane waves in white noise
FALSE_ALARM_PROBABILITY: Final = 1e-9  # that a window of noise is as coherent: 1e5 windows and slowness vectors are tried
WINDOW_PERIODS: Final = 3.0  # length of a window in periods of the band's center
MAX_GRID_STEPS: Final = 24.0  # of the slowness grid, from zero to the highest slowness


@dataclass(frozen=True)
class CoherentWindow:
    """A window that noise would hardly produce: first sample at the array's center, and maxima (log likelihood, slowness [2])."""

    first: int
    maxima: tuple[tuple[float, Floats], ...]


def detect_coherent_windows(
    traces: Floats, offsets_deg: Floats, rate_hz: float, width: int, grid: tuple[float, float], detected: Flags
) -> list[CoherentWindow]:
    """
    Detect windows whose semblance is improbable in noise, most improbable first, none overlapping a better one.

    Parameters
    ----------
    traces : [n, samples]
        Traces of equal level.
    offsets_deg : [n, 2]
        Positions of the stations east and north of the array's center.
    rate_hz : float
        Sampling rate.
    width : int
        Samples of a window.
    grid : (float, float)
        Highest slowness in s/deg, and the delay in seconds by which a trace may move between neighboring slowness vectors.
    detected : [windows]
        Which windows, `window_hop` samples apart, are searched.

    Returns
    -------
    list of CoherentWindow
        With all maxima over slowness that are not much less likely than the highest: sparse arrays alias a wave to several directions.

    """
    slownesses, shape = _slowness_grid(float(np.hypot(*offsets_deg.T).max()), *grid)
    hop = window_hop(width)
    semblance = _semblance(traces, offsets_deg, slownesses, rate_hz, (width, hop))
    semblance[:, ~detected] = 0.0
    best = semblance.max(axis=0)
    freedom = 2.0 * WINDOW_PERIODS  # independent samples in a window of a band about an octave wide
    log_probability = fisher.logsf((len(traces) - 1) * best / (1.0 - best), freedom, freedom * (len(traces) - 1))
    inside = np.hypot(*slownesses.T) <= grid[0]
    found: list[CoherentWindow] = []
    for index in np.argsort(log_probability).tolist():
        if log_probability[index] > np.log(FALSE_ALARM_PROBABILITY) or len(found) == MAX_WINDOWS:
            break
        if all(abs(index * hop - other.first) >= width for other in found):
            log_likelihood = -0.5 * LIKELIHOOD_EXPONENT * freedom * len(traces) * np.log(1.0 - semblance[:, index])
            peaks = _local_maxima(np.where(inside, log_likelihood, -np.inf).reshape(shape))
            found.append(CoherentWindow(index * hop, tuple((float(log_likelihood[peak]), slownesses[peak]) for peak in peaks)))
    return found


def _slowness_grid(radius_deg: float, highest: float, step_s: float) -> tuple[Floats, tuple[int, int]]:
    """Slowness vectors [m, 2] whose neighbors move no trace by more than `step_s`, and rows and columns of their grid."""
    steps = np.arange(-highest, highest + 1e-9, max(step_s / radius_deg, highest / MAX_GRID_STEPS))
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2), (len(steps), len(steps))


def _local_maxima(log_likelihood: Floats) -> list[int]:
    """Flat indices of local maxima on a grid [rows, columns] within `MAX_LOG_DROP` of the highest, highest first."""
    around = np.pad(log_likelihood, 1, constant_values=-np.inf)
    views = [around[i : i + log_likelihood.shape[0], j : j + log_likelihood.shape[1]] for i in range(3) for j in range(3)]
    maxima = (log_likelihood == np.max(views, axis=0)) & (log_likelihood > log_likelihood.max() - MAX_LOG_DROP)
    peaks = np.flatnonzero(maxima)
    return [int(peak) for peak in peaks[np.argsort(-log_likelihood.ravel()[peaks])][:MAX_SLOWNESSES]]


def _semblance(traces: Floats, offsets_deg: Floats, slownesses: Floats, rate_hz: float, window: tuple[int, int]) -> Floats:
    """Semblance [slownesses, windows] of traces [n, samples], 0 to 1; `window`: its samples, and those between windows."""
    delays = np.rint(offsets_deg @ slownesses.T * rate_hz).astype(np.int64)
    margin, count = int(np.abs(delays).max()) + 1, traces.shape[1]
    padded = np.pad(traces.astype(np.float32), ((0, 0), (margin, margin)))
    beams, energies = beam_energies(padded, np.ascontiguousarray(delays.T) + margin, count, *window)
    floor = 1e-6 * len(traces) * energies.max(axis=1, keepdims=True) + 1e-300
    return np.clip(beams / np.maximum(len(traces) * energies, floor), 0.0, 1.0 - 1e-9)


@compiled
def beam_energies(padded: Floats32, shifts: Integers, count: int, width: int, hop: int) -> tuple[Floats, Floats]:
    """
    Sum the energy of beams, and of the traces in them, over windows: both [beams, windows].

    Parameters
    ----------
    padded : float32 [n, samples]
        Traces with a margin on either side.
    shifts : int [beams, n]
        First sample of each trace in a beam, the sum of shifted traces.
    count, width, hop : int
        Samples of a beam, samples of a window, samples from one window to the next.

    """
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
    """Return the samples from one window to the next: a quarter of a window."""
    return max(1, width // 4)


def energy_detection(traces: Floats, width: int) -> Flags:
    """Detect windows [windows] in which the median trace has four times the energy of its noise level."""
    energy = np.stack([_windowed_sum(trace**2, width, window_hop(width)) for trace in traces])
    noise = np.array([np.percentile(values[values > 0.0], NOISE_PERCENTILE) if (values > 0.0).any() else np.inf for values in energy])
    return np.asarray(np.median(energy / noise[:, None], axis=0) > MIN_ENERGY_RATIO)


def _windowed_sum(values: Floats, width: int, hop: int) -> Floats:
    """Sums over windows of `width` samples, `hop` apart."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    starts = np.arange(0, len(values) - width, hop)
    return np.asarray(total[starts + width] - total[starts])


def compile_semblance() -> None:
    """Compile the loop over beams by running it once (see `models.warm_up`)."""
    beam_energies(np.zeros((2, 12), np.float32), np.zeros((1, 2), np.int64), 10, 4, 1)
