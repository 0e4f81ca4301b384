"""
The paper's iteration to an epicenter compared with the service's search, over simulated networks of distances.

The paper moves the epicenter by the residuals at random subsets of stations until the distances fit best: stochastic gradient descent on
the squared residuals. At each step a new random half of the stations moves the epicenter along their great circles by their
residuals, with a decreasing step length, and the best epicenter is kept. It starts at the station with the smallest distance; "5 starts"
repeats it from random stations and keeps the best fit.

The source is at Helheim glacier, stations are at random azimuths at 10 to 90 degrees. Errors are relative to the distance, outliers
uniform between 0 and 180 degrees, and a common error is shared by all stations of an event. Both methods are given the distances,
the service also their standard deviations.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, unit_vectors
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.region_calibration import contains
from models.seismic.location.solution import StationDistances
from training.evaluation.pages import RESULTS, format_table, write_page

SOURCE = (66.4, -38.2)
STEPS, STARTS = 200, 5
TEMPLATE = Path(__file__).parents[1] / "templates" / "paper_location.md"
HEADS = (
    *("error", "outliers", "common error", "stations", "paper: median, P90, beyond 1,000 km", "paper, 5 starts", "service"),
    *("service: in 68 %, 90 % region", "paper, CPU ms", "service, CPU ms"),
)


def iterate_epicenter(
    network: StationDistances, random: np.random.Generator, start: tuple[float, float]
) -> tuple[tuple[float, float], float]:
    """Iterate from a start; return latitude and longitude of the best epicenter, and its mean squared residual in square degrees."""
    stations = unit_vectors(network.latitudes_deg, network.longitudes_deg)
    point, best, smallest = unit_vectors(*start), unit_vectors(*start), np.inf
    for step in range(STEPS):
        cosines = np.clip(stations @ point, -1.0, 1.0)
        residuals = np.degrees(np.arccos(cosines)) - network.distances_deg
        misfit = float(np.mean(residuals**2))
        if misfit < smallest:
            best, smallest = point, misfit
        subset = random.permutation(len(residuals))[: max(2, len(residuals) // 2)]
        tangents = stations[subset] - cosines[subset, None] * point
        lengths = np.maximum(np.linalg.norm(tangents, axis=1), 1e-9)
        # Stations on all sides make the misfit half as curved as one station does, so that twice the mean is Newton's step.
        shift = 2.0 * np.mean(np.radians(residuals[subset, None]) * tangents / lengths[:, None], axis=0)
        point = point + shift / (1.0 + 0.05 * step)
        point /= np.linalg.norm(point)
    return (float(np.degrees(np.arcsin(best[2]))), float(np.degrees(np.arctan2(best[1], best[0])))), smallest


def locate_as_paper(network: StationDistances, random: np.random.Generator, starts: int = 1) -> tuple[float, float]:
    """Locate by the paper's iteration: latitude and longitude of the best of some starts, the first at the nearest station."""
    order = [int(np.argmin(network.distances_deg)), *random.integers(len(network.distances_deg), size=starts - 1).tolist()]
    found = [iterate_epicenter(network, random, (network.latitudes_deg[first], network.longitudes_deg[first])) for first in order]
    return min(found, key=lambda one: one[1])[0]


def draw_distance_network(
    random: np.random.Generator, stations: int, relative_error: float, outlier_fraction: float, common_error_deg: float
) -> StationDistances:
    """Draw stations around the source and their distances with errors."""
    true = random.uniform(10.0, 90.0, stations)
    latitudes, longitudes = destination(*SOURCE, random.uniform(0.0, 360.0, stations), true)
    sigmas = relative_error * true
    distances = true + random.normal(0.0, sigmas) + random.normal(0.0, common_error_deg)
    outliers = random.permutation(stations)[: round(outlier_fraction * stations)]
    distances[outliers] = random.uniform(0.0, 180.0, len(outliers))
    return StationDistances(latitudes, longitudes, np.clip(distances, 0.5, 180.0), sigmas)


def epicenter_error_km(latitude: float, longitude: float) -> float:
    """Distance of a point from the source in kilometers."""
    return float(distance_deg(*SOURCE, latitude, longitude)) * KM_PER_DEGREE


@dataclass(frozen=True)
class NetworkScore:
    """Of one network: errors in kilometers, whether the regions contain the source, CPU seconds."""

    paper_km: float
    paper_restarted_km: float
    service_km: float
    in_68: bool
    in_90: bool
    paper_s: float
    service_s: float


def score_network(network: StationDistances, random: np.random.Generator) -> NetworkScore:
    """Locate one network by both methods."""
    one, paper_s = _time(lambda: locate_as_paper(network, random))
    found, service_s = _time(lambda: locate_by_distances(network))
    in_68, in_90 = (contains(found, *SOURCE, outer=outer) for outer in (False, True))
    service_km = epicenter_error_km(found.latitude_deg, found.longitude_deg)
    restarted_km = epicenter_error_km(*locate_as_paper(network, random, STARTS))
    return NetworkScore(epicenter_error_km(*one), restarted_km, service_km, in_68, in_90, paper_s, service_s)


def _time[Result](work: Callable[[], Result]) -> tuple[Result, float]:
    """Call a function; return its result and the CPU time of this thread."""
    began = time.thread_time()
    result = work()
    return result, time.thread_time() - began


def measure_networks(setting: tuple[float, float, float, int], trials: int, seed: int) -> tuple[str, ...]:
    """Score networks of a setting (relative error, outlier fraction, common error, stations); format one line of the table."""
    relative, outliers, common_deg, stations = setting
    random = np.random.default_rng([seed, round(1000 * relative), round(100 * outliers), round(10 * common_deg), stations])
    scores = [score_network(draw_distance_network(random, stations, relative, outliers, common_deg), random) for _ in range(trials)]
    return (
        f"{relative:.0%}",
        f"{outliers:.0%}",
        f"{common_deg:g}°",
        str(stations),
        *(_format_errors([getattr(one, name) for one in scores]) for name in ("paper_km", "paper_restarted_km", "service_km")),
        f"{np.mean([one.in_68 for one in scores]):.0%}, {np.mean([one.in_90 for one in scores]):.0%}",
        *(f"{1e3 * np.median([getattr(one, name) for one in scores]):.1f}" for name in ("paper_s", "service_s")),
    )


def _format_errors(kilometers: list[float]) -> str:
    median, high = np.percentile(kilometers, [50, 90])
    return f"{median:.0f}, {high:.0f} km, {np.mean(np.array(kilometers) > 1000.0):.0%}"


def write_paper_location_page(command: str, trials: int, seed: int) -> Path:
    """Score `trials` networks of every setting; write `paper_location.md`."""
    settings = list(product((0.08, 0.02), (0.0, 0.1), (0.0, 1.5), (10, 20, 40)))
    with threadpool_limits(1):
        measure_networks(settings[0], 2, seed)  # compiles
        lines = [measure_networks(setting, trials, seed) for setting in settings]
    return write_page(RESULTS / "paper_location.md", TEMPLATE, command, table=format_table(HEADS, lines))
