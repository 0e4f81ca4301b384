"""How deep the catalog's earthquakes go beneath each place: the table of models/seismic/deepest."""

import numpy as np
from numpy.typing import NDArray

from models.seismic.earth.maximum_depth import CELL_DEG, MAXIMUM_DEPTH_FILE
from models.seismic.geodesy import distance_deg
from training.synthesis.catalogs import EarthquakeCatalog

SEARCH_RADIUS_DEG = 4.0


def tabulate_maximum_depths(catalog: EarthquakeCatalog) -> NDArray[np.uint16]:
    """Depth in km [latitudes, longitudes] of the deepest earthquake within REACH_DEG of each node; 0 where there was none."""
    latitudes = np.arange(-90 + CELL_DEG / 2, 90, CELL_DEG)
    longitudes = np.arange(-180 + CELL_DEG / 2, 180, CELL_DEG)
    deepest = np.zeros((len(latitudes), len(longitudes)), np.uint16)
    for row, latitude in enumerate(latitudes):
        near = np.abs(catalog.latitudes_deg - latitude) <= SEARCH_RADIUS_DEG
        places = catalog.latitudes_deg[near, None], catalog.longitudes_deg[near, None]
        within = distance_deg(*places, latitude, longitudes[None]) <= SEARCH_RADIUS_DEG
        deepest[row] = np.where(within, catalog.depths_km[near, None], 0.0).max(axis=0, initial=0.0).round()
    return deepest


def write_maximum_depth(catalog: EarthquakeCatalog) -> str:
    """Write the table; returns its path."""
    np.savez_compressed(MAXIMUM_DEPTH_FILE, deepest_km=tabulate_maximum_depths(catalog))
    return str(MAXIMUM_DEPTH_FILE)
