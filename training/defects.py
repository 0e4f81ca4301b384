"""What instruments and archives do to ground motion: corners, units, gaps, glitches, clipping, dead and cut records."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft


@dataclass(frozen=True)
class Window:
    """What was cut out of the record, the same for all traces of an event: start after the origin time and length, seconds."""

    start_s: float
    duration_s: float


def random_window(nearest_deg: float, random: np.random.Generator) -> Window:
    """
    A window as users cut them.

    Most begin up to 12 minutes before the origin, some at it, some after it (cut by arrival), some long before; half last as
    long as there is data, the others 5 minutes to an hour and a half, shorter ones more often for near events. All reach at
    least three minutes past the first arrival at the nearest station.
    """
    which = random.uniform()
    start = -random.uniform(0, 720)
    if which < 0.25:
        start = -random.uniform(0, 60)
    elif which < 0.42:
        start = random.uniform(0, 60 + min(nearest_deg, 100) * 8)
    elif which < 0.54:
        start = -random.uniform(720, 3600)
    if nearest_deg < 15 and random.uniform() < 0.6:
        return Window(float(max(start, -120) if start < 0 else min(start, 20)), float(10 ** random.uniform(2.45, 3.1)))
    duration = 7200.0 if random.uniform() < 0.55 else float(10 ** random.uniform(2.48, 3.74))
    first_arrival_s = 60 + 8 * min(nearest_deg, 95)
    return Window(float(start), max(duration, first_arrival_s + 180 - start))


def instrument(displacement: NDArray[np.float64], step_s: float, random: np.random.Generator) -> NDArray[np.float64]:
    """
    Displacement [traces, samples] as an archive delivers it.

    Velocity of a broadband seismometer with a corner at 120 or 360 s (most often), displacement, acceleration, or a record
    already filtered to a narrow band; one choice an event, corners vary from trace to trace.
    """
    count, samples = displacement.shape
    padded = fft.next_fast_len(samples + int(600 / step_s), real=True)
    frequency = fft.rfftfreq(padded, step_s)
    s = 2j * np.pi * frequency
    which = random.uniform()
    if which < 0.72:
        corner = 2 * np.pi / random.choice([30.0, 120.0, 120.0, 240.0, 360.0], (count, 1))
        transfer = s * s**2 / (s**2 + 2 * 0.707 * corner * s + corner**2 + 1e-30)
    elif which < 0.84:
        transfer = np.ones((count, 1)) * (1 + 0 * s)
    elif which < 0.92:
        transfer = np.ones((count, 1)) * s
    elif which < 0.95:
        transfer = np.ones((count, 1)) * s**2
    else:
        center = np.log(1 / random.uniform(20, 60))
        transfer = np.ones((count, 1)) * s * np.exp(-(((np.log(np.maximum(frequency, 1e-4)) - center) / 0.35) ** 2))
    return np.asarray(fft.irfft(fft.rfft(displacement, padded) * transfer, padded)[:, :samples])


def _glitch(trace: NDArray[np.float64], random: np.random.Generator) -> None:
    at = random.integers(len(trace))
    tail = np.exp(-np.arange(len(trace) - at) / random.uniform(5, 80))
    trace[at:] += random.normal() * 10 ** random.uniform(-1, 0.5) * np.nanmax(np.abs(trace)) * tail


def _gap(trace: NDArray[np.float64], random: np.random.Generator) -> None:
    start = random.integers(len(trace))
    trace[start : start + int(random.uniform(5, 0.25 * len(trace)))] = np.nan


def spoil(traces: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Defects by trace: one to six glitches 8 %, gap 4 %, clipped at 30 to 90 % of the peak 4 %, reversed 2 %, dead 0.5 %."""
    spoiled = traces.copy()
    for trace in spoiled:
        draw = random.uniform(size=5)
        for _ in range(int(random.integers(1, 7)) if draw[0] < 0.08 else 0):
            _glitch(trace, random)
        if draw[1] < 0.04:
            level = np.nanmax(np.abs(trace)) * random.uniform(0.3, 0.9)
            np.clip(trace, -level, level, out=trace)
        if draw[2] < 0.02:
            np.negative(trace, out=trace)
        if draw[3] < 0.005:
            trace[:] = random.normal(0, 1e-12, len(trace))
        if draw[4] < 0.04:
            _gap(trace, random)
    return spoiled
