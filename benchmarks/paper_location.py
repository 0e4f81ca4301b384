"""
The paper's way to an epicenter against the service's, over random networks: `python -m benchmarks.paper_location`.

The paper moves the epicenter iteratively by the pulls of random subsets of stations until the distances fit best. That is
stochastic gradient descent on the squares of the residuals: at each step half of the stations, drawn anew, pull the epicenter
along their great circles by what their distances miss, the step shrinks, and the best place seen is kept. It starts at the
station that reads the smallest distance; "5 starts" repeats it from stations drawn at random and keeps the best fit.

Source at Helheim glacier, stations at random azimuths 10 to 90 degrees away (the setting of the first study's arithmetic, so
that its figures can be compared); errors relative to the distance, outliers anywhere from 0 to 180 degrees; a common error is
one that all stations of an event share. Both ways are told the distances, `locate` also the deviation of their errors.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, unit_vectors
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.region_calibration import contains
from training.evaluation.markdown import markdown_table, write_part

SOURCE = (66.4, -38.2)
STEPS, STARTS = 200, 5
PAGE = Path("docs/explanation/location.md")
HEADS = (
    *("error", "outliers", "common error", "stations", "paper: median, P90, beyond 1,000 km", "paper, 5 starts", "locate"),
    *("locate: 68 %, 90 % region hold", "paper ms", "locate ms"),
)


@dataclass(frozen=True)
class Network:
    """Distances [n] read at stations [n] in degrees, and the deviation of their errors."""

    latitudes: Floats
    longitudes: Floats
    distances: Floats
    deviations: Floats


def pulled(network: Network, random: np.random.Generator, start: tuple[float, float]) -> tuple[tuple[float, float], float]:
    """Latitude and longitude where the pulls end, and the mean square of the residuals there (square degrees)."""
    stations = unit_vectors(network.latitudes, network.longitudes)
    point, best, least = unit_vectors(*start), unit_vectors(*start), np.inf
    for step in range(STEPS):
        cosines = np.clip(stations @ point, -1.0, 1.0)
        off = np.degrees(np.arccos(cosines)) - network.distances
        misfit = float(np.mean(off**2))
        if misfit < least:
            best, least = point, misfit
        subset = random.permutation(len(off))[: max(2, len(off) // 2)]
        towards = stations[subset] - cosines[subset, None] * point
        lengths = np.maximum(np.linalg.norm(towards, axis=1), 1e-9)
        # Stations all around curve the misfit by a half of one alone, so that twice the mean pull is Newton's step.
        pull = 2.0 * np.mean(np.radians(off[subset, None]) * towards / lengths[:, None], axis=0)
        point = point + pull / (1.0 + 0.05 * step)
        point /= np.linalg.norm(point)
    return (float(np.degrees(np.arcsin(best[2]))), float(np.degrees(np.arctan2(best[1], best[0])))), least


def paper(network: Network, random: np.random.Generator, starts: int = 1) -> tuple[float, float]:
    """The paper's epicenter: latitude and longitude of the best of some starts, the first at the nearest station."""
    order = [int(np.argmin(network.distances)), *random.integers(len(network.distances), size=starts - 1).tolist()]
    places = [pulled(network, random, (network.latitudes[first], network.longitudes[first])) for first in order]
    return min(places, key=lambda place: place[1])[0]


def draw(random: np.random.Generator, stations: int, relative: float, outliers: float, common_deg: float) -> Network:
    """A network around the source and what it reads."""
    true = random.uniform(10.0, 90.0, stations)
    latitudes, longitudes = destination(*SOURCE, random.uniform(0.0, 360.0, stations), true)
    deviations = relative * true
    distances = true + random.normal(0.0, deviations) + random.normal(0.0, common_deg)
    wild = random.permutation(stations)[: round(outliers * stations)]
    distances[wild] = random.uniform(0.0, 180.0, len(wild))
    return Network(latitudes, longitudes, np.clip(distances, 0.5, 180.0), deviations)


def error_km(latitude: float, longitude: float) -> float:
    """Distance from the source in kilometers."""
    return float(distance_deg(*SOURCE, latitude, longitude)) * KM_PER_DEGREE


@dataclass(frozen=True)
class Score:
    """Of one network: errors in kilometers, whether the regions hold, CPU seconds."""

    paper_km: float
    restarted_km: float
    locate_km: float
    held_68: bool
    held_90: bool
    paper_s: float
    locate_s: float


def score(network: Network, random: np.random.Generator) -> Score:
    """Both ways on one network."""
    one, paper_s = timed(lambda: paper(network, random))
    found, locate_s = timed(lambda: locate_by_distances(network.latitudes, network.longitudes, network.distances, network.deviations))
    held_68, held_90 = (contains(found, *SOURCE, outer=outer) for outer in (False, True))
    located_km = error_km(found.latitude_deg, found.longitude_deg)
    return Score(error_km(*one), error_km(*paper(network, random, STARTS)), located_km, held_68, held_90, paper_s, locate_s)


def timed[Result](work: Callable[[], Result]) -> tuple[Result, float]:
    """A result and the CPU time that it took on this thread."""
    began = time.thread_time()
    result = work()
    return result, time.thread_time() - began


def row(setting: tuple[float, float, float, int], trials: int, seed: int) -> tuple[str, ...]:
    """One line of the table."""
    relative, outliers, common_deg, stations = setting
    random = np.random.default_rng([seed, round(1000 * relative), round(100 * outliers), round(10 * common_deg), stations])
    scores = [score(draw(random, stations, relative, outliers, common_deg), random) for _ in range(trials)]
    return (
        f"{relative:.0%}",
        f"{outliers:.0%}",
        f"{common_deg:g}°",
        str(stations),
        *(errors([getattr(one, name) for one in scores]) for name in ("paper_km", "restarted_km", "locate_km")),
        f"{np.mean([one.held_68 for one in scores]):.0%}, {np.mean([one.held_90 for one in scores]):.0%}",
        *(f"{1e3 * np.median([getattr(one, name) for one in scores]):.1f}" for name in ("paper_s", "locate_s")),
    )


def errors(kilometers: list[float]) -> str:
    """Median, 90th percentile and share beyond 1,000 km as text."""
    median, high = np.percentile(kilometers, [50, 90])
    return f"{median:.0f}, {high:.0f} km, {np.mean(np.array(kilometers) > 1000.0):.0%}"


def main() -> None:
    """Write the table into docs/explanation/location.md."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=3407)
    asked = arguments.parse_args()
    settings = list(product((0.08, 0.02), (0.0, 0.1), (0.0, 1.5), (10, 20, 40)))
    with threadpool_limits(1):
        row(settings[0], 2, asked.seed)  # compiles
        rows = [row(setting, asked.trials, asked.seed) for setting in settings]
    said = f"`python -m benchmarks.paper_location --trials {asked.trials} --seed {asked.seed}`; medians of CPU time on one thread."
    write_part(PAGE, "networks", f"{markdown_table(HEADS, rows)}\n\n{said}")
    print(markdown_table(HEADS, rows))


if __name__ == "__main__":
    main()
