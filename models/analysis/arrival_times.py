"""
Locate an event by arrival times, accept the solution where it is significant, and doubt it where too few stations verify it.

Where times are doubted, those of a single array among them, both hypotheses are stated: with and without them.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.analysis.combine import combine_origin_times
from models.analysis.distances import DistanceReadings
from models.array_types import Floats
from models.seismic.arrays.plane_waves import group_arrays
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.pick_assignment import is_assigned_at_random
from models.seismic.earth.travel_time_errors import FIRST_PHASES, effective_neighbor_count, shared_path_deg
from models.seismic.geodesy import distance_deg, geocentric
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.origin_time_prior import MAX_LEAD_S
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import MIN_PROBABILITY, StationDistances
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.waveforms import Gather

MIN_STATIONS: Final = 3
"""
With first arrivals, where distances are read as well. Latitude, longitude, depth and origin time are four unknowns, so that S and the
distances check three or four first arrivals (`docs/results/hypocenter_coverage.md` has what regions of few stations hold).
"""
MANY_STATIONS: Final = 5
"""With one wave whose arrivals nothing else checks: the fifth is the first that need not fit a source."""
MIN_LOG_EVIDENCE: Final = 6.0
"""
Log Bayes factor. Simulated networks of 4 to 30 stations, local to global, with noise picks alone reached at most 1.2 in 25 draws. Of 300
networks of three or four stations within 15 degrees, 53 reach it, two of which are off by more than 1.5 times their 90 % region; with the
records of all exchanged, which nothing else shows at so few stations, six do.
"""
MIN_LOG_EVIDENCE_NEARBY: Final = 2.0
"""
The same for sources near five stations or more, where P and S distinguish distances. Of 291 simulated networks of 5 to 30 stations with
noise picks alone none reached 0 with a majority; of events at 5 to 14 stations whose picks were often missed 32 of 35 that reached 0 to 6
are in the stated 90 % region.
"""
MIN_LOG_EVIDENCE_ALONE: Final = 0.0
"""
The same for arrival times alone, of an event that is detected already: three of 160 networks of 5 to 63 stations with 60 to 240 s of
synthetic noise exceeded it (`docs/results/short_records.md`).
"""
MIN_ORIGIN_DEVIATION_S: Final = 60.0  # of the origin time of the distances, as a prior
MAX_STARTS: Final = 4  # regions of other observations that the search begins at
PROBABILITY: Final = 0.5  # of either hypothesis
MAX_OTHER_TRACES: Final = 5  # fewer stations outside the array cannot verify an arrival of the array
MIN_INDEPENDENT_STATIONS: Final = 6.0  # with first arrivals: latitude, longitude, depth and origin time are four unknowns
MAX_ELLIPSE_FACTOR: Final = 3.0
"""Factor on 68 % ellipses beyond which two estimates of an epicenter contradict each other."""
MAX_DISTANCE_DEVIATION: Final = 4.0  # of an epicenter from the predicted distances, in their standard deviations
FAR_DEG: Final = 20.0
"""Median epicentral distance up to which P and S differ by their moveout across an array; beyond it P, S, PP and core phases look alike."""


def find_arrival_solution(
    picks: Sequence[Picks], gather: Gather, readings: DistanceReadings, starts: Sequence[EpicenterRegion], prior: LogPrior
) -> ArrivalTimeSolution | None:
    """
    Locate by arrival times and accept the solution where it is significant; None otherwise.

    The search begins near the first of the `starts`; `prior` is the log density of an epicenter from other observations.
    """
    candidates = pick_candidates(picks, gather, readings) if len(picks) else None
    if candidates is None:
        return None
    points = [geocentric(start.latitude_deg, start.longitude_deg) for start in starts[:MAX_STARTS]]
    solution = locate_by_arrival_times(candidates, prior, points)
    traces, stations = len(candidates.trace_indices), (gather.latitudes_deg, gather.longitudes_deg)
    return solution if solution is not None and is_significant(solution, traces, stations, alone=readings.withheld) else None


def is_significant(solution: ArrivalTimeSolution, traces: int, stations: tuple[Floats, Floats], *, alone: bool = False) -> bool:
    """
    Whether a solution is accepted: its evidence is sufficient, and a majority of the `traces` with picks detected the same wave.

    The evidence is the log Bayes factor of a source against noise picks, marginal over epicenter, depth and origin time. `stations` are
    latitudes and longitudes [n] in degrees; `alone`: without distances that might contradict it.
    """
    if alone:
        enough, needed = MANY_STATIONS, MIN_LOG_EVIDENCE_ALONE
    else:
        nearby = traces >= MANY_STATIONS and not is_far(solution, *stations)
        enough, needed = MIN_STATIONS, MIN_LOG_EVIDENCE_NEARBY if nearby else MIN_LOG_EVIDENCE
    return traces >= enough and solution.log_evidence >= needed and is_detected_by_majority(solution.arrivals, traces)


def pick_candidates(picks: Sequence[Picks], gather: Gather, readings: DistanceReadings) -> Candidates | None:
    """
    Collect picks and Rayleigh-wave envelope peaks as candidate arrivals; None where fewer than three traces have any.

    The origin times of the readings are an estimate of the origin time. Without readings, origins before the first sample are as probable
    as later ones: short records are cut about arrivals.
    """
    candidates = collect_candidates(picks, pick_envelope_peaks(gather), gather.latitudes_deg, gather.longitudes_deg)
    if candidates is None or len(candidates.trace_indices) < MIN_STATIONS:
        return None
    if readings.withheld:
        return replace(candidates, usual_lead_s=MAX_LEAD_S)
    estimate = combine_origin_times(readings)
    deviation_s = max(2.0 * estimate.uncertainty_s, MIN_ORIGIN_DEVIATION_S)
    return replace(candidates, origin_estimate=(estimate.time_s - candidates.clock_s, deviation_s))


def is_detected_by_majority(arrivals: Sequence[Arrival], traces: int) -> bool:
    """Whether first arrivals, on three traces at least, or Rayleigh waves, on five, are associated on more than half of the traces."""
    first, rayleigh = (len({arrival.trace_index for arrival in arrivals if arrival.phase in wave}) for wave in (FIRST_PHASES, ("LR",)))
    return (first >= MIN_STATIONS and 2 * first > traces) or (rayleigh >= MANY_STATIONS and 2 * rayleigh > traces)


def has_short_period_arrivals(solution: ArrivalTimeSolution | None) -> bool:
    """Whether five traces or more have a first arrival at 0.3 Hz and above, where glacial earthquakes radiate too little to be detected."""
    if solution is None:
        return False
    return len({one.trace_index for one in solution.arrivals if one.short_period and one.phase in FIRST_PHASES}) >= MANY_STATIONS


def is_one_array(gather: Gather) -> bool:
    """Whether one array holds more than half of the stations with coordinates, and fewer than five stations lie outside it."""
    located = int(np.isfinite(gather.latitudes_deg).sum())
    return any(
        2 * len(array.trace_indices) > located and len(array.trace_indices) > located - MAX_OTHER_TRACES for array in group_arrays(gather)
    )


def is_far(solution: ArrivalTimeSolution, latitudes_deg: Floats, longitudes_deg: Floats) -> bool:
    """Whether the median distance of stations [n] from the solution's most probable epicenter exceeds 20 degrees."""
    best = solution.regions[0]
    return bool(np.nanmedian(distance_deg(best.latitude_deg, best.longitude_deg, latitudes_deg, longitudes_deg)) > FAR_DEG)


