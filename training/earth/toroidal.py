"""
Transverse motion of a spherical Earth by sums over toroidal harmonics, without modes: Love waves and SH body waves.

For each degree and frequency the two equations of toroidal motion (Takeuchi & Saito 1972; Dahlen & Tromp 1998, section 8.6.2) are
integrated upward from the free core-mantle boundary, where the growing solution is the stable one, through layers that are homogeneous in
their middle. A transverse force at the surface then gives strain at depth, which by reciprocity is what a moment tensor there radiates to a
transverse record. Compared with the full engine only the near field of spheroidal motion is missing.
"""

from itertools import pairwise
from typing import Final

import numpy as np

from models.array_types import Complexes, Floats
from models.compiled import compiled_sums
from training.earth.structure import build_deck_rows

REFERENCE: Final = 2.0 * np.pi  # angular frequency of the velocities of the decks: 1 Hz
THICKNESSES_KM: Final = ((60.0, 2.0), (400.0, 5.0), (800.0, 10.0), (3000.0, 20.0))
"""Lower bound of a range of depths, and the largest thickness of its layers: a quarter of a radian of the shortest waves."""
SLOWEST_KM_S: Final = (2.6, 2.9)
"""Phase velocities between which degrees are tapered: no wave is slower, and an abrupt end of the sum would look like one."""
PERIOD_FACTOR, WRAPPED = 2.0, 1e-3
"""Period of the series over its length, and the factor on what wraps around it: frequencies have an imaginary part."""


def layer_deck(deck: str, depths_km: tuple[float, ...]) -> tuple[Floats, Floats]:
    """
    Cut the mantle and crust of a deck into layers, from the core up, with a boundary at each depth.

    Returns the radii of the boundaries [layers + 1] in m, and of each layer [layers, 4] density, the moduli L and N in Pa and the shear
    quality factor, in its middle.
    """
    rows = np.array(build_deck_rows(deck))
    solid = rows[np.flatnonzero(rows[:, 3] == 0.0)[-1] + 1 :]
    wanted = np.unique(np.concatenate((solid[:, 0], solid[-1, 0] - 1e3 * np.array(depths_km))))
    parts = [wanted[:1]]
    for low, high in pairwise(wanted.tolist()):
        largest = 1e3 * next(thickness for bound, thickness in THICKNESSES_KM if solid[-1, 0] - high <= 1e3 * bound)
        parts.append(np.linspace(low, high, int(np.ceil((high - low) / largest)) + 1)[1:])
    radii = np.concatenate(parts)
    middles = 0.5 * (radii[1:] + radii[:-1])
    upper = np.searchsorted(solid[:, 0], middles)  # no middle is a knot, so this segment has no discontinuity inside
    share = ((middles - solid[upper - 1, 0]) / (solid[upper, 0] - solid[upper - 1, 0]))[:, None]
    density, vsv, q_mu, vsh = ((1.0 - share) * solid[upper - 1] + share * solid[upper])[:, [1, 3, 5, 7]].T
    return radii, np.stack((density, density * vsv**2, density * vsh**2, q_mu), axis=1)


@compiled_sums
def integrate_degree(
    degree: int, frequency: complex, radii: Floats, layers: Floats, kept: Floats, scales: Floats, found: Complexes
) -> None:
    """
    Integrate toroidal motion of one degree upward, for a traction of 1 at the surface.

    `frequency`: angular, complex; `radii` and `layers` as of `layer_deck`; `kept` [depths]: indices of boundaries, ascending. Writes W and
    dW/dr - W/r there to `found` [depths, 2]; `scales` [depths] is working space.
    """
    w, t, index, scale = 1.0 + 0.0j, 0.0j, 0, 0.0
    for k in range(len(layers)):
        factor = 1.0 + (2.0 / np.pi * np.log(frequency / REFERENCE) + 1.0j) / layers[k, 3]
        rigid, lateral = layers[k, 1] * factor, layers[k, 2] * factor
        radius, thickness = 0.5 * (radii[k] + radii[k + 1]), radii[k + 1] - radii[k]
        # y' = [[1/r, 1/L], [lower, -3/r]] y; its exponential by mean and half difference of the eigenvalues.
        off, lower = 2.0 / radius, lateral * (degree - 1.0) * (degree + 2.0) / radius**2 - layers[k, 0] * frequency**2
        half = np.sqrt(off * off + lower / rigid)
        grown, shrunk = np.exp((half - 1.0 / radius) * thickness), np.exp((-half - 1.0 / radius) * thickness)
        even, odd = 0.5 * (grown + shrunk), 0.5 * (grown - shrunk) / half
        w, t = (even + off * odd) * w + odd / rigid * t, lower * odd * w + (even - off * odd) * t
        size = abs(w) + abs(t) / abs(rigid) * radius
        w, t, scale = w / size, t / size, scale + np.log(size)
        while index < len(kept) and kept[index] == k + 1:
            found[index, 0], found[index, 1], scales[index] = w, t / rigid, scale
            index += 1
    for j in range(len(kept)):
        found[j] *= np.exp(scales[j] - scale) / t


