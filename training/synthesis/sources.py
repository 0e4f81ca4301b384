"""
Seismic sources as time functions of a moment tensor (N m) or a single force (N).

The time derivative is convolved with the step response of the Earth, so every source is kept as rates, N m/s or N/s, sampled at the
store's time step. Axes of tensors: r up, t south, p east (order rr, tt, pp, rt, rp, tp); of forces: up, north, east.
"""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats

KINDS = ("earthquake", "glacial", "explosion", "collapse", "landslide", "clvd", "slow_earthquake", "resonance")
NOISE = "noise"
LABELS = (*KINDS, NOISE)
GREAT_MOMENT_N_M = 6.3e20  # magnitude 7.8
RUPTURE_KM_S = 2.5


@dataclass(frozen=True)
class Source:
    """
    A point source with its time function.

    `rates` [6, samples] of a moment tensor or [3, samples] of a force; the first sample is at the origin time.
    `rupture_azimuth_deg` and `rupture_delay_s` describe the directivity of a unilateral rupture: at a station in that direction the
    source time function is shorter and its centroid early by `rupture_delay_s`, in the opposite direction longer and late.
    """

    kind: str
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    rates: Floats
    rupture_azimuth_deg: float = 0.0
    rupture_delay_s: float = 0.0

    @property
    def is_force(self) -> bool:
        """Whether the source is a single force at the surface."""
        return len(self.rates) == 3


def half_duration_s(moment: float) -> float:
    """Compute the half duration [s] that the Global CMT project assumes for a moment [N m] (Ekstrom et al. 2012, section 2)."""
    return float(1.05e-8 * (moment * 1e7) ** (1 / 3))


def rupture_length_km(moment: float) -> float:
    """Compute the length [km] of an interface rupture for a moment [N m] (Strasser et al. 2010, doi:10.1785/gssrl.81.6.941, table 1)."""
    magnitude = (np.log10(moment) - 9.1) / 1.5
    return float(10 ** (0.585 * magnitude - 2.477))


def triangle_rate(duration_s: float, step_s: float) -> Floats:
    """Compute a triangular source time function of unit area [1/s], at least one sample long."""
    samples = max(int(np.ceil(duration_s / step_s)), 1)
    shape = 1 - np.abs((np.arange(samples) + 0.5) / samples * 2 - 1)
    return np.asarray(shape / (shape.sum() * step_s))


def _differentiate(history: Floats, step_s: float) -> Floats:
    return np.diff(history, axis=-1, prepend=0.0, append=0.0) / step_s


def make_tensor_source(
    kind: str, hypocenter: tuple[float, float, float], tensor: Floats, duration_s: float, step_s: float, random: np.random.Generator
) -> Source:
    """
    Make a source whose moment tensor [6] in N m is released in a triangle, with a random directivity between bilateral and unilateral.

    `hypocenter`: latitude and longitude in degrees, depth in km. The centroid delay of a unilateral rupture is half the duration times
    the ratio of rupture to phase velocity, at most 0.35 of the duration.
    """
    rates = tensor[:, None] * triangle_rate(duration_s, step_s)
    delay = float(random.uniform(0, 0.35) * duration_s)
    return Source(kind, *hypocenter, rates, float(random.uniform(0, 360)), delay)


def make_earthquake(hypocenter: tuple[float, float, float], tensor: Floats, step_s: float, random: np.random.Generator) -> Source:
    """
    Make an earthquake whose duration is log-normal about the scaling law (standard deviation of the logarithm 0.35).

    From magnitude 7.8 it lasts at least as long as its rupture takes at RUPTURE_KM_S, unilateral or bilateral: the scaling law gives
    150 s for the 2004 Sumatra earthquake, which took 500 s.
    """
    moment = float(np.sqrt((tensor[:3] ** 2).sum() / 2 + (tensor[3:] ** 2).sum()))
    duration = 2 * half_duration_s(moment) * float(random.lognormal(0, 0.35))
    if moment >= GREAT_MOMENT_N_M:
        duration = max(duration, rupture_length_km(moment) / RUPTURE_KM_S * float(random.uniform(0.5, 1.0)))
    return make_tensor_source("earthquake", hypocenter, tensor, duration, step_s, random)


