"""Which onsets are which phases of a source, and how well their times can tell its depth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.association.candidates import GROUP_VELOCITIES_KM_S, RAYLEIGH_DEVIATION_S, RAYLEIGH_PATH_ERROR, Candidates
from models.seismic.association.grid_scan import TrialSource, phase_curves
from models.seismic.earth.travel_time_errors import FIRST_PHASES, phase_error_s
from models.seismic.earth.travel_times import DISTANCES_DEG, PHASES, travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, azimuthal_gap_deg

ASSOCIATED: Final = 3.0  # deviations within which an onset counts as the arrival
DEPTH_PHASES: Final = ("pP", "sP")
UNKNOWN_DEPTH_KM: Final = 200.0
MIN_CERTAIN_STATIONS: Final = 8
MIN_CERTAIN_FRACTION: Final = 0.75
MAX_CERTAIN_GAP_DEG: Final = 180.0
MAX_CERTAIN_DEPTH_KM, MAX_CERTAIN_APERTURE_DEG = 100.0, 30.0


@dataclass(frozen=True)
class Arrival:
    """
    An onset taken for a phase: the trace's number in its gather, POSIX seconds, observed less predicted, one deviation.

    `short_period`: it stands out at 0.3 Hz and above.
    """

    trace_index: int
    phase: str
    time_s: float
    residual_s: float
    uncertainty_s: float
    short_period: bool = False


def associate_arrivals(data: Candidates, source: TrialSource) -> tuple[Arrival, ...]:
    """Each phase's onset on each trace, where there is one within three deviations that no earlier phase has taken."""
    reach = data.distances_deg(source.point)
    errors = [phase_error_s(phase, data.station_spacing_deg, reach, source.depth_km) for phase in PHASES]
    curves = phase_curves(source.depth_km).astype(np.float64)
    arrivals = []
    for i, place in enumerate(data.trace_indices.tolist()):
        free, vertical = data.s_weights[i] > 0.0, data.later_weights[i] > 0.0
        for row, phase in enumerate(PHASES):
            expected = source.time_s + float(np.interp(reach[i], DISTANCES_DEG, curves[row]))
            sigma = np.hypot(data.pick_deviations[i], errors[row][i])
            off = np.where(free & (vertical | (phase == "S")), np.abs(data.pick_times[i] - expected) / sigma, np.inf)
            at = int(np.argmin(off))
            if off[at] <= ASSOCIATED:
                time_s = float(data.pick_times[i, at])
                short = bool(data.short_period[i, at])
                arrivals.append(Arrival(int(place), phase, data.clock_s + time_s, time_s - expected, float(sigma[at]), short))
                free &= np.abs(data.pick_times[i] - time_s) > 3.0
    return (*arrivals, *_surface_arrivals(data, source, reach))


def is_unambiguous(data: Candidates, source: TrialSource) -> bool:
    """
    Whether first arrivals of nearly all the stations fit, on all sides of the source: no other place explains as many.

    A deep source beneath a network is in doubt: core phases from the other side of the Earth come up as steeply.
    """
    heard = {arrival.trace_index for arrival in associate_arrivals(data, source) if arrival.phase in FIRST_PHASES}
    rows = np.isin(data.trace_indices, list(heard))
    if rows.sum() < max(MIN_CERTAIN_STATIONS, MIN_CERTAIN_FRACTION * len(rows)):
        return False
    if source.depth_km > MAX_CERTAIN_DEPTH_KM and np.median(data.distances_deg(source.point)[rows]) < MAX_CERTAIN_APERTURE_DEG:
        return False
    (latitude, *latitudes), (longitude, *longitudes) = _degrees(np.vstack((source.point, data.stations[rows])))
    return azimuthal_gap_deg(azimuth_deg(latitude, longitude, latitudes, longitudes)) < MAX_CERTAIN_GAP_DEG


def _degrees(points: Floats) -> tuple[Floats, Floats]:
    """Geocentric latitudes and longitudes [n] of unit vectors [n, 3]."""
    return np.degrees(np.arcsin(np.clip(points[:, 2], -1.0, 1.0))), np.degrees(np.arctan2(points[:, 1], points[:, 0]))


def _surface_arrivals(data: Candidates, source: TrialSource, reach: Floats) -> list[Arrival]:
    """The Rayleigh waves' largest amplitude, at the group velocity that most traces agree on."""
    found: list[Arrival] = []
    for velocity in GROUP_VELOCITIES_KM_S:
        expected = source.time_s + reach * KM_PER_DEGREE / velocity
        sigma = np.hypot(RAYLEIGH_DEVIATION_S, RAYLEIGH_PATH_ERROR * (expected - source.time_s))
        off = np.where(data.rayleigh_weights > 0.0, data.rayleigh_times - expected[:, None], np.inf)
        nearest = np.argmin(np.abs(off), axis=1)
        arrivals = []
        for i, at in enumerate(nearest.tolist()):
            if abs(off[i, at]) <= ASSOCIATED * RAYLEIGH_DEVIATION_S:
                time_s = data.clock_s + float(data.rayleigh_times[i, at])
                arrivals.append(Arrival(int(data.trace_indices[i]), "LR", time_s, float(off[i, at]), float(sigma[i])))
        found = max(found, arrivals, key=len)
    return found


def model_depth_error_km(data: Candidates, source: TrialSource, arrivals: Sequence[Arrival]) -> float:
    """
    What an Earth unlike ak135 makes of a depth.

    Depth is told by how differently it delays arrivals: those of stations nearby against those of stations far away, or of depth
    phases, where at least half as many are heard as first arrivals. An error of the times that goes along with that difference is
    one of depth.
    """
    reach = data.distances_deg(source.point)
    counts = {phase: sum(arrival.phase == phase for arrival in arrivals) for phase in PHASES}
    first = sum(counts[phase] for phase in FIRST_PHASES)
    told = [phase for phase in PHASES if counts[phase] and (phase not in DEPTH_PHASES or 2 * counts[phase] >= first)]
    shallow, deep = max(source.depth_km - 10.0, 0.0), source.depth_km + 10.0
    rates, errors = [], []
    for phase in told:
        heard = np.isin(data.trace_indices, [arrival.trace_index for arrival in arrivals if arrival.phase == phase])
        rates.append((travel_time_s(phase, reach[heard], deep) - travel_time_s(phase, reach[heard], shallow)) / (deep - shallow))
        errors.append(phase_error_s(phase, data.station_spacing_deg, reach, source.depth_km)[heard])
    rate, error = np.concatenate([*rates, np.zeros(0)]), np.concatenate([*errors, np.zeros(0)])
    known = np.isfinite(rate)
    if known.sum() < 2:
        return UNKNOWN_DEPTH_KM
    return min(float(np.median(error[known])) / max(float(np.ptp(np.percentile(rate[known], (10, 90)))), 1e-3), UNKNOWN_DEPTH_KM)
