"""
Path effects of a laterally heterogeneous Earth, as random perturbations of seismograms of a spherically symmetric one.

A record is split into body waves (before a group velocity of 4.5 km/s) and surface waves (after). Body waves are shifted by a few
seconds, and what follows P (S, SS and later multiples) is stretched or compressed in time against it. Surface waves are dispersed: group
delays relative to the Rayleigh travel time vary with period, strongly at short periods
(crust: continental paths slow, oceanic ones fast) and weakly at long ones (mantle). Part of the perturbation is common to all paths of
an event, because observed errors common to an event exceed those that differ between its traces. Scattering adds coda, whose strength and
duration have the range of observed P coda. Records synthesized in PREM alone can be given the dispersion of other crusts.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from models.array_types import Complexes, Floats
from models.seismic.earth.travel_times import first_arrival_s, travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg

SPLIT_KM_S = 4.5
RAYLEIGH_KM_S = 3.75
# Standard deviation of the relative group delay at these periods: crust (fully correlated across periods) and mantle.
PERIODS_S = (10.0, 20.0, 35.0, 60.0, 100.0, 200.0)
CRUST = (0.09, 0.075, 0.035, 0.012, 0.004, 0.0)
MANTLE = (0.009, 0.012, 0.015, 0.0165, 0.015, 0.015)
# Group delay of the fundamental Rayleigh mode in a continental and in an oceanic crust less that in PREM, relative to the travel time at
# RAYLEIGH_KM_S (`training.earth.dispersion.predict_dispersion` of the decks in `training.earth.structure`).
CRUST_PERIODS_S = (10.0, 15.0, 20.0, 25.0, 35.0, 50.0, 60.0, 100.0, 200.0)
CRUST_DELAYS = (
    (-0.173, 0.084, 0.197, 0.166, 0.076, 0.031, 0.021, 0.013, 0.0),
    (-0.403, -0.233, -0.116, -0.078, -0.058, -0.048, -0.043, -0.031, 0.0),
)
MAX_CODA, CODA_EXPONENT = 1.05, 1.5
CODA_DECAY_S = (40.0, 750.0)
ONE_CRUST_SHARE = 0.4
# Standard deviations of the delay that body waves have relative to P, in fractions of the time since P: of all, and of what follows S in
# addition. S is then 5 s early or late at 60 degrees: its station anomalies are four times those of P (Hales & Roberts 1970, BSSA 60,
# 461-489), which are a second or more. Multiples of S and overtones cross the upper mantle all the way: 1.3 % of their travel time, as
# the Rayleigh wave (MANTLE); in a continental crust they are 20 to 50 s later than in PREM at 25 to 60 s.
STRETCH, LATE_STRETCH = 0.01, 0.02
REFERENCE_DEPTH_KM = 33.0


@dataclass(frozen=True)
class PathScatter:
    """
    Sizes of the perturbations: factors, 1.0 as stated in this module and 0.0 for none, and the standard deviation of body-wave shifts.

    `stretch` is the factor of the delays of body waves after P. `event_share`: fraction of the variance of group delays, and of these,
    that is common to all paths of an event. `crusts`: whether paths through PREM get the dispersion of random proportions of PREM's, a
    continental and an oceanic crust. `sharing` [paths, paths] mixes what is drawn for each path (`share_paths`); None for no sharing.
    """

    dispersion: float = 1.0
    body_shift_s: float = 4.0
    stretch: float = 1.0
    coda: float = 1.0
    attenuation: float = 1.0
    event_share: float = 0.6
    crusts: bool = False
    sharing: Floats | None = None

    def draw_own(self, kinds: int, count: int, random: np.random.Generator) -> Floats:
        """Draw normal numbers [kinds, paths, 1] of unit variance, those of neighbors alike where paths are shared."""
        own = random.normal(size=(kinds, count, 1))
        return own if self.sharing is None else np.asarray(self.sharing @ own)


def share_paths(latitudes_deg: Floats, longitudes_deg: Floats, length_deg: float) -> Floats:
    """Make the matrix [n, n] that correlates draws at n stations by exp(-(distance / length)² / 2)."""
    apart_deg = distance_deg(latitudes_deg[:, None], longitudes_deg[:, None], latitudes_deg, longitudes_deg)
    return np.asarray(np.linalg.cholesky(np.exp(-0.5 * (apart_deg / length_deg) ** 2) + 1e-6 * np.eye(len(apart_deg))))


def draw_relative_delays(frequencies_hz: Floats, count: int, scatter: PathScatter, random: np.random.Generator) -> Floats:
    """Draw relative group delays [count, frequencies] of surface waves; `event_share` of their variance is common to all paths."""
    own, common = np.sqrt(1 - scatter.event_share), np.sqrt(scatter.event_share)
    draw = own * scatter.draw_own(2, count, random) + common * random.normal(size=(2, 1, 1))
    log_frequency = np.log(np.maximum(frequencies_hz, 1e-4))
    nodes = -np.log(PERIODS_S)[::-1]
    crust, mantle = (np.interp(log_frequency, nodes, np.array(sizes)[::-1]) for sizes in (CRUST, MANTLE))
    return np.asarray(scatter.dispersion * (draw[0] * crust + draw[1] * mantle))


def draw_crust_delays(frequencies_hz: Floats, count: int, random: np.random.Generator) -> Floats:
    """
    Draw relative group delays [count, frequencies] of paths that run through PREM's, a continental and an oceanic crust in turn.

    The proportions of a path are Dirichlet-distributed with parameters of 0.5, most often near one crust alone; in ONE_CRUST_SHARE of the
    events all paths have the same.
    """
    shares = random.dirichlet((0.5, 0.5, 0.5), 1 if random.uniform() < ONE_CRUST_SHARE else count)[:, 1:]
    log_frequency, nodes = np.log(np.maximum(frequencies_hz, 1e-4)), -np.log(CRUST_PERIODS_S)[::-1]
    curves = np.stack([np.interp(log_frequency, nodes, np.array(delays)[::-1]) for delays in CRUST_DELAYS])
    return np.broadcast_to(shares @ curves, (count, len(frequencies_hz)))


def _draw_surface_transfer(frequencies: Floats, travel_s: Floats, scatter: PathScatter, random: np.random.Generator) -> Complexes:
    """Draw transfer functions [traces, frequencies] of perturbed dispersion and attenuation along each path."""
    relative = draw_relative_delays(frequencies, len(travel_s), scatter, random)
    if scatter.crusts:
        relative = relative + draw_crust_delays(frequencies, len(travel_s), random)
    delay = relative * travel_s[:, None]
    # The phase of a group delay is its integral over angular frequency.
    phase = 2 * np.pi * np.cumsum(delay, axis=1) * (frequencies[1] - frequencies[0])
    q_change = scatter.attenuation * 0.25 * scatter.draw_own(1, len(travel_s), random)[0] / 200.0
    return np.asarray(np.exp(-1j * phase - np.pi * frequencies * travel_s[:, None] * np.clip(q_change, -0.0012, None)))


def draw_body_delays(times_s: Floats, distances_deg: Floats, scatter: PathScatter, random: np.random.Generator) -> Floats:
    """
    Draw the delays [paths, samples] of body waves relative to P, in seconds, at times [samples] after the origin time.

    They grow with the time since P, from S on by a rate of their own up to a group velocity of SPLIT_KM_S, and are zero before P.
    """
    own, common = np.sqrt(1 - scatter.event_share), np.sqrt(scatter.event_share)
    first, later = own * scatter.draw_own(2, len(distances_deg), random) + common * random.normal(size=(2, 1, 1))
    split = distances_deg * KM_PER_DEGREE / SPLIT_KM_S
    # Where ak135 has no such arrival, the split stands in for it: nothing is stretched there.
    p, s = (
        np.where(np.isfinite(times), np.minimum(times, split), split)[:, None]
        for times in (first_arrival_s(distances_deg, REFERENCE_DEPTH_KM), travel_time_s("S", distances_deg, REFERENCE_DEPTH_KM))
    )
    since_p, since_s = np.maximum(times_s - p, 0.0), np.clip((times_s - s) / np.maximum(split[:, None] - s, 1.0), 0.0, 1.0)
    return np.asarray(scatter.stretch * since_p * (STRETCH * first + LATE_STRETCH * later * since_s))


def delay_samples(traces: Floats, delays_s: Floats, step_s: float) -> Floats:
    """Delay each sample of traces [traces, samples] by a time of its own in seconds, linear between samples."""
    clock = np.arange(traces.shape[1], dtype=np.float64)
    return np.stack([np.interp(clock - late / step_s, clock, trace) for trace, late in zip(traces, delays_s, strict=True)])


def _draw_coda(samples: int, step_s: float, count: int, scatter: PathScatter, random: np.random.Generator) -> Floats:
    """Draw scattering responses [count, samples]: a spike followed by exponentially decaying noise."""
    time = np.arange(samples) * step_s
    strength = scatter.coda * MAX_CODA * random.uniform(0, 1, (count, 1)) ** CODA_EXPONENT
    decay = random.uniform(*CODA_DECAY_S, (count, 1))
    tail = random.normal(size=(count, samples)) * np.exp(-time / decay) * strength * np.sqrt(2 * step_s / decay) * 2.0
    tail[:, 0] = 1.0
    return np.asarray(tail)


def perturb_paths(traces: Floats, distances_deg: Floats, step_s: float, scatter: PathScatter, random: np.random.Generator) -> Floats:
    """Perturb seismograms [traces, samples], sampled from the origin time on, as a laterally heterogeneous Earth would."""
    count, samples = traces.shape
    padded = fft.next_fast_len(samples + int(1200 / step_s), real=True)
    frequencies = fft.rfftfreq(padded, step_s)
    distance_km = distances_deg * KM_PER_DEGREE
    arrival = (distance_km / SPLIT_KM_S)[:, None]
    width = 20 + 0.04 * arrival
    weight = 1 / (1 + np.exp(-np.clip((np.arange(samples) * step_s - arrival) / (width / 4), -50, 50)))
    surface = fft.rfft(traces * weight, padded) * _draw_surface_transfer(frequencies, distance_km / RAYLEIGH_KM_S, scatter, random)
    shift = scatter.body_shift_s * scatter.draw_own(1, count, random)[0]
    delays = draw_body_delays(np.arange(samples, dtype=np.float64) * step_s, distances_deg, scatter, random)
    body = fft.rfft(delay_samples(traces * (1 - weight), delays, step_s), padded) * np.exp(-2j * np.pi * frequencies * shift)
    scattering = fft.rfft(_draw_coda(samples // 2, step_s, count, scatter, random), padded)
    return np.asarray(fft.irfft((surface + body) * scattering, padded)[:, :samples])
