"""The table of seismicity, from a catalog, for `models.seismic.earth.seismicity`."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from models.array_types import Floats, Integers
from models.seismic.earth.seismicity import SEISMICITY_FILE, lay_nodes
from models.seismic.geodesy import unit_vectors

WIDTH_DEG, MAX_WIDTHS = 1.0, 3.0  # standard deviation of the weights of earthquakes by distance, and where they are cut off


def tabulate_years(years: Integers, latitudes_deg: Floats, longitudes_deg: Floats) -> NDArray[np.uint8]:
    """
    Tabulate the fraction of years with an earthquake near each node [latitudes, longitudes], in units of 1/255.

    `years`, `latitudes_deg`, `longitudes_deg` [earthquakes]. A year with weights w of its earthquakes counts as 1 - exp(-sum w).
    """
    grid = lay_nodes()
    nodes = unit_vectors(*(degrees.ravel() for degrees in grid))
    tree, count = KDTree(nodes), np.zeros(len(nodes))
    distinct = np.unique(years)
    for year in distinct.tolist():
        own = KDTree(unit_vectors(latitudes_deg[years == year], longitudes_deg[years == year]))
        pairs = tree.sparse_distance_matrix(own, np.radians(MAX_WIDTHS * WIDTH_DEG), output_type="coo_matrix")
        weights = np.exp(-0.5 * (np.degrees(pairs.data) / WIDTH_DEG) ** 2)
        count += 1.0 - np.exp(-np.bincount(pairs.row, weights, len(nodes)))
    return np.rint(255.0 * count / len(distinct)).astype(np.uint8).reshape(grid[0].shape)


def write_seismicity(years: Integers, latitudes_deg: Floats, longitudes_deg: Floats) -> None:
    """Write the table of a catalog's earthquakes, each array [earthquakes]."""
    np.savez_compressed(SEISMICITY_FILE, yearly_probability=tabulate_years(years, latitudes_deg, longitudes_deg))
