"""Map of a location: azimuthal equidistant about the epicenter, with an enlargement of the epicenter's surroundings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, wrap_longitude_deg
from models.seismic.location.regions import NORMAL_AXIS_RATIO_90
from workers.plots.canvas import BLUE, GRAY, GREEN, INK, LIGHT_GRAY, RED, VIOLET, encode_png, new_figure, place_axes, select_label_indices
from workers.plots.coastline import coastline

Density = Callable[[Floats, Floats], Floats]

WIDTH_IN, HEIGHT_IN = 12.4, 7.05
STEPS_DEG = (1, 2, 5, 10, 15, 30)
NAME_WIDTH, NAME_HEIGHT = 0.17, 0.045
ANTIPODE_DEG = 175.0  # lines further from the center would cross the whole map
GRID_NODES = 161  # of the posterior, along each axis of a map
COAST = "#b3a58c"
CIRCLE = np.linspace(0.0, 360.0, 361)


@dataclass(frozen=True)
class MapEpicenter:
    """
    An epicenter to draw, with its 68 % ellipse: semi-axes in kilometers, azimuth of the major axis clockwise from north.

    The axes of the 90 % ellipse are `axis_ratio_90` times those of the 68 % ellipse.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_km: float
    semi_minor_km: float
    azimuth_deg: float
    axis_ratio_90: float = NORMAL_AXIS_RATIO_90


@dataclass(frozen=True)
class MapStations:
    """
    Stations to draw, with what was predicted and measured at each; all [n].

    Attributes
    ----------
    names
        Names of the stations.
    latitudes_deg, longitudes_deg
        Coordinates; stations with NaN are not drawn.
    distances_deg
        Predicted epicentral distances, drawn as circles about the stations; NaN for no circle.
    back_azimuths_deg
        Measured back azimuths, drawn as lines from the stations to their circles; NaN for no line.

    """

    names: Sequence[str]
    latitudes_deg: Floats
    longitudes_deg: Floats
    distances_deg: Floats
    back_azimuths_deg: Floats

    def select_known(self) -> "MapStations":
        """Select the stations that have coordinates."""
        known = np.isfinite(self.latitudes_deg) & np.isfinite(self.longitudes_deg)
        names = [name for name, drawn in zip(self.names, known, strict=True) if drawn]
        coordinates = (self.latitudes_deg[known], self.longitudes_deg[known])
        return MapStations(names, *coordinates, self.distances_deg[known], self.back_azimuths_deg[known])


def map_figure(
    stations: MapStations,
    epicenter: MapEpicenter,
    alternatives: Sequence[MapEpicenter] = (),
    *,
    title: str,
    density: Density | None = None,
) -> bytes:
    """
    Draw the map of a location, and return it and its enlargement as PNG. Distances and azimuths from the center are true to scale.

    Parameters
    ----------
    stations
        Stations with predicted distances and measured back azimuths.
    epicenter, alternatives
        The located epicenter, which is the center of the map, and other modes of the posterior.
    title
        Title of the figure.
    density
        Function of latitudes and longitudes [m] that returns the log posterior [m]; contours enclose 68 and 90 % of it.

    """
    legend = _describe_lines(stations, alternatives, density)
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, f"{_describe_epicenter(epicenter)}\n{'; '.join(legend)}")
    overview = _Map(place_axes(figure, 0.3, 0.2, 6.4, 0.85), epicenter)
    enlargement = _Map(place_axes(figure, 6.8, 0.6, 0.35, 1.15), epicenter, enlarged=True)
    known = stations.select_known()
    station_distances = distance_deg(epicenter.latitude_deg, epicenter.longitude_deg, known.latitudes_deg, known.longitudes_deg)
    _set_up_overview(overview.axes, epicenter, min(180.0, 1.12 * float(np.max(station_distances, initial=2.0)) + 1.0))
    _set_up_enlargement(enlargement.axes, epicenter, alternatives)
    for one in (overview, enlargement):
        _draw_circles(one, known)
        _draw_back_azimuths(one, known)
        _draw_coast(one)
        if density is not None:
            _draw_density(one, density)
        _draw_epicenters(one, alternatives)
    _clip_to_disk(overview.axes)
    _draw_stations(overview, known)
    return encode_png(figure)


