"""
Draw the pictures of an event that networks read: at predicted distances, or at a predicted or given epicenter.

Training draws its pictures through these functions too; they depend on gather, readings and reference alone.
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from models.analysis.combine import combine_origin_times
from models.analysis.distances import DistanceReadings, station_distances
from models.array_types import Pictures
from models.errors import TooFewStations
from models.imaging.render import Placement, render_beam, render_section, render_source
from models.imaging.style import BeamStyle, SectionStyle, SourceStyle
from models.seismic.geodesy import azimuth_deg, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.geometry_scales import read_region_scales
from models.seismic.location.region_calibration import calibrate_location
from models.seismic.location.solution import Location
from models.seismic.waveforms import Gather

LEAD_S: Final = 300.0
"""A section with a reduction velocity begins this long before the origin time, so that an origin time predicted too late loses nothing."""
MIN_STATIONS: Final = 2
"""Circles around two stations intersect at two points, which become alternatives; a single station leaves a ring."""


@dataclass(frozen=True)
class SectionReference:
    """The trial epicenter of a section, in degrees; `location` where it was predicted from the distances."""

    latitude_deg: float
    longitude_deg: float
    source: Literal["predicted", "given"]
    location: Location | None = None


def locate_by_readings(gather: Gather, readings: DistanceReadings) -> Location:
    """Locate the epicenter by the predicted distances, regions calibrated as the card states; raises TooFewStations."""
    location = locate_by_distances(station_distances(gather, readings), minimum_stations=MIN_STATIONS)
    return calibrate_location(location, read_region_scales(readings.calibration, "distances"))


def find_reference(gather: Gather, readings: DistanceReadings, given: tuple[float, float] | None = None) -> SectionReference | None:
    """Return the given epicenter (latitude, longitude), else the one located by distances, else None where stations are too few."""
    if given is not None:
        return SectionReference(given[0], given[1], "given")
    try:
        return make_reference(locate_by_readings(gather, readings))
    except TooFewStations:
        return None


def make_reference(location: Location) -> SectionReference:
    """Make a located epicenter the reference of sections."""
    return SectionReference(location.latitude_deg, location.longitude_deg, "predicted", location)


def draw_section(style: SectionStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> Pictures:
    """Draw a record section, uint8 [channels, rows, columns], of every trace with a distance (or azimuth, as the style's axis is)."""
    placement = place_traces(gather, readings, reference)
    origin_s = combine_origin_times(readings).time_s if style.close_up else None
    return render_section(style, gather, section_start_s(style, readings), placement, origin_s)


def draw_source(style: SourceStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> Pictures:
    """Draw a source picture, uint8 [2, rows, columns], of all traces, corrected for attenuation along their distances."""
    return render_source(style, gather, place_traces(gather, readings, reference).distances_deg)


def draw_beam(style: BeamStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference) -> Pictures:
    """Draw a beam picture, uint8 [bands, rows, columns], of every trace with an azimuth from the reference."""
    return render_beam(style, gather, combine_origin_times(readings).time_s, place_traces(gather, readings, reference))


def place_traces(gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> Placement:
    """
    Determine distance and azimuth of every trace in a picture.

    With a reference: those of its station from the reference; a trace without coordinates has its predicted distance and no azimuth (NaN).
    Without a reference: predicted distances and no azimuths.
    """
    if reference is None:
        return Placement(readings.distances_deg, np.full(len(gather.trace_ids), np.nan))
    placement = compute_placement(gather, reference.latitude_deg, reference.longitude_deg)
    known = np.isfinite(placement.distances_deg)
    return replace(placement, distances_deg=np.where(known, placement.distances_deg, readings.distances_deg))


def compute_placement(gather: Gather, latitude_deg: float, longitude_deg: float) -> Placement:
    """Compute distance and azimuth of every station from an epicenter; NaN without coordinates."""
    epicenter, stations = (latitude_deg, longitude_deg), (gather.latitudes_deg, gather.longitudes_deg)
    return Placement(distance_deg(*epicenter, *stations), azimuth_deg(*epicenter, *stations))


def section_start_s(style: SectionStyle, readings: DistanceReadings) -> float:
    """
    Return the left edge of a section in POSIX seconds.

    The window that the distances were read in; with a reduction velocity, `LEAD_S` before the event's origin time.
    """
    if style.reduction_velocity_km_s is None:
        return readings.window_start_s
    return combine_origin_times(readings).time_s - LEAD_S
