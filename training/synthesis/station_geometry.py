"""Which stations saw an event: those that operated that day, thinned and clustered as in practice, set on stored distances."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.seismic.geodesy import azimuth_deg, destination, distance_deg
from models.seismic.trace_id import TraceId
from training.earth.greens import GreensTable
from training.synthesis.catalogs import StationCatalog, draw_times


@dataclass(frozen=True)
class Stations:
    """Stations of one event, each moved along its great circle (by less than half a cell) onto a stored distance."""

    trace_ids: tuple[TraceId, ...]
    latitudes_deg: NDArray[np.float64]
    longitudes_deg: NDArray[np.float64]
    distances_deg: NDArray[np.float64]
    azimuths_deg: NDArray[np.float64]
    table_indices: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "Stations":
        """Those of the stations, in that order."""
        ids = tuple(self.trace_ids[row] for row in rows) if self.trace_ids else ()
        places = (self.latitudes_deg[rows], self.longitudes_deg[rows])
        return Stations(ids, *places, self.distances_deg[rows], self.azimuths_deg[rows], self.table_indices[rows])


def find_operating_stations(catalog: StationCatalog, time_s: float) -> NDArray[np.int64]:
    """Indices of the stations that operated at that time (POSIX seconds)."""
    return np.flatnonzero((catalog.starts_s <= time_s) & (time_s < catalog.ends_s))


def select_stations_on_day(catalog: StationCatalog, time_s: float) -> StationCatalog:
    """The stations that operated at that time, as a catalog in which they always do: of an event whose date is known."""
    rows = find_operating_stations(catalog, time_s)
    ever = np.full(len(rows), np.inf)
    names = tuple(catalog.networks[row] for row in rows), tuple(catalog.stations[row] for row in rows)
    return StationCatalog(*names, catalog.latitudes_deg[rows], catalog.longitudes_deg[rows], -ever, ever)


def pick_stations(
    catalog: StationCatalog,
    place: tuple[float, float],
    year: int,
    count: int,
    range_deg: tuple[float, float],
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """
    Up to `count` stations within the range of distances, of those that operated on a random day of that year.

    In a third of the cases they crowd around one station (a national network, a temporary array), else they are drawn
    evenly over distance, so that no range of distances is learned better because more stations stand there.
    """
    candidates = find_operating_stations(catalog, float(draw_times(np.array([year]), random)[0]))
    distance = distance_deg(place[0], place[1], catalog.latitudes_deg[candidates], catalog.longitudes_deg[candidates])
    inside = candidates[(distance >= range_deg[0]) & (distance <= range_deg[1])]
    if len(inside) <= count:
        return inside
    if random.uniform() < 0.33:
        center = random.choice(inside)
        apart = distance_deg(
            catalog.latitudes_deg[center], catalog.longitudes_deg[center], catalog.latitudes_deg[inside], catalog.longitudes_deg[inside]
        )
        return inside[np.argsort(apart)[:count]]
    near = distance_deg(place[0], place[1], catalog.latitudes_deg[inside], catalog.longitudes_deg[inside])
    histogram, edges = np.histogram(near, bins=18)
    weight = 1 / histogram[np.clip(np.digitize(near, edges) - 1, 0, 17)]
    return np.asarray(random.choice(inside, count, replace=False, p=weight / weight.sum()))


def snap_to_table(catalog: StationCatalog, chosen: NDArray[np.int64], place: tuple[float, float], table: GreensTable) -> Stations:
    """The chosen stations, moved onto the nearest stored distance of that depth; distances are exact afterwards."""
    latitudes, longitudes = catalog.latitudes_deg[chosen], catalog.longitudes_deg[chosen]
    distances = np.asarray(distance_deg(place[0], place[1], latitudes, longitudes))
    azimuths = np.asarray(azimuth_deg(place[0], place[1], latitudes, longitudes))
    indices = np.abs(table.distances_deg[None, :] - distances[:, None]).argmin(axis=1)
    stored = table.distances_deg[indices]
    moved_latitudes, moved_longitudes = destination(place[0], place[1], azimuths, stored)
    ids = tuple(TraceId(catalog.networks[i], catalog.stations[i], "00", "LHZ") for i in chosen)
    return Stations(ids, np.asarray(moved_latitudes), np.asarray(moved_longitudes), stored, azimuths, indices)