@dataclass(frozen=True)
class _Map:
    """One of the two maps: its axes and center; axis units are degrees of arc, of the enlargement kilometers."""

    axes: Axes
    center: MapEpicenter
    enlarged: bool = False

    @property
    def units_per_deg(self) -> float:
        """Axis units of a degree of arc."""
        return KM_PER_DEGREE if self.enlarged else 1.0

    @property
    def half_width(self) -> float:
        """Half the width of the map, of the overview its radius, in axis units."""
        return float(self.axes.get_xlim()[1])

    def project(self, latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> tuple[Floats, Floats]:
        """Project to east and north in axis units."""
        x, y = _project(self.center, latitudes_deg, longitudes_deg)
        return x * self.units_per_deg, y * self.units_per_deg

    def draw_line(self, latitudes_deg: Floats, longitudes_deg: Floats, limit: float, **style: Any) -> None:  # noqa: ANN401 -- Matplotlib's
        """Draw a line where it is no farther from the center than a limit in axis units."""
        x, y = self.project(latitudes_deg, longitudes_deg)
        hidden = np.hypot(x, y) > limit
        self.axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), **style)


def _describe_lines(stations: MapStations, alternatives: Sequence[MapEpicenter], density: Density | None) -> list[str]:
    """Say what the lines of a map are, each where there are some."""
    found = [
        ("gray: alternatives", bool(alternatives)),
        ("blue: predicted distances", bool(np.isfinite(stations.distances_deg).any())),
        ("violet: 68 and 90 % regions of these alone", density is not None),
        ("green: measured back azimuths", bool(np.isfinite(stations.back_azimuths_deg).any())),
    ]
    return [text for text, drawn in found if drawn]


def _project(center: MapEpicenter, latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> tuple[Floats, Floats]:
    """Project to east and north in degrees of arc, azimuthal equidistant about the center."""
    arc_deg = distance_deg(center.latitude_deg, center.longitude_deg, latitudes_deg, longitudes_deg)
    azimuths = np.radians(azimuth_deg(center.latitude_deg, center.longitude_deg, latitudes_deg, longitudes_deg))
    return arc_deg * np.sin(azimuths), arc_deg * np.cos(azimuths)


def _set_up_overview(axes: Axes, center: MapEpicenter, radius_deg: float) -> None:
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-radius_deg, radius_deg)
    axes.set_ylim(-radius_deg, radius_deg)
    step = next(step for step in STEPS_DEG if step >= radius_deg / 6.0 or step == STEPS_DEG[-1])
    equal_distance_step = step / max(0.1, float(np.cos(np.radians(center.latitude_deg))))
    longitude_step = next(candidate for candidate in (*STEPS_DEG, 90) if candidate >= min(equal_distance_step, 30.0))
    _draw_graticule(axes, center, radius_deg, step, longitude_step)
    _label_graticule(axes, center, radius_deg, step, longitude_step)
    for ring in range(step, int(radius_deg) + 1, step):
        axes.plot(ring * np.sin(np.radians(CIRCLE)), ring * np.cos(np.radians(CIRCLE)), color=GRAY, linewidth=0.5, linestyle=(0, (1, 3)))
        axes.text(
            0.5 * ring, -0.866 * ring, f"{ring}°", fontsize=6.5, color=GRAY, ha="center", va="center", bbox={"color": "white", "pad": 0.6}
        )
    axes.plot(radius_deg * np.sin(np.radians(CIRCLE)), radius_deg * np.cos(np.radians(CIRCLE)), color=GRAY, linewidth=0.8, clip_on=False)


def _clip_to_disk(axes: Axes) -> None:
    """Clip all lines and areas drawn so far to the disk of the map."""
    disk = Circle((0.0, 0.0), axes.get_xlim()[1], transform=axes.transData)
    for artist in (*axes.lines, *axes.patches, *axes.collections):
        artist.set_clip_path(disk)


def _draw_graticule(axes: Axes, center: MapEpicenter, radius_deg: float, step: int, longitude_step: int) -> None:
    """Draw parallels every `step` and meridians every `longitude_step` degrees within the radius."""
    fine = np.arange(-180.0, 180.5, 1.0 if radius_deg > 20 else 0.1)
    lines = [(np.full_like(fine, lat), fine) for lat in range(-90 + step, 90, step)]
    lines += [(fine[np.abs(fine) <= 90], np.full(int(np.sum(np.abs(fine) <= 90)), lon)) for lon in np.arange(-180.0, 180.0, longitude_step)]
    for latitudes, longitudes in lines:
        x, y = _project(center, latitudes, longitudes)
        hidden = np.hypot(x, y) > min(radius_deg, ANTIPODE_DEG)
        if hidden.all():  # about a local network, all but a few of the 539 lines: to draw them takes a second
            continue
        axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), color=LIGHT_GRAY, linewidth=0.6, zorder=0)


