"""
`python -m benchmarks.noise_cost`: CPU time that noise costs over that of an event, at the same stations, rates and lengths.

The event is one of the shipped demonstration bundles, whose records are also thinned to 4 stations and sampled at 10 Hz; noise is drawn
between the noise models. Both are conditioned and detected; the event is then located. Reading the bundle and drawing figures is left out.
"""

import argparse
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.analysis.detection import detect_event
from models.analysis.pipeline import Models, locate_event
from models.imaging.conditioning import condition
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stations_csv
from models.seismic.io.miniseed import MiniseedLimits, read_records, scan_miniseed
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.pages import RESULTS, describe_command, format_table, write_page
from training.synthesis.noise import draw_noise_displacement

BUNDLE = Path("app/demo_bundles/earthquake.zip")
LIMITS = MiniseedLimits(max_traces=1000, max_segments=5000, max_samples=10_000_000, max_span_s=6 * 3600.0)
FEW, FAST_HZ = 4, 10.0


def read_bundle(path: Path) -> tuple[Record, ...]:
    """Read the records of a demonstration bundle, with coordinates."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    waveforms = [scan_miniseed(name, data) for name, data in files.items() if name.endswith(".mseed")]
    table = read_stations_csv(files["stations.csv"], "stations.csv")
    return tuple(select_channels(attach_metadata(read_records(waveforms, LIMITS)[0], [table])[0])[0])


def make_noise(records: Sequence[Record], random: np.random.Generator) -> tuple[Record, ...]:
    """Replace the samples of records by noise."""
    return tuple(
        replace(
            record,
            samples=(1e9 * draw_noise_displacement(1, len(record.samples), 1.0 / record.sampling_rate_hz, random)[0]).astype(np.float32),
        )
        for record in records
    )


def resample_records(records: Sequence[Record], rate_hz: float) -> tuple[Record, ...]:
    """Interpolate records linearly to another sampling rate."""
    return tuple(_resample(record, rate_hz) for record in records)


def _resample(record: Record, rate_hz: float) -> Record:
    times = np.arange(round(record.duration_s * rate_hz)) / rate_hz
    samples = np.interp(times, np.arange(len(record.samples)) / record.sampling_rate_hz, np.nan_to_num(record.samples))
    return replace(record, sampling_rate_hz=rate_hz, samples=samples.astype(np.float32))


def answer_records(models: Models, records: Sequence[Record]) -> bool:
    """Condition, detect, and locate what was detected; return whether it was."""
    gather = condition(records, CONDITIONING)
    detected = detect_event(records, gather, models["offset"]).detected
    if detected:
        locate_event(models, gather, records=records)
    return detected


def measure_answer(models: Models, records: Sequence[Record], *, event: bool) -> float:
    """Measure the CPU seconds of an answer on this thread; RuntimeError for a wrong one."""
    began = time.thread_time()
    if answer_records(models, records) != event:
        raise RuntimeError("noise was taken for an event, or an event for noise")
    return time.thread_time() - began


def main() -> None:
    """Print and write the ratio of noise to event, the median of several repeats."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5)
    repeats = arguments.parse_args().repeats
    models, event, rows = open_models(TrainingSettings()), read_bundle(BUNDLE), []
    fast = resample_records(event, FAST_HZ)
    cases = ((f"{len(event)} stations", event), (f"{FEW} stations", event[:FEW]), (f"{len(event)} stations at {FAST_HZ:g} Hz", fast))
    with threadpool_limits(1):
        for name, records in cases:
            noise = make_noise(records, np.random.default_rng(3407))
            pairs = [(measure_answer(models, noise, event=False), measure_answer(models, records, event=True)) for _ in range(repeats + 1)]
            cost = np.median(pairs[1:], axis=0)  # the first one compiles
            rows.append((name, f"{cost[0]:.2f} s", f"{cost[1]:.2f} s", f"{cost[0] / cost[1]:.2f}"))
    table = format_table(("records", "noise", "event", "ratio"), rows)
    print(table)
    template = Path(__file__).parent / "templates" / "detection_speed.md"
    write_page(RESULTS / "detection_speed.md", template, describe_command("benchmarks.noise_cost", sys.argv[1:]), table=table)


if __name__ == "__main__":
    main()
