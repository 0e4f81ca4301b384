"""Figures of a job: selection of the traces to show, and what `workers.plots` is given to draw."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import DistanceReadings, station_distances
from models.analysis.sections import SectionReference, place_traces
from models.array_types import Floats
from models.imaging.render import render_traces
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import azimuth_deg, distance_deg, unit_vectors
from models.seismic.location.distances import epicenter_density
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import Location
from models.seismic.waveforms import Gather, Record
from models.specs.offset import OFFSET
from models.specs.pictures import TRACE_FREQUENCY
from workers.exports.figure_data import MAX_TRACES, RAYLEIGH_WAVE_KM_S, SectionTraces, rayleigh_time_s, write_section_data
from workers.plots.canvas import visible_window_s
from workers.plots.distances import TracePictures, distances_figure
from workers.plots.maps import MapEpicenter, MapStations, map_figure
from workers.plots.residuals import DistanceResiduals, residuals_figure
from workers.plots.sections import TravelTimeCurve, section_figure

MAX_MAP_STATIONS: Final = 40
MAX_PANELS: Final = 12
EVENT_NAMES: Final = {
    "earthquake": "Tectonic earthquake",
    "glacial": "Glacial earthquake",
    "other": "Other event",
    "undetermined": "Undetermined event",
}
"""Classes in the titles of figures, as on the page."""
_CURVE_NAMES: Final = {"LR": f"Rayleigh wave, {RAYLEIGH_WAVE_KM_S} km/s"}


def draw_event_section(
    gather: Gather,
    readings: DistanceReadings,
    reference: SectionReference | None,
    origin_s: float | None,
    title: str,
    depth_km: float = 10.0,
) -> bytes:
    """
    Draw the record section at the distances that the models' section has, with travel-time curves.

    Parameters
    ----------
    gather
        Conditioned records.
    readings
        Distances read from single traces, used where there is no reference.
    reference
        Epicenter that distances are computed from; None to use those read from the traces.
    origin_s
        Origin time, POSIX seconds; None to draw no travel-time curves.
    title
        Title of the figure.
    depth_km
        Source depth of the travel-time curves.

    Returns
    -------
    bytes
        PNG with at most `MAX_TRACES` traces.

    """
    distances = place_traces(gather, readings, reference).distances_deg
    chosen = sample_evenly(distances, MAX_TRACES)
    return section_figure(
        gather.subset(chosen),
        distances[chosen],
        title=_title_with_count(title, len(chosen), len(distances)),
        origin_time_s=origin_s,
        window_s=_window_s(readings),
        arrivals=() if origin_s is None or reference is None else _predict_arrivals(origin_s, distances[chosen], depth_km),
    )


def draw_noise_section(gather: Gather, title: str) -> bytes:
    """
    Draw the records of a gather in which no event was detected, by distance from the station farthest from the network's center.

    PNG with at most `MAX_TRACES` traces over the whole gather; traces without coordinates are drawn below.
    """
    distances, station = _measure_from_outermost(gather)
    chosen = sample_evenly(distances, MAX_TRACES)
    return section_figure(
        gather.subset(chosen),
        distances[chosen],
        title=_title_with_count(title, len(chosen), len(distances)),
        distance_label=f"distance from station {station} (°)" if station else "no station has coordinates",
    )


def write_event_section(
    gather: Gather,
    records: Sequence[Record],
    readings: DistanceReadings,
    reference: SectionReference | None,
    origin_s: float | None,
    depth_km: float = 10.0,
) -> bytes:
    """
    Write the data of the record section that `draw_event_section` draws, with the first arrivals of the records at short periods.

    Parameters
    ----------
    gather
        Conditioned records.
    records
        The records as they came.
    readings
        Distances read from single traces, used where there is no reference.
    reference
        Epicenter that distances are computed from; None to use those read from the traces.
    origin_s
        Origin time, POSIX seconds; None to tabulate no travel times.
    depth_km
        Source depth of the travel-time curves.

    Returns
    -------
    bytes
        JSON.

    """
    distances = place_traces(gather, readings, reference).distances_deg
    azimuths = np.full(len(distances), np.nan)
    if reference is not None:
        azimuths = azimuth_deg(reference.latitude_deg, reference.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    known = origin_s is not None and reference is not None
    return write_section_data(
        SectionTraces(gather, distances, azimuths, records, "Epicentral distance" if reference else "Predicted distance"),
        sample_evenly(distances, MAX_TRACES),
        origin_time_s=origin_s,
        window_s=visible_window_s(gather, _window_s(readings)),
        depth_km=depth_km if known else None,
    )


def write_noise_section(gather: Gather) -> bytes:
    """Write the data of the section that `draw_noise_section` draws, as JSON."""
    distances, station = _measure_from_outermost(gather)
    azimuths = np.full(len(distances), np.nan)
    label = f"Distance from station {station}" if station else "No station has coordinates"
    traces = SectionTraces(gather, distances, azimuths, (), label)
    return write_section_data(traces, sample_evenly(distances, MAX_TRACES), origin_time_s=None)


def _measure_from_outermost(gather: Gather) -> tuple[Floats, str]:
    """Measure distances [traces] from the station farthest from the network's center, and name it; NaN without coordinates."""
    coordinates = unit_vectors(gather.latitudes_deg, gather.longitudes_deg)
    known = np.isfinite(coordinates).all(axis=1)
    if not known.any():
        return np.full(len(known), np.nan), ""
    first = np.flatnonzero(known)[np.argmin(coordinates[known] @ coordinates[known].mean(axis=0))]
    distances = distance_deg(gather.latitudes_deg[first], gather.longitudes_deg[first], gather.latitudes_deg, gather.longitudes_deg)
    return distances, ".".join(gather.trace_ids[first].station_key)


