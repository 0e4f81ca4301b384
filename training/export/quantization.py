"""
How the weights of an artifact are stored, and the gate: what is stored smaller ships only if its metrics stay with float32's.

float16 halves the file, arithmetic stays float32. int8 computes the trunk in integers (uint8 activations, int8 weights per channel,
ranges from validation pictures; Jacob et al. 2018, arXiv:1712.05877) and leaves what stands behind the trunk in float32.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from pydantic import BaseModel, ConfigDict

from models.registry.card import Metric

Storage = Literal["int8", "float16", "float32"]
WIDER: tuple[Storage, ...] = ("int8", "float16", "float32")
MIN_HALF_WEIGHTS = 1024
BACKBONE_OPERATIONS = ("Conv", "Gemm", "Relu", "Add", "MaxPool")
BATCH = 16
Predictions = dict[str, NDArray[Any]]


class QuantizationRecipe(BaseModel):
    """The wanted storage, and how far a metric on validation pictures may move from float32's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: Storage
    calibration_pictures: int
    gate_pictures: int
    most_change_of_a_share: float
    most_relative_change: float
    models: dict[str, Storage] = {}


@dataclass(frozen=True)
class QuantizationGate:
    """Validation pictures with their truth, what is measured on them, and the folder that keeps the float32 graph (out of git)."""

    recipe: QuantizationRecipe
    pictures: NDArray[np.uint8]
    truth: NDArray[np.float32]
    measure: Callable[[Predictions, NDArray[np.float32]], tuple[Metric, ...]]
    reference: Path


@dataclass(frozen=True)
class QuantizedModel:
    """The graph as stored, and what the gate found."""

    content: bytes
    record: dict[str, Any]


def strip_metadata(graph: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without torch's notes of where in which file a node was traced."""
    clean = onnx.ModelProto()
    clean.CopyFrom(graph)
    for part in (*clean.graph.node, *clean.graph.value_info, *clean.graph.input, *clean.graph.output, *clean.graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    clean.graph.ClearField("metadata_props")
    clean.ClearField("metadata_props")
    return clean


def store_as_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 weights kept as float16 with a cast behind them."""
    halved, casts = strip_metadata(graph), list[onnx.NodeProto]()
    for weight in halved.graph.initializer:
        array = numpy_helper.to_array(weight)
        if array.dtype == np.float32 and array.size >= MIN_HALF_WEIGHTS:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    onnx.checker.check_model(halved, full_check=False)
    return halved


def find_backbone_nodes(graph: onnx.ModelProto) -> list[str]:
    """Names of the trunk's nodes: those of its operations that lead to a weight of the trunk, or hold one."""
    made_by = {name: node for node in graph.graph.node for name in node.output}
    waiting = [node for node in graph.graph.node if any(name.startswith("trunk.") for name in node.input)]
    found: dict[str, onnx.NodeProto] = {}
    while waiting:
        node = waiting.pop()
        if node.name not in found:
            found[node.name] = node
            waiting.extend(made_by[name] for name in node.input if name in made_by)
    return [name for name, node in found.items() if node.op_type in BACKBONE_OPERATIONS]


def store_as_int8(graph: onnx.ModelProto, pictures: NDArray[np.uint8]) -> onnx.ModelProto:
    """The trunk in integers, its ranges taken from those pictures."""
    from onnxruntime import quantization  # noqa: PLC0415  (only an export to int8 needs it)

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped
        def __init__(self) -> None:
            self._left: Iterator[NDArray[np.uint8]] = (pictures[i : i + BATCH] for i in range(0, len(pictures), BATCH))

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            batch = next(self._left, None)
            return None if batch is None else {"pictures": batch}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        quantization.quantize_static(
            strip_metadata(graph),
            path,
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_quantize=find_backbone_nodes(graph),
        )
        return strip_metadata(onnx.load(path))


def quantize(graph: onnx.ModelProto, storage: Storage, pictures: NDArray[np.uint8] | None = None) -> bytes:
    """The graph in that storage, serialized; int8 takes its ranges from those pictures."""
    if storage == "int8":
        if pictures is None:
            raise ValueError("int8 needs pictures to take its ranges from")
        return bytes(store_as_int8(graph, pictures).SerializeToString())
    return bytes((store_as_half(graph) if storage == "float16" else strip_metadata(graph)).SerializeToString())


def predict_outputs(content: bytes | Path, pictures: NDArray[np.uint8]) -> Predictions:
    """Every output of a graph by name, on the CPU."""
    import onnxruntime as ort  # noqa: PLC0415  (training exports without it; only checks run it)

    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    parts = [session.run(None, {"pictures": np.ascontiguousarray(pictures[i : i + BATCH])}) for i in range(0, len(pictures), BATCH)]
    names = [output.name for output in session.get_outputs()]
    return {name: np.concatenate([part[place] for part in parts]) for place, name in enumerate(names)}


def relative_difference(expected: NDArray[np.float32], found: NDArray[np.float32], name: str, level: float = 100) -> float:
    """
    Largest difference of one output over pictures (or that percentile of them), relative to its largest size over them.

    Azimuths are compared modulo 180 degrees, relative to 180: without evidence for a sign either is as good, and what is said
    of the sign is an output of its own.
    """
    apart = np.abs(expected.astype(np.float64) - found)
    if name.endswith("azimuth_deg"):
        return float(np.percentile(np.abs((apart + 90) % 180 - 90), level) / 180)
    return float(np.percentile(apart, level) / max(float(np.abs(expected).max()), 1e-6))


def measure_changes(exact: tuple[Metric, ...], stored: tuple[Metric, ...], recipe: QuantizationRecipe) -> dict[str, float]:
    """How far each metric moved, as a share of what it may move."""
    found = {}
    for before, after in zip(exact, stored, strict=True):
        allowed = recipe.most_change_of_a_share if before.unit == "1" else recipe.most_relative_change * abs(before.value)
        found[before.name] = abs(after.value - before.value) / max(allowed, 1e-9)
    return found


def quantize_and_check(name: str, graph: onnx.ModelProto, gate: QuantizationGate) -> QuantizedModel:
    """The wanted storage if no metric moves further than allowed, else the next wider one; float32 is what they are held against."""
    recipe = gate.recipe
    rows = np.linspace(0, len(gate.truth) - 1, min(recipe.gate_pictures, len(gate.truth))).astype(np.int64)
    pictures, truth = gate.pictures[rows], gate.truth[rows]
    reference = quantize(graph, "float32")
    gate.reference.mkdir(parents=True, exist_ok=True)
    (gate.reference / "model_float32.onnx").write_bytes(reference)
    exact = gate.measure(predict_outputs(reference, pictures), truth)
    wanted, refused = recipe.models.get(name, recipe.storage), dict[str, dict[str, float]]()
    for storage in WIDER[WIDER.index(wanted) :]:
        content = quantize(graph, storage, pictures[:: max(len(pictures) // recipe.calibration_pictures, 1)])
        measured = gate.measure(predict_outputs(content, pictures), truth)
        moved = measure_changes(exact, measured, recipe)
        if max(moved.values()) <= 1:
            break
        refused[storage] = {metric.name: metric.value for metric in measured if moved[metric.name] > 1}
    record = {
        "storage": storage,
        "refused": refused,
        "gated": True,
        "validation_pictures": len(pictures),
        "float32": {metric.name: metric.value for metric in exact},
        "shipped": {metric.name: metric.value for metric in measured},
        "most_change_of_a_share": recipe.most_change_of_a_share,
        "most_relative_change": recipe.most_relative_change,
        "largest_change_of_the_allowed": max(moved.values()),
    }
    return QuantizedModel(content, record)
