"""Decide the depth and the origin time of an event: combined from all that measures them, consistent with each other, calibrated."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from models.analysis.arrival_times import contradicts_others, is_far
from models.analysis.combine import DepthEstimate, OriginTime, combine_origin_times
from models.analysis.depth import DepthDensity, KnownDepths, find_known_depths
from models.analysis.distances import DistanceReadings, station_distances
from models.analysis.refinement import RefinedLocation, calibrate_regions
from models.array_types import Floats
from models.seismic.association.arrivals import MAX_CERTAIN_GAP_DEG, Arrival, associate_with_hypocenter
from models.seismic.association.candidates import Candidates
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.grid_scan import TrialSource
from models.seismic.association.locate import locate_at_depth
from models.seismic.depth_phases.likelihood import DepthPhases
from models.seismic.geodesy import geocentric
from models.seismic.location.geometry_scales import describe_geometry, read_hypocenter_scales, read_region_scales
from models.seismic.location.solution import Location, build_location
from models.seismic.waveforms import Gather

MIN_SECTION_STATIONS: Final = 4
"""Stations of the smallest sections that the depth network was trained on; of fewer it reads no depth that is stated."""
MAX_DEPTH_RATIO: Final = 0.5
"""Largest standard deviation of a depth over that of arrival times at which these are located once more at it..."""
MIN_RELOCATED_DEPTH_KM: Final = 100.0
"""
...where one of the two depths is at least this. The search takes sources for shallow ones, as most are, so that a deep one is placed at a
wrong distance: of 289 simulated ones below 150 km at arrays the median error of the epicenter falls from 292 to 204 km, and of shallow
ones it does not (`docs/history/training_log.md`).
"""
SURFACE: Final = DepthEstimate(0.0, 5.0)
MAX_DEPTH_ERROR_KM: Final = 50.0
"""Largest uncertainty of a depth by arrival times that is stated without a section."""


@dataclass(frozen=True)
class Hypocenter:
    """
    Origin time and depth of an event; `depth` is None where none applies.

    `correlation` of the errors of depth and origin time, -1 to 1: positive where a deeper source has a later origin. None where the two
    do not come from the same observations. `density` of the depth, None where none is stated.
    """

    origin: OriginTime
    depth: DepthEstimate | None
    correlation: float | None
    density: DepthDensity | None = None


def combine_hypocenter(
    readings: DistanceReadings,
    refined: RefinedLocation,
    from_section: DepthEstimate | None,
    coordinates: tuple[Floats, Floats],
    *,
    depth_of_arrivals: bool = False,
    at_surface: bool = False,
    phases: DepthPhases | None = None,
) -> Hypocenter:
    """
    Combine origin time and depth of the arrival times or other methods with the depth that the section network predicts.

    The depth is that of the product of all that is known of it: arrival times that were accepted, the section, depth phases and the depths
    of earthquakes in the region, any of which may be wrong (`DepthDensity`). The origin time of arrival times follows it, also where the
    depth is too uncertain to be stated, or the class has none: times alone leave great depths open, and with them late origins. Standard
    deviations are enlarged by the factors of the distance model's card, the depth's before the origin time is derived from it.

    Parameters
    ----------
    readings : DistanceReadings
        Origin times of the traces, used where no other method determines one, and the calibration.
    refined : RefinedLocation
        Location, its method, and the solution of the arrival times if they were accepted.
    from_section : DepthEstimate, optional
        Depth predicted from the record section; None for an event whose section no network knows.
    coordinates : (latitudes [n], longitudes [n])
        Geographic coordinates of the stations in degrees, NaN where unknown.
    depth_of_arrivals : bool
        Whether the depth of arrival times counts without that of a section, if it is known to within `MAX_DEPTH_ERROR_KM`.
    at_surface : bool
        Whether the source is at the surface, as glacial earthquakes are: the origin time is then that of this depth.
    phases : DepthPhases, optional
        Likelihood of depth by depth phases, where arrival times were accepted.

    """
    time_factor, depth_factor = read_factors(readings, refined, coordinates)
    seismicity = find_known_depths(refined.location.regions)
    section = None if from_section is None or readings.live.sum() < MIN_SECTION_STATIONS else scale_depth(from_section, depth_factor)
    joint = None if refined.arrival_solution is None else refined.arrival_solution.depth_time
    if joint is None:
        origin = refined.origin or combine_origin_times(readings)
        return _combine_without_arrivals(OriginTime(origin.time_s, time_factor * origin.uncertainty_s), seismicity, section)
    by_arrivals = scale_depth(DepthEstimate(joint.depth_km, joint.depth_uncertainty_km), depth_factor)
    density = multiply_depths(seismicity, by_arrivals, section, phases)
    depth = SURFACE if at_surface else density.estimate()
    moved = joint.at_depth(depth.depth_km, depth.uncertainty_km)
    origin = OriginTime(moved.time_s, time_factor * moved.time_uncertainty_s)
    is_stated = section is not None or (depth_of_arrivals and joint.depth_uncertainty_km <= MAX_DEPTH_ERROR_KM)
    return Hypocenter(origin, depth, moved.correlation, density) if is_stated else Hypocenter(origin, None, None)


def _combine_without_arrivals(origin: OriginTime, seismicity: KnownDepths, section: DepthEstimate | None) -> Hypocenter:
    """Combine the depth of a section, where there is one, with the earthquakes known in the region; the origin time does not follow it."""
    density = None if section is None else multiply_depths(seismicity, None, section, None)
    return Hypocenter(origin, None if density is None else density.estimate(), None, density)


def relocate_at_depth(
    gather: Gather, readings: DistanceReadings, refined: RefinedLocation, hypocenter: Hypocenter
) -> tuple[RefinedLocation, Hypocenter]:
    """
    Locate an event by its arrival times once more at the depth of its hypocenter, where that moves the epicenter.

    That is where distant stations in one direction alone recorded a deep source, and the depth is known otherwise with at most half of the
    standard deviation that arrival times have for it. Elsewhere, and where the two epicenters contradict each other, both are returned
    unchanged.
    """
    solution, location, depth = refined.arrival_solution, refined.location, hypocenter.depth
    if solution is None or depth is None or hypocenter.density is None:
        return refined, hypocenter
    known = DepthEstimate(depth.depth_km, max(depth.uncertainty_km, hypocenter.density.deviation_km))
    if not is_known_otherwise(known, solution.depth_time):
        return refined, hypocenter
    if location.azimuthal_gap_deg <= MAX_CERTAIN_GAP_DEG or not is_far(solution, gather.latitudes_deg, gather.longitudes_deg):
        return refined, hypocenter
    again = locate_at_depth(solution, known.depth_km, known.uncertainty_km)
    scales = read_region_scales(readings.calibration, refined.method)
    best = calibrate_regions(again.regions, scales, gather, location.effective_stations)[0]
    if contradicts_others([best], location.regions[:1]):
        return refined, hypocenter
    moved = build_location(
        [replace(best, probability=location.probability), *location.regions[1:]],
        station_distances(gather, readings),
        common_bias_deg=location.common_bias_deg,
        effective_stations=location.effective_stations,
        detected=[arrival.trace_index for arrival in again.arrivals],
    )
    time_factor, _ = read_factors(readings, refined, (gather.latitudes_deg, gather.longitudes_deg))
    origin = OriginTime(again.depth_time.time_s, time_factor * again.depth_time.time_uncertainty_s)
    return (
        replace(refined, location=moved, arrival_solution=again, origin=origin),
        replace(hypocenter, origin=origin, correlation=again.depth_time.correlation),
    )


def is_known_otherwise(depth: DepthEstimate, joint: DepthTime) -> bool:
    """Whether the depth of a deep source is known much better than by its arrival times."""
    is_deep = max(depth.depth_km, joint.depth_km) >= MIN_RELOCATED_DEPTH_KM
    return is_deep and depth.uncertainty_km <= MAX_DEPTH_RATIO * joint.depth_uncertainty_km


def read_factors(readings: DistanceReadings, refined: RefinedLocation, coordinates: tuple[Floats, Floats]) -> tuple[float, float]:
    """Read the factors on the standard deviations of origin time and depth from the card, for the method and the geometry."""
    location = refined.location
    geometry = describe_geometry((location.latitude_deg, location.longitude_deg), coordinates, location.effective_stations)
    return read_hypocenter_scales(readings.calibration, refined.method).at(geometry)


def multiply_depths(
    seismicity: KnownDepths, by_arrivals: DepthEstimate | None, section: DepthEstimate | None, phases: DepthPhases | None
) -> DepthDensity:
    """Multiply the densities of the depths of arrival times, of a section and of depth phases, as far as there are any."""
    density = DepthDensity.begin(seismicity, by_arrivals)
    density = density if section is None else density.with_section(section)
    return density if phases is None else density.with_phases(phases)


def associate_with_answer(
    candidates: Candidates, arrivals: Sequence[Arrival], location: Location, origin: OriginTime, depth: DepthEstimate
) -> tuple[Arrival, ...]:
    """Associate the candidates of the `arrivals` that an event was located by with the epicenter, origin time and depth of its answer."""
    point = geocentric(location.latitude_deg, location.longitude_deg)
    hypocenter = TrialSource(point, depth.depth_km, origin.time_s - candidates.clock_s, 0.0)
    return associate_with_hypocenter(candidates, arrivals, hypocenter)


def scale_depth(depth: DepthEstimate, factor: float) -> DepthEstimate:
    """Multiply the standard deviation of a depth by a factor."""
    return DepthEstimate(depth.depth_km, factor * depth.uncertainty_km)
