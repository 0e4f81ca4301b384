"""Decide which observations an epicenter is located by: arrival times, the surface-wave stack, directions, or distances alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from models.analysis.arrival_times import (
    contradicts_distances,
    contradicts_others,
    find_arrival_solution,
    is_far,
    is_of_other_stations,
    is_one_array,
    is_verified,
    mix_hypotheses,
)
from models.analysis.combine import OriginTime, combine_origin_times, join_origin_times
from models.analysis.directions import Directions, joint_prior, measure_directions
from models.analysis.distances import (
    REFERENCE_DEPTH_KM,
    DistanceReadings,
    RecordsTooShort,
    describe_unread,
    find_record_spans,
    station_distances,
)
from models.analysis.sections import locate_by_readings
from models.analysis.station_subset import farthest_point_subset, subset_readings
from models.array_types import Floats, Integers
from models.errors import TooFewStations
from models.seismic.association.arrivals import Arrival
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.association.second_source import SecondSource, compare_amplitudes, find_second_source
from models.seismic.earth.seismicity import epicenter_log_prior
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import count_effective_stations
from models.seismic.location.geometry_scales import GeometryScales, describe_geometry, read_region_scales
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.region_calibration import calibrate_region
from models.seismic.location.regions import EpicenterRegion, find_regions, sample_ellipse
from models.seismic.location.solution import Location, build_location
from models.seismic.location.station_assignment import measure_assignment_gain, widen_to_sphere
from models.seismic.polarization.back_azimuth import measure_back_azimuths
from models.seismic.signal.picker import Picks, pick_records
from models.seismic.surface_waves.detector import SurfaceWaveStack, detect_surface_waves
from models.seismic.waveforms import Gather, Record

Method = Literal[
    "distances",
    "distances+polarization",
    "distances+array-slowness",
    "distances+surface-wave-stack",
    "distances+arrival-times",
    "arrival-times",
    "waveform-inversion",
]

MAX_REFINED_STATIONS: Final = 64
"""Stations that other evidence than distances is evaluated at: the same for class and location, so that both answer alike."""
MIN_SURFACE_WAVE_LOG_EVIDENCE: Final = 1.5
"""
Log Bayes factor of a stack over the whole sphere from which on its origin time counts. Of 1,012 networks of noise, and of records of
different events combined, one reached it (five reached 1).
"""


MIN_LATE_LOG_EVIDENCE: Final = 4.0
MIN_LATE_SHARE: Final = 0.75
MIN_LATE_S: Final = 30.0
"""
Log Bayes factor from which on the stack alone says that records begin late: so long after the first arrival, on so many of the traces. Of
ten synthetic events of such evidence none does, and all ten do once the records begin between S and the Rayleigh waves.
"""
MIN_AGREEING_LOG_EVIDENCE: Final = 12.0
"""
Log Bayes factor from which on the stack shows that the records belong to their stations. Of 18 synthetic events with the records of all
stations exchanged at random three times the stack reaches 10 at most, of those as they are 13 to 53 where they have many stations.
"""
LATE_ORIGIN_ERROR_S: Final = 90.0
"""Standard deviation of the origin time that is added then: the stacked waves of a deep source precede those of a shallow one."""


@dataclass(frozen=True)
class RefinedLocation:
    """
    A location, the method that it was found by, and what else that method determines.

    `arrival_solution` where arrival times were accepted. `origin` where arrival times or the surface-wave stack determine the origin time;
    otherwise that of the distance readings holds. `back_azimuths` by trace index: polarization back azimuth in degrees clockwise from
    north, and the half-width of its 68 % interval, for three-component stations that determine one. `second`: another event in the same
    records, looked for where arrival times were accepted. `begins_late`: most records begin after the first arrivals, so
    that the distances read from them are wrong; without arrival times the location is then by the surface-wave stack alone.
    `mislabeled`: the records seem to carry the codes of other stations, so that the epicenter may be anywhere.
    """

    location: Location
    method: Method
    arrival_solution: ArrivalTimeSolution | None = None
    origin: OriginTime | None = None
    back_azimuths: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    second: SecondSource | None = None
    begins_late: bool = False
    mislabeled: bool = False

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """Picks associated with phases; none where arrival times were not accepted."""
        return () if self.arrival_solution is None else self.arrival_solution.arrivals


@dataclass(frozen=True)
class _Observations:
    """Observations of the selected stations, and the location by the distances of all stations."""

    gather: Gather
    readings: DistanceReadings
    picks: Sequence[Picks]
    directions: Directions
    location: Location

    @property
    def stations(self) -> tuple[Floats, Floats]:
        """Latitudes and longitudes [n] of the stations, in degrees."""
        return self.gather.latitudes_deg, self.gather.longitudes_deg

    def calibrate(self, regions: Sequence[EpicenterRegion], method: Method) -> list[EpicenterRegion]:
        """Scale the ellipses of regions as the card's calibration states for the method that found them."""
        scales = read_region_scales(self.readings.calibration, method)
        return calibrate_regions(regions, scales, self.gather, self.location.effective_stations)


