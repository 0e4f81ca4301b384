"""
`python -m benchmarks.classify_bundle`: one bundle classified by a usual script and by the service's own path, in one run.

The usual script (`Baseline`) is what a competent user writes today: ObsPy reads and filters, matplotlib draws, ONNX Runtime runs the
networks one picture at a time. It asks the same two networks the same two questions as the service (distance of each trace, event type)
and draws pictures of the sizes they read. It neither locates nor draws figures for people. `Serving` calls the functions of a worker.

Both take turns, so that a busy machine slows both; the ratio of the medians counts. Models are loaded before. "and draw" is the service's
path with the figure that a job leaves besides its answer. Results are written to `docs/results/classification_speed.md`.
"""
# ruff: noqa: PLC0415  (the sandbox's child imports this module again, as Python's forkserver does with any main module: it must be light)

import argparse
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import obspy
    from numpy.typing import NDArray

    from models.analysis.pipeline import Classification
    from models.seismic.waveforms import Gather
    from workers.settings import Settings

RATE_HZ, DURATION_S = 20.0, 3600.0
EVENT = (18.7, 96.1)
ORIGIN_S, DEPTH_KM = 60.0, 15.0
METERS_PER_DEGREE = 111_195.0


def make_bundle(
    traces: int = 200, rate_hz: float = RATE_HZ, duration_s: float = DURATION_S, seed: int = 3407, signal: float = 1.0
) -> tuple[bytes, bytes]:
    """
    Make miniSEED 2 (Steim2, 512-byte records) and stations.csv of one event: a dispersed surface wave and P or PKP in red noise.

    `signal`: amplitude of these waves relative to the default, 0 for noise alone.
    """
    import numpy as np
    import obspy

    from models.seismic.geodesy import distance_deg

    random = np.random.default_rng(seed)
    latitudes, longitudes = np.degrees(np.arcsin(random.uniform(-1, 1, traces))), random.uniform(-180, 180, traces)
    stream = obspy.Stream()
    for number in range(traces):
        distance = float(distance_deg(*EVENT, latitudes[number], longitudes[number]))
        samples = _make_seismogram(distance, rate_hz, duration_s, random, signal)
        header = {"network": "XB", "station": f"S{number:03d}", "channel": "BHZ", "sampling_rate": rate_hz}
        stream += obspy.Trace(samples, header | {"starttime": obspy.UTCDateTime(2020, 1, 1)})
    packed = io.BytesIO()
    stream.write(packed, format="MSEED", encoding="STEIM2", reclen=512)
    rows = [f"XB,S{n:03d},{latitudes[n]:.4f},{longitudes[n]:.4f},0" for n in range(traces)]
    return packed.getvalue(), "\n".join(["network,station,latitude,longitude,elevation", *rows, ""]).encode()


def _make_seismogram(
    distance_deg: float, rate_hz: float, duration_s: float, random: "np.random.Generator", strength: float
) -> "NDArray[np.int32]":
    """Counts; the surface wave travels at 4 km/s at long periods and 3 km/s at short ones, P and PKP as in ak135."""
    import numpy as np

    from models.seismic.earth.travel_times import travel_time_s
    from models.seismic.geodesy import KM_PER_DEGREE

    count = round(duration_s * rate_hz)
    frequencies = np.fft.rfftfreq(2 * count, 1 / rate_hz)  # twice as long, so that late arrivals do not wrap around
    shape = np.exp(-(((frequencies - 0.03) / 0.025) ** 2))
    delay_s = ORIGIN_S + distance_deg * KM_PER_DEGREE / (4.0 - np.minimum(frequencies / 0.1, 1.0))
    first_s = ORIGIN_S + float(np.nanmin([travel_time_s(phase, distance_deg, DEPTH_KM) for phase in ("P", "PKP")]))
    surface = np.fft.irfft(shape * np.exp(-2j * np.pi * frequencies * delay_s))[:count]
    body = np.fft.irfft(np.exp(-(((frequencies - 0.3) / 0.3) ** 2)) * np.exp(-2j * np.pi * frequencies * first_s))[:count]
    noise = np.cumsum(random.normal(size=count))
    signal = surface / np.abs(surface).max() + 0.3 * body / np.abs(body).max()
    return np.asarray(1e5 * (strength * signal + 0.01 * (noise - noise.mean()) / noise.std()), np.int32)


class Baseline:
    """The usual script, with both networks loaded."""

    def __init__(self, artifacts: Path, threads: int) -> None:
        import onnxruntime as ort

        from models.registry.store import open_store
        from models.specs.event_type import EVENT_TYPE
        from models.specs.offset import OFFSET

        store, options = open_store(artifacts), ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.offset, self.event_type = (
            ort.InferenceSession(store.path(spec.name), options, providers=["CPUExecutionProvider"]) for spec in (OFFSET, EVENT_TYPE)
        )

    def classify(self, waveforms: bytes) -> str:
        """Classify the event in miniSEED bytes."""
        import numpy as np

        from models.specs.event_type import CLASSES

        stream = read_and_filter(waveforms)
        for trace in stream:
            outputs = self.offset.run(["distance_deg"], {"pictures": draw_trace_picture(trace)[None]})
            trace.stats.distance = max(float(np.squeeze(outputs[0])), 0.1) * METERS_PER_DEGREE
        (probabilities,) = self.event_type.run(["probabilities"], {"pictures": draw_section_picture(stream)[None]})
        return CLASSES[int(np.argmax(probabilities))]


