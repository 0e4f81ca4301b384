"""
Rayleigh-wave group velocities, measured on a store of Green's functions and computed from its deck, as independent checks.

The store is a full-wave solution with gravity and transverse isotropy. disba finds the roots of a stack of flat isotropic layers: the
spherical Earth is flattened (Biswas 1972, doi:10.1007/BF00875434), and shear velocities are those of vertically polarized waves,
corrected for attenuation from PREM's reference period of 1 s to the period in question (Kanamori & Anderson 1977).
"""

import numpy as np
from scipy import fft

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE
from training.earth.greens import GreensStore
from training.earth.structure import Row

MAX_DEPTH_KM = 700.0
# Exponent of the flattened density for Rayleigh waves.
DENSITY_EXPONENT = 2.275


def _measure_peaks(traces: Floats, step_s: float, period_s: float) -> tuple[Floats, Floats]:
    """Measure the time [s] of the envelope maximum in a narrow band around the period, and the instantaneous period there, per trace."""
    samples = traces.shape[-1]
    padded = fft.next_fast_len(2 * samples)
    frequencies = fft.fftfreq(padded, step_s)
    band = np.where(frequencies > 0, 2 * np.exp(-60 * (frequencies * period_s - 1) ** 2), 0.0)
    analytic = fft.ifft(fft.fft(traces, padded) * band)[..., :samples]
    envelope = np.abs(analytic)
    peak = np.clip(envelope.argmax(axis=-1), 1, samples - 2)
    rows = np.arange(len(traces))
    before, at, after = (envelope[rows, peak + k] for k in (-1, 0, 1))
    shift = 0.5 * (before - after) / (before - 2 * at + after)
    phase_change = np.angle(analytic[rows, peak + 1] * np.conj(analytic[rows, peak - 1]))
    return (peak + shift) * step_s, 2 * np.pi * 2 * step_s / phase_change


def measure_dispersion(store: GreensStore, period_s: float, range_deg: tuple[float, float] = (30.0, 90.0)) -> tuple[float, float]:
    """
    Measure the group velocity [km/s] of vertical motion due to a vertical force, and the period [s] that it is measured at.

    It is the slope of envelope maxima over distance, which is independent of the source delay and averages out interference with
    overtones at single distances.
    """
    table = store.forces
    inside = np.flatnonzero((table.distances_deg >= range_deg[0]) & (table.distances_deg <= range_deg[1]))
    traces = table.data[inside, 0] * table.scales[inside, 0, None]
    times, periods = _measure_peaks(traces, store.time_step_s, period_s)
    slowness = np.polyfit(table.distances_deg[inside] * KM_PER_DEGREE, times, 1)[0]
    return float(1 / slowness), float(np.median(periods))


def _flatten_layers(deck: list[Row]) -> tuple[Floats, Floats, Floats, Floats, Floats, float]:
    """Flatten a deck to layers: thickness, vp, vs (of SV), density, shear quality factor from the top, and the surface radius [km]."""
    rows = np.array(deck)[::-1]
    edges = rows[:, 0] / 1e3
    surface = edges[0]
    found = []
    for upper, lower, above, below in zip(edges[:-1], edges[1:], rows[:-1], rows[1:], strict=True):
        if upper == lower or surface - upper > MAX_DEPTH_KM:
            continue
        count = max(int(np.ceil((upper - lower) / 8.0)), 1)
        for k in range(count):
            top, bottom = (upper - j / count * (upper - lower) for j in (k, k + 1))
            _, rho, vpv, vsv, _, q_mu, vph, _, _ = above + (k + 0.5) / count * (below - above)
            middle = (top + bottom) / 2
            scale = surface / middle
            thickness = surface * np.log(top / bottom)
            found.append((thickness, scale * (vpv + vph) / 2e3, scale * vsv / 1e3, rho / 1e3 * scale**-DENSITY_EXPONENT, q_mu))
    thickness, vp, vs, rho, q_mu = np.array(found).T
    return thickness, vp, vs, rho, q_mu, float(surface)


def phase_velocity_km_s(deck: list[Row], period_s: float) -> float:
    """Compute the phase velocity [km/s] of the fundamental Rayleigh mode in the rows of a deck at a period, along the sphere's surface."""
    from disba import PhaseDispersion  # noqa: PLC0415  (compiles on first use)

    thickness, vp, vs, rho, q_mu, surface_km = _flatten_layers(deck)
    slowing = np.log(period_s) / (np.pi * q_mu)
    p_slowing = slowing * 4 / 3 * (vs / vp) ** 2
    flat = PhaseDispersion(thickness, vp * (1 - p_slowing), vs * (1 - slowing), rho)(np.array([period_s]), wave="rayleigh").velocity[0]
    return float(flat / np.sqrt(1 + (flat * period_s / (4 * np.pi * surface_km)) ** 2))


def predict_dispersion(deck: list[Row], period_s: float) -> float:
    """Compute the group velocity [km/s] of the fundamental Rayleigh mode at a period from phase velocities 2 % about it; deck as rows."""
    short, long = period_s / 1.02, period_s * 1.02
    wavenumbers = [2 * np.pi / (period * phase_velocity_km_s(deck, period)) for period in (short, long)]
    return float((2 * np.pi / short - 2 * np.pi / long) / (wavenumbers[0] - wavenumbers[1]))