def is_of_other_stations(gather: Gather, solution: ArrivalTimeSolution) -> bool:
    """Whether the picks of a source near a network fit the stations no better than if they were assigned to them at random."""
    if solution.candidates is None or is_far(solution, gather.latitudes_deg, gather.longitudes_deg):
        return False
    best, plain = solution.regions[0], replace(solution.candidates, crustal=False, slowness_ratio=1.0)
    return is_assigned_at_random(plain, (best.latitude_deg, best.longitude_deg))


def is_verified(stations: tuple[Floats, Floats], solution: ArrivalTimeSolution) -> bool:
    """
    Whether first arrivals come from enough independent stations to check the identification of their phases by.

    Six, those that share a path counting as one; `stations` are latitudes and longitudes [n] in degrees.
    """
    rows = sorted({arrival.trace_index for arrival in solution.arrivals if arrival.phase in FIRST_PHASES})
    best, latitudes, longitudes = solution.regions[0], stations[0][rows], stations[1][rows]
    apart_deg = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    paths_deg = shared_path_deg(distance_deg(best.latitude_deg, best.longitude_deg, latitudes, longitudes))
    return float((1.0 / effective_neighbor_count(apart_deg, paths_deg[:, None])).sum()) >= MIN_INDEPENDENT_STATIONS


def contradicts_distances(predicted: StationDistances, solution: ArrivalTimeSolution) -> bool:
    """
    Whether the epicenter of arrival times is at distances that the records contradict: by more than four deviations in the median.

    In 31 solutions of synthetic and observed networks that are right within 1,000 km the median is at most 2.1, in six others 0.7 to 28.
    """
    best = solution.regions[0]
    distances = distance_deg(best.latitude_deg, best.longitude_deg, predicted.latitudes_deg, predicted.longitudes_deg)
    deviations = np.abs(distances - predicted.distances_deg) / predicted.uncertainties_deg
    return bool(np.isfinite(deviations).any() and np.nanmedian(deviations) > MAX_DISTANCE_DEVIATION)


def contradicts_others(with_times: Sequence[EpicenterRegion], without_times: Sequence[EpicenterRegion]) -> bool:
    """
    Whether arrival times, or a source inversion, contradict the regions found without them.

    Contradicted where the epicenter lies outside three times the 68 % ellipse of every region of probability 5 % and more, and each of
    these outside three times the ellipse of the epicenter.
    """
    best = with_times[0]
    others = [region for region in without_times if region.probability >= MIN_PROBABILITY]
    apart = [
        min(
            scale_to_contain(region, best.latitude_deg, best.longitude_deg),
            scale_to_contain(best, region.latitude_deg, region.longitude_deg),
        )
        for region in others
    ]
    return bool(apart) and min(apart) > MAX_ELLIPSE_FACTOR


def mix_hypotheses(first: Sequence[EpicenterRegion], second: Sequence[EpicenterRegion], *, by_probability: bool) -> list[EpicenterRegion]:
    """
    Mix the regions of two hypotheses, arrival times used or not used, with a probability of 1/2 each.

    Sorted by probability where asked for; otherwise the regions of the `first` hypothesis come first.
    """
    mixture = [replace(region, probability=PROBABILITY * region.probability) for region in (*first, *second)]
    return sorted(mixture, key=lambda region: -region.probability) if by_probability else mixture
