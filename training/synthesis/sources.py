"""
What shakes the Earth: sources as histories of moment or force, in N m and N.

A history's derivative is convolved with the step response of the Earth, so every source is kept as rates: N m/s or N/s
sampled at the store's time step. Axes of tensors: r up, t south, p east (order rr, tt, pp, rt, rp, tp); of forces: up,
north, east.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

KINDS = ("earthquake", "glacial", "explosion", "collapse", "landslide", "clvd", "slow_earthquake", "resonance")
NOISE = "noise"
LABELS = (*KINDS, NOISE)
GREAT_MOMENT = 6.3e20
RUPTURE_KM_S = 2.5


@dataclass(frozen=True)
class Source:
    """
    A point source.

    `rates` [6, samples] of a moment tensor or [3, samples] of a force; its first sample is the origin time.
    `rupture_azimuth_deg` and `rupture_delay_s` describe a unilateral rupture: a station in that direction sees the history
    shortened and its centroid early by `rupture_delay_s`, one behind it stretched and late.
    """

    kind: str
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    rates: NDArray[np.float64]
    rupture_azimuth_deg: float = 0.0
    rupture_delay_s: float = 0.0

    @property
    def is_force(self) -> bool:
        """Whether the source is a single force at the surface."""
        return len(self.rates) == 3


def half_duration_s(moment: float) -> float:
    """Half duration in seconds that the Global CMT project takes for a moment in N m (Ekstrom et al. 2012, section 2)."""
    return float(1.05e-8 * (moment * 1e7) ** (1 / 3))


def rupture_length_km(moment: float) -> float:
    """Length of an interface rupture for a moment in N m (Strasser et al. 2010, doi:10.1785/gssrl.81.6.941, table 1): 600 km at 9.0."""
    magnitude = (np.log10(moment) - 9.1) / 1.5
    return float(10 ** (0.585 * magnitude - 2.477))


def triangle_rate(duration_s: float, step_s: float) -> NDArray[np.float64]:
    """Triangular rate of unit area [1/s], at least one sample long."""
    samples = max(int(np.ceil(duration_s / step_s)), 1)
    shape = 1 - np.abs((np.arange(samples) + 0.5) / samples * 2 - 1)
    return np.asarray(shape / (shape.sum() * step_s))


def _rate_of(history: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    return np.diff(history, axis=-1, prepend=0.0, append=0.0) / step_s


def make_tensor_source(
    kind: str, place: tuple[float, float, float], tensor: NDArray[np.float64], duration_s: float, step_s: float, random: np.random.Generator
) -> Source:
    """
    A moment tensor released in a triangle of that length, from a rupture to both sides (delay 0) to one to one side.

    The centroid of the latter is seen early or late by the duration times rupture over phase velocity over two: 0.35 at most.
    """
    rates = tensor[:, None] * triangle_rate(duration_s, step_s)
    delay = float(random.uniform(0, 0.35) * duration_s)
    return Source(kind, *place, rates, float(random.uniform(0, 360)), delay)


def make_earthquake(place: tuple[float, float, float], tensor: NDArray[np.float64], step_s: float, random: np.random.Generator) -> Source:
    """
    An earthquake whose duration scatters about the scaling law (standard deviation of the logarithm 0.35).

    From magnitude 7.8 on it lasts at least as long as its rupture runs, at RUPTURE_KM_S to one side or to both: the scaling law
    gives the 2004 Sumatra earthquake 150 s, it took 500.
    """
    moment = float(np.sqrt((tensor[:3] ** 2).sum() / 2 + (tensor[3:] ** 2).sum()))
    duration = 2 * half_duration_s(moment) * float(random.lognormal(0, 0.35))
    if moment >= GREAT_MOMENT:
        duration = max(duration, rupture_length_km(moment) / RUPTURE_KM_S * float(random.uniform(0.5, 1.0)))
    return make_tensor_source("earthquake", place, tensor, duration, step_s, random)


def make_glacial(
    place: tuple[float, float], amplitude_kg_m: float, azimuth_deg: float, step_s: float, random: np.random.Generator
) -> Source:
    """
    A calving iceberg: a near-horizontal force along the azimuth, then back, its double time integral the amplitude.

    The two halves of the history (Tsai & Ekstrom 2007: 50 s in all) last 30 to 120 s together, are of unequal length in half of
    the cases, and rise and fall like a half sine to the power of 0.5 (almost a constant force), 1, or 2 (a bell); the vertical
    part is up to a quarter.
    """
    first = float(random.uniform(15, 60))
    second = first * (1.0 if random.uniform() < 0.5 else float(random.uniform(0.5, 1.5)))
    second = float(np.clip(second, 30 - first, 120 - first))
    power = float(random.choice([0.5, 1.0, 2.0]))
    up, down = (np.sin(np.pi * (np.arange(int(half / step_s)) + 0.5) / int(half / step_s)) ** power for half in (first, second))
    shape = np.concatenate([up / up.sum(), -down / down.sum()])
    shape *= amplitude_kg_m / (np.cumsum(np.cumsum(shape)) * step_s**2)[-1]
    azimuth, vertical = np.radians(azimuth_deg), float(random.normal(0, 0.12))
    direction = np.array([vertical, np.cos(azimuth), np.sin(azimuth)])
    return Source("glacial", *place, 0.0, _rate_of(direction[:, None] * shape, step_s))


def _isotropic(moment: float, clvd: float) -> NDArray[np.float64]:
    return moment * np.array([1 + 2 * clvd, 1 - clvd, 1 - clvd, 0, 0, 0])


def _landslide(random: np.random.Generator, step_s: float) -> NDArray[np.float64]:
    """Force [3, samples]: pushes back while the mass speeds up, along while it slows, turning on the way (Ekstrom & Stark 2013)."""
    duration = float(random.uniform(60, 200))
    time = np.arange(0, duration, step_s)
    azimuth = np.radians(random.uniform(0, 360) + random.uniform(-80, 80) * time / duration)
    peak = float(10 ** random.uniform(10.3, 11.5))
    force = -peak * np.sin(2 * np.pi * time / duration) * np.hanning(len(time) + 2)[1:-1] ** 0.3
    return np.stack([-0.4 * force, force * np.cos(azimuth), force * np.sin(azimuth)])


def _resonance(random: np.random.Generator, step_s: float) -> NDArray[np.float64]:
    """A crack's moment ringing at 12 to 40 s with a quality factor of 10 to 40 (very-long-period resonance of a volcano)."""
    period, quality = float(random.uniform(12, 40)), float(random.uniform(10, 40))
    time = np.arange(0, min(quality * period, 1500.0), step_s)
    history = np.sin(2 * np.pi * time / period) * np.exp(-np.pi * time / (quality * period))
    return np.asarray(_isotropic(float(10 ** random.uniform(16.5, 17.8)), 0.5)[:, None] * history)


