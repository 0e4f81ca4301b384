"""
Transverse motion of a spherical Earth by sums over toroidal harmonics, without modes: Love waves and SH body waves.

For each degree and frequency the two equations of toroidal motion (Takeuchi & Saito 1972; Dahlen & Tromp 1998, section 8.6.2) are
integrated upward from the free core-mantle boundary, where the growing solution is the stable one, through layers that are homogeneous in
their middle. A transverse force at the surface then gives transverse displacement and strain at depth, which by reciprocity are what a
force there or a moment tensor radiates to a transverse record. Compared with the full engine only the near field of spheroidal motion is
missing.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from models.array_types import Complexes, Floats
from models.compiled import compiled_sums
from training.earth.structure import build_deck_rows

REFERENCE_HZ: Final = 1.0  # of the velocities of the decks
THICKNESSES_KM: Final = ((60.0, 2.0), (400.0, 5.0), (800.0, 10.0), (3000.0, 20.0))
"""Greatest depth, and the greatest thickness of a layer down to it: a quarter of a radian of the shortest waves."""
SLOWEST_KM_S: Final = (2.6, 2.9)
"""Phase velocities between which degrees are tapered: no wave is slower, and an abrupt end of the sum would look like one."""
PERIOD_FACTOR, LEAST_WRAPPED = 2.0, 1e-3
"""Period of the series over its length, and the factor on what wraps around it: frequencies have an imaginary part."""


def layer_deck(deck: str, depths_km: tuple[float, ...]) -> tuple[Floats, Floats]:
    """
    Cut the mantle and crust of a deck into layers, from the core up, with a boundary at each depth.

    Returns the radii of the boundaries [layers + 1] in m, and of each layer [layers, 4] density, the moduli L and N in Pa and the shear
    quality factor, in its middle.
    """
    rows = np.array(build_deck_rows(deck))
    solid = rows[np.flatnonzero(rows[:, 3] == 0.0)[-1] + 1 :]
    surface = solid[-1, 0]
    wanted = np.unique(np.concatenate((solid[:, 0], surface - 1e3 * np.array(depths_km))))
    radii = [wanted[:1]]
    for low, high in pairwise(wanted.tolist()):
        depth = (surface - high) / 1e3
        thickest = 1e3 * next(thickness for deepest, thickness in THICKNESSES_KM if depth <= deepest)
        radii.append(np.linspace(low, high, int(np.ceil((high - low) / thickest)) + 1)[1:])
    boundaries = np.concatenate(radii)
    middles = 0.5 * (boundaries[1:] + boundaries[:-1])
    upper = np.searchsorted(solid[:, 0], middles)  # no middle is a knot, so this segment has no discontinuity inside
    share = ((middles - solid[upper - 1, 0]) / (solid[upper, 0] - solid[upper - 1, 0]))[:, None]
    density, vsv, q_mu, vsh = ((1.0 - share) * solid[upper - 1] + share * solid[upper])[:, [1, 3, 5, 7]].T
    return boundaries, np.stack((density, density * vsv**2, density * vsh**2, q_mu), axis=1)


@compiled_sums
def integrate_degree(
    degree: int,
    frequency: complex,
    radii: Floats,
    layers: Floats,
    reference: float,
    kept: Floats,
    displacements: Complexes,
    shears: Complexes,
) -> None:
    """
    Integrate toroidal motion of one degree upward, for a traction of 1 at the surface.

    `frequency`: angular, complex; `radii` and `layers` as of `layer_deck`; `kept` [depths]: indices of boundaries. Writes W and
    dW/dr - W/r there to `displacements` and `shears` [depths]. `reference`: angular frequency of the moduli.
    """
    w, t = 1.0 + 0.0j, 0.0j
    index, scale = 0, 0.0
    log_scales = np.empty(len(kept))
    logarithm = np.log(frequency / reference)
    for k in range(len(layers)):
        density, inverse_q = layers[k, 0], 1.0 / layers[k, 3]
        factor = 1.0 + inverse_q * (2.0 / np.pi * logarithm + 1.0j)
        rigid, lateral = layers[k, 1] * factor, layers[k, 2] * factor
        radius, thickness = 0.5 * (radii[k] + radii[k + 1]), radii[k + 1] - radii[k]
        # y' = [[1/r, 1/L], [c, -3/r]] y; its exponential by the half trace and the half difference of the eigenvalues.
        mean, off = -1.0 / radius, 2.0 / radius
        lower = lateral * (degree - 1.0) * (degree + 2.0) / radius**2 - density * frequency**2
        half = np.sqrt(off * off + lower / rigid)
        grown, shrunk = np.exp((mean + half) * thickness), np.exp((mean - half) * thickness)
        even = 0.5 * (grown + shrunk)
        odd = 0.5 * (grown - shrunk) / half
        w, t = (even + off * odd) * w + odd / rigid * t, lower * odd * w + (even - off * odd) * t
        size = abs(w) + abs(t) / abs(rigid) * radius
        w, t, scale = w / size, t / size, scale + np.log(size)
        while index < len(kept) and kept[index] == k + 1:
            displacements[index], shears[index], log_scales[index] = w, t / rigid, scale
            index += 1
    for j in range(len(kept)):
        amplitude = np.exp(log_scales[j] - scale) / t
        displacements[j] *= amplitude
        shears[j] *= amplitude


@compiled_sums
def integrate_degrees(
    frequencies: Complexes, radii: Floats, layers: Floats, reference: float, kept: Floats, tapers: Floats, responses: Complexes
) -> None:
    """
    Integrate all degrees and frequencies: `responses` [frequencies, depths, 2, degrees] of displacement and shear, times `tapers`.

    `tapers` [frequencies, degrees], degrees from 1 on; where it is 0 nothing is integrated.
    """
    displacements, shears = np.empty(len(kept), np.complex128), np.empty(len(kept), np.complex128)
    for f in range(len(frequencies)):
        for d in range(tapers.shape[1]):
            if tapers[f, d] > 0.0:
                integrate_degree(d + 1, frequencies[f], radii, layers, reference, kept, displacements, shears)
                for j in range(len(kept)):
                    responses[f, j, 0, d] = tapers[f, d] * displacements[j]
                    responses[f, j, 1, d] = tapers[f, d] * shears[j]


def differentiate_legendre(degrees: int, distances_deg: Floats) -> Floats:
    """Compute the first three derivatives by the angle [3, degrees, distances] of Legendre polynomials of degrees from 1 on."""
    angles = np.radians(distances_deg)
    x, sine = np.cos(angles), np.sin(angles)
    found = np.empty((3, degrees, len(angles)))
    before, now = np.ones_like(x), x
    for degree in range(1, degrees + 1):
        squared = degree * (degree + 1.0)
        first = degree * (x * now - before) / sine
        second = -x / sine * first - squared * now
        found[:, degree - 1] = first, second, -x / sine * second + first / sine**2 - squared * first
        before, now = now, ((2.0 * degree + 1.0) * x * now - degree * before) / (degree + 1.0)
    return found


def synthesize_transverse(
    deck: str, depths_km: tuple[float, ...], distances_deg: Floats, band_hz: tuple[float, float, float, float], step_s: float, samples: int
) -> tuple[Floats, Floats]:
    """
    Synthesize what a unit step of a transverse force at the surface makes, by reciprocity.

    Parameters
    ----------
    deck, depths_km, distances_deg : str, tuple of float, [distances]
        Earth model, depths of the strains, and epicentral distances.
    band_hz : (float, float, float, float)
        Corners of a raised-cosine taper of the spectra, of zero phase.
    step_s, samples : float, int
        Sampling interval, and number of samples from the step on.

    Returns
    -------
    forces : [distances, 1, samples]
        Transverse displacement at the surface in meters per newton.
    strains : [depths, distances, 2, samples]
        Strain components rc and dc (r up, d toward the station, c clockwise from d), in meters per newton meter of a moment tensor.

    """
    period = PERIOD_FACTOR * samples * step_s
    count = round(period / step_s)
    bins = np.flatnonzero(np.arange(count // 2 + 1) / period <= band_hz[3])
    bins = bins[bins / period > band_hz[0]]
    damping = -np.log(LEAST_WRAPPED) / period
    frequencies = 2.0 * np.pi * bins / period - 1j * damping
    radii, layers = layer_deck(deck, depths_km)
    surface = radii[-1]
    kept = np.array([*np.flatnonzero(np.isin(radii, surface - 1e3 * np.array(depths_km))), len(radii) - 1])
    tapers = _taper_degrees(bins / period, surface)
    responses = np.zeros((len(bins), len(kept), 2, tapers.shape[1]), np.complex128)
    integrate_degrees(frequencies, radii, layers, 2.0 * np.pi * REFERENCE_HZ, kept, tapers, responses)
    degrees = np.arange(1, tapers.shape[1] + 1)
    first, second, third = differentiate_legendre(len(degrees), distances_deg)
    squared = (degrees * (degrees + 1.0))[:, None]
    weight = (2.0 * degrees + 1.0)[:, None] / (4.0 * np.pi * squared * surface**2)
    spectrum = taper_band(bins / period, band_hz) / (1j * frequencies)
    grown = np.exp(damping * step_s * np.arange(samples))

    def to_series(response: Complexes, angular: Floats) -> Floats:
        both = np.concatenate((response.real, response.imag)) @ angular
        full = np.zeros((angular.shape[1], count // 2 + 1), np.complex128)
        full[:, bins] = ((both[: len(bins)] + 1j * both[len(bins) :]) * spectrum[:, None]).T
        return np.asarray(np.fft.irfft(full, count)[:, :samples] / step_s * grown)

    across = -weight * second
    along = weight * (third + 0.5 * squared * first)
    strains = [
        np.stack((to_series(responses[:, j, 1], 0.5 * across), to_series(responses[:, j, 0] / radii[kept[j]], along)), axis=1)
        for j in range(len(kept) - 1)
    ]
    return to_series(responses[:, -1, 0], across)[:, None], np.stack(strains[::-1])


def taper_band(frequencies_hz: Floats, corners_hz: tuple[float, float, float, float]) -> Floats:
    """Evaluate a raised-cosine taper that rises between the first two corners and falls between the last two."""
    low, flat, end, top = corners_hz
    rise = np.clip((frequencies_hz - low) / (flat - low), 0.0, 1.0)
    fall = np.clip((top - frequencies_hz) / (top - end), 0.0, 1.0)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall)))


def _taper_degrees(frequencies_hz: Floats, surface: float) -> Floats:
    """Taper [frequencies, degrees] by phase velocity: 1 for fast waves, 0 for those slower than any."""
    highest = int(2.0 * np.pi * frequencies_hz[-1] * surface / (1e3 * SLOWEST_KM_S[0])) + 20
    degrees = np.arange(1, highest + 1)
    velocities = 2e-3 * np.pi * frequencies_hz[:, None] * surface / (degrees + 0.5)
    share = np.clip((velocities - SLOWEST_KM_S[0]) / (SLOWEST_KM_S[1] - SLOWEST_KM_S[0]), 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * share))
