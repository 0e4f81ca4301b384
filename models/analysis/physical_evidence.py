"""Collect the physical evidence for the class of an event at its epicenter: what the network does not see."""

from collections.abc import Sequence
from math import log
from typing import Final

import numpy as np

from models.analysis.arrival_times import has_short_period_arrivals
from models.analysis.combine import MIN_DEPTH_ERROR_KM, OriginTime, combine_origin_times
from models.analysis.distances import DistanceReadings
from models.analysis.event_class import PhysicalEvidence, horizontal_uncertainty_km
from models.analysis.sections import SectionReference
from models.analysis.station_subset import farthest_point_subset
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.discriminants.first_motions import FirstMotion, read_first_motion, takeoff_angles_deg
from models.seismic.discriminants.love_rayleigh import WaveRatio, measure_love_ratio, weigh_explosion
from models.seismic.discriminants.magnitude_differences import (
    UNIT_PRIORS,
    weigh_displacement,
    weigh_explosion_magnitudes,
    weigh_force_magnitudes,
)
from models.seismic.discriminants.onsets import is_impulsive
from models.seismic.discriminants.station_magnitudes import StationMagnitudes, measure_magnitudes
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.waveforms import Gather, Record

SHORT_PERIOD_ODDS: Final = 20.0
"""
Odds of a tectonic earthquake against a single force where first arrivals above 0.3 Hz are associated at five stations or more: glacial
earthquakes radiate next to nothing there, since their forces last 30 s and more, which is why catalogs of short-period arrivals lack them
(Ekstrom, Nettles & Abers 2003, doi:10.1126/science.1088057).
"""
MIN_IMPULSIVE: Final = 3
"""Stations with an impulsive first arrival. Of a landslide one onset in fifty looks so: 24 stations have three once in a hundred."""
MAX_STATIONS: Final = 24  # whose waves and magnitudes are measured
MAX_RELATIVE_ERROR, MAX_LOCAL_ERROR = 0.2, 0.5
"""
Largest 68 % radius of the epicenter over the distance of a station that is used: back azimuths are then known to 11 degrees. ML - Ms,
which tells landslides, varies little with the distance, so that nearer stations, up to the second ratio, count for it. Of 600 simulated
landslides that ten stations within 8 degrees locate to 100 km, 68 % have a log ratio above 1.5 with the second ratio and 9 % with the first
one, of the earthquakes less than 1 % (`tests/training/experiments/test_class_evidence.py`).
"""
MAX_ORIGIN_ERROR_S: Final = 25.0  # standard deviation of the origin time up to which the windows of waves are placed by it
DEFAULT_DEPTH_KM: Final = 15.0  # of a source without arrival times
MAX_DEPTH_KM: Final = 60.0  # of the earthquakes that a source at the surface is compared with
MAX_DEPTH_LOG_RATIO: Final = 0.5  # of a depth in favor of the surface, where earthquakes are too; against it, it has no limit of its own
MAX_EXPLOSION_LOG_RATIO: Final = 5.0  # of all evidence of an explosion together


def collect_evidence(
    records: Sequence[Record],
    gather: Gather,
    readings: DistanceReadings,
    reference: SectionReference | None,
    arrivals: ArrivalTimeSolution | None,
) -> PhysicalEvidence:
    """
    Collect log likelihood ratios of a single force and of an explosion against an earthquake.

    Parameters
    ----------
    records : sequence of Record
        Original records in the gather's order, or none: then only the short-period arrivals count.
    gather, readings : Gather, DistanceReadings
        The conditioned records, and the origin time of the event.
    reference : SectionReference or None
        Its epicenter; nothing is measured without one, or with an origin time that is not known to `MAX_ORIGIN_ERROR_S`.
    arrivals : ArrivalTimeSolution or None
        Accepted arrival times, whose depth counts.

    """
    by_arrivals = -log(SHORT_PERIOD_ODDS) if has_short_period_arrivals(arrivals) else 0.0
    origin = combine_origin_times(readings) if np.isfinite(readings.origin_times_s).any() else None
    if reference is None or origin is None or origin.uncertainty_s > MAX_ORIGIN_ERROR_S or not len(records):
        return PhysicalEvidence(by_arrivals)
    depth_km = DEFAULT_DEPTH_KM if arrivals is None else arrivals.depth_time.depth_km
    chosen = [records[index] for index in farthest_point_subset(gather, MAX_STATIONS)]
    ratios, magnitudes, magnitudes_far = _measure(chosen, reference, depth_km, origin)
    displacement = weigh_displacement(magnitudes, _prior_of_displacement(chosen))
    by_magnitudes, by_waves = 0.0, None
    if displacement is not None:
        by_magnitudes = weigh_explosion_magnitudes(magnitudes_far, displacement)
        by_waves = weigh_force_magnitudes(magnitudes, displacement)
    impulsive = by_waves is not None and by_waves > 0.0 and arrivals is not None and count_impulsive(records, arrivals) >= MIN_IMPULSIVE
    force, landslide = weigh_short_periods(by_arrivals, by_waves, impulsive=impulsive)
    if arrivals is None:  # a deep source has small Rayleigh waves as well
        by_magnitudes = min(by_magnitudes, 0.0)
    depth = 0.0 if arrivals is None else weigh_surface_depth(arrivals.depth_time.depth_km, arrivals.depth_time.depth_uncertainty_km)
    motions = [] if arrivals is None else read_first_motions(records, arrivals, reference)
    explosion = weigh_explosion(ratios, by_magnitudes, motions) + depth
    return PhysicalEvidence(force, min(explosion, MAX_EXPLOSION_LOG_RATIO), landslide)