@dataclass(frozen=True)
class _Solution:
    """Calibrated regions, the one to state first, with the method that found them."""

    method: Method
    regions: Sequence[EpicenterRegion]
    arrival_solution: ArrivalTimeSolution | None = None
    origin: OriginTime | None = None
    begins_late: bool = False
    mislabeled: bool = False
    stack_log_evidence: float = 0.0


def refine_location(
    records: Sequence[Record],
    gather: Gather,
    readings: DistanceReadings,
    location: Location,
    max_stations: int = MAX_REFINED_STATIONS,
    *,
    use_surface_waves: bool = True,
) -> RefinedLocation:
    """
    Refine the epicenter with the strongest evidence available.

    (1) Arrival times, if their log Bayes factor reaches 6 and a majority of traces agree; (2) the surface-wave stack with distances and
    directions, if there is one; (3) array slowness and polarization; otherwise the distances alone; each with the prior of known events
    (`epicenter_log_prior`). Where the records belong to other stations (`is_mislabeled`, `is_of_other_stations`), the region is the whole
    sphere. Residuals, traces used and azimuthal gap of the result are those of all traces; arrivals and back azimuths have the trace
    indices of `gather`.

    Parameters
    ----------
    records : sequence of Record
        Original records in the gather's order, or none: then there are neither picks nor polarization.
    gather, readings : Gather, DistanceReadings
        The conditioned records, and the predicted distances of all traces, with the calibration of regions.
    location : Location
        The location by these distances, calibrated.
    max_stations : int
        Evidence other than distances is evaluated on a subset of at most so many stations, spread over the network.
    use_surface_waves : bool
        Whether (2) is tried at all.

    """
    indices = farthest_point_subset(gather, max_stations)
    observed = _observe(records, gather, readings, location, indices)
    solution = _solve(observed, use_surface_waves=use_surface_waves)
    if solution.mislabeled or is_mislabeled(observed, solution):
        return RefinedLocation(widen_to_sphere(location), "distances", mislabeled=True)
    arrivals = None if solution.arrival_solution is None else _renumber_solution(solution.arrival_solution, indices)
    location = build_location(
        solution.regions,
        station_distances(gather, readings),
        common_bias_deg=location.common_bias_deg,
        effective_stations=location.effective_stations,
        removed_bias_deg=location.common_bias_deg if solution.method == "distances" else 0.0,
        detected=() if arrivals is None else [arrival.trace_index for arrival in arrivals.arrivals],
    )
    back_azimuths = {int(indices[index]): measured for index, measured in observed.directions.back_azimuths().items()}
    second = None if arrivals is None else _find_second_event(observed, solution, records, indices)
    return RefinedLocation(location, solution.method, arrivals, solution.origin, back_azimuths, second, solution.begins_late)


def is_mislabeled(observed: _Observations, solution: _Solution) -> bool:
    """
    Whether records carry the codes of other stations: their distances fit the stations no better than any others.

    Not where other waves agree with the stations: arrival times that verify each other, or clear surface waves.
    """
    arrivals = solution.arrival_solution
    by_times = arrivals is not None and is_verified(observed.stations, arrivals)
    if by_times or solution.begins_late or solution.stack_log_evidence >= MIN_AGREEING_LOG_EVIDENCE:
        return False
    return measure_assignment_gain(station_distances(observed.gather, observed.readings)).is_random


def find_location(records: Sequence[Record], gather: Gather, readings: DistanceReadings) -> RefinedLocation:
    """
    Locate by the distances and refine it, or locate by arrival times alone where distances are too few.

    Raises TooFewStations, and RecordsTooShort where no distance is read, if arrival times do not locate the event either.
    """
    try:
        by_distances = locate_by_readings(gather, readings)
    except TooFewStations as error:
        located = locate_without_distances(records, gather, readings)
        if located is not None:
            return located
        if readings.withheld:
            detail = f"{describe_unread(gather, readings)}. The arrivals picked in the records do not determine a source by themselves"
            raise RecordsTooShort(detail) from error
        raise
    return refine_location(records, gather, readings, by_distances)


