"""The refinement of an epicenter with times: onsets from the original records, surges from the gather, distances as a prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.analysis.directions import Directions, joint_prior, read_directions
from models.analysis.distances import DistanceReadings, OriginTime, combine_origin_times
from models.analysis.single_array import HALF, is_far, is_one_array, mix_hypotheses
from models.seismic.arrays import semblance
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.geodesy import azimuth_deg, azimuthal_gap_deg, distance_deg, geocentric
from models.seismic.location.distances import MIN_PROBABILITY, Location
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.region_calibration import calibrate_region, read_coverage_scales
from models.seismic.location.regions import EpicenterRegion, find_regions
from models.seismic.signal.picker import Picks, pick_records
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks, pick_envelope_peaks
from models.seismic.surface_waves.detector import SurfaceWaveStack, detect_surface_waves
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record

Method = Literal["offsets", "offsets-and-polarization", "offsets-and-fronts", "surface-waves", "offsets-and-times"]

MIN_STATIONS: Final = 5
"""Place, depth and origin time are four unknowns: four arrivals of one wave always fit, and the fifth is the first check."""
MIN_LOG_EVIDENCE: Final = 6.0
"""In logarithm. Networks of noise and disturbances of their own, of 4 to 30 stations, local to global, reached at most 1.2 in 25 draws."""
MIN_SURFACE_WAVE_LOG_EVIDENCE: Final = 1.5
"""
In logarithm, of a stack over the whole sphere. Of 1,012 networks of noise, and of records of different events put together, one
reached it (five reached 1); of 122 validation events of the twin 80 do, and 71 reach 3.
"""
MIN_ORIGIN_DEVIATION_S: Final = 60.0
MAX_STARTS: Final = 4
MIN_DEPTH_ERROR_KM: Final = 10.0  # a crust that is not the one of ak135 is worth that much


def pick_candidates(picks: Sequence[Picks], gather: Gather, readings: DistanceReadings) -> Candidates | None:
    """What the traces say about arrivals; onsets in the gather's order. None where fewer than five traces say anything."""
    data = collect_candidates(picks, pick_envelope_peaks(gather), gather.latitudes_deg, gather.longitudes_deg)
    if data is None or len(data.trace_indices) < MIN_STATIONS:
        return None
    guess = combine_origin_times(readings)
    return replace(data, origin=(guess.time_s - data.clock_s, max(2.0 * guess.uncertainty_s, MIN_ORIGIN_DEVIATION_S)))


@dataclass(frozen=True)
class RefinedLocation:
    """
    A location, what it rests on, the times where they are believed, and the origin time where not only the pictures say it.

    `back_azimuths`: degrees clockwise from north with half the width of what holds 68 %, by the traces' numbers, of stations that
    tell one by themselves.
    """

    location: Location
    method: Method
    timed: ArrivalTimeSolution | None = None
    origin: OriginTime | None = None
    back_azimuths: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def refine_location(records: Sequence[Record], gather: Gather, readings: DistanceReadings, location: Location) -> RefinedLocation:
    """
    The location with what says most of it, or as it was.

    Arrival times where they say more than chance; else what records say together at long periods, where that is clear; else
    directions of plane waves across arrays, and of the motion of stations with three components.
    """
    picks = pick_records(records)
    directions = read_directions(gather, records, picks)
    found = _refined(picks, gather, readings, location, directions)
    return replace(found, back_azimuths=directions.back_azimuths())


