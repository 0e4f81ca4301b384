"""Time windows of records as users and data centers cut them: common to all stations, or about the first arrival at each of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.seismic.earth.travel_times import first_arrival_s
from training.synthesis.station_geometry import Stations

NEAR_DEG = 15.0
"""Networks whose stations are all within this distance count as local or regional."""

NO_ARRIVAL_S = 1200.0
"""Stands in for the first arrival where ak135 has none (between the last diffracted P and the first PKP)."""

WHOLE_RECORD_S = 10_800.0
"""Longer than any synthetic record: a window of this duration ends where the data do."""


@dataclass(frozen=True)
class Window:
    """Time window of a record: start relative to the origin time, and duration, in seconds."""

    start_s: float
    duration_s: float


def draw_window(nearest_deg: float, farthest_deg: float, random: np.random.Generator) -> Window:
    """
    Draw a time window as users cut them, for a network between two distances.

    Most begin up to 12 minutes before the origin time, 25 % within a minute of it, 17 % after it (cut by arrival), 12 % long before.
    Half last as long as there is data, the others 5 minutes to an hour and a half. Within 6 degrees, eight in ten begin shortly before
    the origin time and last 5 to 13 minutes; within 15 degrees, six in ten last 5 to 40. Windows of distant networks end at least three
    minutes after the first arrival at the nearest station.
    """
    which = random.uniform()
    start = -random.uniform(0, 720)
    if which < 0.25:
        start = -random.uniform(0, 60)
    elif which < 0.42:
        start = random.uniform(0, 60 + min(nearest_deg, 100) * 8)
    elif which < 0.54:
        start = -random.uniform(720, 3600)
    if farthest_deg <= 6 and random.uniform() < 0.8:
        return Window(-float(random.uniform(0, 120)), float(10 ** random.uniform(2.45, 2.9)))
    if farthest_deg <= NEAR_DEG and random.uniform() < 0.6:
        return Window(float(max(start, -320) if start < 0 else min(start, 20)), float(10 ** random.uniform(2.48, 3.4)))
    duration = 7200.0 if random.uniform() < 0.55 else float(10 ** random.uniform(2.48, 3.74))
    first_arrival_s = 60 + 8 * min(nearest_deg, 95)
    return Window(float(start), max(duration, first_arrival_s + 180 - start))


def draw_common_window(stations: Stations, _depth_km: float, random: np.random.Generator) -> tuple[Window, ...]:
    """Draw one window for all stations of an event (`draw_window`)."""
    distances = stations.distances_deg
    return (draw_window(float(distances.min()), float(distances.max()), random),) * len(distances)


def draw_free_windows(stations: Stations, depth_km: float, random: np.random.Generator) -> tuple[Window, ...]:
    """
    Draw the window of each station such that its start says little about the origin time.

    Of distant networks (beyond 15 degrees) 20 % are cut about the first arrival at each station, from 20 to 600 s before it to 100 to
    2,500 s after it (short ones as often as long ones), as data centers deliver them: a short record is not a near event. 15 % begin within
    60 s of the origin time and 65 % anywhere from 1,200 s before it to 90 s before the first arrival at the nearest station. Half of these
    end where the data do, half after 1,000 to 7,000 s, but none earlier than 120 s after the first arrival at any station. Local networks
    have the windows of `draw_window`, half of them begun up to 900 s earlier.
    """
    arrivals = np.nan_to_num(first_arrival_s(stations.distances_deg, depth_km), nan=NO_ARRIVAL_S)
    if stations.distances_deg.max() <= NEAR_DEG:
        window = draw_common_window(stations, depth_km, random)[0]
        earlier_s = float(random.uniform(0, 900)) if random.uniform() < 0.5 else 0.0
        return (Window(window.start_s - earlier_s, window.duration_s + earlier_s),) * len(arrivals)
    which = random.uniform()
    if which < 0.2:
        before, after = (float(10 ** random.uniform(np.log10(low), np.log10(high))) for low, high in ((20, 600), (100, 2500)))
        return tuple(Window(float(arrival) - before, before + after) for arrival in arrivals)
    latest = float(arrivals.min())
    start = float(random.uniform(-60, min(60.0, latest - 20)) if which < 0.35 else random.uniform(-1200, latest - 90))
    duration = WHOLE_RECORD_S if random.uniform() < 0.5 else float(10 ** random.uniform(3, np.log10(7000)))
    return (Window(start, max(duration, float(arrivals.max()) + 120 - start)),) * len(arrivals)


DrawWindows = Callable[[Stations, float, np.random.Generator], tuple[Window, ...]]
"""A law that windows are drawn by, given the stations and the depth of the source in km: one window a station."""
