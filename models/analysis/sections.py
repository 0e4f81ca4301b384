"""
The section of an event as models see it: at predicted offsets, or at an epicenter that is predicted or given.

Training draws its sections through these very functions; they depend on gather, readings and reference alone.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import DistanceReadings, combine_origin_times
from models.errors import TooFewStations
from models.imaging.render import Placement, render_beam, render_section, render_source
from models.imaging.style import BeamStyle, SectionStyle, SourceStyle
from models.seismic.geodesy import azimuth_deg, distance_deg
from models.seismic.location.distances import Location, locate_by_distances
from models.seismic.location.region_calibration import calibrate_region, read_coverage_scales
from models.seismic.waveforms import Gather

# A reduced section begins this long before the reduced origin time, so that an origin read too late cuts nothing off.
LEAD_S: Final = 300.0
MIN_STATIONS: Final = 2
"""Two circles meet in two places, which are told as alternatives; one is a ring."""


@dataclass(frozen=True)
class SectionReference:
    """The trial epicenter that a section is drawn at, in degrees; `location` where it was predicted from the offsets."""

    latitude_deg: float
    longitude_deg: float
    source: Literal["predicted", "given"]
    location: Location | None = None


def locate_by_readings(gather: Gather, readings: DistanceReadings) -> Location:
    """The epicenter that the predicted offsets point to, its regions as the card calibrates them; raises TooFewStations."""
    found = locate_by_distances(
        gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg, minimum_stations=MIN_STATIONS
    )
    return calibrate_region(found, read_coverage_scales(readings.calibration, "offsets"))


def find_reference(gather: Gather, readings: DistanceReadings, given: tuple[float, float] | None = None) -> SectionReference | None:
    """The given epicenter (latitude, longitude), else the predicted one, else None where stations are too few for one."""
    if given is not None:
        return SectionReference(given[0], given[1], "given")
    try:
        return make_reference(locate_by_readings(gather, readings))
    except TooFewStations:
        return None


def make_reference(location: Location) -> SectionReference:
    """A located epicenter as reference."""
    return SectionReference(location.latitude_deg, location.longitude_deg, "predicted", location)


def draw_section(style: SectionStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> NDArray[np.uint8]:
    """One section uint8 [channels, rows, columns] of every trace that has a place."""
    placement = place_traces(gather, readings, reference)
    origin_s = combine_origin_times(readings).time_s if style.close_up else None
    return render_section(style, gather, section_start_s(style, readings), placement, origin_s)


def draw_source(style: SourceStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> NDArray[np.uint8]:
    """One source picture uint8 [2, rows, columns] of all traces, attenuation put back along the predicted ways."""
    return render_source(style, gather, place_traces(gather, readings, reference).distances_deg)


def draw_beam(style: BeamStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference) -> NDArray[np.uint8]:
    """One beam picture uint8 [bands, rows, columns] of every trace that has an azimuth from the reference."""
    return render_beam(style, gather, combine_origin_times(readings).time_s, place_traces(gather, readings, reference))


def place_traces(gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> Placement:
    """
    Where each trace stands.

    With a reference: distance and azimuth of the station from it; a trace without coordinates keeps its predicted offset and
    has no azimuth. Without one: predicted offsets, and no azimuth at all. NaN where there is neither.
    """
    if reference is None:
        return Placement(readings.distances_deg, np.full(len(gather.trace_ids), np.nan))
    there = place_at(gather, reference.latitude_deg, reference.longitude_deg)
    return replace(there, distances_deg=np.where(np.isfinite(there.distances_deg), there.distances_deg, readings.distances_deg))


def place_at(gather: Gather, latitude_deg: float, longitude_deg: float) -> Placement:
    """Where each trace stands as seen from an epicenter; NaN without coordinates."""
    point, stations = (latitude_deg, longitude_deg), (gather.latitudes_deg, gather.longitudes_deg)
    return Placement(distance_deg(*point, *stations), azimuth_deg(*point, *stations))


def section_start_s(style: SectionStyle, readings: DistanceReadings) -> float:
    """
    Left edge in POSIX seconds.

    The window that the offsets were read in; with a reduction velocity, `LEAD_S` before the event's origin time.
    """
    if style.reduction_velocity_km_s is None:
        return readings.window_start_s
    return combine_origin_times(readings).time_s - LEAD_S
