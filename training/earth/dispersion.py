"""
Velocities of Rayleigh waves by disba, computed from the deck of an Earth model independently of the engine of the stores.

disba finds the roots of a stack of flat isotropic layers: the spherical Earth is flattened (Biswas 1972, doi:10.1007/BF00875434), and shear
velocities are those of vertically polarized waves, corrected for attenuation from PREM's reference period of 1 s to the period in
question (Kanamori & Anderson 1977).
"""

import numpy as np

from models.array_types import Floats
from training.earth.structure import Row

MAX_DEPTH_KM = 700.0
DENSITY_EXPONENT = 2.275  # of the flattened density, for Rayleigh waves


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
