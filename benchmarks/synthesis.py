"""
Synthetic traces a second and core, from the source to the picture that the distance model reads.

    python -m benchmarks.synthesis [--stores greens_10s greens_10s_continental greens_10s_oceanic] [--events 30]

CPU time of one process, so that a busy machine does not change the answer; the first event (compilation) is not counted.
"""

import argparse
import time

import numpy as np

from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.specs.offset import OFFSET
from training.config import TrainingSettings
from training.earth import greens
from training.synthesis.events import draw_event, open_sampler


def main() -> None:
    """Draw events, condition and render them, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stores", nargs="+", default=greens.FULL_STORES)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--traces", type=int, default=20)
    arguments = parser.parse_args()
    settings = TrainingSettings()
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", tuple(arguments.stores)), settings, 1)
    random, drawn, made, pictures = np.random.default_rng(1), 0, 0.0, 0.0
    for number in range(arguments.events + 1):
        start = time.process_time()
        event = draw_event(world, ("earthquake", "glacial")[number % 2], arguments.traces, random, (3.0, 120.0))
        between = time.process_time()
        try:
            gather = condition(event.records, OFFSET.style.conditioning)
        except UnusableData:
            continue
        render_traces(OFFSET.style, gather, gather.start_time_s)
        if number:
            drawn, made, pictures = drawn + len(event.records), made + between - start, pictures + time.process_time() - between
    print(f"{drawn} traces of {arguments.events} events from {len(world.stores)} Earths, traces a second and core:")
    print(f"records {drawn / made:.0f}, pictures of them {drawn / pictures:.0f}, both {drawn / (made + pictures):.0f}")


if __name__ == "__main__":
    main()
