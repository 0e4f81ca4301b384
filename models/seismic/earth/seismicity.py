"""
Where earthquakes and glacial earthquakes are known to occur: the prior of an epicenter.

Distances at a few stations, or directions at one array, leave regions thousands of kilometers wide, most of which hold no plate boundary
and no ice sheet. The prior is a mixture: half of it is uniform over the Earth, since explosions, landslides and some earthquakes occur
where none were recorded, and the other half has the places of cataloged earthquakes and the ice sheets. So it is nowhere less than half
of a uniform density, and at most about eight times it. Priors of seismicity are usual where events are located by weak evidence
(Arora, Russell & Sudderth 2013, doi:10.1785/0120120107).
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from models.array_types import Flags, Floats
from models.seismic.geodesy import distance_deg, geographic_vectors, wrap_longitude_deg

SEISMICITY_FILE: Final = Path(__file__).with_name("seismicity.npz")
CELL_DEG: Final = 1.0
EARTHQUAKE_SHARE, GREENLAND_SHARE, ANTARCTICA_SHARE = 0.42, 0.05, 0.03
"""
Shares of the prior beside the uniform one. Of 80 synthetic earthquakes and glacial earthquakes at stations on one side, errors were alike
with uniform shares from 0.2 to 0.6 (decision 0020); a large one costs least where the catalog knows no earthquake.
"""
GREENLAND: Final = ((77.0, -42.0, 8.0), (70.0, -40.0, 8.0), (64.0, -45.0, 5.0))  # latitude, longitude and radius of circles, degrees
ANTARCTICA: Final = ((-180.0, -150.0, -70.0), (-150.0, -75.0, -68.0), (-75.0, -55.0, -63.0), (-55.0, 150.0, -65.0), (150.0, 180.0, -68.0))
"""Sectors of longitude, from and to, and the latitude south of which the ice and its coast lie, in degrees; ridges lie farther north."""


@cache
def yearly_probability_table() -> NDArray[np.uint8]:
    """
    Return the fraction of years with an earthquake of magnitude 5 and above within about a degree, in units of 1/255; read-only.

    Rows [180] run from the south pole, columns [360] from 180 degrees west; a node is the center of a cell of `CELL_DEG`. Years and not
    earthquakes are counted, so that aftershocks do not count. `training.lookup_tables.seismicity` writes it.
    """
    with np.load(SEISMICITY_FILE, allow_pickle=False) as tables:
        table = np.asarray(tables["yearly_probability"], np.uint8)
    table.setflags(write=False)
    return table


def lay_nodes() -> tuple[Floats, Floats]:
    """Lay the nodes of the table: latitudes and longitudes [180, 360] in degrees."""
    latitudes, longitudes = (np.arange(0.5 * CELL_DEG, size, CELL_DEG) - 0.5 * size for size in (180.0, 360.0))
    rows, columns = np.meshgrid(latitudes, longitudes, indexing="ij")
    return rows, columns


def epicenter_log_prior(nodes: Floats) -> Floats:
    """Evaluate the log density [m] of the prior at unit vectors [m, 3] at geocentric latitudes, relative to a uniform density."""
    x, y, z = geographic_vectors(nodes).T
    latitudes, longitudes = np.degrees(np.arcsin(np.clip(z, -1.0, 1.0))), np.degrees(np.arctan2(y, x))
    rows, columns = (latitudes + 90.0) / CELL_DEG - 0.5, (longitudes + 180.0) / CELL_DEG - 0.5
    return np.asarray(map_coordinates(_padded_log_density(), (rows + 1.0, columns + 1.0), order=1, mode="nearest"))


@cache
def _padded_log_density() -> Floats:
    """Tabulate the log density at the nodes, with a row and a column more on all sides: at the poles and across the date line."""
    table, grid = yearly_probability_table(), lay_nodes()
    areas = np.cos(np.radians(grid[0])) / np.cos(np.radians(grid[0])).sum()
    parts = ((EARTHQUAKE_SHARE, table), (GREENLAND_SHARE, lies_in_greenland(*grid)), (ANTARCTICA_SHARE, lies_in_antarctica(*grid)))
    density = np.full(table.shape, 1.0 - sum(share for share, _ in parts))
    for share, part in parts:
        density += share * part / (part * areas).sum()
    return np.pad(np.pad(np.log(density), ((1, 1), (0, 0)), "edge"), ((0, 0), (1, 1)), "wrap")


def lies_at_ice_sheet(latitudes_deg: Floats, longitudes_deg: Floats) -> Flags:
    """Whether points lie on the ice sheets of Greenland or Antarctica, or at their coasts; geographic coordinates of one shape."""
    return lies_in_greenland(latitudes_deg, longitudes_deg) | lies_in_antarctica(latitudes_deg, longitudes_deg)


def lies_in_greenland(latitudes_deg: Floats, longitudes_deg: Floats) -> Flags:
    """Whether points lie on Greenland's ice sheet or at its coast."""
    inside = [distance_deg(latitude, longitude, latitudes_deg, longitudes_deg) <= radius for latitude, longitude, radius in GREENLAND]
    return np.asarray(np.any(inside, axis=0))


def lies_in_antarctica(latitudes_deg: Floats, longitudes_deg: Floats) -> Flags:
    """Whether points lie on Antarctica's ice sheet or at its coast."""
    longitudes = wrap_longitude_deg(longitudes_deg)
    inside = [(west <= longitudes) & (longitudes < east) & (latitudes_deg < south) for west, east, south in ANTARCTICA]
    return np.asarray(np.any(inside, axis=0))