def draw_map(
    gather: Gather, readings: DistanceReadings, location: Location, title: str, back_azimuths: Mapping[int, tuple[float, float]]
) -> bytes:
    """
    Draw the map of a location.

    Parameters
    ----------
    gather
        Conditioned records, with the coordinates of the stations.
    readings
        Distances read from single traces.
    location
        The location.
    title
        Title of the figure.
    back_azimuths
        Measured back azimuths and their uncertainties in degrees, by trace index.

    Returns
    -------
    bytes
        PNG with at most `MAX_MAP_STATIONS` stations.

    """
    stations_deg = (gather.latitudes_deg, gather.longitudes_deg)
    shown_deg = distance_deg(location.latitude_deg, location.longitude_deg, *stations_deg) if readings.withheld else readings.distances_deg
    chosen = sample_evenly(np.where(location.used | readings.withheld, shown_deg, np.nan), MAX_MAP_STATIONS)
    stations = MapStations(
        [".".join(gather.trace_ids[index].station_key) for index in chosen],
        gather.latitudes_deg[chosen],
        gather.longitudes_deg[chosen],
        readings.distances_deg[chosen],
        np.array([back_azimuths.get(int(index), (np.nan,))[0] for index in chosen]),
    )
    return map_figure(
        stations,
        _map_epicenter(location),
        [_map_epicenter(other) for other in location.alternatives],
        title=_title_with_count(title, len(chosen), len(gather.trace_ids)),
        density=None if readings.withheld else epicenter_density(station_distances(gather, readings)),
    )


def draw_distances(gather: Gather, readings: DistanceReadings, origin_s: float | None, title: str) -> bytes:
    """
    Draw traces with the pictures that their distances were read from.

    Parameters
    ----------
    gather
        Conditioned records.
    readings
        Distances read from single traces.
    origin_s
        Origin time, POSIX seconds, from which the axis counts; by default the start of the window.
    title
        Title of the figure.

    Returns
    -------
    bytes
        PNG with at most `MAX_PANELS` traces.

    """
    chosen = sample_evenly(readings.distances_deg, MAX_PANELS)
    shown, read = gather.subset(chosen), int(np.isfinite(readings.distances_deg).sum())
    pixels = render_traces(TRACE_FREQUENCY, shown, readings.window_start_s)
    periods_s = (TRACE_FREQUENCY.longest_period_s, TRACE_FREQUENCY.shortest_period_s)
    return distances_figure(
        shown,
        TracePictures(pixels, periods_s, _window_s(readings)),
        readings.distances_deg[chosen],
        readings.uncertainties_deg[chosen],
        title=_title_with_count(title, min(len(chosen), read), read),
        origin_time_s=origin_s,
    )


def draw_residuals(gather: Gather, readings: DistanceReadings, location: Location, title: str) -> bytes:
    """
    Draw the residuals of the distances read from single traces.

    Parameters
    ----------
    gather
        Conditioned records, with the coordinates of the stations.
    readings
        Distances read from single traces.
    location
        The location.
    title
        Title of the figure.

    Returns
    -------
    bytes
        PNG.

    """
    return residuals_figure(collect_residuals(gather, readings, location), title)


def collect_residuals(gather: Gather, readings: DistanceReadings, location: Location) -> DistanceResiduals:
    """Collect the residuals of the distances of a location, with the sign of `residual_deg` in the answer."""
    epicenter = (location.latitude_deg, location.longitude_deg)
    return DistanceResiduals(
        [str(trace) for trace in gather.trace_ids],
        distance_deg(*epicenter, gather.latitudes_deg, gather.longitudes_deg),
        azimuth_deg(*epicenter, gather.latitudes_deg, gather.longitudes_deg),
        location.residuals_deg,
        readings.uncertainties_deg,
        location.used,
        location.common_bias_deg,
    )


def sample_evenly(values: Floats, maximum: int) -> NDArray[np.int64]:
    """Return sorted indices of at most `maximum` finite values [n], evenly spaced by rank; of the first values if none is finite."""
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return np.arange(min(maximum, len(values)))
    order = finite[np.argsort(values[finite], kind="stable")]
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(maximum, len(order))).round().astype(np.int64))])


def _window_s(readings: DistanceReadings) -> tuple[float, float]:
    return readings.window_start_s, readings.window_start_s + OFFSET.style.window_s


def _predict_arrivals(origin_s: float, distances: Floats, depth_km: float) -> tuple[TravelTimeCurve, ...]:
    """Travel-time curves of P, PKP and S (ak135) and of Rayleigh waves over the range of the distances, where the phases exist."""
    grid_deg = np.linspace(max(np.nanmin(distances) - 1.0, 0.0), min(np.nanmax(distances) + 1.0, 180.0), 181)
    times = {phase: travel_time_s(phase, grid_deg, depth_km) for phase in ("P", "PKP", "S")} | {"LR": rayleigh_time_s(grid_deg, depth_km)}
    return tuple(
        TravelTimeCurve(phase, _CURVE_NAMES.get(phase, phase), grid_deg[exists], origin_s + time_s[exists])
        for phase, time_s in times.items()
        if (exists := np.isfinite(time_s)).any()
    )


def _map_epicenter(region: EpicenterRegion) -> MapEpicenter:
    ellipse = (region.semi_major_km, region.semi_minor_km, region.ellipse_azimuth_deg)
    return MapEpicenter(region.latitude_deg, region.longitude_deg, *ellipse, axis_ratio_90=region.axis_ratio_90)


def _title_with_count(title: str, shown: int, total: int) -> str:
    return title if shown == total else f"{title} ({shown} of {total} traces shown)"
