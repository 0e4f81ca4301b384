"""Decide the depth and the origin time of an event: combined from all that measures them, consistent with each other, calibrated."""

from dataclasses import dataclass
from typing import Final

from models.analysis.combine import OriginTime, combine_depths, combine_origin_times
from models.analysis.distances import DistanceReadings
from models.analysis.refinement import RefinedLocation
from models.seismic.association.depth_time import DepthTime
from models.seismic.location.hypocenter_calibration import read_hypocenter_scales

MAX_DEPTH_ERROR_KM: Final = 50.0
"""Largest uncertainty of a depth by arrival times that is stated without a section."""


@dataclass(frozen=True)
class DepthEstimate:
    """Depth below the surface and its standard deviation, in kilometers."""

    depth_km: float
    uncertainty_km: float


@dataclass(frozen=True)
class Hypocenter:
    """
    Origin time and depth of an event; `depth` is None where none applies.

    `correlation` of the errors of depth and origin time, -1 to 1: positive where a deeper source has a later origin. None where the two
    do not come from the same observations.
    """

    origin: OriginTime
    depth: DepthEstimate | None
    correlation: float | None


def combine_hypocenter(
    readings: DistanceReadings, refined: RefinedLocation, from_section: DepthEstimate | None, *, depth_of_arrivals: bool = False
) -> Hypocenter:
    """
    Combine origin time and depth of the arrival times or other methods with the depth that the section network predicts.

    Where arrival times were accepted, the depth is the mean of theirs and the network's, and the origin time is that of the arrival times
    given this depth. Standard deviations are enlarged by the factors of the distance model's card (`hypocenter_calibration`), the
    depth's before the origin time is derived from it.

    Parameters
    ----------
    readings : DistanceReadings
        Origin times of the traces, used where no other method determines one, and the calibration.
    refined : RefinedLocation
        Location, its method, and the solution of the arrival times if they were accepted.
    from_section : DepthEstimate, optional
        Depth predicted from the record section; None for an event whose section no network knows.
    depth_of_arrivals : bool
        Whether the depth of arrival times counts without that of a section, if it is known to within `MAX_DEPTH_ERROR_KM`.

    """
    scales = read_hypocenter_scales(readings.calibration, refined.method)
    time_factor, depth_factor = scales.at(refined.location.effective_stations)
    joint = None if refined.arrival_solution is None else refined.arrival_solution.depth_time
    if joint is not None and (from_section is not None or (depth_of_arrivals and joint.depth_uncertainty_km <= MAX_DEPTH_ERROR_KM)):
        moved = join_section_depth(joint, from_section, depth_factor)
        origin = OriginTime(moved.time_s, time_factor * moved.time_uncertainty_s)
        return Hypocenter(origin, DepthEstimate(moved.depth_km, moved.depth_uncertainty_km), moved.correlation)
    origin = refined.origin or combine_origin_times(readings)
    depth = None if from_section is None else DepthEstimate(from_section.depth_km, depth_factor * from_section.uncertainty_km)
    return Hypocenter(OriginTime(origin.time_s, time_factor * origin.uncertainty_s), depth, None)


def join_section_depth(joint: DepthTime, from_section: DepthEstimate | None, depth_factor: float = 1.0) -> DepthTime:
    """
    Average the depth of arrival times with that of a section, where there is one, and move the origin time to it.

    The standard deviation of the depth is multiplied by `depth_factor` before.
    """
    depth_km, uncertainty_km = joint.depth_km, joint.depth_uncertainty_km
    if from_section is not None:
        depth_km, uncertainty_km = combine_depths((from_section.depth_km, from_section.uncertainty_km), (depth_km, uncertainty_km))
    return joint.at_depth(depth_km, depth_factor * uncertainty_km)
