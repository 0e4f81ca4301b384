"""
Correlations of whitened records with Green's functions, tabulated for all distances near a guess, all depths, components and delays.

A trial source is then a look-up: its correlation with a record at each origin time is the sum over the components of its moment tensor or
force, seen from the azimuth of the station.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Complexes, Floats, Floats32, Integers
from models.compiled import compiled_sums
from models.parallel import thread_map
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.source.array_layout import BODY, DELAY_STEP_S, LOVE, WINDOWS
from models.seismic.source.greens_tables import DISTANCES_DEG, STEP_S, STRAINS, TRANSVERSE, GreensTables, nearest_distances
from models.seismic.source.observations import (
    RAYLEIGH_KM_S,
    TAPER_S,
    Observation,
    Spectrum,
    cosine_taper,
    love_bounds_s,
    window_bounds_s,
)

DAMPING: Final = 0.707  # of broadband seismometers
BODY_SHIFT_S, BODY_SHIFT = 2.5, 0.002  # standard deviation of the shift of a window: constant, and part of the travel time
RAYLEIGH_SHIFT_S, RAYLEIGH_SHIFT = 3.0, 0.006
LOVE_SHIFT = 0.01  # larger than that of Rayleigh waves, since they have no common stretch


@dataclass(frozen=True)
class Excitation:
    """
    What Green's functions are convolved with.

    `states` [s]: rows of the tables, of depths or of the force; `components` of each (4 or 2). `delays_s` [s, points] and `weights`
    [s, points]: the time function of each state as a sum of weighted impulses. `derivatives` of the response to a step that give the motion
    recorded (a velocity of a moment tensor: 1, of a force: 2). `corner_s`: corner period of the seismometer, 0 where its response was
    removed.
    """

    states: Integers
    components: int
    delays_s: Floats
    weights: Floats
    derivatives: int
    corner_s: float

    def transfer(self, frequencies_hz: Floats) -> Complexes:
        """Return the spectrum [s, frequencies] that Green's functions of each state are multiplied by; frequencies equally spaced."""
        function = np.empty((len(self.delays_s), len(frequencies_hz)), np.complex128)
        transform_impulses(self.delays_s, self.weights, frequencies_hz, function)
        s = 2j * np.pi * frequencies_hz
        corner = 2.0 * np.pi / self.corner_s if self.corner_s > 0.0 else 0.0
        return np.asarray(function * s**self.derivatives * s**2 / (s**2 + 2.0 * DAMPING * corner * s + corner**2))


@compiled_sums
def transform_impulses(delays_s: Floats, weights: Floats, frequencies_hz: Floats, function: Complexes) -> None:
    """Transform weighted impulses [s, points] to spectra `function` [s, frequencies] at equally spaced frequencies."""
    step = frequencies_hz[1] - frequencies_hz[0] if len(frequencies_hz) > 1 else 0.0
    function[:] = 0.0
    for s in range(delays_s.shape[0]):
        for p in range(delays_s.shape[1]):
            first, turn = -2.0 * np.pi * delays_s[s, p] * frequencies_hz[0], -2.0 * np.pi * delays_s[s, p] * step
            value, factor = weights[s, p] * complex(np.cos(first), np.sin(first)), complex(np.cos(turn), np.sin(turn))
            if weights[s, p] != 0.0:
                for f in range(len(frequencies_hz)):
                    function[s, f] += value
                    value *= factor


@dataclass(frozen=True)
class PathModel:
    """The Earth model along a path, what the record at its end is excited by, and the logarithm of the probability of the latter."""

    earth: GreensTables
    excitation: Excitation
    log_probability: float = 0.0


