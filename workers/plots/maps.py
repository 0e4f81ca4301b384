"""Where it was: an azimuthal equidistant map around the epicenter, and its neighborhood enlarged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle
from numpy.typing import ArrayLike

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, wrap_longitude_deg
from workers.plots.canvas import BLUE, FAINT, GREEN, INK, QUIET, RED, VIOLET, new_figure, pad_range, place_axes, png
from workers.plots.coastline import coastline

Density = Callable[[Floats, Floats], Floats]

WIDTH_IN, HEIGHT_IN = 12.4, 6.9
STEPS_DEG = (1, 2, 5, 10, 15, 30)
NAME_WIDTH, NAME_HEIGHT = 0.17, 0.045
ANTIPODE_DEG = 175.0  # lines so far away would cross the whole map
NODES = 161  # of the posterior along each axis of a map
COAST = "#b3a58c"
CIRCLE = np.linspace(0.0, 360.0, 361)


@dataclass(frozen=True)
class Spot:
    """
    A possible epicenter in degrees with its 68 % ellipse in kilometers, azimuth of the major axis from north.

    The 90 % ellipse is `outer` times as large.
    """

    latitude_deg: float
    longitude_deg: float
    semi_major_km: float
    semi_minor_km: float
    azimuth_deg: float
    outer: float = 1.42


def map_figure(
    names: Sequence[str],
    latitudes_deg: Floats,
    longitudes_deg: Floats,
    distances_deg: Floats,
    epicenter: Spot,
    alternatives: Sequence[Spot] = (),
    *,
    title: str,
    back_azimuths_deg: Floats | None = None,
    density: Density | None = None,
) -> bytes:
    """
    PNG: stations [n] with the circles of their predicted distances [n], the epicenter with ellipse, and alternatives.

    Distances and azimuths at the map's center, the epicenter, are true to scale. Stations without coordinates or distance
    are left out of what needs them. `density` says the logarithm of the posterior at latitudes and longitudes [m]; lines
    enclose 68 and 90 % of it. Of stations [n] that tell one themselves a line leads along their back azimuth to their circle.
    """
    lines = "" if density is None else "; violet: 68 and 90 % by the distances alone"
    rays = np.full(len(names), np.nan) if back_azimuths_deg is None else back_azimuths_deg
    lines += "; green: directions that stations tell" if np.isfinite(rays).any() else ""
    figure = new_figure(WIDTH_IN, HEIGHT_IN, title, _describe(epicenter) + lines)
    world, close = place_axes(figure, 0.3, 0.2, 6.4, 0.7), place_axes(figure, 6.8, 0.6, 0.35, 1.0)
    known = np.isfinite(latitudes_deg) & np.isfinite(longitudes_deg)
    away = distance_deg(epicenter.latitude_deg, epicenter.longitude_deg, latitudes_deg[known], longitudes_deg[known])
    _draw_world(world, epicenter, min(180.0, 1.12 * float(np.max(away, initial=2.0)) + 1.0))
    _draw_close(close, epicenter, alternatives)
    for axes in (world, close):
        _draw_circles(axes, epicenter, latitudes_deg[known], longitudes_deg[known], distances_deg[known])
        _draw_rays(axes, epicenter, latitudes_deg[known], longitudes_deg[known], distances_deg[known], rays[known])
        _draw_coast(axes, epicenter)
        if density is not None:
            _draw_density(axes, epicenter, density)
        _draw_spots(axes, epicenter, alternatives)
    _clip_to_disk(world)
    x, y = _project(epicenter, latitudes_deg[known], longitudes_deg[known])
    world.plot(x, y, "v", color=INK, markersize=5, markeredgecolor="white", markeredgewidth=0.5, zorder=5)
    _name_stations(world, [name for name, shown in zip(names, known, strict=True) if shown], x, y)
    return png(figure)


def _project(center: Spot, latitudes_deg: ArrayLike, longitudes_deg: ArrayLike) -> tuple[Floats, Floats]:
    """East and north in degrees of arc, azimuthal equidistant about the center."""
    away = distance_deg(center.latitude_deg, center.longitude_deg, latitudes_deg, longitudes_deg)
    towards = np.radians(azimuth_deg(center.latitude_deg, center.longitude_deg, latitudes_deg, longitudes_deg))
    return away * np.sin(towards), away * np.cos(towards)


def _draw_world(axes: Axes, center: Spot, radius_deg: float) -> None:
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_xlim(-radius_deg, radius_deg)
    axes.set_ylim(-radius_deg, radius_deg)
    step = next(step for step in STEPS_DEG if step >= radius_deg / 6.0 or step == STEPS_DEG[-1])
    wider = step / max(0.1, float(np.cos(np.radians(center.latitude_deg))))
    turn = next(turn for turn in (*STEPS_DEG, 90) if turn >= min(wider, 30.0))
    _draw_graticule(axes, center, radius_deg, step, turn)
    _name_graticule(axes, center, radius_deg, step, turn)
    for ring in range(step, int(radius_deg) + 1, step):
        axes.plot(ring * np.sin(np.radians(CIRCLE)), ring * np.cos(np.radians(CIRCLE)), color=QUIET, linewidth=0.5, linestyle=(0, (1, 3)))
        axes.text(
            0.5 * ring, -0.866 * ring, f"{ring}°", fontsize=6.5, color=QUIET, ha="center", va="center", bbox={"color": "white", "pad": 0.6}
        )
    axes.plot(radius_deg * np.sin(np.radians(CIRCLE)), radius_deg * np.cos(np.radians(CIRCLE)), color=QUIET, linewidth=0.8, clip_on=False)


def _clip_to_disk(axes: Axes) -> None:
    """What was drawn so far ends at the edge of the map."""
    disk = Circle((0.0, 0.0), axes.get_xlim()[1], transform=axes.transData)
    for artist in (*axes.lines, *axes.patches, *axes.collections):
        artist.set_clip_path(disk)


def _draw_graticule(axes: Axes, center: Spot, radius_deg: float, step: int, turn: int) -> None:
    """Parallels and meridians within the radius."""
    fine = np.arange(-180.0, 180.5, 1.0 if radius_deg > 20 else 0.1)
    lines = [(np.full_like(fine, lat), fine) for lat in range(-90 + step, 90, step)]
    lines += [(fine[np.abs(fine) <= 90], np.full(int(np.sum(np.abs(fine) <= 90)), lon)) for lon in np.arange(-180.0, 180.0, turn)]
    for latitudes, longitudes in lines:
        x, y = _project(center, latitudes, longitudes)
        hidden = np.hypot(x, y) > min(radius_deg, ANTIPODE_DEG)
        axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), color=FAINT, linewidth=0.6, zorder=0)


def _name_graticule(axes: Axes, center: Spot, radius_deg: float, step: int, turn: int) -> None:
    """Latitudes along the meridian, longitudes along the parallel next to the center."""
    along, across = turn * round(center.longitude_deg / turn), step * round(center.latitude_deg / step)
    across = int(np.clip(across, -90 + step, 90 - step))
    marks = [(_degrees(lat, "NS"), lat, along) for lat in range(-90 + step, 90, step)]
    marks += [(_degrees(int(wrap_longitude_deg(lon)), "EW"), across, lon) for lon in range(along - 180 + turn, along + 181, turn)]
    for name, latitude, longitude in marks:
        x, y = (float(part) for part in _project(center, latitude, longitude))
        if 0.12 * radius_deg < np.hypot(x, y) < 0.95 * radius_deg:
            axes.text(x, y, name, fontsize=6, color=QUIET, ha="center", va="center", bbox={"color": "white", "pad": 0.4}, zorder=1)


def _degrees(value: int, signs: str) -> str:
    return f"{abs(value)}° {signs[value < 0]}" if value % 180 else f"{abs(value)}°"


def _draw_close(axes: Axes, center: Spot, alternatives: Sequence[Spot]) -> None:
    """A neighborhood five semi-axes wide, wide enough for close alternatives, with latitude and longitude at its frame."""
    reach_deg = max(0.5, 2.6 * center.semi_major_km / KM_PER_DEGREE)
    for spot in alternatives:
        away = float(distance_deg(center.latitude_deg, center.longitude_deg, spot.latitude_deg, spot.longitude_deg))
        reach_deg = max(reach_deg, 1.2 * away) if away < 4.0 * reach_deg else reach_deg
    axes.set_aspect("equal")
    axes.set_xlim(-reach_deg * KM_PER_DEGREE, reach_deg * KM_PER_DEGREE)
    axes.set_ylim(-reach_deg * KM_PER_DEGREE, reach_deg * KM_PER_DEGREE)
    axes.set_xlabel("kilometers east")
    axes.set_ylabel("kilometers north")
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def _scale(axes: Axes) -> float:
    """Axis units a degree: the enlarged map counts kilometers."""
    return KM_PER_DEGREE if axes.get_xlabel() else 1.0


def _draw_circles(axes: Axes, center: Spot, latitudes_deg: Floats, longitudes_deg: Floats, distances_deg: Floats) -> None:
    alpha = float(np.clip(6.0 / max(1, len(latitudes_deg)), 0.12, 0.5))
    limit = np.hypot(*axes.get_xlim()) if axes.get_xlabel() else axes.get_xlim()[1]
    for latitude, longitude, distance in zip(latitudes_deg, longitudes_deg, distances_deg, strict=True):
        if np.isfinite(distance):
            azimuths = np.linspace(0.0, 360.0, 7201 if axes.get_xlabel() else 721)
            x, y = _project(center, *destination(latitude, longitude, azimuths, distance))
            x, y = x * _scale(axes), y * _scale(axes)
            hidden = np.hypot(x, y) > 2.0 * limit if axes.get_xlabel() else np.hypot(x, y) > limit
            axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), color=BLUE, linewidth=0.7, alpha=alpha, zorder=2)


def _draw_rays(
    axes: Axes, center: Spot, latitudes_deg: Floats, longitudes_deg: Floats, distances_deg: Floats, back_azimuths_deg: Floats
) -> None:
    limit = np.hypot(*axes.get_xlim()) if axes.get_xlabel() else axes.get_xlim()[1]
    for latitude, longitude, distance, towards in zip(latitudes_deg, longitudes_deg, distances_deg, back_azimuths_deg, strict=True):
        if np.isfinite(distance) and np.isfinite(towards):
            x, y = _project(center, *destination(latitude, longitude, towards, np.linspace(0.0, distance, 721)))
            x, y = x * _scale(axes), y * _scale(axes)
            hidden = np.hypot(x, y) > limit
            axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), color=GREEN, linewidth=0.7, alpha=0.6, zorder=2)


def _draw_coast(axes: Axes, center: Spot) -> None:
    """Lines of land within the map."""
    x, y = _project(center, *coastline())
    limit = axes.get_xlim()[1]
    x, y = x * _scale(axes), y * _scale(axes)
    hidden = np.hypot(x, y) > min(ANTIPODE_DEG * _scale(axes), limit if _scale(axes) == 1.0 else 3.0 * limit)
    axes.plot(np.where(hidden, np.nan, x), np.where(hidden, np.nan, y), color=COAST, linewidth=0.6, zorder=1, scalex=False, scaley=False)


def _draw_density(axes: Axes, center: Spot, density: Density) -> None:
    """Lines that enclose 68 and 90 % of the posterior within the map."""
    limit = axes.get_xlim()[1]
    steps = np.linspace(-limit, limit, NODES)
    east, north = np.meshgrid(steps, steps)
    reach = np.hypot(east, north) / _scale(axes)
    inside = reach <= min(180.0, 1.5 * limit / _scale(axes))
    latitudes, longitudes = destination(center.latitude_deg, center.longitude_deg, np.degrees(np.arctan2(east, north)), reach)
    logs = np.where(inside, density(latitudes.ravel(), longitudes.ravel()).reshape(reach.shape), -np.inf)
    # A cell of the map far from its center is less of the sphere than it looks.
    mass = np.exp(logs - logs.max()) * np.maximum(np.sinc(reach / 180.0), 0.0)
    order = np.sort(mass.ravel())[::-1]
    levels = [float(order[np.searchsorted(np.cumsum(order), share * order.sum())]) for share in (0.9, 0.68)]
    if levels[0] < levels[1]:
        axes.contour(east, north, mass, levels=levels, colors=[VIOLET], linewidths=[0.7, 1.1], zorder=3)


def _draw_spots(axes: Axes, epicenter: Spot, alternatives: Sequence[Spot]) -> None:
    for spot, color in [(epicenter, RED), *((other, QUIET) for other in alternatives)]:
        turn, axis = np.radians(spot.azimuth_deg), np.radians(CIRCLE)
        along, across = spot.semi_major_km * np.cos(axis), spot.semi_minor_km * np.sin(axis)
        x, y = (part * _scale(axes) for part in _project(epicenter, spot.latitude_deg, spot.longitude_deg))
        east = along * np.sin(turn) + across * np.cos(turn)
        north = along * np.cos(turn) - across * np.sin(turn)
        km = _scale(axes) / KM_PER_DEGREE
        axes.fill(x + east * km, y + north * km, facecolor=color, alpha=0.18, zorder=3)
        axes.plot(x + east * km, y + north * km, color=color, linewidth=1.0, zorder=4)
        wide = spot.outer * km
        axes.plot(x + east * wide, y + north * wide, color=color, linewidth=0.8, linestyle=(0, (4, 3)), zorder=4)
        axes.plot(x, y, "*", color=color, markersize=13, markeredgecolor="white", markeredgewidth=0.7, zorder=6)


def _name_stations(axes: Axes, names: Sequence[str], x: Floats, y: Floats) -> None:
    """A name right of its station wherever it hides neither another name nor another station."""
    span = axes.get_xlim()[1]
    for index in pad_range(x, y, NAME_WIDTH * span, NAME_HEIGHT * span):
        place = (x[index] + 0.018 * span, y[index])
        axes.text(*place, names[index], fontsize=6.5, color=INK, va="center", parse_math=False, zorder=7)


def _describe(spot: Spot) -> str:
    north, east = "N" if spot.latitude_deg >= 0 else "S", "E" if spot.longitude_deg >= 0 else "W"
    return (
        f"{abs(spot.latitude_deg):.2f}° {north}, {abs(spot.longitude_deg):.2f}° {east};  "
        f"68 % ellipse {spot.semi_major_km:.0f} × {spot.semi_minor_km:.0f} km, "
        f"90 % (dashed) {spot.outer * spot.semi_major_km:.0f} × {spot.outer * spot.semi_minor_km:.0f} km"
    )