def locate_without_distances(records: Sequence[Record], gather: Gather, readings: DistanceReadings) -> RefinedLocation | None:
    """
    Locate by arrival times alone, with polarization where components allow; None where no solution is significant and of these stations.

    For records too short for the distance network, or where too few distances are read to locate by them: the search is global. Plane
    waves are not looked for, since a window of a minute or two holds one wave, whose moveout the arrival times have. Parameters are those
    of `refine_location`.
    """
    indices = farthest_point_subset(gather, MAX_REFINED_STATIONS)
    selected = [records[index] for index in indices] if len(records) else []
    subset, read, picks = gather.subset(indices), subset_readings(readings, indices), pick_records(selected)
    directions = Directions(polarization=measure_back_azimuths(selected, picks))
    solution = find_arrival_solution(picks, subset, read, (), joint_prior(subset, read, directions))
    if solution is None or is_of_other_stations(subset, solution):
        return None
    arrivals = _renumber_solution(solution, indices)
    detected = [arrival.trace_index for arrival in arrivals.arrivals]
    effective = count_effective_stations(gather.latitudes_deg[detected], gather.longitudes_deg[detected])
    scales = read_region_scales(readings.calibration, "arrival-times")
    location = build_location(
        calibrate_regions(solution.regions, scales, subset, effective),
        station_distances(gather, readings),
        common_bias_deg=0.0,
        effective_stations=effective,
        detected=detected,
    )
    back_azimuths = {int(indices[index]): measured for index, measured in directions.back_azimuths().items()}
    origin = OriginTime(arrivals.depth_time.time_s, arrivals.depth_time.time_uncertainty_s)
    return RefinedLocation(location, "arrival-times", arrivals, origin, back_azimuths)


def _observe(records: Sequence[Record], gather: Gather, readings: DistanceReadings, location: Location, indices: Integers) -> _Observations:
    """Pick arrivals and measure directions at the selected stations, given by trace index; without records only array slowness."""
    selected = [records[index] for index in indices] if len(records) else []
    subset, picks = gather.subset(indices), pick_records(selected)
    return _Observations(subset, subset_readings(readings, indices), picks, measure_directions(subset, selected, picks), location)


def calibrate_regions(
    regions: Sequence[EpicenterRegion], scales: GeometryScales, gather: Gather, effective_stations: float
) -> list[EpicenterRegion]:
    """Scale the ellipses of regions by the factors for the geometry of each, with the stations of a gather."""
    stations = (gather.latitudes_deg, gather.longitudes_deg)
    geometries = [describe_geometry((region.latitude_deg, region.longitude_deg), stations, effective_stations) for region in regions]
    return [calibrate_region(region, scales, geometry) for region, geometry in zip(regions, geometries, strict=True)]


def _renumber_solution(solution: ArrivalTimeSolution, indices: Integers) -> ArrivalTimeSolution:
    """Replace the trace indices of a solution for a subset by those of the gather, which `indices` holds."""
    data = solution.candidates
    data = None if data is None else replace(data, trace_indices=indices[data.trace_indices])
    return replace(solution, arrivals=_renumber_traces(solution.arrivals, indices), candidates=data)


def _renumber_traces(arrivals: Sequence[Arrival], indices: Integers) -> tuple[Arrival, ...]:
    return tuple(replace(one, trace_index=int(indices[one.trace_index])) for one in arrivals)


def _find_second_event(observed: _Observations, solution: _Solution, records: Sequence[Record], indices: Integers) -> SecondSource | None:
    """Find another event in the picks that the accepted arrival times leave, with the trace indices of the gather."""
    first, gather = solution.arrival_solution, observed.gather
    second = None if first is None else find_second_source(observed.picks, gather.latitudes_deg, gather.longitudes_deg, first)
    if first is None or second is None:
        return None
    arrivals = _renumber_traces(second.arrivals, indices)
    return replace(
        second, arrivals=arrivals, amplitude_ratio=compare_amplitudes(records, _renumber_traces(first.arrivals, indices), arrivals)
    )


def _solve(observed: _Observations, *, use_surface_waves: bool) -> _Solution:
    prior = joint_prior(observed.gather, observed.readings, observed.directions)
    without_times = _solve_directions(observed, prior)
    arrivals = find_arrival_solution(observed.picks, observed.gather, observed.readings, without_times.regions, prior)
    if arrivals is not None and is_of_other_stations(observed.gather, arrivals):
        return replace(without_times, mislabeled=True)
    if arrivals is not None:
        solved, time = _solve_arrivals(observed, arrivals, without_times), arrivals.depth_time
        late = solved.arrival_solution is not None and lacks_first_arrivals(observed.gather, solved.regions[0], time.time_s, time.depth_km)
        return replace(solved, begins_late=late)
    surface_waves = _solve_surface_waves(observed, prior) if use_surface_waves else None
    return without_times if surface_waves is None else surface_waves