@dataclass(frozen=True)
class CorrelationTables:
    """
    Correlations of n records with each of some models of their paths.

    `values` [models, n, windows, distances, states, components, delays] over the root of the record's energy, delays being multiples of 5 s
    around zero; `norms` [models, n, windows, distances, states, components, components]: energies of the Green's functions. `first_deg`
    [n]: the first tabulated distance. `weights` [n, windows]: half the degrees of freedom, times station weight; 0 for a missing window.
    `shifts_s` [n, windows]: standard deviation of a window's shift. `travel_s` [n]: Rayleigh travel time. `log_sizes` [models, n, 2]:
    natural logarithm of the size of the Rayleigh and the Love waves over that of the scaled Green's functions; a correlation over the root
    of the norm is multiplied by its exponential to give the amplitude of the source. NaN without a window.
    """

    values: Floats32
    norms: Floats32
    first_deg: Floats
    weights: Floats
    shifts_s: Floats
    travel_s: Floats
    log_sizes: Floats


def tabulate_correlations(
    observations: Sequence[Observation],
    models: Sequence[PathModel],
    station_weights: Floats,
    half_width: int,
    half_delays: int,
) -> CorrelationTables:
    """
    Tabulate the correlations of records with Green's functions.

    Love waves of a tensor weigh by the part of their energy that noise does not explain. Those of a force do not, because where they are
    missing says where it points.

    Parameters
    ----------
    observations : sequence of Observation
        Prepared records, n of them.
    models : sequence of PathModel
        What each path may be, all with the same states and components.
    station_weights : [n]
        Weight of each station.
    half_width : int
        Distances tabulated on either side of that of the guess, 0.5 degrees apart.
    half_delays : int
        Delays tabulated on either side of zero, 5 s apart.

    """
    delays_s = np.asarray(DELAY_STEP_S * np.arange(-half_delays, half_delays + 1), np.float64)
    excitation = models[0].excitation
    shape = (len(models), len(observations), WINDOWS, 2 * half_width + 1, len(excitation.states), excitation.components)
    values, norms = np.zeros((*shape, len(delays_s)), np.float32), np.zeros((*shape, excitation.components), np.float32)
    log_sizes = np.full(shape[:3], np.nan)
    distances = [nearest_distances(record.distance_deg, half_width) for record in observations]

    def tabulate(number: int) -> None:
        arrays = values[:, number], norms[:, number], log_sizes[:, number]
        _tabulate_record(observations[number], models, distances[number], delays_s, *arrays)

    thread_map(tabulate, range(len(observations)))
    freedom = _count_freedom(observations, excitation)
    travel = np.array([record.distance_deg for record in observations]) * KM_PER_DEGREE / RAYLEIGH_KM_S
    return CorrelationTables(
        values,
        norms,
        np.array([float(DISTANCES_DEG[rows[0]]) for rows in distances]),
        0.5 * freedom * station_weights[:, None],
        _shift_deviations_s(travel),
        travel,
        log_sizes[..., 1:],
    )


def _shift_deviations_s(travel_s: Floats) -> Floats:
    """Return the standard deviations of the shifts of windows [records, windows], in seconds, by Rayleigh travel times [records]."""
    body = BODY_SHIFT_S + BODY_SHIFT * travel_s
    return np.stack((body, RAYLEIGH_SHIFT_S + RAYLEIGH_SHIFT * travel_s, RAYLEIGH_SHIFT_S + LOVE_SHIFT * travel_s), axis=1)


def _count_freedom(observations: Sequence[Observation], excitation: Excitation) -> Floats:
    """Count the degrees of freedom of each window [records, windows], of a tensor's Love waves in proportion to their signal."""
    freedom = np.array([[0.0 if one is None else one.degrees_of_freedom for one in record.spectra] for record in observations])
    if excitation.components == STRAINS:
        love = [record.spectra[LOVE] for record in observations]
        freedom[:, LOVE] *= [0.0 if one is None else one.signal_fraction for one in love]
    return freedom


