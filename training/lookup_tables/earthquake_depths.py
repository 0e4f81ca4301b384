"""The tables of earthquake depths by region, from a catalog, for `models.seismic.earth.earthquake_depths`."""

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.seismic.earth.earthquake_depths import CELL_DEG, DENSITY_DEPTHS_KM, EARTHQUAKE_DEPTHS_FILE
from models.seismic.geodesy import distance_deg
from training.synthesis.catalogs import SHALLOW_SCALE_KM, EarthquakeCatalog, is_depth_unresolved

SEARCH_RADIUS_DEG, WIDTH_DEG = 4.0, 2.0  # of the maximum; standard deviation of the weights by distance
ELSEWHERE = 10.0  # earthquakes of anywhere that count with those near a node
DEVIATION_KM, DEVIATION_FRACTION = 3.0, 0.1  # of the others: constant, and relative to the depth


def tabulate_depths(catalog: EarthquakeCatalog) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Tabulate the largest depth [km] within SEARCH_RADIUS_DEG of each node [latitudes, longitudes], 0 without any, and the density."""
    latitudes, longitudes = np.arange(-90 + CELL_DEG / 2, 90, CELL_DEG), np.arange(-180 + CELL_DEG / 2, 180, CELL_DEG)
    maximum_km = np.zeros((len(latitudes), len(longitudes)), np.uint16)
    density = np.zeros((*maximum_km.shape, len(DENSITY_DEPTHS_KM)), np.uint8)
    kernels = smooth_depths(catalog.depths_km)
    for row, latitude in enumerate(latitudes):
        near = np.abs(catalog.latitudes_deg - latitude) <= 2.0 * SEARCH_RADIUS_DEG
        apart = distance_deg(catalog.latitudes_deg[near, None], catalog.longitudes_deg[near, None], latitude, longitudes[None])
        maximum_km[row] = np.where(apart <= SEARCH_RADIUS_DEG, catalog.depths_km[near, None], 0.0).max(axis=0, initial=0.0).round()
        found = np.exp(-0.5 * (apart.T / WIDTH_DEG) ** 2) @ kernels[near] + ELSEWHERE * kernels.mean(axis=0)
        density[row] = np.rint(255.0 * found / found.max(axis=1, keepdims=True))
    return maximum_km, density


def smooth_depths(depths_km: Floats) -> Floats:
    """Make the density [events, depths] of the depth of each earthquake, as uncertain as catalogs have it."""
    deviations = DEVIATION_KM + DEVIATION_FRACTION * depths_km
    is_shallow = is_depth_unresolved(depths_km)
    centers_km, deviations = np.where(is_shallow, 0.0, depths_km), np.where(is_shallow, SHALLOW_SCALE_KM, deviations)
    kernels = np.exp(-0.5 * ((DENSITY_DEPTHS_KM - centers_km[:, None]) / deviations[:, None]) ** 2)
    return np.asarray(kernels / np.trapezoid(kernels, DENSITY_DEPTHS_KM, axis=1)[:, None])


def write_earthquake_depths(catalog: EarthquakeCatalog) -> None:
    """Write the tables of a catalog."""
    maximum_km, density = tabulate_depths(catalog)
    np.savez_compressed(EARTHQUAKE_DEPTHS_FILE, maximum_km=maximum_km, density=density)
