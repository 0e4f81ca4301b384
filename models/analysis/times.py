"""The refinement of an epicenter with times: onsets from the original records, surges from the gather, distances as a prior."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.analysis.offsets import OffsetReadings, combine_origin_times
from models.seismic.association import no_prior
from models.seismic.candidates import FIRST_PHASES, Candidates, assemble
from models.seismic.codes import TraceId
from models.seismic.geodesy import azimuth_deg, azimuthal_gap_deg, distance_deg
from models.seismic.location import LEAST_PROBABILITY, Location, prepare_offsets
from models.seismic.onsets import pick_all
from models.seismic.regions import read_scales, stated
from models.seismic.surges import Surges, find_surges
from models.seismic.timed import Arrival, Timed, geocentric, locate_by_times, offsets_prior
from models.seismic.waveforms import Gather, Record

LEAST_STATIONS: Final = 5
"""Place, depth and origin time are four unknowns: four arrivals of one wave always fit, and the fifth is the first check."""
LEAST_EVIDENCE: Final = 6.0
"""In logarithm. Networks of noise and disturbances of their own, of 4 to 30 stations, local to global, reached at most 1.2 in 25 draws."""
SMALLEST_GUESS_S: Final = 60.0
SMALLEST_DEPTH_ERROR_KM: Final = 10.0  # a crust that is not the one of ak135 is worth that much


def read_candidates(records: Sequence[Record], gather: Gather, readings: OffsetReadings) -> Candidates | None:
    """What the traces say about arrivals; records in the gather's order. None where fewer than five traces say anything."""
    data = assemble(pick_all(records), find_surges(gather), gather.latitudes_deg, gather.longitudes_deg)
    if data is None or len(data.places) < LEAST_STATIONS:
        return None
    guess = combine_origin_times(readings)
    return replace(data, origin=(guess.time_s - data.clock_s, max(2.0 * guess.uncertainty_s, SMALLEST_GUESS_S)))


def time_event(records: Sequence[Record], gather: Gather, readings: OffsetReadings, location: Location) -> Timed | None:
    """
    Times and distances together, where the times are clearly more than chance; None otherwise.

    Accepted where the onsets are likelier with a source than without by `LEAST_EVIDENCE`, in a Bayes factor that counts every
    place, depth and origin time that was looked at, and where most of the network heard one and the same wave.
    """
    data = read_candidates(records, gather, readings)
    if data is None:
        return None
    offsets = prepare_offsets(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    starts = [geocentric(place.latitude_deg, place.longitude_deg) for place in (location, *location.alternatives[:3])]
    timed = locate_by_times(data, offsets_prior(offsets), starts)
    accepted = timed is not None and timed.log_evidence >= LEAST_EVIDENCE and heard_by_most(timed.arrivals, len(data.places))
    return timed if accepted else None


def heard_by_most(arrivals: Sequence[Arrival], traces: int) -> bool:
    """Whether first arrivals, or surface waves, were found on more than half of the traces, and on five at least."""
    counts = [sum(arrival.phase in wave for arrival in arrivals) for wave in (FIRST_PHASES, ("LR",))]
    return max(counts) >= LEAST_STATIONS and 2 * max(counts) > traces


def heard_at_short_periods(timed: Timed | None) -> bool:
    """Whether enough traces heard the first arrival at 0.3 Hz and above, which no glacial earthquake radiates from afar."""
    if timed is None:
        return False
    return sum(arrival.short_period and arrival.phase in FIRST_PHASES for arrival in timed.arrivals) >= LEAST_STATIONS


def moved_location(gather: Gather, readings: OffsetReadings, location: Location, timed: Timed) -> Location:
    """A location at the place that the times and distances say; `used` are traces with an arrival or a fitting distance."""
    best, *others = timed.regions
    residuals = distance_deg(best.latitude_deg, best.longitude_deg, gather.latitudes_deg, gather.longitudes_deg) - readings.distances_deg
    used = np.abs(residuals) <= 4.0 * readings.uncertainties_deg
    heard = used.copy()
    heard[[arrival.place for arrival in timed.arrivals]] = True
    azimuths = azimuth_deg(best.latitude_deg, best.longitude_deg, gather.latitudes_deg[heard], gather.longitudes_deg[heard])
    moved = Location(
        **vars(best),
        residuals_deg=residuals,
        used=used,
        azimuthal_gap_deg=azimuthal_gap_deg(azimuths),
        common_bias_deg=location.common_bias_deg,
        effective_stations=location.effective_stations,
        alternatives=tuple(other for other in others if other.probability >= LEAST_PROBABILITY),
    )
    return stated(moved, read_scales(readings.calibration, "offsets-and-times"))


def with_origin(readings: OffsetReadings, timed: Timed | None) -> OffsetReadings:
    """The readings with the origin time that the times say for every trace, so that sections are drawn at it; as they are without."""
    if timed is None:
        return readings
    known = np.isfinite(readings.origin_times_s)
    times_s, uncertainties_s = (np.where(known, value, np.nan) for value in (timed.time_s, timed.time_uncertainty_s))
    return replace(readings, origin_times_s=times_s, origin_uncertainties_s=uncertainties_s)


def combine_depths(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """
    Depth and its deviation from two of them, both in kilometers, each weighted by one over its variance.

    Where they contradict each other, the deviation grows with their distance (Birge's ratio).
    """
    depths, variances = np.array([first[0], second[0]]), np.maximum([first[1], second[1]], SMALLEST_DEPTH_ERROR_KM) ** 2.0
    mean = float(np.average(depths, weights=1.0 / variances))
    contradiction = float((depths[1] - depths[0]) ** 2 / variances.sum())
    return max(mean, 0.0), float(np.sqrt(max(contradiction, 1.0) / (1.0 / variances).sum()))


def warm() -> None:
    """Run every compiled loop once on tiny records."""
    samples = np.where(np.arange(600) < 400, 0.1, 1.0) * np.sin(np.arange(600) ** 1.5)
    record = Record(TraceId("XX", "WARM", "", "BHZ"), 0.0, 5.0, samples.astype(np.float32), 0.0, 0.0)
    surge = Surges(np.array([100.0]), np.array([2.0]))
    data = assemble(pick_all([record] * 3), [surge] * 3, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    if data is not None:
        locate_by_times(data, no_prior)