def _solve_directions(observed: _Observations, prior: LogPrior) -> _Solution:
    """Regions of the distances and of whatever directions were measured."""
    method: Method = "distances"
    if observed.directions.any:
        method = "distances+array-slowness" if observed.directions.plane_waves else "distances+polarization"
    return _Solution(method, observed.calibrate(find_regions(prior), method))


def _solve_arrivals(observed: _Observations, arrivals: ArrivalTimeSolution, without_times: _Solution) -> _Solution:
    """
    Regions of the arrival times, or a mixture with the regions found without them, in three cases.

    1. Too few independent stations verify the times, and the predicted distances contradict them (`contradicts_distances`): the arrivals
       are dropped.
    2. The network is one array, and plane waves were detected or the source is far: the arrivals are dropped if plane waves were detected
       and a region found without the times is the most probable one.
    3. Too few independent stations verify the times, and they contradict the other regions (`contradicts_others`): the times come first.
    """
    by_times = observed.calibrate(arrivals.regions, "distances+arrival-times")
    origin = OriginTime(arrivals.depth_time.time_s, arrivals.depth_time.time_uncertainty_s)
    timed = _Solution("distances+arrival-times", by_times, arrivals, origin)
    verified = is_verified(observed.stations, arrivals)
    if not verified and contradicts_distances(station_distances(observed.gather, observed.readings), arrivals):
        return replace(without_times, regions=mix_hypotheses(without_times.regions, by_times, by_probability=False))
    plane_waves = bool(observed.directions.plane_waves)
    if is_one_array(observed.gather) and (plane_waves or is_far(arrivals, *observed.stations)):
        keeps_times = not plane_waves or by_times[0].probability >= without_times.regions[0].probability
        mixture = mix_hypotheses(by_times, without_times.regions, by_probability=plane_waves)
        return replace(timed if keeps_times else without_times, regions=mixture)
    if not verified and contradicts_others(by_times, without_times.regions):
        return replace(timed, regions=mix_hypotheses(by_times, without_times.regions, by_probability=False))
    return timed


def _solve_surface_waves(observed: _Observations, prior: LogPrior) -> _Solution | None:
    """
    Regions by the surface-wave stack together with distances and directions, and the origin time of both where the stack is significant.

    Those of the stack alone where it shows that the records begin after the first arrivals. None without a stack.
    """
    stack = detect_surface_waves(observed.gather)
    if stack is None:
        return None
    method: Method = "distances+surface-wave-stack"
    if shows_late_begin(observed.gather, stack):
        regions = observed.calibrate(find_regions(lambda nodes: stack.log_likelihood(nodes) + epicenter_log_prior(nodes)), method)
        time_s, deviation_s = stack.origin(*sample_ellipse(regions[0]))
        return _Solution(method, regions, origin=OriginTime(time_s, float(np.hypot(deviation_s, LATE_ORIGIN_ERROR_S))), begins_late=True)
    regions = observed.calibrate(find_regions(lambda nodes: prior(nodes) + stack.log_likelihood(nodes)), method)
    if stack.log_evidence < MIN_SURFACE_WAVE_LOG_EVIDENCE:
        return _Solution(method, regions, stack_log_evidence=stack.log_evidence)
    stacked = OriginTime(*stack.origin(*sample_ellipse(regions[0])))
    origin = join_origin_times(stacked, combine_origin_times(observed.readings))
    return _Solution(method, regions, origin=origin, stack_log_evidence=stack.log_evidence)


def shows_late_begin(gather: Gather, stack: SurfaceWaveStack) -> bool:
    """Whether stacked surface waves by themselves show a source whose first arrivals the records of a gather lack."""
    if stack.log_evidence < MIN_LATE_LOG_EVIDENCE:
        return False
    best = find_regions(stack.log_likelihood)[0]
    return lacks_first_arrivals(gather, best, stack.origin(*sample_ellipse(best))[0])


def lacks_first_arrivals(gather: Gather, epicenter: EpicenterRegion, origin_s: float, depth_km: float = REFERENCE_DEPTH_KM) -> bool:
    """
    Whether most records of a gather begin after the first arrival of a source.

    Distances are read from records that begin before P: the network has learned no others, and takes a later wave for it.
    """
    distances = distance_deg(epicenter.latitude_deg, epicenter.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    starts_s, _ = find_record_spans(gather)
    late_s = starts_s - origin_s - first_arrival_s(distances, depth_km)
    known = np.isfinite(late_s) & np.isfinite(gather.samples).any(axis=1)
    return bool(known.any()) and float((late_s[known] > MIN_LATE_S).mean()) >= MIN_LATE_SHARE
