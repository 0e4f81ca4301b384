"""
Locate an event from 100 offsets: the service's search over the sphere against a vectorized numpy haversine grid.

Both are timed in one run, in turns, in CPU time of one thread: `python -m benchmarks.location`. The grid is what a
seismologist writes with numpy: haversine distances from 64,800 nodes to every station, Cauchy misfit, the best node. The
service searches as densely (41,252 nodes, each for the same area), carries an error common to all traces along, refines, and
says ellipse, gap and alternatives.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from models.seismic.geodesy import destination, distance_deg
from models.seismic.location import locate
from models.seismic.posterior import COMMON_BIAS_DEG

Floats = NDArray[np.float64]
EPICENTER = (18.7, 96.1)


def haversine_grid(latitudes: Floats, longitudes: Floats, distances: Floats, uncertainties: Floats) -> tuple[float, float]:
    """Latitude and longitude of the node with the least Cauchy misfit."""
    lat, lon = (axis.ravel() for axis in np.meshgrid(np.arange(-89.5, 90.0), np.arange(-179.5, 180.0), indexing="ij"))
    phi1, phi2 = np.radians(lat)[:, None], np.radians(latitudes)[None, :]
    half_turn = np.radians(longitudes[None, :] - lon[:, None]) / 2.0
    chord = np.sin((phi2 - phi1) / 2.0) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_turn) ** 2
    off = (2.0 * np.degrees(np.arcsin(np.sqrt(np.minimum(chord, 1.0)))) - distances) / uncertainties
    best = int(np.argmin(np.log1p(off**2).sum(axis=1)))
    return float(lat[best]), float(lon[best])


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call on this thread: neighbors on the machine count little."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def main() -> None:
    """Print medians, the ratio and both errors."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--stations", type=int, default=100)
    arguments.add_argument("--repeats", type=int, default=15)
    asked = arguments.parse_args()
    rng = np.random.default_rng(3407)
    latitudes, longitudes = destination(*EPICENTER, rng.uniform(0, 360, asked.stations), rng.uniform(10, 120, asked.stations))
    uncertainties = np.full(asked.stations, 2.0)
    distances = distance_deg(*EPICENTER, latitudes, longitudes) + rng.normal(0.0, uncertainties)
    data = (latitudes, longitudes, distances, uncertainties)
    with threadpool_limits(1):
        located, node = locate(*data), haversine_grid(*data)  # also compiles
        times = np.array([(seconds(lambda: haversine_grid(*data)), seconds(lambda: locate(*data))) for _ in range(asked.repeats)])
    grid, service = 1e3 * np.median(times, axis=0)
    print(f"{asked.stations} stations, common error carried along with a deviation of {COMMON_BIAS_DEG} degrees")
    print(f"numpy haversine grid {grid:8.1f} ms   {distance_deg(*node, *EPICENTER) * 111.195:6.1f} km off")
    error = distance_deg(located.latitude_deg, located.longitude_deg, *EPICENTER) * 111.195
    print(f"locate               {service:8.1f} ms   {error:6.1f} km off, best of {asked.repeats}: {1e3 * times[:, 1].min():.1f} ms")
    print(f"ratio of medians     {grid / service:8.0f} x")


if __name__ == "__main__":
    main()