def _measure(
    records: Sequence[Record], reference: SectionReference, depth_km: float, origin: OriginTime
) -> tuple[list[WaveRatio], list[StationMagnitudes], list[StationMagnitudes]]:
    """Measure all records that are far enough for the uncertainty of the epicenter; last the magnitudes of those that are for mb too."""
    ratios, magnitudes, magnitudes_far = [], [], []
    epicenter, radius_km = (reference.latitude_deg, reference.longitude_deg), horizontal_uncertainty_km(reference)
    for record in records:
        if record.latitude_deg is None or record.longitude_deg is None:
            continue
        station = (record.latitude_deg, record.longitude_deg)
        distance = float(distance_deg(*epicenter, *station))
        if radius_km > MAX_LOCAL_ERROR * distance * KM_PER_DEGREE:
            continue
        is_far = radius_km <= MAX_RELATIVE_ERROR * distance * KM_PER_DEGREE
        p_s = origin.time_s + float(travel_time_s("P", [distance], depth_km)[0])
        directions = float(azimuth_deg(*epicenter, *station)), float(azimuth_deg(*station, *epicenter))
        ratio = measure_love_ratio(record, distance, directions, origin.time_s, p_s) if is_far and np.isfinite(p_s) else None
        if ratio is not None:
            ratios.append(ratio)
        measured = measure_magnitudes(record, distance, depth_km, origin.time_s, origin.uncertainty_s, radius_km)
        if measured is not None:
            magnitudes.append(measured)
            magnitudes_far += [measured] if is_far else []
    return ratios, magnitudes, magnitudes_far


def weigh_short_periods(by_arrivals: float, by_waves: float | None, *, impulsive: bool) -> tuple[float, float | None]:
    """
    Combine what short-period arrivals and waves near 1 Hz say of a single force: log ratios of a recognized one, and of a landslide.

    Both see the same radiation, so that the stronger of two that speak for an earthquake counts. Where waves near 1 Hz are too small for an
    earthquake, arrivals count if they are `impulsive`: emergent ones may be a landslide's. A ratio of `by_waves` above 0 is that of
    a landslide alone: the forces that the network recognizes need no more.
    """
    if by_waves is None:
        return by_arrivals, None
    if by_waves <= 0.0:
        return min(by_arrivals, by_waves), min(by_arrivals, by_waves)
    against = -log(SHORT_PERIOD_ODDS) if impulsive else 0.0
    return against, by_waves + against


def count_impulsive(records: Sequence[Record], arrivals: ArrivalTimeSolution) -> int:
    """Count the stations whose first arrival above 0.3 Hz, a pick associated with a phase, is impulsive."""
    picks: dict[int, list[float]] = {}
    for one in arrivals.arrivals:
        picks.setdefault(one.trace_index, []).append(one.time_s)
    first = [one for one in arrivals.arrivals if one.short_period and one.phase in FIRST_PHASES]
    later = [min((time_s for time_s in picks[one.trace_index] if time_s > one.time_s + 1.0), default=np.inf) for one in first]
    found = [is_impulsive(records[one.trace_index], one.time_s, until_s) for one, until_s in zip(first, later, strict=True)]
    return len({one.trace_index for one, impulsive in zip(first, found, strict=True) if impulsive})


def read_first_motions(records: Sequence[Record], arrivals: ArrivalTimeSolution, reference: SectionReference) -> list[FirstMotion]:
    """Read the first motions of P at the associated picks above 0.3 Hz, with azimuth and takeoff angle from the epicenter."""
    picks = {one.trace_index: one.time_s for one in arrivals.arrivals if one.short_period and one.phase == "P"}
    read = {index: read_first_motion(records[index], time_s) for index, time_s in picks.items()}
    used = [index for index, is_up in read.items() if is_up is not None and records[index].latitude_deg is not None]
    stations = np.array([(records[index].latitude_deg, records[index].longitude_deg) for index in used], np.float64).reshape(-1, 2)
    epicenter = (reference.latitude_deg, reference.longitude_deg)
    takeoffs = takeoff_angles_deg(distance_deg(*epicenter, *stations.T), arrivals.depth_time.depth_km)
    azimuths = azimuth_deg(*epicenter, *stations.T)
    known = zip(used, azimuths.tolist(), takeoffs.tolist(), strict=True)
    return [FirstMotion(bool(read[index]), azimuth, takeoff) for index, azimuth, takeoff in known if np.isfinite(takeoff)]


def _prior_of_displacement(records: Sequence[Record]) -> float:
    """Prior probability that records without a response are of displacement."""
    if all(record.response is not None for record in records):
        return UNIT_PRIORS["response"]
    largest = [float(np.nanmax(np.abs(record.samples), initial=0.0)) for record in records if record.response is None]
    return UNIT_PRIORS["ground motion" if max(largest) < 1.0 else "counts"]


def weigh_surface_depth(depth_km: float, error_km: float) -> float:
    """
    Compute the log likelihood ratio of a source at the surface against one uniformly distributed to 60 km, given a measured depth.

    0 where the error of the depth is 30 km and more.
    """
    error_km = max(error_km, MIN_DEPTH_ERROR_KM)
    ratio = -0.5 * (depth_km / error_km) ** 2 + log(MAX_DEPTH_KM / (error_km * (2.0 * np.pi) ** 0.5))
    return float(np.clip(ratio, -MAX_EXPLOSION_LOG_RATIO, MAX_DEPTH_LOG_RATIO)) if error_km < MAX_DEPTH_KM / 2.0 else 0.0
