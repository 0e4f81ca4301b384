"""
From a trained network to an artifact: one ONNX graph with everything behind the picture in it, and its card.

Weights are stored as float16 and cast back to float32 where they are used, which halves the file and changes an answer by less
than the stated tolerance; arithmetic is float32 throughout.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models.catalog.spec import ModelSpec
from models.imaging.style import channels
from models.networks.heads import Reader
from models.registry.card import Card, Metric
from training.config import commit

OPSET = 18
SMALLEST_STORED_AS_HALF = 1024


def to_onnx(network: Reader, spec: ModelSpec) -> onnx.ModelProto:
    """The float32 graph: input `pictures` uint8 [batch, channels, rows, columns], outputs named as declared."""
    network = network.to("cpu").eval()
    example = torch.zeros(2, channels(spec.style), spec.style.rows, spec.style.columns, dtype=torch.uint8)
    program = torch.onnx.export(
        network,
        (example,),
        input_names=["pictures"],
        output_names=[output.name for output in spec.outputs],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=4096)},),
        opset_version=OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError(f"torch exported nothing for {spec.name}")
    return program.model_proto


def store_as_half(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Large float32 weights kept as float16 with a cast behind them."""
    halved = onnx.ModelProto()
    halved.CopyFrom(graph)
    casts = []
    for weight in halved.graph.initializer:
        array = numpy_helper.to_array(weight)
        if array.dtype == np.float32 and array.size >= SMALLEST_STORED_AS_HALF:
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    for node in nodes:  # torch notes where in which file a node was traced
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    for value in (*halved.graph.value_info, *halved.graph.input, *halved.graph.output, *halved.graph.initializer):
        value.ClearField("doc_string")
        value.ClearField("metadata_props")
    halved.graph.ClearField("metadata_props")
    halved.ClearField("metadata_props")
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    onnx.checker.check_model(halved, full_check=False)
    return halved


def worst_difference(network: Reader, path: Path, pictures: NDArray[np.uint8]) -> float:
    """Largest difference between torch and the artifact over all outputs, relative to each output's spread over the pictures."""
    import onnxruntime as ort  # noqa: PLC0415  (training exports without it; only the parity check runs it)

    with torch.no_grad():
        outputs = network(torch.from_numpy(pictures))
    expected = [part.numpy() for part in (outputs if isinstance(outputs, tuple) else (outputs,))]
    found = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"pictures": pictures})
    return max(float(np.abs(a - b).max() / (np.std(a) + 1e-6)) for a, b in zip(expected, found, strict=True))


def export(
    network: Reader,
    spec: ModelSpec,
    version: str,
    folder: Path,
    *,
    data: dict[str, Any],
    limits: tuple[str, ...],
    calibration: dict[str, Any],
    metrics: tuple[Metric, ...] = (),
) -> Path:
    """Write `<folder>/<name>/<version>/` and return it; metrics follow once the serving path has measured them."""
    place = folder / spec.name / version
    place.mkdir(parents=True, exist_ok=True)
    path = place / "model.onnx"
    path.write_bytes(store_as_half(to_onnx(network, spec)).SerializeToString())
    Card(
        name=spec.name,
        version=version,
        task=spec.task,
        architecture=spec.architecture,
        spec_fingerprint=spec.fingerprint(),
        style=spec.style.model_dump(mode="json"),
        outputs=spec.outputs,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
        size_bytes=path.stat().st_size,
        opset=OPSET,
        created_at=datetime.now(UTC),
        commit=commit(),
        data=data,
        metrics=metrics,
        limits=limits,
        calibration=calibration,
        citation=spec.citation,
    ).save(place / "card.json")
    return place


def add_metrics(place: Path, metrics: tuple[Metric, ...]) -> None:
    """Write measured metrics onto the card of an exported artifact."""
    card = Card.load(place / "card.json")
    card.model_copy(update={"metrics": (*card.metrics, *metrics)}).save(place / "card.json")