def _tabulate_record(
    record: Observation,
    models: Sequence[PathModel],
    distances: Integers,
    delays_s: Floats,
    values: Floats32,
    norms: Floats32,
    log_sizes: Floats,
) -> None:
    """Tabulate one record: writes to `values`, `norms` and `log_sizes` [models, windows, ...] as in `CorrelationTables`."""
    excitation = models[0].excitation
    stored, order = np.unique(excitation.states, return_inverse=True)
    for earth in {id(model.earth): model.earth for model in models}.values():
        vertical = earth.read(distances, stored, excitation.components)
        for window, spectrum in enumerate(record.spectra):
            block = vertical if window != LOVE else read_transverse(earth, distances, stored, excitation)
            if spectrum is None or block is None:
                continue
            separate = record.spectra[BODY] is not None or window_bounds_s(record.distance_deg)[0] is not None
            greens, begins_s = transform_greens(block, earth.begins_s[distances], distances, window, spectrum, separate=separate)
            used = slice(block.shape[2])
            for row in (row for row, model in enumerate(models) if model.earth is earth):
                transfer = models[row].excitation.transfer(spectrum.frequencies_hz) * spectrum.gain
                excited = greens[:, order] * transfer[None, :, None].astype(np.complex64)
                correlated = _correlate(excited, spectrum, begins_s, delays_s)
                values[row, window, :, :, used], norms[row, window, :, :, used, used], scale = correlated
                log_sizes[row, window] = 0.5 * np.log(spectrum.energy) + np.log(scale)


def read_transverse(earth: GreensTables, distances: Integers, states: Integers, excitation: Excitation) -> Floats32 | None:
    """Read the transverse series [distances, states, components, samples] of a tensor or force; None without tables."""
    if earth.transverse is None:
        return None
    return earth.transverse.read(distances, states, TRANSVERSE[0 if excitation.components == STRAINS else 1])


def transform_greens(
    block: Floats32, begins_s: Floats, distances: Integers, window: int, spectrum: Spectrum, *, separate: bool
) -> tuple[Complexes, Floats]:
    """
    Transform Green's functions in a window: spectra [distances, states, components, bins], and the begin of the window [distances].

    `block` [distances, states, components, samples] begins at `begins_s`; `separate`: whether body waves have a window of their own.
    """
    length = round(spectrum.length_s / STEP_S)
    cut = np.zeros((*block.shape[:3], length), np.float32)
    starts = np.empty(len(distances))
    for j, distance in enumerate(DISTANCES_DEG[distances]):
        body, rayleigh = window_bounds_s(float(distance))
        bounds = love_bounds_s(float(distance)) if window == LOVE else (body or rayleigh) if window == BODY else rayleigh
        if not separate and body is not None and window != LOVE:
            bounds = (body[0], rayleigh[1])
        first = max(round((bounds[0] - begins_s[j]) / STEP_S), 0)
        count = min(round((bounds[1] - begins_s[j]) / STEP_S) - first, block.shape[3] - first, length)
        cut[j, :, :, :count] = block[j, :, :, first : first + count] * cosine_taper(count, round(TAPER_S / STEP_S)).astype(np.float32)
        starts[j] = begins_s[j] + first * STEP_S
    bins = np.rint(spectrum.frequencies_hz * spectrum.length_s).astype(np.int64)
    return scipy.fft.rfft(cut, axis=-1)[..., bins[0] : bins[-1] + 1], starts


def _correlate(greens: Complexes, spectrum: Spectrum, begins_s: Floats, delays_s: Floats) -> tuple[Floats32, Floats32, float]:
    """Correlations [distances, states, components, delays], norms [distances, states, components, components], and their scale."""
    scale = np.float32(1.0 / max(float(np.abs(greens).max()), 1e-30))
    greens = greens * scale
    turns = 2.0 * np.pi * spectrum.frequencies_hz
    late = np.conj(spectrum.data) * np.exp(-1j * turns * (begins_s - spectrum.begin_s)[:, None]) / np.sqrt(spectrum.energy)
    products = greens * late.astype(np.complex64)[:, None, None]
    waves = np.exp(1j * turns[:, None] * delays_s).astype(np.complex64)
    # The real part of products * conj(waves), as a product of real matrices: parts of complex numbers lie side by side.
    values = products.view(np.float32).reshape(-1, 2 * len(turns)) @ np.stack((waves.real, waves.imag), axis=1).reshape(-1, len(delays_s))
    parts = greens.view(np.float32)
    return values.reshape(*greens.shape[:3], len(delays_s)), np.matmul(parts, np.swapaxes(parts, -1, -2)), float(scale)
