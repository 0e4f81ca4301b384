"""
Invert waveforms for the source of a located event, and decide what of it is stated.

The networks propose class, epicenter and origin time; the inversion starts there. It refines the force azimuth and the epicenter of a
glacial earthquake and the depth of an earthquake where it constrains them. An epicenter that arrival times hold is never moved.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from models.analysis.combine import OriginTime, combine_depths
from models.analysis.distances import DistanceReadings
from models.analysis.hypocenter import DepthEstimate
from models.analysis.refinement import RefinedLocation, station_distances
from models.analysis.station_subset import farthest_point_subset
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.solution import Location, build_location
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.inversion import EpicenterPrior, Kind, Motion, invert_source
from models.seismic.source.observations import MAX_DISTANCE_DEG
from models.seismic.source.solution import SourceSolution, describe_fit
from models.seismic.waveforms import Gather, Record

MAX_TRACES: Final = 40
MIN_DEVIATION_DEG, MAX_DEVIATION_DEG = 0.1, 3.0  # of the prior of the epicenter
HELD_BY: Final = "distances+arrival-times"
"""Location method whose epicenter the inversion does not move."""


def find_source(
    earths: Mapping[str, GreensTables],
    gather: Gather,
    refined: RefinedLocation,
    origin: OriginTime,
    kind: Kind,
    records: tuple[Record, ...] = (),
) -> SourceSolution | None:
    """
    Invert the waveforms of an event for a source around its located epicenter.

    Parameters
    ----------
    earths : mapping of str to GreensTables
        Earth models by name; each path goes through the one that fits best. None at all: nothing is inverted.
    gather : Gather
        Conditioned records.
    refined : RefinedLocation
        Where the event was located.
    origin : OriginTime
        Its origin time.
    kind : {"tensor", "force"}
        What to invert for.
    records : sequence of Record
        Original records in the gather's order, of which those with a response were converted to velocity.

    """
    location = refined.location
    traces = select_traces(gather, location)
    if not earths or len(traces) < 3:
        return None
    deviation = location.horizontal_uncertainty_km / KM_PER_DEGREE
    prior = EpicenterPrior(
        location.latitude_deg, location.longitude_deg, float(np.clip(deviation, MIN_DEVIATION_DEG, MAX_DEVIATION_DEG)), origin.time_s
    )
    known = sum(records[trace].response is not None for trace in traces) if records else 0
    motion: Motion = "velocity" if 2 * known > len(traces) else "seismometer"
    fits = [invert_source(gather, traces, dict.fromkeys(traces, earth), prior, kind, motion) for earth in earths.values()]
    found = [fit for fit in fits if fit is not None]
    return describe_fit(max(found, key=lambda fit: fit.log_likelihood)) if found else None


def select_traces(gather: Gather, location: Location) -> list[int]:
    """Select up to 40 traces, spread over the network, at distances that the tables hold."""
    distances = distance_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    usable = np.flatnonzero((distances > 0.5) & (distances < MAX_DISTANCE_DEG))
    if len(usable) <= MAX_TRACES:
        return [int(index) for index in usable]
    return [int(usable[index]) for index in farthest_point_subset(gather.subset(usable), MAX_TRACES)]


def move_epicenter(gather: Gather, readings: DistanceReadings, refined: RefinedLocation, source: SourceSolution) -> RefinedLocation:
    """Move the epicenter and origin time of a glacial earthquake to those of its source, unless arrival times hold it."""
    if refined.method == HELD_BY or not source.constrains:
        return refined
    location = build_location(
        [source.region],
        station_distances(gather, readings),
        common_bias_deg=refined.location.common_bias_deg,
        effective_stations=refined.location.effective_stations,
        detected=[trace.trace_index for trace in source.traces],
    )
    origin = OriginTime(source.time_s, source.time_uncertainty_s)
    return replace(refined, location=location, origin=origin, method="waveform-inversion")


def refine_depth(depth: DepthEstimate | None, source: SourceSolution | None) -> DepthEstimate | None:
    """Combine a depth with that of the inversion, where that constrains one."""
    if source is None or not source.constrains or source.tensor is None:
        return depth
    own = (source.depth_km, source.depth_uncertainty_km)
    return DepthEstimate(*own) if depth is None else DepthEstimate(*combine_depths((depth.depth_km, depth.uncertainty_km), own))
