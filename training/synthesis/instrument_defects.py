"""Instrument responses, gains and defects of records: swapped components, glitches, clipping, wrong clocks, gaps."""

from collections.abc import Callable

import numpy as np
from scipy import fft, signal

from models.array_types import Floats

GAIN_DEVIATION = 0.5  # of the natural logarithm: sensitivities of broadband stations differ by a factor of two
WRONG_GAIN_PROBABILITY = 0.03


def apply_instrument(displacement: Floats, step_s: float, random: np.random.Generator) -> Floats:
    """
    Convert displacement [traces, samples] in meters to the output of a random instrument, one kind an event.

    72 %: velocity of broadband seismometers with corner periods of 30 to 360 s, drawn for each trace; 12 % displacement, 8 % velocity,
    3 % acceleration, 5 % velocity filtered to a narrow band between 20 and 60 s.
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


def draw_gains(count: int, random: np.random.Generator) -> Floats:
    """
    Draw gains [count] of stations of unknown response: factors with a lognormal distribution, 3 % of them wrong.

    A wrong gain is another 0.01 to 100 times as large. The others keep the radiation pattern in the amplitudes of records.
    """
    gains = random.lognormal(0.0, GAIN_DEVIATION, count)
    wrong = random.uniform(size=count) < WRONG_GAIN_PROBABILITY
    return np.where(wrong, gains * 10 ** random.uniform(-2, 2, count), gains)


def _swap_component(trace: Floats, step_s: float, random: np.random.Generator) -> None:
    """
    Replace a trace by a horizontal delivered as Z: Rayleigh waves shifted by a quarter period, and the long-period noise of tilt.

    It stands in for any horizontal: the Green's functions have no transverse component, so Love waves are missing.
    """
    peak = np.abs(trace).max()
    trace[:] = signal.hilbert(trace).imag
    slow = signal.lfilter([1.0], [1.0, -np.exp(-step_s / random.uniform(100, 400))], random.normal(size=len(trace)))
    trace += slow / (slow.std() + 1e-300) * peak * 10 ** random.uniform(-2, -0.5)


def add_glitches(trace: Floats, _step_s: float, random: np.random.Generator) -> None:
    """Add one to six pulses that decay over 5 to 80 s, of a tenth to three times the largest amplitude of the trace, in place."""
    for at in random.integers(len(trace), size=random.integers(1, 7)):
        tail = np.exp(-np.arange(len(trace) - at) / random.uniform(5, 80))
        trace[at:] += random.normal() * 10 ** random.uniform(-1, 0.5) * np.abs(trace).max() * tail


def _step_gain(trace: Floats, _step_s: float, random: np.random.Generator) -> None:
    """Change the gain within the record by up to a factor of ten; `draw_gains` has constant wrong gains."""
    trace[random.integers(len(trace)) :] *= 10 ** random.uniform(-1, 1)


def _clip(trace: Floats, _step_s: float, random: np.random.Generator) -> None:
    level = np.abs(trace).max() * random.uniform(0.3, 0.9)
    np.clip(trace, -level, level, out=trace)


def _reverse(trace: Floats, _step_s: float, _random: np.random.Generator) -> None:
    np.negative(trace, out=trace)


def _mistime(trace: Floats, step_s: float, random: np.random.Generator) -> None:
    """Shift a record in time by 1 to 60 s, as a wrong clock does; the other end is filled by reflection, so that no gap shows it."""
    shift = int(np.ceil(10 ** random.uniform(0, np.log10(60)) / step_s))
    shift = min(shift, len(trace) - 1) * int(random.choice([-1, 1]))
    ends = np.pad(trace, abs(shift), mode="reflect")
    trace[:] = ends[abs(shift) - shift :][: len(trace)]


def _kill(trace: Floats, _step_s: float, random: np.random.Generator) -> None:
    trace[:] = random.normal(0, 1e-12, len(trace))


def _cut_gap(trace: Floats, _step_s: float, random: np.random.Generator) -> None:
    start = random.integers(len(trace))
    trace[start : start + int(random.uniform(5, max(0.25 * len(trace), 6)))] = np.nan


Defects = tuple[tuple[float, Callable[[Floats, float, np.random.Generator], None]], ...]
GLITCH_PROBABILITY = 0.08
# Probability of each defect, in the order of application; gaps last, because the others cannot process NaN.
DEFECTS: Defects = (
    (0.005, _swap_component),
    (GLITCH_PROBABILITY, add_glitches),
    (0.005, _step_gain),
    (0.04, _clip),
    (0.02, _reverse),
    (0.01, _mistime),
    (0.005, _kill),
    (0.04, _cut_gap),
)


def apply_defects(traces: Floats, step_s: float, random: np.random.Generator, defects: Defects = DEFECTS) -> Floats:
    """Copy traces [n, samples] and apply random defects to each, with their probabilities."""
    defective = traces.copy()
    for trace in defective:
        for draw, (probability, defect) in zip(random.uniform(size=len(defects)), defects, strict=True):
            if draw < probability:
                defect(trace, step_s, random)
    return defective
