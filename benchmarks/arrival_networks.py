"""
Arrival times of drawn networks (`training.experiments.location.simulated_networks`), located: `python -m benchmarks.arrival_networks`.

Regions are as computed, without the factors of a card, so that what is measured is the arithmetic. Depths are those of believed times.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.distances import MIN_PROBABILITY
from models.seismic.location.region_calibration import scale_to_contain
from training.evaluation.markdown import markdown_table, write_part
from training.experiments.location.simulated_networks import SETTINGS, Setting, locate_as_served, simulate_network, simulations

PAGE = Path("docs/explanation/location.md")
HEADS = (
    "setting",
    "events",
    "times believed",
    "median, P90 km",
    "beyond 1,000 km",
    "of these held",
    "68 %, 90 % region hold",
    "depth in 1, 2 sd",
    "s",
)


def row(setting: Setting, trials: int, seed: int) -> tuple[str, ...]:
    """One line of the table."""
    errors, held, depths, seconds = [], [], [], []
    for number in range(trials):
        drawn = simulate_network(setting, simulations(setting, seed, number))
        began = time.thread_time()
        regions, timed = locate_as_served(drawn)
        seconds.append(time.thread_time() - began)
        best, *others = regions
        errors.append(float(distance_deg(*drawn.source, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE)
        told = [place for place in others if place.probability >= MIN_PROBABILITY]
        stretch = [(scale_to_contain(place, *drawn.source), place.axis_ratio_90) for place in (best, *told)]
        held.append((min(one for one, _ in stretch) <= 1.0, min(one / outer for one, outer in stretch) <= 1.0))
        if timed is not None:
            depths.append(abs(timed.depth_km - drawn.depth_km) / timed.depth_uncertainty_km)
    far = np.array(errors) > 1000.0
    inner, outer = np.mean(held, axis=0)
    return (
        setting.name,
        str(len(errors)),
        str(len(depths)),
        "{:.0f}, {:.0f}".format(*np.percentile(errors, (50, 90))),
        str(int(far.sum())),
        str(int(sum(both[1] for both, one in zip(held, far, strict=True) if one))),
        f"{inner:.0%}, {outer:.0%}",
        f"{np.mean(np.array(depths) <= 1.0):.0%}, {np.mean(np.array(depths) <= 2.0):.0%}",
        f"{np.median(seconds):.1f}",
    )


def main() -> None:
    """Write the table into docs/explanation/location.md."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--trials", type=int, default=40)
    arguments.add_argument("--seed", type=int, default=3407)
    asked = arguments.parse_args()
    lines = [row(setting, asked.trials, asked.seed) for setting in SETTINGS]
    said = f"`python -m benchmarks.arrival_networks --trials {asked.trials} --seed {asked.seed}`; CPU seconds of one thread, median."
    write_part(PAGE, "arrivals", f"{markdown_table(HEADS, lines)}\n\n{said}")


if __name__ == "__main__":
    main()
