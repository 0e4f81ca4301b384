"""Synthetic waveforms of the best source beside the observed ones, window by window, with shift, correlation and amplitude."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Complexes, Floats, Floats32, Integers
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.source.array_layout import (
    BODY,
    CORRELATION,
    DELAY,
    LOVE,
    MECHANISM,
    PLACE,
    RAYLEIGH,
    SHIFT,
    SLOWNESSES_S_DEG,
    STATE,
    STRETCH,
    WINDOWS,
)
from models.seismic.source.correlations import Excitation, read_transverse, transform_greens
from models.seismic.source.greens_tables import DISTANCE_STEP_DEG, DISTANCES_DEG, STEP_S, TABLE_SCALE, GreensTables
from models.seismic.source.observations import RAYLEIGH_KM_S, Observation, Spectrum, love_bounds_s, window_bounds_s
from models.seismic.source.radiation import measure_path, project_windows

DRAWN_STEP_S: Final = 2.5


@dataclass(frozen=True)
class WindowFit:
    """
    One window of a record against the best source.

    `observed` and `synthetic` [samples], every 2.5 s from `begin_s` after the origin time of the source on, whitened by noise between 28
    and 150 s, the synthetic at its best shift and gain, zero where the correlation is: the window is not used, or its polarity is
    opposite. `shift_s`: of the record after the synthetic. `amplitude`: of the source by this window, N m of a moment tensor, or N s of a
    lobe of a force, where the record is in the unit of the excitation (m/s or m).
    """

    begin_s: float
    observed: Floats
    synthetic: Floats
    shift_s: float
    correlation: float
    amplitude: float


@dataclass(frozen=True)
class WaveformFit:
    """Windows of one station: body (None where they have none of their own), Rayleigh and Love waves (None without horizontals)."""

    distance_deg: float
    azimuth_deg: float
    body: WindowFit | None
    rayleigh: WindowFit
    love: WindowFit | None = None


@dataclass(frozen=True)
class _Path:
    """
    Green's functions of one path: `rows` [2] of the tabulated distances around it and the `upper` share of the second.

    `block` [2, 1, components, samples] of the best state, and the `components` of the mechanism at the station's azimuth.
    """

    rows: Integers
    upper: float
    block: Floats32
    components: Floats
    begins_s: Floats


def synthesize_fit(
    observation: Observation, earth: GreensTables, excitation: Excitation, best: Floats, fits: Floats, rate_hz: float, margin_s: float
) -> WaveformFit:
    """
    Synthesize the windows of a record from the best source.

    Parameters
    ----------
    observation : Observation
        The prepared record.
    earth : GreensTables
        Earth model of the best source.
    excitation : Excitation
        Depths or force histories, of which the source has one.
    best : [6 + mechanism]
        The source, a row of samples of `walk_sources`.
    fits : [windows, 3]
        Shift in seconds and correlation of each window, as `evaluate_source` writes them.
    rate_hz : float
        Sampling rate of the record.
    margin_s : float
        Windows are longer by this at both ends than `window_bounds_s`.

    """
    geometry, station = np.empty(2), np.radians((observation.latitude_deg, observation.longitude_deg))
    measure_path(best[PLACE], station, geometry)
    components, state = np.empty((WINDOWS, excitation.components)), int(best[STATE])
    project_windows(best[MECHANISM], geometry[1], components)
    paths = _open_paths(earth, excitation, state, float(geometry[0]), components)
    travel_s = observation.distance_deg * KM_PER_DEGREE / RAYLEIGH_KM_S
    bounds = (*window_bounds_s(observation.distance_deg), love_bounds_s(observation.distance_deg))
    found: list[WindowFit | None] = []
    for window, (spectrum, bound, path) in enumerate(zip(observation.spectra, bounds, paths, strict=True)):
        if spectrum is None or bound is None or path is None:
            found.append(None)
            continue
        late_s = best[DELAY] + fits[window, SHIFT] + (best[STRETCH] * travel_s if window == RAYLEIGH else 0.0)
        modeled = _synthesize_window(path, excitation, state, window, late_s, spectrum, separate=bounds[BODY] is not None)
        shown_s = bound[1] - bound[0] + 2.0 * margin_s
        found.append(_compare(spectrum, modeled, fits[window], best[DELAY], shown_s, rate_hz))
    body, rayleigh, love = found
    if rayleigh is None:
        raise ValueError("the record has no window of Rayleigh waves")
    return WaveformFit(float(geometry[0]), float(np.degrees(geometry[1]) % 360.0), body, rayleigh, love)


def _open_paths(
    earth: GreensTables, excitation: Excitation, state: int, distance: float, components: Floats
) -> tuple[_Path, _Path, _Path | None]:
    """Open the Green's functions of a path for each window; None for Love waves without tables."""
    lower = int(np.clip((distance - DISTANCES_DEG[0]) / DISTANCE_STEP_DEG, 0, len(DISTANCES_DEG) - 2))
    rows = np.array((lower, lower + 1))
    upper = float(np.clip((distance - DISTANCES_DEG[lower]) / DISTANCE_STEP_DEG, 0.0, 1.0))
    states = excitation.states[state][None]
    block = earth.read(rows, states, excitation.components)
    vertical = _Path(rows, upper, block, components[0], earth.begins_s[rows])
    transverse = read_transverse(earth, rows, states, excitation)
    love = None if transverse is None else _Path(rows, upper, transverse, components[LOVE, : transverse.shape[2]], earth.begins_s[rows])
    return vertical, vertical, love