def make_glacial(
    epicenter: tuple[float, float], amplitude_kg_m: float, azimuth_deg: float, step_s: float, random: np.random.Generator
) -> Source:
    """
    Make a glacial earthquake (iceberg calving): a near-horizontal force along the azimuth (clockwise from north), then its reverse.

    The double time integral of the force is the amplitude (mass times distance, kg m). The two pulses (Tsai & Ekstrom 2007: 50 s in
    all) last 30 to 120 s together, differ in length in half of the cases, and have the shape of a half sine to the power of 0.5 (almost
    a constant force), 1 or 2 (a bell). The vertical component has a standard deviation of 0.12 of the horizontal one.
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
    return Source("glacial", *epicenter, 0.0, _differentiate(direction[:, None] * shape, step_s))


def _isotropic_tensor(moment: float, clvd: float) -> Floats:
    return moment * np.array([1 + 2 * clvd, 1 - clvd, 1 - clvd, 0, 0, 0])


def _landslide_force(random: np.random.Generator, step_s: float) -> Floats:
    """Draw the force [3, samples] of a landslide: opposite to the acceleration of the mass (Ekstrom & Stark 2013)."""
    duration = float(random.uniform(60, 200))
    time = np.arange(0, duration, step_s)
    azimuth = np.radians(random.uniform(0, 360) + random.uniform(-80, 80) * time / duration)
    peak = float(10 ** random.uniform(10.3, 11.5))
    force = -peak * np.sin(2 * np.pi * time / duration) * np.hanning(len(time) + 2)[1:-1] ** 0.3
    return np.stack([-0.4 * force, force * np.cos(azimuth), force * np.sin(azimuth)])


def _resonance_moment(random: np.random.Generator, step_s: float) -> Floats:
    """Draw the moment of a resonating crack (very-long-period volcanic signal): periods of 12 to 40 s, quality factors of 10 to 40."""
    period, quality = float(random.uniform(12, 40)), float(random.uniform(10, 40))
    time = np.arange(0, min(quality * period, 1500.0), step_s)
    history = np.sin(2 * np.pi * time / period) * np.exp(-np.pi * time / (quality * period))
    return np.asarray(_isotropic_tensor(float(10 ** random.uniform(16.5, 17.8)), 0.5)[:, None] * history)


def make_anomalous(kind: str, epicenter: tuple[float, float], step_s: float, random: np.random.Generator) -> Source:
    """Make a source of one of the kinds that are neither tectonic nor glacial earthquakes; raises ValueError for any other."""
    moment = float(10 ** random.uniform(16.8, 18.2))
    shallow, deep = (*epicenter, float(random.uniform(0.5, 4))), (*epicenter, float(random.uniform(3, 30)))
    if kind == "explosion":
        return make_tensor_source(kind, shallow, _isotropic_tensor(moment, float(random.normal(0, 0.1))), 2.0, step_s, random)
    if kind == "collapse":
        return make_tensor_source(kind, shallow, _isotropic_tensor(-moment, 0.4), float(random.uniform(4, 20)), step_s, random)
    if kind == "clvd":
        tensor = moment * np.array([2.0, -1, -1, 0, 0, 0]) * random.choice([-1, 1])
        return make_tensor_source(kind, deep, tensor, float(random.uniform(5, 30)), step_s, random)
    if kind == "slow_earthquake":
        tensor = moment * np.array([0.7, -0.35, -0.35, 0.6, 0.3, 0.1])
        return make_tensor_source(kind, deep, tensor, float(random.uniform(80, 250)), step_s, random)
    if kind == "landslide":
        return Source(kind, *epicenter, 0.0, _differentiate(_landslide_force(random, step_s), step_s))
    if kind == "resonance":
        return Source(kind, *shallow, _differentiate(_resonance_moment(random, step_s), step_s))
    raise ValueError(f"{kind!r} is not an anomalous kind of source: choose one of {', '.join(KINDS[2:])}")
