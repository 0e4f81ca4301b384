"""Associate picks with the phases of a source, and judge whether it is unambiguous."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.array_types import Flags, Floats, Integers
from models.seismic.association.candidates import GROUP_VELOCITIES_KM_S, RAYLEIGH_DEVIATION_S, RAYLEIGH_PATH_ERROR, Candidates
from models.seismic.association.grid_scan import TrialSource, phase_curves
from models.seismic.earth.travel_time_errors import CRUSTAL_ALTERNATIVES, FIRST_PHASES, GUIDED_PHASES, SHEAR_PHASES, phase_error_s
from models.seismic.earth.travel_times import DISTANCES_DEG, MAX_CRUSTAL_DEG, PHASES, TABLE_PHASES
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, azimuthal_gap_deg

MAX_DEVIATIONS: Final = 3.0
"""Standard deviations within which a pick is associated with an arrival."""
DUPLICATE_PICK_S: Final = 3.0
"""Picks of a trace closer than this to an associated one are taken for the same arrival."""
DEPTH_PHASES: Final = ("pP", "sP")
EXPECTED_MEAN_SQUARE: Final = 0.5
"""
Mean square of the residuals of associated arrivals in standard deviations: below 1, since residuals beyond three are not associated and
since the uncertainties include errors that all stations share. Of 65 simulated events the median is 0.57.
"""
PRIOR_ARRIVALS: Final = 4.0
MIN_FIRST_ARRIVALS: Final = 3
"""Stations with first arrivals by which a source is located (`models.analysis.arrival_times`)."""
MIN_CERTAIN_STATIONS: Final = 8
MIN_CERTAIN_FRACTION: Final = 0.75
MAX_CERTAIN_GAP_DEG: Final = 180.0
MAX_CERTAIN_DEPTH_KM: Final = 100.0
MIN_DEEP_DISTANCE_DEG: Final = 30.0
"""Median distance of the stations below which a source deeper than MAX_CERTAIN_DEPTH_KM is ambiguous."""


@dataclass(frozen=True)
class Arrival:
    """
    A pick associated with a phase.

    `trace_index` is the trace's index in its gather, `time_s` POSIX seconds, `residual_s` observed minus predicted time,
    `uncertainty_s` one standard deviation of the residual, `short_period` whether the pick was made above 0.3 Hz, `pick_uncertainty_s`
    the part of the uncertainty that is the pick's own.
    """

    trace_index: int
    phase: str
    time_s: float
    residual_s: float
    uncertainty_s: float
    short_period: bool = False
    pick_uncertainty_s: float = 0.0


def associate_arrivals(data: Candidates, source: TrialSource) -> tuple[Arrival, ...]:
    """
    Associate picks with the phases of a source, and Rayleigh-wave envelope peaks with phase "LR".

    Phases are tried in the order of `PHASES`; each takes the nearest pick within three standard deviations that no earlier phase of
    the trace has taken, and that is on the same side of theirs as the phase is of them: no S before P. Of a phase and its alternative a
    pick belongs to the one that it is nearer to, in standard deviations; waves guided by the crust are picked at short periods only.
    """
    distances = data.distances_deg(source.point)
    errors = [phase_error_s(phase, data.station_spacing_deg, distances, source.depth_km) for phase in PHASES]
    curves = phase_curves(source.depth_km, data.slowness_ratio).astype(np.float64)
    arrivals = []
    for i, trace_index in enumerate(data.trace_indices.tolist()):
        free, vertical = data.s_weights[i] > 0.0, data.later_weights[i] > 0.0
        taken: list[tuple[float, float]] = []  # picks and predicted times of the trace's arrivals
        for index, phase in enumerate(PHASES if data.crustal else TABLE_PHASES):
            expected = source.time_s + float(np.interp(distances[i], DISTANCES_DEG, curves[index]))
            sigma = np.hypot(data.pick_deviations[i], errors[index][i])
            allowed = free & (vertical | (phase in SHEAR_PHASES)) & (data.short_period[i] | (phase not in GUIDED_PHASES))
            for other_pick_s, other_expected_s in taken:
                allowed &= (data.pick_times[i] - other_pick_s) * (expected - other_expected_s) >= 0.0
            deviations = np.where(allowed, np.abs(data.pick_times[i] - expected) / sigma, np.inf)
            if data.crustal and phase in CRUSTAL_ALTERNATIVES:
                other = PHASES.index(CRUSTAL_ALTERNATIVES[phase])
                instead_s = source.time_s + float(np.interp(distances[i], DISTANCES_DEG, curves[other]))
                closer = np.abs(data.pick_times[i] - instead_s) / np.hypot(data.pick_deviations[i], errors[other][i]) < deviations
                deviations = np.where(closer, np.inf, deviations)
            nearest = int(np.argmin(deviations))
            if deviations[nearest] <= MAX_DEVIATIONS:
                time_s, error_s = float(data.pick_times[i, nearest]), float(sigma[nearest])
                short_period = bool(data.short_period[i, nearest])
                arrival = Arrival(int(trace_index), phase, data.clock_s + time_s, time_s - expected, error_s, short_period)
                arrivals.append(replace(arrival, pick_uncertainty_s=float(data.pick_deviations[i, nearest])))
                free &= np.abs(data.pick_times[i] - time_s) > DUPLICATE_PICK_S
                taken.append((time_s, expected))
    return (*arrivals, *_associate_rayleigh_peaks(data, source, distances))


def associate_with_hypocenter(data: Candidates, arrivals: Sequence[Arrival], hypocenter: TrialSource) -> tuple[Arrival, ...]:
    """
    Associate picks with the phases of a stated hypocenter, which rests on more than arrival times; the residuals are those from it.

    Phases are identified at the origin time at which the first arrivals among `arrivals`, those of the source that fits the picks best, fit
    the hypocenter: an error of the stated origin time delays all picks, and would have them taken for other phases or for none.
    """
    late_s = _measure_delay(data, arrivals, hypocenter)
    identified = associate_arrivals(data, replace(hypocenter, time_s=hypocenter.time_s + late_s))
    return tuple(replace(arrival, residual_s=arrival.residual_s + late_s) for arrival in identified)


def _measure_delay(data: Candidates, arrivals: Sequence[Arrival], source: TrialSource) -> float:
    """Measure the median of the residuals of first arrivals from another source than they were associated with; 0 without any."""
    curves = phase_curves(source.depth_km, data.slowness_ratio).astype(np.float64)
    distances = dict(zip(data.trace_indices.tolist(), data.distances_deg(source.point), strict=True))
    first = [arrival for arrival in arrivals if arrival.phase in FIRST_PHASES]
    travel = [np.interp(distances[one.trace_index], DISTANCES_DEG, curves[PHASES.index(one.phase)]) for one in first]
    residuals = np.array([one.time_s - data.clock_s for one in first]) - source.time_s - np.array(travel)
    known = residuals[np.isfinite(residuals)]
    return float(np.median(known)) if len(known) else 0.0


def _associate_rayleigh_peaks(data: Candidates, source: TrialSource, distances_deg: Floats) -> list[Arrival]:
    """Associate Rayleigh-wave envelope peaks at the trial group velocity that fits most traces."""
    best: list[Arrival] = []
    for velocity in GROUP_VELOCITIES_KM_S:
        expected = source.time_s + distances_deg * KM_PER_DEGREE / velocity
        sigma = np.hypot(RAYLEIGH_DEVIATION_S, RAYLEIGH_PATH_ERROR * (expected - source.time_s))
        residuals = np.where(data.rayleigh_weights > 0.0, data.rayleigh_times - expected[:, None], np.inf)
        arrivals = []
        for i, nearest in enumerate(np.argmin(np.abs(residuals), axis=1).tolist()):
            if abs(residuals[i, nearest]) <= MAX_DEVIATIONS * RAYLEIGH_DEVIATION_S:
                time_s = data.clock_s + float(data.rayleigh_times[i, nearest])
                arrivals.append(Arrival(int(data.trace_indices[i]), "LR", time_s, float(residuals[i, nearest]), float(sigma[i])))
        best = max(best, arrivals, key=len)
    return best


def is_held_nearby(data: Candidates, source: TrialSource) -> bool:
    """
    Return whether a source is near a station and held by first arrivals, on most traces and three at least.

    A distant source is not held so: with waves guided by the crust, a source beside an array would explain the array's picks better.
    """
    if np.min(data.distances_deg(source.point)) > MAX_CRUSTAL_DEG:
        return False
    detected = detect_first_arrivals(data, source)
    return bool(detected.sum() >= MIN_FIRST_ARRIVALS and 2 * detected.sum() > len(detected))


def is_unambiguous(data: Candidates, source: TrialSource) -> bool:
    """
    Return whether a source is so well constrained that no other one can explain as many first arrivals.

    First arrivals must be associated at 8 stations and three quarters of all, with an azimuthal gap below 180 degrees. A deep source
    beneath a network is ambiguous: core phases from the other side of the Earth arrive as steeply.
    """
    detected = detect_first_arrivals(data, source)
    if detected.sum() < max(MIN_CERTAIN_STATIONS, MIN_CERTAIN_FRACTION * len(detected)):
        return False
    if source.depth_km > MAX_CERTAIN_DEPTH_KM and np.median(data.distances_deg(source.point)[detected]) < MIN_DEEP_DISTANCE_DEG:
        return False
    return find_gap_deg(data, source, detected) < MAX_CERTAIN_GAP_DEG


def is_surrounded(data: Candidates, source: TrialSource) -> bool:
    """Return whether the stations with a first arrival surround a source: on one side only, its distance trades off with the velocities."""
    return find_gap_deg(data, source, detect_first_arrivals(data, source)) < MAX_CERTAIN_GAP_DEG


def detect_first_arrivals(data: Candidates, source: TrialSource) -> Flags:
    """Return whether each trace [n] has a pick that is associated with a first arrival of a source."""
    return np.isin(data.trace_indices, [one.trace_index for one in associate_arrivals(data, source) if one.phase in FIRST_PHASES])


def find_gap_deg(data: Candidates, source: TrialSource, rows: Flags | Integers) -> float:
    """Return the azimuthal gap of some of the stations, as a source sees them."""
    (latitude, *latitudes), (longitude, *longitudes) = to_degrees(np.vstack((source.point, data.stations[rows])))
    return azimuthal_gap_deg(azimuth_deg(latitude, longitude, latitudes, longitudes))


def residual_ratio(arrivals: Sequence[Arrival]) -> float:
    """
    Return by how much residuals of body waves exceed their uncertainties, at least 1: the factor on the errors of a solution.

    Birge's ratio (1932, doi:10.1103/PhysRev.40.207): the root of the mean square of residuals in standard deviations, relative to
    `EXPECTED_MEAN_SQUARE`, which counts as `PRIOR_ARRIVALS` more arrivals so that few of them do not decide.
    """
    squares = [(arrival.residual_s / arrival.uncertainty_s) ** 2 for arrival in arrivals if arrival.phase != "LR"]
    mean_square = (sum(squares) + PRIOR_ARRIVALS * EXPECTED_MEAN_SQUARE) / (len(squares) + PRIOR_ARRIVALS)
    return float(np.sqrt(max(mean_square / EXPECTED_MEAN_SQUARE, 1.0)))


def to_degrees(points: Floats) -> tuple[Floats, Floats]:
    """Convert unit vectors [n, 3] to geocentric latitudes and longitudes [n]."""
    return np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0))), np.degrees(np.arctan2(points[:, 1], points[:, 0]))
