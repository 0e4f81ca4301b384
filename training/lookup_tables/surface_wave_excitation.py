"""The table of surface-wave eigenfunctions in three crusts, by disba, for `models.seismic.earth.surface_wave_excitation`."""

from pathlib import Path

import numpy as np

from models.array_types import Floats
from models.seismic.earth.surface_wave_excitation import EXCITATION_DEPTHS_KM, EXCITATION_FILE, EXCITATION_PERIOD_S

LAYER_KM, BOTTOM_KM = 2.0, 200.0
# Layers from the top: thickness [km], P and S velocity [km/s], density [g/cm^3]; below them the mantle. A continent as in ak135, a plateau
# with a crust of 62 km, and a margin with sediments and a crust of 22 km.
MANTLE = (8.04, 4.48, 3.32)
CRUSTS = (
    ((20.0, 5.80, 3.46, 2.72), (16.0, 6.50, 3.85, 2.92)),
    ((24.0, 5.90, 3.45, 2.72), (38.0, 6.50, 3.75, 2.92)),
    ((2.0, 4.00, 2.20, 2.40), (8.0, 5.90, 3.40, 2.70), (12.0, 6.60, 3.80, 2.95)),
)


def compute_eigenfunctions(crust: tuple[tuple[float, ...], ...]) -> Floats:
    """
    Compute what the excitation of both fundamental modes depends on [6, EXCITATION_DEPTHS_KM], after Aki & Richards (2002, 7.148, 7.150).

    Rayleigh: horizontal strain, vertical displacement, shear strain, vertical strain; Love: displacement times wavenumber, its derivative.
    All are multiplied by the surface displacement over energy integral, velocities and the square root of the wavenumber.
    """
    from disba import EigenFunction, GroupDispersion, PhaseDispersion  # noqa: PLC0415  (compiles on first use)

    rows = [row for thickness, *rest in crust for row in [(LAYER_KM, *rest)] * round(thickness / LAYER_KM)]
    model = np.array([*rows, *[(LAYER_KM, *MANTLE)] * (round(BOTTOM_KM / LAYER_KM) - len(rows))]).T
    _, vp, vs, density = model
    found = []
    for wave in ("rayleigh", "love"):
        phase, group = (
            float(kind(*model)(np.array([EXCITATION_PERIOD_S]), wave=wave).velocity[0]) for kind in (PhaseDispersion, GroupDispersion)
        )
        k = 2.0 * np.pi / (EXCITATION_PERIOD_S * phase)
        shapes = EigenFunction(*model)(EXCITATION_PERIOD_S, wave=wave)
        along, vertical = (shapes.uu, np.zeros(len(density))) if wave == "love" else (shapes.ur, shapes.uz)
        # At the free surface the vertical strain is -k (1 - 2 vs^2 / vp^2) times the horizontal displacement, which fixes the sign.
        surface_strain = -k * (1.0 - 2.0 * (vs[0] / vp[0]) ** 2) * along[0]
        vertical = vertical * (-1.0 if (vertical[1] - vertical[0]) * surface_strain < 0 else 1.0)
        strain, shear = np.gradient(vertical, LAYER_KM), np.gradient(along, LAYER_KM) - k * vertical
        strain[0], shear[0] = surface_strain, 0.0
        scale = (along if wave == "love" else vertical)[0] / (phase * group * np.sum(density * (along**2 + vertical**2)) * k**0.5)
        found += [scale * row for row in ((k * along, shear) if wave == "love" else (k * along, vertical, shear, strain))]
    depths = np.arange(len(density)) * LAYER_KM
    return np.array([np.interp(EXCITATION_DEPTHS_KM, depths, row) for row in found])


def write_surface_wave_excitation(path: Path = EXCITATION_FILE) -> Path:
    """Write the table [crusts, 6, depths], scaled to a maximum of 1; returns the path."""
    table = np.stack([compute_eigenfunctions(crust) for crust in CRUSTS])
    np.savez_compressed(path, eigenfunctions=(table / np.abs(table).max()).astype(np.float32))
    return path