def _label_graticule(axes: Axes, center: MapEpicenter, radius_deg: float, step: int, longitude_step: int) -> None:
    """Label latitudes along the meridian, and longitudes along the parallel, next to the center."""
    meridian = longitude_step * round(center.longitude_deg / longitude_step)
    parallel = int(np.clip(step * round(center.latitude_deg / step), -90 + step, 90 - step))
    marks = [(_format_degrees(lat, "NS"), lat, meridian) for lat in range(-90 + step, 90, step)]
    marks += [
        (_format_degrees(int(wrap_longitude_deg(lon)), "EW"), parallel, lon)
        for lon in range(meridian - 180 + longitude_step, meridian + 181, longitude_step)
    ]
    for name, latitude, longitude in marks:
        x, y = (float(coordinate) for coordinate in _project(center, latitude, longitude))
        if 0.12 * radius_deg < np.hypot(x, y) < 0.95 * radius_deg:
            axes.text(x, y, name, fontsize=6, color=GRAY, ha="center", va="center", bbox={"color": "white", "pad": 0.4}, zorder=1)


def _format_degrees(value: int, signs: str) -> str:
    return f"{abs(value)}° {signs[value < 0]}" if value % 180 else f"{abs(value)}°"


def _set_up_enlargement(axes: Axes, center: MapEpicenter, alternatives: Sequence[MapEpicenter]) -> None:
    """Set up the enlargement: 5.2 semi-major axes wide, or wide enough for near alternatives, in kilometers from the epicenter."""
    half_width_deg = max(0.5, 2.6 * center.semi_major_km / KM_PER_DEGREE)
    for shown in alternatives:
        alternative_deg = float(distance_deg(center.latitude_deg, center.longitude_deg, shown.latitude_deg, shown.longitude_deg))
        half_width_deg = max(half_width_deg, 1.2 * alternative_deg) if alternative_deg < 4.0 * half_width_deg else half_width_deg
    axes.set_aspect("equal")
    axes.set_xlim(-half_width_deg * KM_PER_DEGREE, half_width_deg * KM_PER_DEGREE)
    axes.set_ylim(-half_width_deg * KM_PER_DEGREE, half_width_deg * KM_PER_DEGREE)
    axes.set_xlabel("east (km)")
    axes.set_ylabel("north (km)")
    axes.grid(color=LIGHT_GRAY, linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_circles(one: _Map, stations: MapStations) -> None:
    """Draw the circle of each station's predicted distance; the more stations, the fainter."""
    alpha = float(np.clip(6.0 / max(1, len(stations.names)), 0.12, 0.5))
    limit = 2.0 * np.hypot(one.half_width, one.half_width) if one.enlarged else one.half_width
    azimuths = np.linspace(0.0, 360.0, 7201 if one.enlarged else 721)
    for latitude, longitude, distance in zip(stations.latitudes_deg, stations.longitudes_deg, stations.distances_deg, strict=True):
        if np.isfinite(distance):
            circle = destination(latitude, longitude, azimuths, distance)
            one.draw_line(*circle, limit, color=BLUE, linewidth=0.7, alpha=alpha, zorder=2)


def _draw_back_azimuths(one: _Map, stations: MapStations) -> None:
    """Draw each measured back azimuth as a line from the station as long as its predicted distance."""
    limit = np.hypot(one.half_width, one.half_width) if one.enlarged else one.half_width
    values = (stations.latitudes_deg, stations.longitudes_deg, stations.distances_deg, stations.back_azimuths_deg)
    for latitude, longitude, distance, back_azimuth in zip(*values, strict=True):
        if np.isfinite(distance) and np.isfinite(back_azimuth):
            path = destination(latitude, longitude, back_azimuth, np.linspace(0.0, distance, 721))
            one.draw_line(*path, limit, color=GREEN, linewidth=0.7, alpha=0.6, zorder=2)


def _draw_coast(one: _Map) -> None:
    """Draw coastlines within the map."""
    limit = min(ANTIPODE_DEG * one.units_per_deg, (3.0 if one.enlarged else 1.0) * one.half_width)
    one.draw_line(*coastline(), limit, color=COAST, linewidth=0.6, zorder=1, scalex=False, scaley=False)


def _draw_density(one: _Map, density: Density) -> None:
    """Draw contours that enclose 68 and 90 % of the posterior within the map."""
    limit, center = one.half_width, one.center
    steps = np.linspace(-limit, limit, GRID_NODES)
    east, north = np.meshgrid(steps, steps)
    arc_deg = np.hypot(east, north) / one.units_per_deg
    inside = arc_deg <= min(180.0, 1.5 * limit / one.units_per_deg)
    latitudes, longitudes = destination(center.latitude_deg, center.longitude_deg, np.degrees(np.arctan2(east, north)), arc_deg)
    log_density = np.where(inside, density(latitudes.ravel(), longitudes.ravel()).reshape(arc_deg.shape), -np.inf)
    # Cells of the map far from the center cover less area of the sphere: by sinc of the distance, in this projection.
    mass = np.exp(log_density - log_density.max()) * np.maximum(np.sinc(arc_deg / 180.0), 0.0)
    order = np.sort(mass.ravel())[::-1]
    levels = [float(order[np.searchsorted(np.cumsum(order), probability * order.sum())]) for probability in (0.9, 0.68)]
    if levels[0] < levels[1]:
        one.axes.contour(east, north, mass, levels=levels, colors=[VIOLET], linewidths=[0.7, 1.1], zorder=3)


def _draw_epicenters(one: _Map, alternatives: Sequence[MapEpicenter]) -> None:
    axes, km = one.axes, one.units_per_deg / KM_PER_DEGREE
    for shown, color in [(one.center, RED), *((other, GRAY) for other in alternatives)]:
        turn, axis = np.radians(shown.azimuth_deg), np.radians(CIRCLE)
        along, across = shown.semi_major_km * np.cos(axis), shown.semi_minor_km * np.sin(axis)
        x, y = one.project(shown.latitude_deg, shown.longitude_deg)
        east = along * np.sin(turn) + across * np.cos(turn)
        north = along * np.cos(turn) - across * np.sin(turn)
        axes.fill(x + east * km, y + north * km, facecolor=color, alpha=0.18, zorder=3)
        axes.plot(x + east * km, y + north * km, color=color, linewidth=1.0, zorder=4)
        wide = shown.axis_ratio_90 * km
        axes.plot(x + east * wide, y + north * wide, color=color, linewidth=0.8, linestyle=(0, (4, 3)), zorder=4)
        axes.plot(x, y, "*", color=color, markersize=13, markeredgecolor="white", markeredgewidth=0.7, zorder=6)


def _draw_stations(one: _Map, stations: MapStations) -> None:
    """Draw stations, labeled at their right where the label covers neither another label nor another station."""
    axes, span = one.axes, one.half_width
    x, y = one.project(stations.latitudes_deg, stations.longitudes_deg)
    axes.plot(x, y, "v", color=INK, markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=5)
    for index in select_label_indices(x, y, NAME_WIDTH * span, NAME_HEIGHT * span):
        position = (x[index] + 0.018 * span, y[index])
        background = {"color": "white", "alpha": 0.7, "pad": 0.3, "linewidth": 0}
        axes.text(*position, stations.names[index], fontsize=6.5, color=INK, va="center", parse_math=False, bbox=background, zorder=7)


def _describe_epicenter(epicenter: MapEpicenter) -> str:
    ratio = epicenter.axis_ratio_90
    north, east = "N" if epicenter.latitude_deg >= 0 else "S", "E" if epicenter.longitude_deg >= 0 else "W"
    return (
        f"{abs(epicenter.latitude_deg):.2f}° {north}, {abs(epicenter.longitude_deg):.2f}° {east};  "
        f"semi-axes of the 68 % ellipse {epicenter.semi_major_km:.0f} and {epicenter.semi_minor_km:.0f} km, "
        f"of the 90 % one (dashed) {ratio * epicenter.semi_major_km:.0f} and {ratio * epicenter.semi_minor_km:.0f} km"
    )
