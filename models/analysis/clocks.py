"""Find the stations whose clocks contradict a located event: their waves fit it at another time, and not at the time they state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.analysis.physical_evidence import DEFAULT_DEPTH_KM
from models.analysis.pipeline import EventLocation
from models.array_types import Floats, Integers
from models.seismic.association.candidates import Candidates, collect_candidates, mix_picks, phase_llr, rayleigh_llr
from models.seismic.association.pick_likelihood import TimeGrid
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg, geocentric
from models.seismic.location.regions import NORMAL_AXIS
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.waveforms import Gather, Record

WAVES: Final = ("P", "PKP", "S", "PP", "pP")
"""First arrivals before later ones, in the order in which they count."""
MIN_SEPARATION_S: Final = 20.0
"""Waves that follow one that counts by less do not, since one pick would count for both."""
STEP_S: Final = 1.0
MAX_SHIFT_S: Final = 4000.0
"""Largest error that is looked for: a time zone of one hour is a frequent one."""
MIN_SHIFT_S: Final = 8.0
"""Smallest error that is stated: less is within the errors of travel times, and of slow beginnings of large ruptures."""
LOG_ODDS: Final = -float(np.log(100.0))
"""Prior log odds of a wrong clock at a station, of which there are one in a hundred."""
MIN_LOG_ODDS: Final = float(np.log(3.0))
"""
Log odds from which an error is stated. Of 215 traces of nine synthetic events with right clocks none reaches -2, of 34 with clocks that are
off by 10 to 3,600 s eleven reach it: the other ones show too little of the event.
"""
MIN_WAVES: Final = 2
"""Waves that fit the shifted record, the reading among them: a single pick may be of another event."""
MIN_GAIN: Final = 1.0  # log-likelihood ratio from which on a wave fits
MAX_RADIUS_KM: Final = 300.0
"""Largest 68 % radius of an epicenter that arrivals are predicted from."""
MIN_RAYLEIGH_STATIONS: Final = 3  # with associated Rayleigh waves, from which their group velocity is measured
P_SLOWNESS_S_KM: Final = 0.1  # of P near 20 degrees, by which an error of the epicenter shifts arrivals
READING_FACTOR: Final = 1.5  # on the standard deviations of origin times by readings, whose errors have long tails
MAX_READING_LOG: Final = 12.0
"""Largest log ratio that the reading of a trace counts: one in some hundred thousand is misread, with a small deviation."""
MAX_DISTANCE_DEVIATIONS: Final = 2.0  # of a reading from the epicenter, for its origin time to count
COMMON_SHIFT_S: Final = 20.0
"""Stations whose shifts are so nearly equal saw another event rather than that their clocks agree."""


@dataclass(frozen=True)
class ClockError:
    """
    A trace whose clock contradicts the event.

    `shift_s`: what its time stamps are late by. `log_odds` of a wrong clock against a right one.
    """

    trace_index: int
    shift_s: float
    log_odds: float


def find_clock_errors(records: Sequence[Record], gather: Gather, found: EventLocation) -> list[ClockError]:
    """
    Find the traces without an associated first arrival whose picks, Rayleigh waves and reading fit the event at another time.

    Nothing is looked for unless the epicenter is known to within `MAX_RADIUS_KM`, and the records hold first arrivals. Two waves must fit
    the shifted record, and the shift must be that of no other such station, which would see another event.
    """
    if not len(records) or found.begins_late or found.location.horizontal_uncertainty_km > MAX_RADIUS_KM:
        return []
    associated = {one.trace_index for one in found.arrivals if one.phase in FIRST_PHASES}
    known = np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg)
    rows = np.array([row for row in np.flatnonzero(known).tolist() if row not in associated], np.int64)
    if not len(rows):
        return []
    subset = gather.subset(rows)
    picks = pick_records([records[row] for row in rows])
    candidates = collect_candidates(picks, pick_envelope_peaks(subset), subset.latitudes_deg, subset.longitudes_deg)
    if candidates is None:
        return []
    tried = _weigh_shifts(_sharpen_weights(candidates), rows[candidates.trace_indices], gather, found)
    shown = [one for one in tried if one.log_odds >= MIN_LOG_ODDS]
    return [one for one in shown if not any(other is not one and abs(other.shift_s - one.shift_s) < COMMON_SHIFT_S for other in tried)]


def _weigh_shifts(data: Candidates, rows: Integers, gather: Gather, found: EventLocation) -> list[ClockError]:
    """Weigh all shifts against none, of the traces `rows` that the candidates are of: the best one of each, where two waves fit at it."""
    shifts_s = np.arange(-MAX_SHIFT_S, MAX_SHIFT_S + STEP_S, STEP_S)
    gains = np.stack([*_weigh_waves(data, gather, found, len(shifts_s)), _weigh_readings(rows, found, shifts_s)])
    total = gains.sum(axis=0)
    right = np.abs(shifts_s) <= MIN_SHIFT_S
    best = np.where(right, -np.inf, total).argmax(axis=1)
    odds = LOG_ODDS + np.logaddexp.reduce(np.where(right, -np.inf, total), axis=1) - np.log(right.size) - total[:, right].max(axis=1)
    fitting = (gains[:, np.arange(len(rows)), best] > MIN_GAIN).sum(axis=0)
    return [ClockError(int(rows[k]), float(shifts_s[best[k]]), float(odds[k])) for k in np.flatnonzero(fitting >= MIN_WAVES)]


def _weigh_waves(data: Candidates, gather: Gather, found: EventLocation, count: int) -> list[Floats]:
    """Log-likelihood ratios [traces, shifts] of the first arrival, of S and of the Rayleigh waves at each shift of the time stamps."""
    location, depth_km = found.location, DEFAULT_DEPTH_KM if found.depth is None else found.depth.depth_km
    distances = data.distances_deg(geocentric(location.latitude_deg, location.longitude_deg))
    place_s = P_SLOWNESS_S_KM * location.horizontal_uncertainty_km / NORMAL_AXIS
    error_s = np.full(len(distances), np.hypot(found.origin.uncertainty_s, place_s))
    origin_s = found.origin.time_s - data.clock_s
    times = _select_waves(np.stack([travel_time_s(wave, distances, depth_km) for wave in WAVES]))
    starts = np.rint((origin_s + np.nan_to_num(times) - MAX_SHIFT_S) / STEP_S).astype(np.int64)
    grid = TimeGrid(STEP_S, starts, count)
    llr = phase_llr(mix_picks(data, distances, depth_km, error_s, correlated_errors=False, phases=WAVES), grid).astype(np.float64)
    waves = list(np.where(np.isfinite(times)[..., None], llr, 0.0))
    velocity_km_s = _measure_group_velocity(gather, found)
    if velocity_km_s is not None:
        peaks = np.rint((origin_s + distances * KM_PER_DEGREE / velocity_km_s - MAX_SHIFT_S) / STEP_S).astype(np.int64)
        counts = np.full(len(distances), count)
        waves.append(rayleigh_llr(data, distances, error_s, TimeGrid(STEP_S, peaks, count), counts).astype(np.float64))
    return [np.where(wave == 0.0, wave.min(axis=1, keepdims=True), wave) for wave in waves]  # beyond the record it is missed as well


def _select_waves(times_s: Floats) -> Floats:
    """Leave out (NaN) the travel times [waves, traces] of waves that follow one listed before by less than `MIN_SEPARATION_S`."""
    selected = times_s.copy()
    for wave in range(1, len(selected)):
        near = np.abs(selected[wave] - selected[:wave]) < MIN_SEPARATION_S
        selected[wave, near.any(axis=0)] = np.nan
    return selected


def _sharpen_weights(data: Candidates) -> Candidates:
    """Square the weights of picks, for a single strong one is what a record of the event shows first."""
    names = ("first_weights", "later_weights", "s_weights")
    squares = {name: getattr(data, name) ** 2 for name in names}
    return replace(data, **{name: value / np.maximum(value.sum(axis=1, keepdims=True), 1e-12) for name, value in squares.items()})


def _measure_group_velocity(gather: Gather, found: EventLocation) -> float | None:
    """Measure the median group velocity in km/s of the Rayleigh waves that are associated; None at fewer than three stations."""
    peaks = [one for one in found.arrivals if one.phase == "LR"]
    if len(peaks) < MIN_RAYLEIGH_STATIONS:
        return None
    rows, location = [one.trace_index for one in peaks], found.location
    distances = distance_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg[rows], gather.longitudes_deg[rows])
    return float(np.median(distances * KM_PER_DEGREE / (np.array([one.time_s for one in peaks]) - found.origin.time_s)))


def _weigh_readings(rows: Integers, found: EventLocation, shifts_s: Floats) -> Floats:
    """
    Log-likelihood ratios [traces, shifts] of each shift against none by the origin times that were read from the traces.

    Zero for a trace whose distance was not read, or contradicts the epicenter: then its origin time is wrong as well.
    """
    readings = found.readings
    late_s = (readings.origin_times_s - found.origin.time_s)[rows, None]
    deviations_s = READING_FACTOR * readings.origin_uncertainties_s[rows, None]
    ratios = 0.5 * (late_s**2 - (late_s - shifts_s) ** 2) / deviations_s**2
    agrees = np.abs(found.location.residuals_deg[rows]) <= MAX_DISTANCE_DEVIATIONS * readings.uncertainties_deg[rows]
    return np.where(agrees[:, None] & np.isfinite(ratios), np.clip(ratios, -MAX_READING_LOG, MAX_READING_LOG), 0.0)
