"""
`python -m benchmarks.location`: an event located from 100 distances by the service and by a haversine grid in numpy.

Both are timed in one run, in turns, in CPU time of one thread. The grid is what a seismologist writes with numpy: haversine distances from
64,800 nodes to every station, Cauchy misfit, the best node. The service searches a coarse grid first, then the probable regions as
densely (41,252 nodes of equal area), integrates over an error common to all distances, refines, and determines ellipse, gap and
alternatives.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distance_posterior import MIN_COMMON_BIAS_DEG
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.solution import StationDistances
from training.evaluation.pages import RESULTS, describe_command, format_table, write_page

EPICENTER = (18.7, 96.1)


def locate_on_grid(latitudes: Floats, longitudes: Floats, distances: Floats, uncertainties: Floats) -> tuple[float, float]:
    """Find latitude and longitude of the node with the least Cauchy misfit."""
    lat, lon = (axis.ravel() for axis in np.meshgrid(np.arange(-89.5, 90.0), np.arange(-179.5, 180.0), indexing="ij"))
    phi1, phi2 = np.radians(lat)[:, None], np.radians(latitudes)[None, :]
    half_turn = np.radians(longitudes[None, :] - lon[:, None]) / 2.0
    chord = np.sin((phi2 - phi1) / 2.0) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_turn) ** 2
    off = (2.0 * np.degrees(np.arcsin(np.sqrt(np.minimum(chord, 1.0)))) - distances) / uncertainties
    best = int(np.argmin(np.log1p(off**2).sum(axis=1)))
    return float(lat[best]), float(lon[best])


def measure_seconds(work: Callable[[], object]) -> float:
    """Measure the CPU time of one call on this thread."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def main() -> None:
    """Print and write medians, the ratio and both errors."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--stations", type=int, default=100)
    arguments.add_argument("--repeats", type=int, default=15)
    asked = arguments.parse_args()
    rng = np.random.default_rng(3407)
    latitudes, longitudes = destination(*EPICENTER, rng.uniform(0, 360, asked.stations), rng.uniform(10, 120, asked.stations))
    uncertainties = np.full(asked.stations, 2.0)
    distances = distance_deg(*EPICENTER, latitudes, longitudes) + rng.normal(0.0, uncertainties)
    data = (latitudes, longitudes, distances, uncertainties)
    observed = StationDistances(*data)
    with threadpool_limits(1):
        located, node = locate_by_distances(observed), locate_on_grid(*data)  # also compiles
        times = np.array(
            [
                (measure_seconds(lambda: locate_on_grid(*data)), measure_seconds(lambda: locate_by_distances(observed)))
                for _ in range(asked.repeats)
            ]
        )
    grid, service = 1e3 * np.median(times, axis=0)
    off = [float(distance_deg(*place, *EPICENTER)) * KM_PER_DEGREE for place in (node, (located.latitude_deg, located.longitude_deg))]
    rows = [
        ("numpy haversine grid", f"{grid:.1f} ms", f"{1e3 * times[:, 0].min():.1f} ms", f"{off[0]:.0f} km"),
        ("service", f"{service:.1f} ms", f"{1e3 * times[:, 1].min():.1f} ms", f"{off[1]:.0f} km"),
        ("ratio", f"{grid / service:.0f}", f"{times[:, 0].min() / times[:, 1].min():.0f}", ""),
    ]
    table = format_table((f"{asked.stations} stations", "median", f"best of {asked.repeats}", "error"), rows)
    print(table)
    write_page(
        RESULTS / "location_speed.md",
        Path(__file__).parent / "templates" / "location_speed.md",
        describe_command("benchmarks.location", sys.argv[1:]),
        stations=str(asked.stations),
        minimum=f"{MIN_COMMON_BIAS_DEG:g}",
        table=table,
    )


if __name__ == "__main__":
    main()
