"""
What a real Earth does to a seismogram of a spherically symmetric one, as perturbations of each path.

The record is parted into body waves (before a group velocity of 4.5 km/s) and surface waves (after). Body waves are shifted by
a few seconds. Surface waves are dispersed: group delays relative to the Rayleigh travel time change with period, strongly at
short periods (the crust: continental paths slow, oceanic ones fast) and weakly at long ones (the mantle). Part of the
perturbation is common to an event, part belongs to the path: a first study found errors common to an event larger than those
that differ between its traces. Coda is added by scattering, amplitude by focusing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.seismic.geodesy import KM_PER_DEGREE

SPLIT_KM_S = 4.5
RAYLEIGH_KM_S = 3.75
# Standard deviation of the relative group delay at these periods: crust (fully correlated across periods) and mantle.
PERIODS_S = (10.0, 20.0, 35.0, 60.0, 100.0, 200.0)
CRUST = (0.09, 0.075, 0.035, 0.012, 0.004, 0.0)
MANTLE = (0.006, 0.008, 0.010, 0.011, 0.010, 0.010)


@dataclass(frozen=True)
class PathScatter:
    """Switches and sizes of the perturbations, 1.0 as stated in this module, 0.0 off (for ablations)."""

    dispersion: float = 1.0
    body_shift_s: float = 2.5
    coda: float = 1.0
    attenuation: float = 1.0
    event_share: float = 0.6


def draw_relative_delays(
    frequencies_hz: NDArray[np.float64], count: int, scatter: PathScatter, random: np.random.Generator
) -> NDArray[np.float64]:
    """Relative group delay [count, frequencies] of the surface waves; `event_share` of the variance is common to all paths."""
    own, common = np.sqrt(1 - scatter.event_share), np.sqrt(scatter.event_share)
    draw = own * random.normal(size=(2, count, 1)) + common * random.normal(size=(2, 1, 1))
    log_frequency = np.log(np.maximum(frequencies_hz, 1e-4))
    nodes = -np.log(PERIODS_S)[::-1]
    crust, mantle = (np.interp(log_frequency, nodes, np.array(sizes)[::-1]) for sizes in (CRUST, MANTLE))
    return np.asarray(scatter.dispersion * (draw[0] * crust + draw[1] * mantle))


def _surface_phase(
    frequencies: NDArray[np.float64], travel_s: NDArray[np.float64], scatter: PathScatter, random: np.random.Generator
) -> NDArray[np.complex128]:
    """Transfer function [traces, frequencies] of perturbed dispersion and attenuation along each path."""
    delay = draw_relative_delays(frequencies, len(travel_s), scatter, random) * travel_s[:, None]
    # The phase of a group delay is its integral over angular frequency.
    phase = 2 * np.pi * np.cumsum(delay, axis=1) * (frequencies[1] - frequencies[0])
    q_change = scatter.attenuation * random.normal(0, 0.25, (len(travel_s), 1)) / 200.0
    return np.asarray(np.exp(-1j * phase - np.pi * frequencies * travel_s[:, None] * np.clip(q_change, -0.0012, None)))


def _coda(samples: int, step_s: float, count: int, scatter: PathScatter, random: np.random.Generator) -> NDArray[np.float64]:
    """Scattering response [count, samples]: a spike and an exponentially decaying tail of random sign."""
    time = np.arange(samples) * step_s
    strength = scatter.coda * random.uniform(0, 0.35, (count, 1))
    decay = random.uniform(40, 250, (count, 1))
    tail = random.normal(size=(count, samples)) * np.exp(-time / decay) * strength * np.sqrt(2 * step_s / decay) * 2.0
    tail[:, 0] = 1.0
    return np.asarray(tail)


def perturb_paths(
    traces: NDArray[np.float64], distances_deg: NDArray[np.float64], step_s: float, scatter: PathScatter, random: np.random.Generator
) -> NDArray[np.float64]:
    """Records [traces, samples] that begin at the origin time, as if they had come through a laterally varying Earth."""
    count, samples = traces.shape
    padded = fft.next_fast_len(samples + int(1200 / step_s), real=True)
    frequencies = fft.rfftfreq(padded, step_s)
    distance_km = distances_deg * KM_PER_DEGREE
    arrival = (distance_km / SPLIT_KM_S)[:, None]
    width = 20 + 0.04 * arrival
    weight = 1 / (1 + np.exp(-np.clip((np.arange(samples) * step_s - arrival) / (width / 4), -50, 50)))
    surface = fft.rfft(traces * weight, padded) * _surface_phase(frequencies, distance_km / RAYLEIGH_KM_S, scatter, random)
    shift = random.normal(0, scatter.body_shift_s, (count, 1))
    body = fft.rfft(traces * (1 - weight), padded) * np.exp(-2j * np.pi * frequencies * shift)
    scattering = fft.rfft(_coda(samples // 2, step_s, count, scatter, random), padded)
    return np.asarray(fft.irfft((surface + body) * scattering, padded)[:, :samples])