def make_anomalous(kind: str, place: tuple[float, float], step_s: float, random: np.random.Generator) -> Source:
    """One of the kinds that are neither a tectonic nor a glacial earthquake; raises ValueError for any other."""
    moment = float(10 ** random.uniform(16.8, 18.2))
    shallow, deep = (*place, float(random.uniform(0.5, 4))), (*place, float(random.uniform(3, 30)))
    if kind == "explosion":
        return make_tensor_source(kind, shallow, _isotropic(moment, float(random.normal(0, 0.1))), 2.0, step_s, random)
    if kind == "collapse":
        return make_tensor_source(kind, shallow, _isotropic(-moment, 0.4), float(random.uniform(4, 20)), step_s, random)
    if kind == "clvd":
        tensor = moment * np.array([2.0, -1, -1, 0, 0, 0]) * random.choice([-1, 1])
        return make_tensor_source(kind, deep, tensor, float(random.uniform(5, 30)), step_s, random)
    if kind == "slow_earthquake":
        tensor = moment * np.array([0.7, -0.35, -0.35, 0.6, 0.3, 0.1])
        return make_tensor_source(kind, deep, tensor, float(random.uniform(80, 250)), step_s, random)
    if kind == "landslide":
        return Source(kind, *place, 0.0, _rate_of(_landslide(random, step_s), step_s))
    if kind == "resonance":
        return Source(kind, *shallow, _rate_of(_resonance(random, step_s), step_s))
    raise ValueError(f"{kind!r} is no anomalous kind; there are {', '.join(KINDS[2:])}")
