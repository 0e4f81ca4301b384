"""The refinement of an epicenter with times: onsets from the original records, surges from the gather, distances as a prior."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.analysis.directions import Directions, joint_prior, read_directions
from models.analysis.distances import OffsetReadings, OriginTime, combine_origin_times
from models.analysis.single_array import HALF, is_far, is_one_array, side_by_side
from models.seismic.arrays import semblance
from models.seismic.arrays.likelihood import regions_of
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import Candidates, assemble
from models.seismic.association.locate import Timed, locate_by_times
from models.seismic.association.search import Prior, no_prior
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.geodesy import azimuth_deg, azimuthal_gap_deg, distance_deg, geocentric
from models.seismic.location.distances import LEAST_PROBABILITY, Location
from models.seismic.location.posterior import Maximum
from models.seismic.location.region_calibration import read_scales, stated
from models.seismic.signal.picker import Onsets, pick_all
from models.seismic.signal.rayleigh_envelope import Surges, find_surges
from models.seismic.surface_waves.detector import SurfaceSearch, search_surface_waves
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record

Method = Literal["offsets", "offsets-and-polarization", "offsets-and-fronts", "surface-waves", "offsets-and-times"]

LEAST_STATIONS: Final = 5
"""Place, depth and origin time are four unknowns: four arrivals of one wave always fit, and the fifth is the first check."""
LEAST_EVIDENCE: Final = 6.0
"""In logarithm. Networks of noise and disturbances of their own, of 4 to 30 stations, local to global, reached at most 1.2 in 25 draws."""
LEAST_SURFACE_EVIDENCE: Final = 1.5
"""
In logarithm, of a stack over the whole sphere. Of 1,012 networks of noise, and of records of different events put together, one
reached it (five reached 1); of 122 validation events of the twin 80 do, and 71 reach 3.
"""
SMALLEST_GUESS_S: Final = 60.0
MOST_STARTS: Final = 4
SMALLEST_DEPTH_ERROR_KM: Final = 10.0  # a crust that is not the one of ak135 is worth that much


def read_candidates(picks: Sequence[Onsets], gather: Gather, readings: OffsetReadings) -> Candidates | None:
    """What the traces say about arrivals; onsets in the gather's order. None where fewer than five traces say anything."""
    data = assemble(picks, find_surges(gather), gather.latitudes_deg, gather.longitudes_deg)
    if data is None or len(data.places) < LEAST_STATIONS:
        return None
    guess = combine_origin_times(readings)
    return replace(data, origin=(guess.time_s - data.clock_s, max(2.0 * guess.uncertainty_s, SMALLEST_GUESS_S)))


@dataclass(frozen=True)
class Refined:
    """
    A location, what it rests on, the times where they are believed, and the origin time where not only the pictures say it.

    `back_azimuths`: degrees clockwise from north with half the width of what holds 68 %, by the traces' numbers, of stations that
    tell one by themselves.
    """

    location: Location
    method: Method
    timed: Timed | None = None
    origin: OriginTime | None = None
    back_azimuths: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def refine(records: Sequence[Record], gather: Gather, readings: OffsetReadings, location: Location) -> Refined:
    """
    The location with what says most of it, or as it was.

    Arrival times where they say more than chance; else what records say together at long periods, where that is clear; else
    directions of plane waves across arrays, and of the motion of stations with three components.
    """
    picks = pick_all(records)
    directions = read_directions(gather, records, picks)
    found = _refined(picks, gather, readings, location, directions)
    return replace(found, back_azimuths=directions.back_azimuths())


def _refined(picks: Sequence[Onsets], gather: Gather, readings: OffsetReadings, location: Location, directions: Directions) -> Refined:
    prior = joint_prior(gather, readings, directions)
    where = regions_of(prior) if directions.any else [location, *location.alternatives]
    timed = time_event(picks, gather, readings, where, prior)
    if timed is not None and is_one_array(gather) and (directions.fronts or is_far(gather, timed)):
        both = side_by_side(timed, where, by_fronts=bool(directions.fronts))
        timed = timed if both[0].probability == HALF * timed.regions[0].probability else None
        method = method_of(directions) if timed is None else "offsets-and-times"
        heard = () if timed is None else [arrival.place for arrival in timed.arrivals]
        return Refined(located_at(gather, readings, location, both, method, heard), method, timed, origin_of(timed))
    if timed is not None:
        return Refined(moved_location(gather, readings, location, timed), "offsets-and-times", timed, origin_of(timed))
    surface = search_surface_waves(gather)
    if surface is not None and surface.log_evidence >= LEAST_SURFACE_EVIDENCE:
        return by_surface_waves(gather, readings, location, directions, surface)
    return untimed(gather, readings, location, directions, where)


def method_of(directions: Directions) -> Method:
    """What a place rests on that distances and directions say."""
    if directions.fronts:
        return "offsets-and-fronts"
    return "offsets" if directions.motions is None else "offsets-and-polarization"


