"""
The script that a competent user writes today: ObsPy reads and filters, matplotlib draws, ONNX Runtime runs one by one.

It asks the same two networks the same two questions as the service (how far was it from each trace, what was it) and draws
pictures of the sizes they read, with the usual means. It neither locates nor draws figures for people.
"""

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import obspy
import onnxruntime as ort
from numpy.typing import NDArray

from models.imaging.style import channels
from models.registry.store import open_store
from models.specs.event_type import CLASSES, EVENT_TYPE
from models.specs.offset import OFFSET

mpl.use("Agg")

from matplotlib import pyplot as plt
from PIL import Image

METERS_PER_DEGREE = 111_195.0


class Baseline:
    """Both networks, opened once with the given number of threads: loading them is not what is compared."""

    def __init__(self, artifacts: Path, threads: int) -> None:
        store, options = open_store(artifacts), ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.offset, self.event_type = (
            ort.InferenceSession(store.path(spec.name), options, providers=["CPUExecutionProvider"]) for spec in (OFFSET, EVENT_TYPE)
        )

    def classify(self, waveforms: bytes) -> str:
        """The class of the event in the miniSEED."""
        stream = prepared(waveforms)
        for trace in stream:
            said = self.offset.run(["distance_deg"], {"pictures": trace_picture(trace)[None]})
            trace.stats.distance = max(float(np.squeeze(said[0])), 0.1) * METERS_PER_DEGREE
        picture = section_picture(stream)
        (probabilities,) = self.event_type.run(["probabilities"], {"pictures": picture[None]})
        return CLASSES[int(np.argmax(probabilities))]


def prepared(waveforms: bytes) -> obspy.Stream:
    """Vertical records, detrended, tapered, from 8 to 200 s, at 1 Hz."""
    stream = obspy.read(io.BytesIO(waveforms), format="MSEED").select(component="Z")  # noqa: TID251 -- the format is named
    stream.merge(fill_value="interpolate")
    stream.detrend("linear")
    stream.taper(max_percentage=0.05)
    stream.filter("bandpass", freqmin=1 / 200, freqmax=1 / 8, corners=4, zerophase=True)
    stream.resample(1.0)
    return stream


def trace_picture(trace: obspy.Trace) -> NDArray[np.uint8]:
    """A spectrogram of one trace, the same in every channel: uint8 [channels, rows, columns]."""
    style = OFFSET.style
    figure = plt.figure(figsize=(style.columns / 100, style.rows / 100), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.specgram(trace.data, NFFT=256, Fs=1.0, noverlap=224, cmap="gray")
    axes.set_axis_off()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., 0]
    plt.close(figure)
    return np.repeat(np.ascontiguousarray(pixels)[None], channels(style), axis=0)


def section_picture(stream: obspy.Stream) -> NDArray[np.uint8]:
    """ObsPy's record section, resized, its three colors over and over: uint8 [channels, rows, columns]."""
    style = EVENT_TYPE.style
    drawn = stream.plot(type="section", format="png", size=(800, 600), orientation="horizontal", show=False)
    plt.close("all")
    image = Image.open(io.BytesIO(drawn)).convert("RGB").resize((style.columns, style.rows))
    colors = np.asarray(image).transpose(2, 0, 1)
    return np.ascontiguousarray(np.resize(colors, (channels(style), style.rows, style.columns)))