def _refined(
    picks: Sequence[Picks], gather: Gather, readings: DistanceReadings, location: Location, directions: Directions
) -> RefinedLocation:
    prior = joint_prior(gather, readings, directions)
    where = find_regions(prior) if directions.any else [location, *location.alternatives]
    timed = locate_by_arrivals(picks, gather, readings, where, prior)
    if timed is not None and is_one_array(gather) and (directions.fronts or is_far(gather, timed)):
        both = mix_hypotheses(timed, where, by_fronts=bool(directions.fronts))
        timed = timed if both[0].probability == HALF * timed.regions[0].probability else None
        method = method_label(directions) if timed is None else "offsets-and-times"
        heard = () if timed is None else [arrival.trace_index for arrival in timed.arrivals]
        return RefinedLocation(build_location(gather, readings, location, both, method, heard), method, timed, origin_of_arrivals(timed))
    if timed is not None:
        return RefinedLocation(
            location_from_arrivals(gather, readings, location, timed), "offsets-and-times", timed, origin_of_arrivals(timed)
        )
    surface = detect_surface_waves(gather)
    if surface is not None and surface.log_evidence >= MIN_SURFACE_WAVE_LOG_EVIDENCE:
        return locate_by_surface_waves(gather, readings, location, directions, surface)
    return locate_by_directions(gather, readings, location, directions, where)


def method_label(directions: Directions) -> Method:
    """What a place rests on that distances and directions say."""
    if directions.fronts:
        return "offsets-and-fronts"
    return "offsets" if directions.motions is None else "offsets-and-polarization"


def locate_by_directions(
    gather: Gather, readings: DistanceReadings, location: Location, directions: Directions, where: Sequence[EpicenterRegion]
) -> RefinedLocation:
    """By distances, and by directions where any are known: the regions `where` the two agree."""
    method = method_label(directions)
    return RefinedLocation(build_location(gather, readings, location, where, method) if directions.any else location, method)


def locate_by_surface_waves(
    gather: Gather, readings: DistanceReadings, location: Location, directions: Directions, surface: SurfaceWaveStack
) -> RefinedLocation:
    """
    Place and origin time by the stack of surface waves, and by directions where any are known.

    In place of the distances: these were read off the same waves, one trace at a time, and mislead where none stands out.
    """
    where = find_regions(lambda nodes: surface.log_likelihood(nodes) + directions.log_likelihood(nodes))
    moved = build_location(gather, readings, location, where, "surface-waves")
    return RefinedLocation(moved, "surface-waves", origin=OriginTime(*surface.origin(moved.latitude_deg, moved.longitude_deg)))


def origin_of_arrivals(timed: ArrivalTimeSolution | None) -> OriginTime | None:
    """The origin time that the arrivals say."""
    return None if timed is None else OriginTime(timed.time_s, timed.time_uncertainty_s)


def locate_by_arrivals(
    picks: Sequence[Picks], gather: Gather, readings: DistanceReadings, starts: Sequence[EpicenterRegion], prior: LogPrior
) -> ArrivalTimeSolution | None:
    """
    Times and distances together, where the times are clearly more than chance; None otherwise.

    Accepted where the onsets are likelier with a source than without by `MIN_LOG_EVIDENCE`, in a Bayes factor that counts every
    place, depth and origin time that was looked at, and where most of the network heard one and the same wave. The first of the
    `starts` are looked at in any case.
    """
    data = pick_candidates(picks, gather, readings) if len(picks) else None
    if data is None:
        return None
    points = [geocentric(place.latitude_deg, place.longitude_deg) for place in starts[:MAX_STARTS]]
    timed = locate_by_arrival_times(data, prior, points)
    accepted = (
        timed is not None and timed.log_evidence >= MIN_LOG_EVIDENCE and detected_by_majority(timed.arrivals, len(data.trace_indices))
    )
    return timed if accepted else None


def detected_by_majority(arrivals: Sequence[Arrival], traces: int) -> bool:
    """Whether first arrivals, or surface waves, were found on more than half of the traces, and on five at least."""
    counts = [sum(arrival.phase in wave for arrival in arrivals) for wave in (FIRST_PHASES, ("LR",))]
    return max(counts) >= MIN_STATIONS and 2 * max(counts) > traces


def has_short_period_arrivals(timed: ArrivalTimeSolution | None) -> bool:
    """Whether enough traces heard the first arrival at 0.3 Hz and above, which no glacial earthquake radiates from afar."""
    if timed is None:
        return False
    return sum(arrival.short_period and arrival.phase in FIRST_PHASES for arrival in timed.arrivals) >= MIN_STATIONS


