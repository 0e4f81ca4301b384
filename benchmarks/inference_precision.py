"""
Size, time a picture and outputs of a network with weights stored as float32, float16 and int8, on a CPU.

    python -m benchmarks.inference_precision [offset event_type ...] [--artifacts models/artifacts] [--shard FILE.npz]

The graphs are made from shipped artifacts (weights stored as float16 are widened first), so all three hold the same weights. The
pictures are those of a shard (array `pictures`, or the vertical axis of the model's section), 256 at most; without one, noise,
on which only size and time mean anything. int8 takes its ranges from the first half, all is measured on the second. CPU time of one
thread, so that a busy machine does not change the answer.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import numpy_helper
from onnxruntime import quantization

from models.imaging.style import BeamStyle, SectionStyle, Style, channels
from models.registry.inference import SECTIONS_PER_RUN, TRACES_PER_RUN
from models.registry.store import open_store
from models.specs.index import find_spec
from models.specs.spec import ModelSpec
from training.export.quantization import BATCH, Predictions, quantize, relative_difference, strip_metadata

MAX_PICTURES = 256
ROUNDS = 3
BACKBONE_OPERATIONS = ("Conv", "Gemm", "Relu", "Add", "MaxPool")


def widen_weights(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Convert weights stored as float16 back to float32, under their own names."""
    wide = onnx.ModelProto()
    wide.CopyFrom(graph)
    casts = {node.input[0]: node for node in wide.graph.node if node.op_type == "Cast" and node.input[0].endswith("_half")}
    for weight in wide.graph.initializer:
        if weight.name in casts:
            name = casts[weight.name].output[0]
            weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float32), name))
    kept = [node for node in wide.graph.node if node not in casts.values()]
    del wide.graph.node[:]
    wide.graph.node.extend(kept)
    return wide


def find_backbone_nodes(graph: onnx.ModelProto) -> list[str]:
    """Find the names of the backbone's nodes: operations that have a weight of the backbone, and those before them."""
    producers = {name: node for node in graph.graph.node for name in node.output}
    pending = [node for node in graph.graph.node if any(name.startswith("backbone.") for name in node.input)]
    found: dict[str, onnx.NodeProto] = {}
    while pending:
        node = pending.pop()
        if node.name not in found:
            found[node.name] = node
            pending.extend(producers[name] for name in node.input if name in producers)
    return [name for name, node in found.items() if node.op_type in BACKBONE_OPERATIONS]


def store_as_int8(graph: onnx.ModelProto, pictures: NDArray[np.uint8]) -> onnx.ModelProto:
    """
    Quantize the backbone of a graph to integers, with the ranges of activations on the pictures, and leave the layers behind it in float32.

    Activations are uint8, weights int8 per channel (Jacob et al. 2018, arXiv:1712.05877).
    """

    class CalibrationPictures(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self._batches: Iterator[NDArray[np.uint8]] = (pictures[i : i + BATCH] for i in range(0, len(pictures), BATCH))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._batches, None)
            return None if batch is None else {"pictures": batch}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            strip_metadata(graph),
            path,
            CalibrationPictures(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_quantize=find_backbone_nodes(graph),
        )
        return strip_metadata(onnx.load(path))


def _key(style: Style) -> str:
    """Name of the pictures of a style in a shard."""
    if isinstance(style, SectionStyle):
        return style.vertical_axis
    return "beam" if isinstance(style, BeamStyle) else "pictures"


def load_pictures(spec: ModelSpec, shard: Path | None) -> NDArray[np.uint8]:
    """Load pictures uint8 [n, channels, rows, columns] of a shard, or make noise of increasing brightness."""
    style = spec.style
    if shard is not None:
        with np.load(shard) as content:
            return np.asarray(content[_key(style)][:MAX_PICTURES])
    size = (64, channels(style), style.rows, style.columns)
    noise = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    return np.asarray((noise * np.geomspace(0.02, 1.0, len(noise))[:, None, None, None]).astype(np.uint8))


def measure_run(content: bytes, pictures: NDArray[np.uint8], batch: int) -> tuple[float, Predictions]:
    """Measure milliseconds of CPU a picture (the best of some rounds, the first not counted), and return the outputs; one thread."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    best = np.inf
    for turn in range(ROUNDS + 1):
        started = time.process_time()
        parts = [session.run(None, {"pictures": pictures[i : i + batch]}) for i in range(0, len(pictures) - batch + 1, batch)]
        spent = (time.process_time() - started) / (len(parts) * batch)
        best = min(best, spent) if turn else best
    names = [output.name for output in session.get_outputs()]
    return best * 1000, {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}


def format_model(spec: ModelSpec, path: Path, shard: Path | None) -> list[str]:
    """Format a table row for each storage of one model."""
    graph, pictures = widen_weights(onnx.load(path)), load_pictures(spec, shard)
    ranges, seen = pictures[: len(pictures) // 2], pictures[len(pictures) // 2 :]
    batch = SECTIONS_PER_RUN if isinstance(spec.style, SectionStyle) else TRACES_PER_RUN
    int8 = bytes(store_as_int8(graph, ranges).SerializeToString())
    contents = {"float32": quantize(graph, "float32"), "float16": quantize(graph, "float16"), "int8": int8}
    found = {storage: measure_run(content, seen, batch) for storage, content in contents.items()}
    exact = found["float32"][1]
    rows = []
    for storage, (milliseconds, outputs) in found.items():
        worst = max(exact, key=lambda name: relative_difference(exact[name], outputs[name], name))
        gap, half = (relative_difference(exact[worst], outputs[worst], worst, level) for level in (100, 50))
        size = len(contents[storage]) / 1e6
        rows.append(f"| {spec.name} | {storage} | {size:.1f} | {milliseconds:.2f} | {gap:.4f}, {half:.4f} ({worst}) |")
    return rows


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["offset", "event_type"])
    parser.add_argument("--artifacts", type=Path, default=Path("models/artifacts"))
    parser.add_argument("--shard", type=Path, help="pictures of one model's data set; without, noise")
    arguments = parser.parse_args()
    store = open_store(arguments.artifacts)
    print("| model | storage | MB | CPU ms a picture | largest and median difference to float32, of the output's size |")
    print("|---|---|---|---|---|")
    for name in arguments.models:
        for row in format_model(find_spec(name), store.path(name), arguments.shard):
            print(row, flush=True)


if __name__ == "__main__":
    main()