def read_and_filter(waveforms: bytes) -> "obspy.Stream":
    """Read vertical records; detrend, taper, filter between 8 and 200 s, resample to 1 Hz."""
    import obspy

    stream = obspy.read(io.BytesIO(waveforms), format="MSEED").select(component="Z")  # noqa: TID251  (the format is named)
    stream.merge(fill_value="interpolate")
    stream.detrend("linear")
    stream.taper(max_percentage=0.05)
    stream.filter("bandpass", freqmin=1 / 200, freqmax=1 / 8, corners=4, zerophase=True)
    stream.resample(1.0)
    return stream


def draw_trace_picture(trace: "obspy.Trace") -> "NDArray[np.uint8]":
    """Draw a spectrogram of one trace with matplotlib, repeated in every channel: uint8 [channels, rows, columns]."""
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from models.imaging.style import channels
    from models.specs.offset import OFFSET

    style = OFFSET.style
    figure = plt.figure(figsize=(style.columns / 100, style.rows / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.specgram(trace.data, NFFT=256, Fs=1.0, noverlap=224, cmap="gray")
    axes.set_axis_off()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., 0]
    plt.close(figure)
    return np.repeat(np.ascontiguousarray(pixels)[None], channels(style), axis=0)


def draw_section_picture(stream: "obspy.Stream") -> "NDArray[np.uint8]":
    """Draw ObsPy's record section, resized, its three colors repeated: uint8 [channels, rows, columns]."""
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from PIL import Image

    from models.imaging.style import channels
    from models.specs.event_type import EVENT_TYPE

    style = EVENT_TYPE.style
    drawn = stream.plot(type="section", format="png", size=(800, 600), orientation="horizontal", show=False)
    plt.close("all")
    image = Image.open(io.BytesIO(drawn)).convert("RGB").resize((style.columns, style.rows))
    colors = np.asarray(image).transpose(2, 0, 1)
    return np.ascontiguousarray(np.resize(colors, (channels(style), style.rows, style.columns)))


class Serving:
    """The service's path: models loaded and loops compiled, as in a worker that waits for its next job."""

    def __init__(self, settings: "Settings") -> None:
        from models.warm_up import warm_up
        from workers.bundles.sandbox import start_sandbox_server
        from workers.jobs.loaded_models import load_models

        self._settings, self._models = settings, load_models(settings).models
        warm_up()
        start_sandbox_server()

    def classify(self, waveforms: bytes, stations: bytes) -> str:
        """Classify the event: parse in the sandbox, condition, predict distances, locate, draw the section, classify."""
        return self._classify(waveforms, stations)[1].event_type

    def classify_and_draw(self, waveforms: bytes, stations: bytes) -> bytes:
        """Classify the event, and draw the figure that a job leaves."""
        from models.analysis.combine import combine_origin_times
        from workers.jobs import figures

        gather, found = self._classify(waveforms, stations)
        origin_s = combine_origin_times(found.readings).time_s
        return figures.draw_event_section(gather, found.readings, found.reference, origin_s, found.event_type)

    def _classify(self, waveforms: bytes, stations: bytes) -> "tuple[Gather, Classification]":
        from models.analysis.pipeline import classify_event
        from models.imaging.conditioning import condition
        from models.specs.pictures import CONDITIONING
        from workers.bundles.sandbox import parse_event_in_sandbox

        event = parse_event_in_sandbox([("waveforms.mseed", waveforms), ("stations.csv", stations)], self._settings)
        gather = condition(event.records, CONDITIONING)
        return gather, classify_event(self._models, gather, records=event.records)


def main() -> None:
    """Print and write times, their ratio, and peaks of memory."""
    from benchmarks.memory import WAYS, measure_peak
    from training.evaluation.pages import RESULTS, describe_command, format_table, write_page
    from workers.settings import Settings

    given = _parse_arguments()
    waveforms, stations = make_bundle(given.traces, seed=given.seed, signal=given.signal)
    settings = Settings()
    baseline, serving = Baseline(settings.artifacts_dir, settings.threads), Serving(settings)
    ways: dict[str, Callable[[], object]] = {
        "baseline": lambda: baseline.classify(waveforms),
        "serving": lambda: serving.classify(waveforms, stations),
        "serving and figure": lambda: serving.classify_and_draw(waveforms, stations),
    }
    times = take_turns(ways, given.rounds)
    usual = statistics.median(times["baseline"])
    lines = [
        (way, f"{statistics.median(own):.2f} s ({min(own):.2f} to {max(own):.2f})", f"{usual / statistics.median(own):.1f}")
        for way, own in times.items()
    ]
    peaks = [(way, measure_peak(way, waveforms, stations)) for way in WAYS if given.memory]
    speed = format_table(("way", "median (minimum to maximum)", "times faster than the baseline"), lines)
    memory = format_table(
        ("way", "peak memory, MiB", "with the sandbox, MiB"),
        [(way, f"{peak.process_mib:.0f}", f"{peak.together_mib:.0f}") for way, peak in peaks],
    )
    print(f"{speed}\n\n{memory}")
    write_page(
        RESULTS / "classification_speed.md",
        Path(__file__).parent / "templates" / "classification_speed.md",
        describe_command("benchmarks.classify_bundle", sys.argv[1:]),
        traces=str(given.traces),
        rate=f"{RATE_HZ:g}",
        size=f"{len(waveforms) / 1e6:.1f}",
        threads=str(settings.threads),
        speed=speed,
        memory=memory,
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--signal", type=float, default=1.0, help="1: an event that every trace records; 0: noise, which takes longest")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


def take_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Measure the seconds of each round of each way, after one round each that does not count."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, classify in ways.items():
            begun = time.perf_counter()
            classify()
            if number:
                times[way].append(time.perf_counter() - begun)
    return times


if __name__ == "__main__":
    main()
