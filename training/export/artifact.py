"""
From a trained network to an artifact: one ONNX graph with everything behind the picture in it, and its card.

How its weights are stored is `training.export.quantization`'s matter.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from models.imaging.style import channels
from models.networks.heads import PictureModel
from models.registry.card import Card, Metric
from models.specs.spec import ModelSpec
from training.config import read_commit
from training.export.quantization import (
    QuantizationGate,
    QuantizedModel,
    Storage,
    predict_outputs,
    quantize,
    quantize_and_check,
    relative_difference,
)

OPSET = 18


def convert_to_onnx(network: PictureModel, spec: ModelSpec) -> onnx.ModelProto:
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


def compare_with_torch(network: PictureModel, path: Path, pictures: NDArray[np.uint8]) -> float:
    """Largest `difference` between torch and the artifact over all outputs."""
    with torch.no_grad():
        outputs = network(torch.from_numpy(pictures))
    expected = [part.numpy() for part in (outputs if isinstance(outputs, tuple) else (outputs,))]
    found = predict_outputs(path, pictures)
    return max(relative_difference(exact, said, name) for exact, (name, said) in zip(expected, found.items(), strict=True))


def export_artifact(
    network: PictureModel,
    spec: ModelSpec,
    version: str,
    folder: Path,
    *,
    data: dict[str, Any],
    limits: tuple[str, ...],
    calibration: dict[str, Any],
    metrics: tuple[Metric, ...] = (),
    gate: QuantizationGate | None = None,
    storage: Storage = "float16",
) -> Path:
    """
    Write `<folder>/<name>/<version>/` and return it; metrics follow once the serving path has measured them.

    With a gate, the storage is the recipe's or a wider one, the float32 graph is kept beside the gate's reference, and the card
    says what the gate found; without one, weights are stored as `storage`.
    """
    place = folder / spec.name / version
    place.mkdir(parents=True, exist_ok=True)
    path = place / "model.onnx"
    graph = convert_to_onnx(network, spec)
    shipped = (
        QuantizedModel(quantize(graph, storage), {"storage": storage, "gated": False})
        if gate is None
        else quantize_and_check(spec.name, graph, gate)
    )
    path.write_bytes(shipped.content)
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
        commit=read_commit(),
        data={**data, "shipping": shipped.record},
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