def location_from_arrivals(gather: Gather, readings: DistanceReadings, location: Location, timed: ArrivalTimeSolution) -> Location:
    """A location at the place that the times and distances say; the gap is that of traces with an arrival or a fitting distance."""
    heard = [arrival.trace_index for arrival in timed.arrivals]
    return build_location(gather, readings, location, timed.regions, "offsets-and-times", heard)


def build_location(
    gather: Gather,
    readings: DistanceReadings,
    location: Location,
    regions: Sequence[EpicenterRegion],
    method: Method,
    heard: Sequence[int] = (),
) -> Location:
    """A location with other regions, likeliest first; `used` are traces with a fitting distance, `heard` others that count for the gap."""
    best, *others = regions
    residuals, used, gap = distance_residuals(gather, readings, (best.latitude_deg, best.longitude_deg), heard)
    moved = Location(
        **vars(best),
        residuals_deg=residuals,
        used=used,
        azimuthal_gap_deg=gap,
        common_bias_deg=location.common_bias_deg,
        effective_stations=location.effective_stations,
        alternatives=tuple(other for other in others if other.probability >= MIN_PROBABILITY),
    )
    return calibrate_region(moved, read_coverage_scales(readings.calibration, method))


def distance_residuals(
    gather: Gather, readings: DistanceReadings, place: tuple[float, float], heard: Sequence[int] = ()
) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
    """Residuals of the distances [traces] from a place (latitude, longitude), which fit, and the gap of these and those `heard`."""
    residuals = distance_deg(*place, gather.latitudes_deg, gather.longitudes_deg) - readings.distances_deg
    used = np.abs(residuals) <= 4.0 * readings.uncertainties_deg
    counted = used.copy()
    counted[list(heard)] = True
    azimuths = azimuth_deg(*place, gather.latitudes_deg[counted], gather.longitudes_deg[counted])
    return np.asarray(residuals), np.asarray(used), azimuthal_gap_deg(azimuths)


def with_origin(readings: DistanceReadings, origin: OriginTime | None) -> DistanceReadings:
    """The readings with that origin time for every trace, so that sections are drawn at it; as they are without."""
    if origin is None:
        return readings
    known = np.isfinite(readings.origin_times_s)
    times_s, uncertainties_s = (np.where(known, value, np.nan) for value in (origin.time_s, origin.uncertainty_s))
    return replace(readings, origin_times_s=times_s, origin_uncertainties_s=uncertainties_s)


def combine_depths(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    """
    Depth and its deviation from two of them, both in kilometers, each weighted by one over its variance.

    Where they contradict each other, the deviation grows with their distance (Birge's ratio).
    """
    depths, variances = np.array([first[0], second[0]]), np.maximum([first[1], second[1]], MIN_DEPTH_ERROR_KM) ** 2.0
    mean = float(np.average(depths, weights=1.0 / variances))
    contradiction = float((depths[1] - depths[0]) ** 2 / variances.sum())
    return max(mean, 0.0), float(np.sqrt(max(contradiction, 1.0) / (1.0 / variances).sum()))


def compile_location() -> None:
    """Run every compiled loop once on tiny records."""
    semblance.compile_semblance()
    samples = np.where(np.arange(600) < 400, 0.1, 1.0) * np.sin(np.arange(600) ** 1.5)
    record = Record(TraceId("XX", "WARM", "", "BHZ"), 0.0, 5.0, samples.astype(np.float32), 0.0, 0.0)
    surge = EnvelopePeaks(np.array([100.0]), np.array([2.0]))
    data = collect_candidates(pick_records([record] * 3), [surge] * 3, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    if data is not None:
        locate_by_arrival_times(data, uniform_prior)
    spread = np.linspace(-60.0, 60.0, 6)
    noise = np.sin(np.arange(6 * 2400.0) ** 1.5).astype(np.float32).reshape(6, -1)
    surface = detect_surface_waves(Gather((record.trace_id,) * 6, 0.0, 1.0, noise, spread, 2.0 * spread))
    if surface is not None:
        surface.origin(0.0, 0.0)
