"""Synthetic gathers with surface waves that no single trace shows."""

import numpy as np

from models.array_types import Floats
from models.seismic.earth.rayleigh_dispersion import phase_slowness_s_km
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg, geocentric_latitude_deg
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

SOURCE = (66.0, -38.0)
ORIGIN_S = 400.0
SECONDS = 5000
STATIONS = 16


def network(random: np.random.Generator, count: int = STATIONS) -> tuple[Floats, Floats]:
    """Draw stations all over the northern hemisphere."""
    return np.degrees(np.arcsin(random.uniform(-0.2, 0.95, count))), random.uniform(-180.0, 180.0, count)


def gather_of(samples: Floats, latitudes: Floats, longitudes: Floats) -> Gather:
    ids = tuple(TraceId("XX", f"S{k:03d}", "", "LHZ") for k in range(len(samples)))
    return Gather(ids, 0.0, 1.0, samples.astype(np.float32), latitudes, longitudes)


def draw_gather(seed: int, ratio: float, *, slowness: float = 1.0) -> Gather:
    """Draw noise with a dispersed pulse in each trace, `ratio` times as large as the standard deviation of the noise there."""
    random = np.random.default_rng(seed)
    latitudes, longitudes = network(random)
    distances_km = KM_PER_DEGREE * distance_deg(
        geocentric_latitude_deg(SOURCE[0]), SOURCE[1], geocentric_latitude_deg(latitudes), longitudes
    )
    frequencies = np.fft.rfftfreq(2 * SECONDS)
    inside = (frequencies > 0.008) & (frequencies < 0.035)
    late = ORIGIN_S + slowness * distances_km[:, None] * phase_slowness_s_km(frequencies)
    pulse = np.fft.irfft(inside * np.exp(-2j * np.pi * frequencies * late))[:, :SECONDS]
    noise = np.fft.irfft(inside * np.fft.rfft(random.normal(size=(STATIONS, 2 * SECONDS))))[:, :SECONDS]
    signs = random.choice((-1.0, 1.0), STATIONS)[:, None]
    together = noise / noise.std() + ratio * signs * pulse / np.abs(np.fft.irfft(inside + 0j)).max()
    return gather_of(together, latitudes, longitudes)