def _synthesize_window(
    path: _Path, excitation: Excitation, state: int, window: int, late_s: float, spectrum: Spectrum, *, separate: bool
) -> Complexes:
    """Whitened spectrum [bins] of a source of unit size in a window, on the clock of the record; interpolated between two distances."""
    greens, begins_s = transform_greens(path.block, path.begins_s, path.rows, window, spectrum, separate=separate)
    transfer = excitation.transfer(spectrum.frequencies_hz)[state] * spectrum.gain
    slowness = SLOWNESSES_S_DEG[window] * DISTANCE_STEP_DEG
    lags = late_s + slowness * np.array((path.upper, path.upper - 1.0)) + begins_s - spectrum.begin_s
    both = np.einsum("jkb,k->jb", greens[:, 0], path.components) * np.exp(-2j * np.pi * spectrum.frequencies_hz * lags[:, None])
    return np.asarray(transfer * ((1.0 - path.upper) * both[0] + path.upper * both[1]))


def _compare(spectrum: Spectrum, modeled: Complexes, fit: Floats, delay_s: float, shown_s: float, rate_hz: float) -> WindowFit:
    """Scale a modeled spectrum to the data, and transform both to time."""
    energy = max(float((np.abs(modeled) ** 2).sum()), 1e-300)
    gain = max(float((np.conj(modeled) * spectrum.data).real.sum()) / energy, 0.0) if fit[1] > 0.0 else 0.0
    amplitude = gain * TABLE_SCALE / (rate_hz * STEP_S)
    observed, synthetic = (_to_time(spectrum, values, shown_s) for values in (spectrum.data, gain * modeled))
    return WindowFit(spectrum.begin_s - delay_s, observed, synthetic, float(fit[SHIFT]), float(fit[CORRELATION]), amplitude)


def _to_time(spectrum: Spectrum, values: Complexes, shown_s: float) -> Floats:
    """Transform a band of a spectrum to samples every 2.5 s."""
    count = round(spectrum.length_s / DRAWN_STEP_S)
    first = round(spectrum.frequencies_hz[0] * spectrum.length_s)
    full = np.zeros(count // 2 + 1, np.complex128)
    full[first : first + len(values)] = values
    return np.asarray(scipy.fft.irfft(full, count)[: round(shown_s / DRAWN_STEP_S)])
