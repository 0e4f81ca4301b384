"""Selection of the stations of a synthetic event: operating on its day, spread or clustered, moved onto stored distances."""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats, Integers
from models.seismic.geodesy import azimuth_deg, destination, distance_deg
from models.seismic.trace_id import TraceId
from training.earth.greens import GreensTable
from training.synthesis.catalogs import StationCatalog, draw_times


@dataclass(frozen=True)
class Stations:
    """
    Stations of one event, each moved along its great circle (by at most half a cell) onto a distance of the store.

    Distances and azimuths (source to station) in degrees; `table_indices` of the distances in the table; each [stations].
    """

    trace_ids: tuple[TraceId, ...]
    latitudes_deg: Floats
    longitudes_deg: Floats
    distances_deg: Floats
    azimuths_deg: Floats
    table_indices: Integers

    def take(self, rows: Integers) -> "Stations":
        """Select stations by index, in that order."""
        ids = tuple(self.trace_ids[row] for row in rows) if self.trace_ids else ()
        coordinates = (self.latitudes_deg[rows], self.longitudes_deg[rows])
        return Stations(ids, *coordinates, self.distances_deg[rows], self.azimuths_deg[rows], self.table_indices[rows])


def find_operating_stations(catalog: StationCatalog, time_s: float) -> Integers:
    """Find the indices of the stations that operated at a time (POSIX seconds)."""
    return np.flatnonzero((catalog.starts_s <= time_s) & (time_s < catalog.ends_s))


def select_stations_on_day(catalog: StationCatalog, time_s: float) -> StationCatalog:
    """Select the stations that operated at a time (POSIX seconds), as a catalog in which they always operate."""
    rows = find_operating_stations(catalog, time_s)
    ever = np.full(len(rows), np.inf)
    names = tuple(catalog.networks[row] for row in rows), tuple(catalog.stations[row] for row in rows)
    return StationCatalog(*names, catalog.latitudes_deg[rows], catalog.longitudes_deg[rows], -ever, ever)


def pick_stations(
    catalog: StationCatalog,
    epicenter: tuple[float, float],
    year: int,
    count: int,
    range_deg: tuple[float, float],
    random: np.random.Generator,
) -> Integers:
    """
    Pick up to `count` stations in a range of distances, of those that operated on a random day of a year; return their indices.

    In a third of the cases they are the nearest to one station (a national network, a temporary array), else they are drawn uniformly
    over distance, so that no distance is trained on more because there are more stations.
    """
    candidates = find_operating_stations(catalog, float(draw_times(np.array([year]), random)[0]))
    distance = distance_deg(epicenter[0], epicenter[1], catalog.latitudes_deg[candidates], catalog.longitudes_deg[candidates])
    inside = candidates[(distance >= range_deg[0]) & (distance <= range_deg[1])]
    if len(inside) <= count:
        return inside
    coordinates = (catalog.latitudes_deg[inside], catalog.longitudes_deg[inside])
    if random.uniform() < 0.33:
        center = random.choice(inside)
        separation_deg = distance_deg(catalog.latitudes_deg[center], catalog.longitudes_deg[center], *coordinates)
        return inside[np.argsort(separation_deg)[:count]]
    weights = _weigh_uniformly(np.asarray(distance_deg(*epicenter, *coordinates)))
    return np.asarray(random.choice(inside, count, replace=False, p=weights))


def _weigh_uniformly(distances_deg: Floats) -> Floats:
    """Return probabilities [stations] that draw uniformly over distance: inverse to the number of stations in each of 18 bins."""
    histogram, edges = np.histogram(distances_deg, bins=18)
    weights = 1 / histogram[np.clip(np.digitize(distances_deg, edges) - 1, 0, 17)]
    return np.asarray(weights / weights.sum())


def snap_to_table(catalog: StationCatalog, chosen: Integers, epicenter: tuple[float, float], table: GreensTable) -> Stations:
    """Move the chosen stations along their great circles onto the nearest distances of the table, which are exact afterwards."""
    latitudes, longitudes = catalog.latitudes_deg[chosen], catalog.longitudes_deg[chosen]
    distances = np.asarray(distance_deg(epicenter[0], epicenter[1], latitudes, longitudes))
    azimuths = np.asarray(azimuth_deg(epicenter[0], epicenter[1], latitudes, longitudes))
    indices = np.abs(table.distances_deg[None, :] - distances[:, None]).argmin(axis=1)
    stored = table.distances_deg[indices]
    moved_latitudes, moved_longitudes = destination(epicenter[0], epicenter[1], azimuths, stored)
    ids = tuple(TraceId(catalog.networks[i], catalog.stations[i], "00", "LHZ") for i in chosen)
    return Stations(ids, np.asarray(moved_latitudes), np.asarray(moved_longitudes), stored, azimuths, indices)
