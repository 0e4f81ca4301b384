"""Grids of the sphere: rows of latitude 1 degree apart with coarse cells of 3 degrees, Fibonacci spirals, and local offsets."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
from scipy.spatial import KDTree

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors

HALF_CELL_DEG: Final = 0.5
HALF_COARSE_CELL_DEG: Final = 1.5
_NEIGHBOR_DEG = 1.6  # nodes closer than this are neighbors, along and across rows


@dataclass(frozen=True)
class SphereGrid:
    """
    Equal-area nodes [m] 1 degree apart, grouped in the cells of coarse nodes [c] 3 degrees apart.

    `latitudes`, `longitudes` [m] in degrees. `nodes` [3, m] and `coarse` [3, c] are unit vectors at these latitudes as they stand.
    `neighbors` [m, k] are indices of adjacent nodes, filled up with the node's own index. The nodes in the cell of coarse node i are
    `members[first[i] : first[i + 1]]`.
    """

    latitudes: Floats
    longitudes: Floats
    nodes: Floats32
    neighbors: Integers
    coarse: Floats32
    members: Integers
    first: Integers

    @cached_property
    def geocentric_nodes(self) -> Floats:
        """Unit vectors [m, 3] of the nodes at geocentric latitudes, `latitudes` being geographic."""
        return unit_vectors(geocentric_latitude_deg(self.latitudes), self.longitudes)

    def cell_members(self, coarse: Integers) -> Integers:
        """Return the nodes in the cells of some coarse nodes, ascending."""
        cells = [self.members[self.first[k] : self.first[k + 1]] for k in coarse.tolist()]
        return np.sort(np.concatenate(cells)) if len(cells) < len(self.first) - 1 else np.arange(len(self.members))

    def label_connected(self, chosen: Integers) -> Integers:
        """Label the connected components among chosen nodes [k]: one label [k] each, counted from 0."""
        return _label_components(chosen, self.neighbors)


@compiled
def _label_components(chosen: Integers, neighbors: Integers) -> Integers:
    """Flood fill, compiled: a graph library takes longer than the whole search."""
    position = np.full(len(neighbors), -1)
    for k in range(len(chosen)):
        position[chosen[k]] = k
    labels = np.full(len(chosen), -1)
    stack = np.empty(len(chosen), np.int64)
    components = 0
    for start in range(len(chosen)):
        if labels[start] >= 0:
            continue
        labels[start], stack[0], count = components, start, 1
        while count:
            count -= 1
            for node in neighbors[chosen[stack[count]]]:
                k = position[node]
                if k >= 0 and labels[k] < 0:
                    labels[k], stack[count] = components, k
                    count += 1
        components += 1
    return labels


@cache
def sphere_grid() -> SphereGrid:
    """Build the grid, once per process."""
    latitudes, longitudes = _latitude_rows(2.0 * HALF_CELL_DEG)
    vectors, coarse = unit_vectors(latitudes, longitudes), unit_vectors(*_latitude_rows(2.0 * HALF_COARSE_CELL_DEG))
    tree = KDTree(vectors)
    most = int(tree.query_ball_point(vectors, np.radians(_NEIGHBOR_DEG), return_length=True).max())
    distances, nearest = tree.query(vectors, most)
    neighbors = np.where(distances < np.radians(_NEIGHBOR_DEG), nearest, np.arange(len(vectors))[:, None])
    cells = KDTree(coarse).query(vectors)[1]
    first = np.searchsorted(np.sort(cells), np.arange(len(coarse) + 1))
    nodes, coarse_nodes = to_columns(vectors), to_columns(coarse)
    return SphereGrid(latitudes, longitudes, nodes, neighbors, coarse_nodes, np.argsort(cells, kind="stable"), first)


def to_columns(vectors: Floats) -> Floats32:
    """Transpose vectors [m, 3] to contiguous coordinates [3, m] in single precision, as compiled loops take them."""
    return np.ascontiguousarray(vectors.T, np.float32)


def _latitude_rows(step_deg: float) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of nodes in rows of latitude, each with as many nodes as its circle has steps."""
    rows = np.arange(0.5 * step_deg - 90.0, 90.0, step_deg)
    counts = np.maximum(1, np.rint(360.0 * np.cos(np.radians(rows)) / step_deg)).astype(np.int64)
    return np.repeat(rows, counts), np.concatenate([(np.arange(count) + 0.5) * (360.0 / count) - 180.0 for count in counts])


@cache
def fibonacci_sphere(step_deg: float) -> Floats:
    """
    Lay equal-area nodes over the sphere on a Fibonacci spiral; unit vectors [m, 3], about `step_deg` apart.

    Swinbank & Purser 2006, doi:10.1256/qj.05.227. The array is cached: do not write to it.
    """
    count = round(4.0 * np.pi / np.radians(step_deg) ** 2)
    z = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    turn = np.pi * (1.0 + 5.0**0.5) * np.arange(count)
    flat = np.sqrt(1.0 - z * z)
    return np.stack((flat * np.cos(turn), flat * np.sin(turn), z), axis=1)


def points_at_offsets(point: Floats, east_deg: Floats, north_deg: Floats) -> Floats:
    """
    Place nodes around a point by their east and north offsets (azimuthal equidistant projection); unit vectors [m, 3].

    `point` [3] is a unit vector; `east_deg`, `north_deg` [m] are components of the great-circle distance along the azimuth at the
    point, so that distance and azimuth from it are exact. At a pole, where east is undefined, east is the +y axis.
    """
    east = np.array([-point[1], point[0], 0.0])
    east = east / np.linalg.norm(east) if np.hypot(point[0], point[1]) > 1e-9 else np.array([0.0, 1.0, 0.0])
    north = np.cross(point, east)
    distances = np.radians(np.hypot(east_deg, north_deg))
    scale = np.sinc(distances / np.pi)[:, None]
    return np.asarray(
        np.cos(distances)[:, None] * point + scale * (np.radians(east_deg)[:, None] * east + np.radians(north_deg)[:, None] * north)
    )


def offsets_to_points(point: Floats, nodes: Floats) -> Floats:
    """
    Compute offsets [m, 2] in degrees east and north of a point to unit vectors [m, 3]; the inverse of `points_at_offsets`.

    `point` [3] is a unit vector in the same coordinates as the nodes.
    """
    east = np.array([-point[1], point[0], 0.0]) / max(float(np.hypot(point[0], point[1])), 1e-12)
    tangent = np.stack((nodes @ east, nodes @ np.cross(point, east)), axis=1)
    length = np.linalg.norm(tangent, axis=1)
    distances = np.degrees(np.arctan2(length, nodes @ point))
    return np.asarray(tangent * (distances / np.maximum(length, 1e-12))[:, None])
