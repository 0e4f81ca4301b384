"""Decide the depth and the origin time of an event: combined from all that measures them, consistent with each other, calibrated."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.analysis.combine import OriginTime, combine_depths, combine_origin_times
from models.analysis.distances import DistanceReadings
from models.analysis.refinement import RefinedLocation
from models.array_types import Floats
from models.seismic.association.depth_time import DepthTime
from models.seismic.geodesy import distance_deg
from models.seismic.location.hypocenter_calibration import read_hypocenter_scales
from models.seismic.location.solution import Location

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
    readings: DistanceReadings,
    refined: RefinedLocation,
    from_section: DepthEstimate | None,
    coordinates: tuple[Floats, Floats],
    *,
    depth_of_arrivals: bool = False,
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
    coordinates : (latitudes [n], longitudes [n])
        Geographic coordinates of the stations in degrees, NaN where unknown.
    depth_of_arrivals : bool
        Whether the depth of arrival times counts without that of a section, if it is known to within `MAX_DEPTH_ERROR_KM`.

    """
    scales = read_hypocenter_scales(readings.calibration, refined.method)
    time_factor, depth_factor = scales.at(describe_geometry(refined.location, coordinates))
    joint = None if refined.arrival_solution is None else refined.arrival_solution.depth_time
    if joint is not None and (from_section is not None or (depth_of_arrivals and joint.depth_uncertainty_km <= MAX_DEPTH_ERROR_KM)):
        moved = join_section_depth(joint, from_section, depth_factor)
        origin = OriginTime(moved.time_s, time_factor * moved.time_uncertainty_s)
        return Hypocenter(origin, DepthEstimate(moved.depth_km, moved.depth_uncertainty_km), moved.correlation)
    origin = refined.origin or combine_origin_times(readings)
    depth = None if from_section is None else DepthEstimate(from_section.depth_km, depth_factor * from_section.uncertainty_km)
    return Hypocenter(OriginTime(origin.time_s, time_factor * origin.uncertainty_s), depth, None)


def describe_geometry(location: Location, coordinates: tuple[Floats, Floats]) -> dict[str, float]:
    """Describe the geometry of an event by the quantities that factors depend on."""
    distances = distance_deg(location.latitude_deg, location.longitude_deg, *coordinates)
    known = distances[np.isfinite(distances)]
    median = float(np.median(known)) if len(known) else float("nan")
    return {"effective_stations": location.effective_stations, "median_distance_deg": median}


def join_section_depth(joint: DepthTime, from_section: DepthEstimate | None, depth_factor: float = 1.0) -> DepthTime:
    """
    Average the depth of arrival times with that of a section, where there is one, and move the origin time to it.

    The standard deviation of the depth is multiplied by `depth_factor` before.
    """
    depth_km, uncertainty_km = joint.depth_km, joint.depth_uncertainty_km
    if from_section is not None:
        depth_km, uncertainty_km = combine_depths((from_section.depth_km, from_section.uncertainty_km), (depth_km, uncertainty_km))
    return joint.at_depth(depth_km, depth_factor * uncertainty_km)
