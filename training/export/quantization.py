"""
Storage of an artifact's weights, and the check that a smaller storage changes no metric by more than a limit.

float16 halves the file, and arithmetic stays float32.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import helper, numpy_helper
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats32, Pictures
from models.registry.card import Metric

Storage = Literal["float16", "float32"]
WIDER: tuple[Storage, ...] = ("float16", "float32")
MIN_HALF_WEIGHTS = 1024
BATCH = 16
Predictions = dict[str, Floats32]


class QuantizationRecipe(BaseModel):
    """
    The wanted storage, and the maximum change of a metric on validation pictures against float32.

    `max_fraction_change` is absolute and for metrics that are fractions (unit 1), `max_relative_change` relative and for all others;
    `models`: another storage for single models.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    storage: Storage
    gate_pictures: int
    max_fraction_change: float
    max_relative_change: float
    models: dict[str, Storage] = {}


@dataclass(frozen=True)
class QuantizationGate:
    """Validation pictures with their truth, the metrics to measure on them, and a folder outside git for the float32 graph."""

    recipe: QuantizationRecipe
    pictures: Pictures
    truth: Floats32
    measure: Callable[[Predictions, Floats32], tuple[Metric, ...]]
    reference: Path


@dataclass(frozen=True)
class QuantizedModel:
    """The stored graph, serialized, and a record of the check for the card."""

    content: bytes
    record: dict[str, Any]


def strip_metadata(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph without torch's metadata on the source line of each node, which would name paths and change the digest."""
    clean = onnx.ModelProto()
    clean.CopyFrom(graph)
    for item in (*clean.graph.node, *clean.graph.value_info, *clean.graph.input, *clean.graph.output, *clean.graph.initializer):
        item.ClearField("doc_string")
        item.ClearField("metadata_props")
    clean.graph.ClearField("metadata_props")
    clean.ClearField("metadata_props")
    return clean


def store_as_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph with large float32 weights stored as float16, each followed by a cast."""
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


def quantize(graph: onnx.ModelProto, storage: Storage) -> bytes:
    """Serialize a graph in a storage."""
    return bytes((store_as_half(graph) if storage == "float16" else strip_metadata(graph)).SerializeToString())


def predict_outputs(content: bytes | Path, pictures: Pictures) -> Predictions:
    """Run a graph (serialized, or a file) on pictures, on the CPU; returns its outputs by name."""
    import onnxruntime as ort  # noqa: PLC0415  (training exports without it; only checks run it)

    options = ort.SessionOptions()
    options.log_severity_level = 3  # errors only: the graphs warn of their metadata
    session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    batches = [session.run(None, {"pictures": np.ascontiguousarray(pictures[i : i + BATCH])}) for i in range(0, len(pictures), BATCH)]
    names = [output.name for output in session.get_outputs()]
    return {name: np.concatenate([outputs[k] for outputs in batches]) for k, name in enumerate(names)}


def relative_difference(expected: Floats32, found: Floats32, name: str, level: float = 100) -> float:
    """
    Compute the largest difference of one output over pictures, or a percentile `level` of it, relative to its largest magnitude.

    Azimuths are compared modulo 180 degrees, relative to 180: the sign is undetermined where there is no evidence for it, and its
    probability is an output of its own.
    """
    difference = np.abs(expected.astype(np.float64) - found)
    if name.endswith("azimuth_deg"):
        return float(np.percentile(np.abs((difference + 90) % 180 - 90), level) / 180)
    return float(np.percentile(difference, level) / max(float(np.abs(expected).max()), 1e-6))


def measure_changes(exact: tuple[Metric, ...], stored: tuple[Metric, ...], recipe: QuantizationRecipe) -> dict[str, float]:
    """Compute the change of each metric by storing, in units of its maximum allowed change."""
    changes = {}
    for before, after in zip(exact, stored, strict=True):
        allowed = recipe.max_fraction_change if before.unit == "1" else recipe.max_relative_change * abs(before.value)
        changes[before.name] = abs(after.value - before.value) / max(allowed, 1e-9)
    return changes


def quantize_and_check(name: str, graph: onnx.ModelProto, gate: QuantizationGate) -> QuantizedModel:
    """
    Store the graph of the named model in the smallest storage, from the wanted one up, whose metrics stay within the limits of float32's.

    The float32 graph is written to the gate's folder.
    """
    recipe = gate.recipe
    rows = np.linspace(0, len(gate.truth) - 1, min(recipe.gate_pictures, len(gate.truth))).astype(np.int64)
    pictures, truth = gate.pictures[rows], gate.truth[rows]
    reference = quantize(graph, "float32")
    gate.reference.mkdir(parents=True, exist_ok=True)
    (gate.reference / "model_float32.onnx").write_bytes(reference)
    exact = gate.measure(predict_outputs(reference, pictures), truth)
    wanted, refused = recipe.models.get(name, recipe.storage), dict[str, dict[str, float]]()
    for storage in WIDER[WIDER.index(wanted) :]:
        content = quantize(graph, storage)
        measured = gate.measure(predict_outputs(content, pictures), truth)
        change = measure_changes(exact, measured, recipe)
        if max(change.values()) <= 1:
            break
        refused[storage] = {metric.name: metric.value for metric in measured if change[metric.name] > 1}
    record = {
        "storage": storage,
        "refused": refused,
        "gated": True,
        "validation_pictures": len(pictures),
        "float32": {metric.name: metric.value for metric in exact},
        "shipped": {metric.name: metric.value for metric in measured},
        "max_fraction_change": recipe.max_fraction_change,
        "max_relative_change": recipe.max_relative_change,
        "largest_change_over_limit": max(change.values()),
    }
    return QuantizedModel(content, record)
