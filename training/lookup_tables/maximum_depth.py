"""The table of maximum earthquake depth by region, from a catalog, for `models.seismic.earth.maximum_depth`."""

import numpy as np
from numpy.typing import NDArray

from models.seismic.earth.maximum_depth import CELL_DEG, MAXIMUM_DEPTH_FILE
from models.seismic.geodesy import distance_deg
from training.synthesis.catalogs import EarthquakeCatalog

SEARCH_RADIUS_DEG = 4.0


def tabulate_maximum_depths(catalog: EarthquakeCatalog) -> NDArray[np.uint16]:
    """Tabulate the depth [km] of the deepest earthquake within SEARCH_RADIUS_DEG of each node [latitudes, longitudes]; 0 without any."""
    latitudes = np.arange(-90 + CELL_DEG / 2, 90, CELL_DEG)
    longitudes = np.arange(-180 + CELL_DEG / 2, 180, CELL_DEG)
    maximum_km = np.zeros((len(latitudes), len(longitudes)), np.uint16)
    for row, latitude in enumerate(latitudes):
        near = np.abs(catalog.latitudes_deg - latitude) <= SEARCH_RADIUS_DEG
        epicenters = catalog.latitudes_deg[near, None], catalog.longitudes_deg[near, None]
        within = distance_deg(*epicenters, latitude, longitudes[None]) <= SEARCH_RADIUS_DEG
        maximum_km[row] = np.where(within, catalog.depths_km[near, None], 0.0).max(axis=0, initial=0.0).round()
    return maximum_km


def write_maximum_depth(catalog: EarthquakeCatalog) -> str:
    """Write the table of a catalog; returns its path."""
    np.savez_compressed(MAXIMUM_DEPTH_FILE, deepest_km=tabulate_maximum_depths(catalog))
    return str(MAXIMUM_DEPTH_FILE)