@compiled_sums
def integrate_degrees(
    frequencies: Complexes, radii: Floats, layers: Floats, kept: Floats, tapers: Floats, found: Complexes, responses: Complexes
) -> None:
    """
    Integrate all degrees from 1 on and all frequencies: `responses` [frequencies, depths, 2, degrees] as of `integrate_degree`.

    They are multiplied by `tapers` [frequencies, degrees], and left as they are where it is 0. `found` [depths, 2] is working space.
    """
    scales = np.empty(len(kept))
    for f in range(len(frequencies)):
        for d in range(tapers.shape[1]):
            if tapers[f, d] > 0.0:
                integrate_degree(d + 1, frequencies[f], radii, layers, kept, scales, found)
                responses[f, :, :, d] = tapers[f, d] * found


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
) -> Floats:
    """
    Synthesize the strains [depths, distances, 2, samples] that a unit step of a transverse force at the surface makes.

    Components rc and dc (r up, d toward the station, c clockwise from d), in meters per newton meter of a moment tensor, by reciprocity.

    Parameters
    ----------
    deck, depths_km, distances_deg : str, tuple of float, [distances]
        Earth model, ascending depths, and epicentral distances.
    band_hz : (float, float, float, float)
        Corners of a raised-cosine taper of the spectra, of zero phase.
    step_s, samples : float, int
        Sampling interval, and number of samples from the step on.

    """
    count = round(PERIOD_FACTOR * samples)
    bins = np.flatnonzero(taper_band(np.arange(count // 2 + 1) / (count * step_s), band_hz))
    frequencies_hz, damping = bins / (count * step_s), -np.log(WRAPPED) / (count * step_s)
    frequencies = 2.0 * np.pi * frequencies_hz - 1j * damping
    radii, layers = layer_deck(deck, depths_km)
    kept = np.searchsorted(radii, radii[-1] - 1e3 * np.array(depths_km[::-1]) - 1.0)
    tapers = _taper_degrees(frequencies_hz, radii[-1])
    responses = np.zeros((len(bins), len(kept), 2, tapers.shape[1]), np.complex128)
    integrate_degrees(frequencies, radii, layers, kept, tapers, np.empty(responses.shape[1:3], np.complex128), responses)
    degrees = np.arange(1.0, tapers.shape[1] + 1.0)[:, None]
    squared = degrees * (degrees + 1.0)
    first, second, third = differentiate_legendre(len(degrees), distances_deg) * (2.0 * degrees + 1.0) / squared
    angular = -0.5 * second, third + 0.5 * squared * first
    spectrum = taper_band(frequencies_hz, band_hz) / (1j * frequencies * 4.0 * np.pi * radii[-1] ** 2 * step_s)
    full, strains = np.zeros((len(distances_deg), count // 2 + 1), np.complex128), np.empty((len(kept), len(distances_deg), 2, samples))
    for j, boundary in enumerate(kept[::-1]):
        for component, response in enumerate((responses[:, -1 - j, 1], responses[:, -1 - j, 0] / radii[boundary])):
            parts = np.concatenate((response.real, response.imag)) @ angular[component]
            full[:, bins] = ((parts[: len(bins)] + 1j * parts[len(bins) :]) * spectrum[:, None]).T
            strains[j, :, component] = np.fft.irfft(full, count)[:, :samples]
    return np.asarray(strains * np.exp(damping * step_s * np.arange(samples)))


def taper_band(frequencies_hz: Floats, corners_hz: tuple[float, float, float, float]) -> Floats:
    """Evaluate a raised-cosine taper that rises between the first two corners and falls between the last two."""
    low, flat, end, top = corners_hz
    rise, fall = np.clip((frequencies_hz - low) / (flat - low), 0.0, 1.0), np.clip((top - frequencies_hz) / (top - end), 0.0, 1.0)
    return np.asarray((0.5 - 0.5 * np.cos(np.pi * rise)) * (0.5 - 0.5 * np.cos(np.pi * fall)))


def _taper_degrees(frequencies_hz: Floats, surface: float) -> Floats:
    """Taper [frequencies, degrees] by phase velocity: 1 for fast waves, 0 for those slower than any."""
    degrees = np.arange(1, int(2.0 * np.pi * frequencies_hz[-1] * surface / (1e3 * SLOWEST_KM_S[0])) + 20)
    velocities = 2e-3 * np.pi * frequencies_hz[:, None] * surface / (degrees + 0.5)
    share = np.clip((velocities - SLOWEST_KM_S[0]) / (SLOWEST_KM_S[1] - SLOWEST_KM_S[0]), 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * share))
