"""
The coastline of the maps: Natural Earth's land polygons (public domain), simplified and packed; and a grid of the land inside.

    python -m training.experiments.coastline land-50m.json workers/plots/coastline.npz models/seismic/earth/land.npz

The input is the TopoJSON that the npm package world-atlas distributes (2.0.2 holds Natural Earth 4.1.0, 1:50,000,000).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models.array_types import Flags, Floats
from models.seismic.earth.land import CELLS

TOLERANCE_DEG = 0.04
MIN_ISLAND_DEG = 0.15  # across; smaller islands are left out
UNITS_PER_DEG = 100


def decode_arcs(topology: dict[str, Any]) -> list[Floats]:
    """Decode the arcs of a TopoJSON topology to lines [n, 2] of longitude and latitude in degrees."""
    scale, shift = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    return [np.cumsum(np.array(arc, np.float64), axis=0) * scale + shift for arc in topology["arcs"]]


def simplify_lines(line: Floats, tolerance: float) -> Floats:
    """Simplify a line [n, 2] to within a tolerance (Douglas & Peucker 1973, doi:10.3138/FM57-6770-U75U-7727)."""
    keep = np.zeros(len(line), bool)
    keep[[0, -1]] = True
    pending = [(0, len(line) - 1)]
    while pending:
        first, last = pending.pop()
        between = line[first + 1 : last]
        if not len(between):
            continue
        along = line[last] - line[first]
        length = float(np.hypot(*along))
        off = between - line[first]
        deviation = np.abs(off[:, 0] * along[1] - off[:, 1] * along[0]) / length if length > 0.0 else np.hypot(off[:, 0], off[:, 1])
        worst = int(np.argmax(deviation))
        if deviation[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            pending += [(first, middle), (middle, last)]
    return line[keep]


def remove_seams(line: Floats) -> list[Floats]:
    """Split a line at segments along the date line or the south pole, where polygons are closed without a coast."""
    seam = (np.abs(line[:, 0]) > 179.99) | (line[:, 1] < -89.9)
    joins = seam[:-1] & seam[1:]
    segments = np.split(line, np.flatnonzero(joins) + 1)
    return [segment for segment in segments if len(segment) > 1]


def rasterize_land(lines: list[Floats]) -> Flags:
    """
    Draw land [latitudes, longitudes] in cells of a degree, inside of coastlines [n, 2] of longitude and latitude in degrees.

    Land is where a meridian has crossed an odd number of coasts since the north pole, so seams along meridians may be missing. A step from
    one side of the date line to the other is none around the Earth.
    """
    begins, ends = (np.concatenate([line[part] for line in lines]) for part in (slice(None, -1), slice(1, None)))
    near = np.abs(ends[:, 0] - begins[:, 0]) < 180.0
    begins, ends = begins[near], ends[near]
    latitudes, land = 90.0 - (np.arange(CELLS[0]) + 0.5), np.zeros(CELLS, bool)
    for column, longitude in enumerate(np.arange(CELLS[1]) - 180.0 + 0.5 + 1e-4):  # no point of a line has that longitude
        crossed = (begins[:, 0] < longitude) != (ends[:, 0] < longitude)
        low, high = begins[crossed], ends[crossed]
        coasts = low[:, 1] + (longitude - low[:, 0]) / (high[:, 0] - low[:, 0]) * (high[:, 1] - low[:, 1])
        land[:, column] = (coasts[None] > latitudes[:, None]).sum(axis=1) % 2 == 1
    return land


def main() -> None:
    """Simplify the coastline of the file named first and write it to the file named second, and its land to the third."""
    source, target, land = map(Path, sys.argv[1:])
    lines = [
        line
        for arc in decode_arcs(json.loads(source.read_text()))
        for line in remove_seams(arc)
        if np.ptp(line, axis=0).max() > MIN_ISLAND_DEG
    ]
    kept = [simplify_lines(line, TOLERANCE_DEG) for line in lines]
    points = np.rint(np.concatenate(kept) * UNITS_PER_DEG).astype(np.int16)
    np.savez_compressed(target, points=points, lengths=np.array([len(line) for line in kept], np.uint16))
    parts = np.split(points / UNITS_PER_DEG, np.cumsum([len(line) for line in kept])[:-1])
    np.savez_compressed(land, bits=np.packbits(rasterize_land(parts)))


if __name__ == "__main__":
    main()
