"""Locate an event by arrival times, and accept the solution where it is significant."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from models.analysis.combine import combine_origin_times
from models.analysis.distances import DistanceReadings
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.geodesy import geocentric
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.origin_time_prior import MAX_LEAD_S
from models.seismic.location.regions import EpicenterRegion
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.waveforms import Gather

MIN_STATIONS: Final = 5
"""Latitude, longitude, depth and origin time are four unknowns: four arrivals of one phase always fit, the fifth is the first check."""
MIN_LOG_EVIDENCE: Final = 6.0
"""Log Bayes factor. Simulated networks of 4 to 30 stations, local to global, with noise picks alone reached at most 1.2 in 25 draws."""
MIN_LOG_EVIDENCE_ALONE: Final = 0.0
"""
The same for arrival times alone, of an event that is detected already: three of 160 networks of 5 to 63 stations with 60 to 240 s of
synthetic noise exceeded it (`docs/results/short_records.md`).
"""
MIN_ORIGIN_DEVIATION_S: Final = 60.0  # of the origin time of the distances, as a prior
MAX_STARTS: Final = 4  # regions of other observations that the search begins at


def find_arrival_solution(
    picks: Sequence[Picks], gather: Gather, readings: DistanceReadings, starts: Sequence[EpicenterRegion], prior: LogPrior
) -> ArrivalTimeSolution | None:
    """
    Locate by arrival times and accept the solution where it is significant; None otherwise.

    Accepted where the log Bayes factor of a source against noise picks, marginal over epicenter, depth and origin time, reaches
    `MIN_LOG_EVIDENCE`, and a majority of the network detected the same wave. The search begins near the first of the `starts`; `prior` is
    the log density of an epicenter from other observations.
    """
    candidates = pick_candidates(picks, gather, readings) if len(picks) else None
    if candidates is None:
        return None
    points = [geocentric(start.latitude_deg, start.longitude_deg) for start in starts[:MAX_STARTS]]
    solution = locate_by_arrival_times(candidates, prior, points)
    if solution is None or solution.log_evidence < (MIN_LOG_EVIDENCE_ALONE if readings.withheld else MIN_LOG_EVIDENCE):
        return None
    return solution if is_detected_by_majority(solution.arrivals, len(candidates.trace_indices)) else None


def pick_candidates(picks: Sequence[Picks], gather: Gather, readings: DistanceReadings) -> Candidates | None:
    """
    Collect picks and Rayleigh-wave envelope peaks as candidate arrivals; None where fewer than five traces have any.

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
    """Whether first arrivals, or Rayleigh waves, are associated on more than half of the traces, and on five at least."""
    counts = [len({arrival.trace_index for arrival in arrivals if arrival.phase in wave}) for wave in (FIRST_PHASES, ("LR",))]
    return max(counts) >= MIN_STATIONS and 2 * max(counts) > traces


def has_short_period_arrivals(solution: ArrivalTimeSolution | None) -> bool:
    """Whether five traces or more have a first arrival at 0.3 Hz and above, where glacial earthquakes radiate too little to be detected."""
    if solution is None:
        return False
    return len({one.trace_index for one in solution.arrivals if one.short_period and one.phase in FIRST_PHASES}) >= MIN_STATIONS
