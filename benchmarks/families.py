"""
`python -m benchmarks.families`: time and memory of a clustering of 100, 1,000 and 10,000 small events.

CPU time of one process, so that a busy machine does not change the result, with the shipped models: events are embedded in batches, with
thumbnails on disk, then clustered. `--different` events are embedded; the others are copies of these with noise added to their embeddings,
and their embedding is counted at the same cost.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

from models.clustering.clusters import find_clusters
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.index import MODELS
from training.evaluation.pages import RESULTS, describe_command, format_table, write_page
from workers.jobs.embedding import EVENTS_PER_BATCH, EmbeddedEvents, embed_gathers
from workers.settings import Settings


def make_small_event(seed: int, traces: int, seconds: int) -> tuple[str, Gather]:
    """Make noise and a wave train at a few stations; return the event's name and gather."""
    random = np.random.default_rng(seed)
    moments = np.arange(seconds)
    train = np.exp(-(((moments - seconds / 2) / 60.0) ** 2)) * np.sin(2 * np.pi * moments / random.uniform(12, 60))
    samples = (0.1 * random.normal(size=(traces, seconds)) + train).astype(np.float32)
    ids = tuple(TraceId("XX", f"S{k}", "00", "LHZ") for k in range(traces))
    return f"event_{seed:05d}", Gather(ids, 0.0, 1.0, samples, np.linspace(20.0, 60.0, traces), np.linspace(0.0, 120.0, traces))


def main() -> None:
    """Print and write a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--traces", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--different", type=int, default=32)
    arguments = parser.parse_args()
    store, starts = open_store(Settings().artifacts_dir), Settings().cluster_starts
    models = {spec.name: OnnxModel.load(store, spec, threads=1) for spec in MODELS if spec.name in ("offset", "families")}
    embed_gathers(models, [make_small_event(0, arguments.traces, arguments.seconds)])
    embedded, began = EmbeddedEvents(), time.process_time()
    for first in range(0, arguments.different, EVENTS_PER_BATCH):
        rows = range(first, min(first + EVENTS_PER_BATCH, arguments.different))
        embedded.add_batch(embed_gathers(models, [make_small_event(row, arguments.traces, arguments.seconds) for row in rows]))
    each_s = (time.process_time() - began) / arguments.different
    lines = []
    for size in arguments.sizes:
        random, began = np.random.default_rng(size), time.process_time()
        rows = np.stack(embedded.embeddings)[random.integers(len(embedded.embeddings), size=size)]
        find_clusters(rows + 0.05 * random.normal(size=rows.shape), 2, 12, starts, 1)
        took_s, peak = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        lines.append((f"{size:,}", f"{size * each_s:.1f}", f"{took_s:.1f}", f"{peak:.0f}"))
    embedded.close()
    table = format_table(("events", "embedding, CPU s", "clustering (k from 2 to 12), CPU s", "largest memory so far, MiB"), lines)
    print(table)
    write_page(
        RESULTS / "clustering_speed.md",
        Path(__file__).parent / "templates" / "clustering_speed.md",
        describe_command("benchmarks.families", sys.argv[1:]),
        traces=str(arguments.traces),
        seconds=str(arguments.seconds),
        different=f"{arguments.different:,}",
        milliseconds=f"{1e3 * each_s:.0f}",
        table=table,
    )


if __name__ == "__main__":
    main()
