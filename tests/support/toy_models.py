"""
Small ONNX models that keep every declared promise: right names and shapes, values computed from the mean of the picture.

`m` below is that mean over 255, from 0 to 1. An offset model says distance 180 m, origin lag 1000 m seconds; event_type is
sure of an earthquake below m = 0.5 and of a glacial one above; depth says 700 m; the force azimuth 360 m.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.imaging.style import channels
from models.registry.card import Card, Metric
from models.specs.index import MODELS
from models.specs.spec import ModelSpec

OPSET = 17
VERSION = "1"

# output = scale * m + shift, by name; vectors are handled below
LINES = {
    "novelty": (0.0, 0.5),
    "distance_deg": (180.0, 0.0),
    "distance_uncertainty_deg": (0.0, 1.0),
    "origin_lag_s": (1000.0, 0.0),
    "origin_lag_uncertainty_s": (0.0, 30.0),
    "depth_km": (700.0, 0.0),
    "depth_uncertainty_km": (0.0, 15.0),
    "force_azimuth_deg": (360.0, 0.0),
    "force_azimuth_uncertainty_deg": (0.0, 12.0),
    "sign_probability": (0.0, 0.6),
}


def toy_model(spec: ModelSpec) -> onnx.ModelProto:
    """A graph for a declared model."""
    style = spec.style
    nodes, weights = _mean_of_picture()
    for output in spec.outputs:
        more_nodes, more_weights = _scalar(output.name) if not output.shape else _vector(output.name, output.shape[0])
        nodes += more_nodes
        weights += more_weights
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["batch", channels(style), style.rows, style.columns])
    says = [helper.make_tensor_value_info(output.name, TensorProto.FLOAT, ["batch", *output.shape]) for output in spec.outputs]
    graph = helper.make_graph(nodes, spec.name, [pictures], says, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)


def write_artifacts(folder: Path, version: str = VERSION) -> Path:
    """An artifact with a true card for every declared model; returns the folder."""
    for spec in MODELS:
        write_artifact(folder, spec, version)
    return folder


def write_artifact(folder: Path, spec: ModelSpec, version: str = VERSION) -> Path:
    """One artifact; returns its own folder."""
    place = folder / spec.name / version
    place.mkdir(parents=True)
    content = toy_model(spec).SerializeToString()
    (place / "model.onnx").write_bytes(content)
    _card(spec, version, content).save(place / "card.json")
    return place


def _card(spec: ModelSpec, version: str, content: bytes) -> Card:
    return Card(
        name=spec.name,
        version=version,
        task=spec.task,
        architecture="toy",
        spec_fingerprint=spec.fingerprint(),
        style=spec.style.model_dump(mode="json"),
        outputs=spec.outputs,
        digest=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        opset=OPSET,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        commit="0" * 40,
        data={"store": "none"},
        metrics=(Metric(name="accuracy", dataset="none", value=0.5, low=0.4, high=0.6, n=2),),
        limits=("A toy for tests.",),
        citation=spec.citation,
    )


def _mean_of_picture() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Nodes for m [batch]."""
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float_pictures"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float_pictures"], ["gray"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Div", ["gray", "white"], ["m"]),
    ]
    return nodes, [_constant("white", 255.0)]


def _scalar(name: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    scale, shift = LINES[name]
    nodes = [
        helper.make_node("Mul", ["m", f"{name}_scale"], [f"{name}_scaled"]),
        helper.make_node("Add", [f"{name}_scaled", f"{name}_shift"], [name]),
    ]
    return nodes, [_constant(f"{name}_scale", scale), _constant(f"{name}_shift", shift)]


def _vector(name: str, size: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Probabilities peak at the place m of the vector; an embedding is the same vector at unit length."""
    nodes = [
        helper.make_node("Unsqueeze", ["m", f"{name}_axis"], [f"{name}_column"]),
        helper.make_node("Sub", [f"{name}_column", f"{name}_places"], [f"{name}_off"]),
        helper.make_node("Mul", [f"{name}_off", f"{name}_off"], [f"{name}_square"]),
        helper.make_node("Mul", [f"{name}_square", f"{name}_sharpness"], [f"{name}_logits"]),
        helper.make_node("LpNormalization", [f"{name}_logits"], [name], axis=1, p=2)
        if name == "embedding"
        else helper.make_node("Softmax", [f"{name}_logits"], [name], axis=1),
    ]
    places = ((np.arange(size) + 0.5) / size).astype(np.float32)
    weights = [
        numpy_helper.from_array(np.array([1], np.int64), f"{name}_axis"),
        numpy_helper.from_array(places[None, :], f"{name}_places"),
        _constant(f"{name}_sharpness", -float(4 * size**2)),
    ]
    return nodes, weights


def _constant(name: str, value: float) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, np.float32), name)
