"""
`python -m benchmarks.rendering`: pictures by our renderer, ObsPy and matplotlib, in one run.

The ways take turns on the same synthetic traces, so that a busy machine slows all of them; the ratio of the medians is
what counts. ObsPy's and matplotlib's pictures are of the same size, without the steps behind the picture (ours includes
cutting, filtering and scaling). Everything is warm.
"""

import io
import statistics
import time
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import obspy

from models.imaging.conditioning import condition
from models.imaging.render import Placement, render_section, render_traces
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING, DISTANCE_SECTION, TRACE_AMPLITUDE, TRACE_FREQUENCY
from models.warm_up import warm_up

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection

SEED, ROUNDS = 3407, 5
DURATION_S = 3600
DPI = 100
Way = Callable[[], object]


def main() -> None:
    """Print milliseconds of each way, and their ratio to ours."""
    warm_up()
    print(f"{'what':34} {'ours ms':>9} {'other ms':>9} {'ratio':>7}   other")
    compare("condition 20 traces, 20 Hz", _condition_ours(20, 20.0), {"ObsPy detrend, taper, filter, resample": _condition_obspy(20, 20.0)})
    for traces in (20, 60, 200):
        gather = make_gather(traces)
        others = {"ObsPy section plot": _section_obspy(gather), "matplotlib LineCollection": _section_matplotlib(gather)}
        compare(f"section, {traces} traces, 3 bands", _section_ours(gather), others)
    gather = make_gather(1)
    compare("amplitude picture, 3 bands", lambda: render_traces(TRACE_AMPLITUDE, gather, 0.0), {"matplotlib plot": _plot(gather)})
    compare("frequency picture", lambda: render_traces(TRACE_FREQUENCY, gather, 0.0), {"matplotlib specgram": _specgram(gather)})


def compare(what: str, ours: Way, others: dict[str, Way]) -> None:
    """Print a line for each other way: medians over rounds in which all take turns."""
    ways = [ours, *others.values()]
    for way in ways:
        way()
    rounds = [[_milliseconds(way) for way in ways] for _ in range(ROUNDS)]
    own, *rivals = (statistics.median(times) for times in zip(*rounds, strict=True))
    for name, rival in zip(others, rivals, strict=True):
        print(f"{what:34} {own:9.2f} {rival:9.1f} {rival / own:6.0f}x   {name}")


def _milliseconds(way: Way) -> float:
    begin = time.perf_counter()
    way()
    return 1e3 * (time.perf_counter() - begin)


def make_records(traces: int, rate_hz: float) -> list[Record]:
    """Make correlated noise, which resembles ground motion."""
    rng = np.random.default_rng(SEED)
    steps = rng.standard_normal((traces, int(DURATION_S * rate_hz))).astype(np.float32)
    return [Record(TraceId("XX", f"S{k:03d}", "", "LHZ"), 0.0, rate_hz, np.cumsum(row), None, None) for k, row in enumerate(steps)]


def make_gather(traces: int) -> Gather:
    """Make conditioned traces of an hour."""
    return condition(make_records(traces, 1.0), CONDITIONING)


def _distances_deg(traces: int) -> np.ndarray:
    return np.random.default_rng(SEED).uniform(10.0, 100.0, traces)


def _condition_ours(traces: int, rate_hz: float) -> Way:
    records = make_records(traces, rate_hz)
    return lambda: condition(records, CONDITIONING)


def _condition_obspy(traces: int, rate_hz: float) -> Way:
    def way() -> None:
        for record in make_records(traces, rate_hz):
            trace = obspy.Trace(record.samples.copy(), {"sampling_rate": rate_hz})
            trace.detrend("linear").taper(0.01).filter("bandpass", freqmin=0.005, freqmax=0.125, zerophase=True).resample(1.0)

    return way


def _section_ours(gather: Gather) -> Way:
    placement = Placement(_distances_deg(len(gather.samples)), np.zeros(len(gather.samples)))
    return lambda: render_section(DISTANCE_SECTION, gather, 0.0, placement)


def _section_obspy(gather: Gather) -> Way:
    stream = obspy.Stream()
    for row, distance in zip(gather.samples, _distances_deg(len(gather.samples)), strict=True):
        stream.append(obspy.Trace(np.nan_to_num(row), {"sampling_rate": 1.0, "distance": distance * 111_195.0}))

    def way() -> None:
        figure = plt.figure(figsize=(DISTANCE_SECTION.columns / DPI, DISTANCE_SECTION.rows / DPI), dpi=DPI)
        stream.plot(type="section", fig=figure, handle=True)
        _encode(figure)

    return way


def _section_matplotlib(gather: Gather) -> Way:
    times_s = np.arange(gather.samples.shape[1])
    scaled = np.nan_to_num(gather.samples / np.nanmax(np.abs(gather.samples), axis=1, keepdims=True))
    lines = [np.column_stack((times_s, y + d)) for y, d in zip(scaled, _distances_deg(len(scaled)), strict=True)]

    def way() -> None:
        figure, axes = plt.subplots(figsize=(DISTANCE_SECTION.columns / DPI, DISTANCE_SECTION.rows / DPI), dpi=DPI)
        axes.set_axis_off()
        axes.add_collection(LineCollection(lines, linewidths=0.5))
        axes.autoscale()
        _encode(figure)

    return way


def _plot(gather: Gather) -> Way:
    def way() -> None:
        figure, axes = plt.subplots(figsize=(TRACE_AMPLITUDE.columns / DPI, TRACE_AMPLITUDE.rows / DPI), dpi=DPI)
        axes.set_axis_off()
        axes.plot(gather.samples[0], linewidth=0.5)
        _encode(figure)

    return way


def _specgram(gather: Gather) -> Way:
    def way() -> None:
        figure, axes = plt.subplots(figsize=(TRACE_FREQUENCY.columns / DPI, TRACE_FREQUENCY.rows / DPI), dpi=DPI)
        axes.set_axis_off()
        axes.specgram(np.nan_to_num(gather.samples[0]), NFFT=256, Fs=1.0, noverlap=246)
        _encode(figure)

    return way


def _encode(figure: plt.Figure) -> None:
    figure.savefig(io.BytesIO(), format="png", dpi=DPI)
    plt.close(figure)


if __name__ == "__main__":
    main()
