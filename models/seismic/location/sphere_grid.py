"""Nodes all over the sphere, a degree apart for looking and three degrees apart for knowing where to look."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.spatial import KDTree

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled
from models.seismic.geodesy import unit_vectors

HALF_CELL_DEG: Final = 0.5
HALF_COARSE_CELL_DEG: Final = 1.5
_LINK_DEG = 1.6  # nodes closer than this are neighbors, along and across rows


@dataclass(frozen=True)
class SphereGrid:
    """
    Nodes [m] of a degree, each for the same area, and the coarse ones [c] that each stand for those nearest to them.

    `nodes` [3, m] and `coarse` [3, c] are unit vectors; `neighbors` [m, most] are numbers of nodes, the node's own where there
    are no more; the nodes of coarse node k are `members[first[k] : first[k + 1]]`.
    """

    latitudes: Floats
    longitudes: Floats
    nodes: Floats32
    neighbors: Integers
    coarse: Floats32
    members: Integers
    first: Integers

    def below(self, coarse: Integers) -> Integers:
        """The nodes of some coarse nodes, ascending."""
        parts = [self.members[self.first[k] : self.first[k + 1]] for k in coarse.tolist()]
        return np.sort(np.concatenate(parts)) if len(parts) < len(self.first) - 1 else np.arange(len(self.members))

    def regions(self, chosen: Integers) -> Integers:
        """Which connected region each of the chosen nodes [k] belongs to, counted from 0."""
        return _flooded(chosen, self.neighbors)


@compiled
def _flooded(chosen: Integers, neighbors: Integers) -> Integers:
    """Labels [k] of connected sets among the chosen nodes; compiled, for a graph library takes longer than the search."""
    place = np.full(len(neighbors), -1)
    for k in range(len(chosen)):
        place[chosen[k]] = k
    labels = np.full(len(chosen), -1)
    waiting = np.empty(len(chosen), np.int64)
    regions = 0
    for start in range(len(chosen)):
        if labels[start] >= 0:
            continue
        labels[start], waiting[0], count = regions, start, 1
        while count:
            count -= 1
            for node in neighbors[chosen[waiting[count]]]:
                k = place[node]
                if k >= 0 and labels[k] < 0:
                    labels[k], waiting[count] = regions, k
                    count += 1
        regions += 1
    return labels


@cache
def sphere_grid() -> SphereGrid:
    """The grid, built once a process."""
    latitudes, longitudes = _rows(2.0 * HALF_CELL_DEG)
    vectors, coarse = unit_vectors(latitudes, longitudes), unit_vectors(*_rows(2.0 * HALF_COARSE_CELL_DEG))
    tree = KDTree(vectors)
    most = int(tree.query_ball_point(vectors, np.radians(_LINK_DEG), return_length=True).max())
    near, which = tree.query(vectors, most)
    neighbors = np.where(near < np.radians(_LINK_DEG), which, np.arange(len(vectors))[:, None])
    owners = KDTree(coarse).query(vectors)[1]
    first = np.searchsorted(np.sort(owners), np.arange(len(coarse) + 1))
    return SphereGrid(latitudes, longitudes, in_single(vectors), neighbors, in_single(coarse), np.argsort(owners, kind="stable"), first)


def in_single(vectors: Floats) -> Floats32:
    """Vectors [m, 3] as rows of coordinates [3, m] in single precision."""
    return np.ascontiguousarray(vectors.T, np.float32)


def _rows(step_deg: float) -> tuple[Floats, Floats]:
    """Rows of latitude, each with as many nodes as its circle has steps."""
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
