"""Which figures a job draws, of how many traces: enough to judge by, few enough to be quick."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import DistanceReadings
from models.analysis.sections import SectionReference, place_traces
from models.array_types import Floats
from models.imaging.render import render_traces
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.distances import epicenter_density
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import Location
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import TRACE_FREQUENCY
from workers.plots.maps import Spot, map_figure
from workers.plots.offsets import distances_figure
from workers.plots.residuals import residuals_figure
from workers.plots.sections import TravelTimeCurve, section_figure

MAX_SECTION_TRACES: Final = 60
MAX_CIRCLES: Final = 40
MAX_PANELS: Final = 12
# Rayleigh waves of 50 to 100 s; a line to compare with, not a prediction.
SURFACE_WAVE_KM_S: Final = 3.8


def draw_section(
    gather: Gather,
    readings: DistanceReadings,
    reference: SectionReference | None,
    origin_s: float | None,
    title: str,
    depth_km: float = 10.0,
) -> bytes:
    """The record section for people, at the distances that the models' section has, with what should arrive from that depth."""
    distances = place_traces(gather, readings, reference).distances_deg
    chosen = sample_evenly(distances, MAX_SECTION_TRACES)
    return section_figure(
        gather.part(chosen),
        distances[chosen],
        title=_counted(title, len(chosen), len(distances)),
        origin_time_s=origin_s,
        window_s=_window(readings),
        arrivals=() if origin_s is None or reference is None else _predicted(origin_s, distances[chosen], depth_km),
    )


def draw_map(
    gather: Gather, readings: DistanceReadings, location: Location, title: str, back_azimuths: Mapping[int, tuple[float, float]]
) -> bytes:
    """Epicenter, ellipses, alternatives, the posterior of the distances, stations with circles of distance and own directions."""
    chosen = sample_evenly(np.where(location.used, readings.distances_deg, np.nan), MAX_CIRCLES)
    return map_figure(
        [".".join(gather.trace_ids[place].station_key) for place in chosen],
        gather.latitudes_deg[chosen],
        gather.longitudes_deg[chosen],
        readings.distances_deg[chosen],
        _spot(location),
        [_spot(other) for other in location.alternatives],
        title=_counted(title, len(chosen), len(gather.trace_ids)),
        back_azimuths_deg=np.array([back_azimuths.get(int(place), (np.nan,))[0] for place in chosen]),
        density=epicenter_density(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg),
    )


def draw_distances(gather: Gather, readings: DistanceReadings, origin_s: float | None, title: str) -> bytes:
    """Single traces with the picture that their distance was read from."""
    chosen = sample_evenly(readings.distances_deg, MAX_PANELS)
    few, read = gather.part(chosen), int(np.isfinite(readings.distances_deg).sum())
    return distances_figure(
        few,
        render_traces(TRACE_FREQUENCY, few, readings.window_start_s),
        (TRACE_FREQUENCY.longest_period_s, TRACE_FREQUENCY.shortest_period_s),
        _window(readings),
        readings.distances_deg[chosen],
        readings.uncertainties_deg[chosen],
        title=_counted(title, min(len(chosen), read), read),
        origin_time_s=origin_s,
    )


def draw_residuals(gather: Gather, readings: DistanceReadings, location: Location, title: str) -> bytes:
    """What each trace's distance misses, over distance and azimuth."""
    point = (location.latitude_deg, location.longitude_deg)
    return residuals_figure(
        [str(trace) for trace in gather.trace_ids],
        distance_deg(*point, gather.latitudes_deg, gather.longitudes_deg),
        azimuth_deg(*point, gather.latitudes_deg, gather.longitudes_deg),
        -location.residuals_deg,
        readings.uncertainties_deg,
        location.used,
        title=title,
        common_deg=-location.common_bias_deg,
    )


def sample_evenly(values: Floats, most: int) -> NDArray[np.int64]:
    """Places of at most `most` of the finite values [n], spread evenly over their order; all places where none is finite."""
    finite = np.flatnonzero(np.isfinite(values))
    if not len(finite):
        return np.arange(min(most, len(values)))
    order = finite[np.argsort(values[finite], kind="stable")]
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(np.int64))])


def _window(readings: DistanceReadings) -> tuple[float, float]:
    return readings.window_start_s, readings.window_start_s + OFFSET.style.window_s


def _predicted(origin_s: float, distances: Floats, depth_km: float) -> tuple[TravelTimeCurve, ...]:
    """P and S through ak135 where they arrive, and surface waves, over the range of distances."""
    reach = np.linspace(max(np.nanmin(distances) - 1.0, 0.0), min(np.nanmax(distances) + 1.0, 180.0), 181)
    times = [(phase, travel_time_s(phase, reach, depth_km)) for phase in ("P", "PKP", "S")]
    times.append((f"Rayleigh, {SURFACE_WAVE_KM_S} km/s", reach * KM_PER_DEGREE / SURFACE_WAVE_KM_S))
    seen = [(phase, np.isfinite(time_s), time_s) for phase, time_s in times]
    return tuple(TravelTimeCurve(phase, reach[good], origin_s + time_s[good]) for phase, good, time_s in seen if good.any())


def _spot(place: EpicenterRegion) -> Spot:
    ellipse = (place.semi_major_km, place.semi_minor_km, place.ellipse_azimuth_deg)
    return Spot(place.latitude_deg, place.longitude_deg, *ellipse, outer=place.outer)


def _counted(title: str, shown: int, there: int) -> str:
    return title if shown == there else f"{title} ({shown} of {there} traces shown)"