def untimed(gather: Gather, readings: OffsetReadings, location: Location, directions: Directions, where: Sequence[Maximum]) -> Refined:
    """By distances, and by directions where any are known: the regions `where` the two agree."""
    method = method_of(directions)
    return Refined(located_at(gather, readings, location, where, method) if directions.any else location, method)


def by_surface_waves(
    gather: Gather, readings: OffsetReadings, location: Location, directions: Directions, surface: SurfaceSearch
) -> Refined:
    """
    Place and origin time by the stack of surface waves, and by directions where any are known.

    In place of the distances: these were read off the same waves, one trace at a time, and mislead where none stands out.
    """
    where = regions_of(lambda nodes: surface.log_likelihood(nodes) + directions.log_likelihood(nodes))
    moved = located_at(gather, readings, location, where, "surface-waves")
    return Refined(moved, "surface-waves", origin=OriginTime(*surface.origin(moved.latitude_deg, moved.longitude_deg)))


def origin_of(timed: Timed | None) -> OriginTime | None:
    """The origin time that the arrivals say."""
    return None if timed is None else OriginTime(timed.time_s, timed.time_uncertainty_s)


def time_event(picks: Sequence[Onsets], gather: Gather, readings: OffsetReadings, starts: Sequence[Maximum], prior: Prior) -> Timed | None:
    """
    Times and distances together, where the times are clearly more than chance; None otherwise.

    Accepted where the onsets are likelier with a source than without by `LEAST_EVIDENCE`, in a Bayes factor that counts every
    place, depth and origin time that was looked at, and where most of the network heard one and the same wave. The first of the
    `starts` are looked at in any case.
    """
    data = read_candidates(picks, gather, readings) if len(picks) else None
    if data is None:
        return None
    points = [geocentric(place.latitude_deg, place.longitude_deg) for place in starts[:MOST_STARTS]]
    timed = locate_by_times(data, prior, points)
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
    """A location at the place that the times and distances say; the gap is that of traces with an arrival or a fitting distance."""
    heard = [arrival.place for arrival in timed.arrivals]
    return located_at(gather, readings, location, timed.regions, "offsets-and-times", heard)


def located_at(
    gather: Gather,
    readings: OffsetReadings,
    location: Location,
    regions: Sequence[Maximum],
    method: Method,
    heard: Sequence[int] = (),
) -> Location:
    """A location with other regions, likeliest first; `used` are traces with a fitting distance, `heard` others that count for the gap."""
    best, *others = regions
    residuals, used, gap = misfit_of(gather, readings, (best.latitude_deg, best.longitude_deg), heard)
    moved = Location(
        **vars(best),
        residuals_deg=residuals,
        used=used,
        azimuthal_gap_deg=gap,
        common_bias_deg=location.common_bias_deg,
        effective_stations=location.effective_stations,
        alternatives=tuple(other for other in others if other.probability >= LEAST_PROBABILITY),
    )
    return stated(moved, read_scales(readings.calibration, method))


def misfit_of(
    gather: Gather, readings: OffsetReadings, place: tuple[float, float], heard: Sequence[int] = ()
) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
    """Residuals of the distances [traces] from a place (latitude, longitude), which fit, and the gap of these and those `heard`."""
    residuals = distance_deg(*place, gather.latitudes_deg, gather.longitudes_deg) - readings.distances_deg
    used = np.abs(residuals) <= 4.0 * readings.uncertainties_deg
    counted = used.copy()
    counted[list(heard)] = True
    azimuths = azimuth_deg(*place, gather.latitudes_deg[counted], gather.longitudes_deg[counted])
    return np.asarray(residuals), np.asarray(used), azimuthal_gap_deg(azimuths)


def with_origin(readings: OffsetReadings, origin: OriginTime | None) -> OffsetReadings:
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
    depths, variances = np.array([first[0], second[0]]), np.maximum([first[1], second[1]], SMALLEST_DEPTH_ERROR_KM) ** 2.0
    mean = float(np.average(depths, weights=1.0 / variances))
    contradiction = float((depths[1] - depths[0]) ** 2 / variances.sum())
    return max(mean, 0.0), float(np.sqrt(max(contradiction, 1.0) / (1.0 / variances).sum()))


def warm() -> None:
    """Run every compiled loop once on tiny records."""
    semblance.warm()
    samples = np.where(np.arange(600) < 400, 0.1, 1.0) * np.sin(np.arange(600) ** 1.5)
    record = Record(TraceId("XX", "WARM", "", "BHZ"), 0.0, 5.0, samples.astype(np.float32), 0.0, 0.0)
    surge = Surges(np.array([100.0]), np.array([2.0]))
    data = assemble(pick_all([record] * 3), [surge] * 3, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    if data is not None:
        locate_by_times(data, no_prior)
    spread = np.linspace(-60.0, 60.0, 6)
    noise = np.sin(np.arange(6 * 2400.0) ** 1.5).astype(np.float32).reshape(6, -1)
    surface = search_surface_waves(Gather((record.trace_id,) * 6, 0.0, 1.0, noise, spread, 2.0 * spread))
    if surface is not None:
        surface.origin(0.0, 0.0)
