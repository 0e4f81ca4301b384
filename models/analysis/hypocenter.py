"""Decide the depth and the origin time of an event: combined from all that measures them, consistent with each other, calibrated."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.analysis.combine import OriginTime, combine_depths, combine_origin_times
from models.analysis.distances import DistanceReadings
from models.analysis.event_class import sample_ellipse
from models.analysis.refinement import RefinedLocation
from models.array_types import Floats
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.grid_scan import DEEP_PROBABILITY, DEPTH_MARGIN_KM, DEPTH_SCALE_KM
from models.seismic.depth_phases.likelihood import DepthPhases
from models.seismic.earth.maximum_depth import maximum_depth_km
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors
from models.seismic.location.hypocenter_calibration import read_hypocenter_scales
from models.seismic.location.region_calibration import describe_geometry
from models.seismic.location.solution import Location

MIN_SECTION_STATIONS: Final = 4
"""Stations of the smallest sections that the depth network was trained on; of fewer it reads no depth that is stated."""
MISREAD_PROBABILITY: Final = 0.12
"""
Probability that the depth of a section is misread altogether, mostly that of a deep event whose epicenter is wrong: the share of
simulated earthquakes whose reading is off by more than three of its standard deviations (`docs/results/section_depth.md`).
"""
CONFUSED_PROBABILITY: Final = 0.05
"""Probability that arrival times are of the wrong phases, so that their depth says nothing: complex ruptures are picked several times."""
VELOCITY_ERROR_KM, VELOCITY_ERROR_FRACTION = 3.0, 0.015
"""Standard deviation of a depth by depth phases due to the velocities above the source: constant, and relative to the depth."""
MAX_INFORMED_ERROR_KM: Final = 30.0
"""
Standard deviation of the depth of arrival times up to which they know it by themselves: half of that of their prior (`log_depth_prior`).
"""
MAX_DEPTH_ERROR_KM: Final = 50.0
"""Largest uncertainty of a depth by arrival times that is stated without a section."""


@dataclass(frozen=True)
class DepthEstimate:
    """Depth below the surface and its standard deviation, in kilometers."""

    depth_km: float
    uncertainty_km: float


@dataclass(frozen=True)
class DepthRange:
    """
    Maximum depth of known earthquakes over the region of an epicenter, with a margin of 50 km: its mean and mean square, in kilometers.

    A depth of which nothing else is known is uniformly distributed down to it.
    """

    mean_km: float
    mean_square_km2: float

    def mean_square_about(self, depth_km: float) -> float:
        """Mean square of the difference from a depth."""
        return self.mean_square_km2 / 3.0 - self.mean_km * depth_km + depth_km**2

    def density(self, depths_km: Floats) -> Floats:
        """Prior density [d] of depth per kilometer, as in the search by arrival times: most earthquakes are shallow."""
        shallow = np.exp(-depths_km / DEPTH_SCALE_KM) / DEPTH_SCALE_KM
        deep = np.where(depths_km <= self.mean_km, 1.0 / max(self.mean_km, 1.0), 0.0)
        return np.asarray((1.0 - DEEP_PROBABILITY) * shallow + DEEP_PROBABILITY * deep)


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
    phases: DepthPhases | None = None,
) -> Hypocenter:
    """
    Combine origin time and depth of the arrival times or other methods with the depth that the section network predicts.

    The section's depth may be misread (`allow_misreading`). Where arrival times were accepted, the depth is the mean of theirs and the
    network's, or with depth phases that of the product of all (`join_depth_phases`), and the origin time is that of the arrival times given
    this depth. Standard deviations are enlarged by the factors of the
    distance model's card (`hypocenter_calibration`), the depth's before the origin time is derived from it.

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
    phases : DepthPhases, optional
        Likelihood of depth by depth phases, where arrival times were accepted.

    """
    from_section = from_section if readings.live.sum() >= MIN_SECTION_STATIONS else None
    seismicity = find_depth_range(refined.location)
    scales = read_hypocenter_scales(readings.calibration, refined.method)
    location = refined.location
    epicenter = (location.latitude_deg, location.longitude_deg)
    time_factor, depth_factor = scales.at(describe_geometry(epicenter, coordinates, location.effective_stations))
    joint = None if refined.arrival_solution is None else refined.arrival_solution.depth_time
    if joint is not None and (from_section is not None or (depth_of_arrivals and joint.depth_uncertainty_km <= MAX_DEPTH_ERROR_KM)):
        moved = join_section_depth(joint, from_section, depth_factor, seismicity)
        if phases is not None:
            own = scale_depth(DepthEstimate(joint.depth_km, joint.depth_uncertainty_km), depth_factor)
            section = None if from_section is None else scale_depth(from_section, depth_factor)
            joined = join_depth_phases(phases, own, section, seismicity)
            moved = joint.at_depth(joined.depth_km, joined.uncertainty_km)
        origin = OriginTime(moved.time_s, time_factor * moved.time_uncertainty_s)
        return Hypocenter(origin, DepthEstimate(moved.depth_km, moved.depth_uncertainty_km), moved.correlation)
    origin = refined.origin or combine_origin_times(readings)
    depth = None if from_section is None else allow_misreading(scale_depth(from_section, depth_factor), seismicity)
    return Hypocenter(OriginTime(origin.time_s, time_factor * origin.uncertainty_s), depth, None)


def allow_misreading(depth: DepthEstimate, seismicity: DepthRange, joint: DepthTime | None = None) -> DepthEstimate:
    """
    Enlarge the standard deviation of a depth by the probability that its section is misread.

    The variance is that of a mixture about the stated depth. Of a misread section remains what arrival times say, where they know the depth
    to within `MAX_INFORMED_ERROR_KM`; else the depth is anywhere down to where earthquakes are known, with equal probability. Where only
    shallow ones are, little is added.
    """
    misread = seismicity.mean_square_about(depth.depth_km)
    if joint is not None and joint.depth_uncertainty_km <= MAX_INFORMED_ERROR_KM:
        misread = (joint.depth_km - depth.depth_km) ** 2 + joint.depth_variance_km2
    own = depth.uncertainty_km**2
    mixed = (1.0 - MISREAD_PROBABILITY) * own + MISREAD_PROBABILITY * misread
    return DepthEstimate(depth.depth_km, float(np.sqrt(max(own, mixed))))


def find_depth_range(location: Location) -> DepthRange:
    """Find how deep earthquakes are known to occur in the regions of an epicenter."""
    samples = [np.stack(sample_ellipse(region), axis=1) for region in location.regions]
    weights = np.repeat([region.probability for region in location.regions], [len(one) for one in samples])
    latitudes, longitudes = np.concatenate(samples).T
    maximum_km = maximum_depth_km(unit_vectors(geocentric_latitude_deg(latitudes), longitudes)) + DEPTH_MARGIN_KM
    return DepthRange(float(np.average(maximum_km, weights=weights)), float(np.average(maximum_km**2, weights=weights)))


def join_section_depth(
    joint: DepthTime, from_section: DepthEstimate | None, depth_factor: float = 1.0, seismicity: DepthRange | None = None
) -> DepthTime:
    """
    Average the depth of arrival times with that of a section, where there is one, and move the origin time to it.

    The standard deviation of the depth is multiplied by `depth_factor` before. With the seismicity of the region the section may be
    misread (`allow_misreading`).
    """
    if from_section is None:
        return joint.at_depth(joint.depth_km, depth_factor * joint.depth_uncertainty_km)
    own = (joint.depth_km, joint.depth_uncertainty_km)
    depth = scale_depth(DepthEstimate(*combine_depths((from_section.depth_km, from_section.uncertainty_km), own)), depth_factor)
    if seismicity is not None:
        depth = allow_misreading(depth, seismicity, joint)
    return joint.at_depth(depth.depth_km, depth.uncertainty_km)


def join_depth_phases(
    phases: DepthPhases, by_arrivals: DepthEstimate, from_section: DepthEstimate | None, seismicity: DepthRange
) -> DepthEstimate:
    """
    Multiply the likelihood of depth phases with the densities of the depths of arrival times and of a section.

    Either of the two is misread with a probability of its own. Arrival times then leave the prior of their depth, and the reading of a
    section is distributed like the depths of earthquakes, whatever the true one is. The result is the mean of the product and its standard
    deviation, which is large where several depths remain.
    """
    depths = phases.depths_km
    density = np.exp(phases.log_likelihood - phases.log_likelihood.max())
    density *= (1.0 - CONFUSED_PROBABILITY) * _normal_density(depths, by_arrivals) + CONFUSED_PROBABILITY * seismicity.density(depths)
    if from_section is not None:
        misread = float(seismicity.density(np.array([from_section.depth_km]))[0])
        density *= (1.0 - MISREAD_PROBABILITY) * _normal_density(depths, from_section) + MISREAD_PROBABILITY * misread
    density /= density.sum()
    mean = float((density * depths).sum())
    deviation = float(np.sqrt((density * (depths - mean) ** 2).sum()))
    return DepthEstimate(mean, float(np.hypot(deviation, VELOCITY_ERROR_KM + VELOCITY_ERROR_FRACTION * mean)))


def _normal_density(depths_km: Floats, estimate: DepthEstimate) -> Floats:
    """Density [d] per kilometer of a normal distribution, cut off at the ends of equally spaced depths."""
    density = np.exp(-0.5 * ((depths_km - estimate.depth_km) / estimate.uncertainty_km) ** 2)
    return np.asarray(density / (density.sum() * (depths_km[1] - depths_km[0])))


def scale_depth(depth: DepthEstimate, factor: float) -> DepthEstimate:
    """Multiply the standard deviation of a depth by a factor."""
    return DepthEstimate(depth.depth_km, factor * depth.uncertainty_km)
