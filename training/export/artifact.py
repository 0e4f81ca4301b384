"""
Export of a trained network as an artifact: `model.onnx`, which contains everything after the picture, and `card.json`.

`training.export.quantization` decides how weights are stored.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import onnx
import torch

from models.array_types import Pictures
from models.imaging.style import channels
from models.networks.heads import PictureModel
from models.registry.card import Card
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
    """Convert a network to a float32 graph: input `pictures` uint8 [batch, channels, rows, columns], outputs named as in the spec."""
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
        raise RuntimeError(f"torch returned no graph for {spec.name}")
    return program.model_proto


def compare_with_torch(network: PictureModel, path: Path, pictures: Pictures) -> float:
    """Compute the largest `relative_difference` of any output between torch and an exported graph."""
    with torch.no_grad():
        outputs = network(torch.from_numpy(pictures))
    expected = [output.numpy() for output in (outputs if isinstance(outputs, tuple) else (outputs,))]
    found = predict_outputs(path, pictures)
    return max(relative_difference(exact, output, name) for exact, (name, output) in zip(expected, found.items(), strict=True))


def convert_and_quantize(network: PictureModel, spec: ModelSpec, gate: QuantizationGate | None, storage: Storage) -> QuantizedModel:
    """Convert a network to ONNX in the storage that the gate permits, or without a gate in the given one."""
    graph = convert_to_onnx(network, spec)
    if gate is not None:
        return quantize_and_check(spec.name, graph, gate)
    return QuantizedModel(quantize(graph, storage), {"storage": storage, "gated": False})


def export_artifact(
    network: PictureModel,
    spec: ModelSpec,
    version: str,
    folder: Path,
    *,
    data: dict[str, Any],
    limits: tuple[str, ...],
    calibration: dict[str, Any],
    gate: QuantizationGate | None = None,
    storage: Storage = "float16",
) -> Path:
    """
    Write an artifact and return its folder `<folder>/<name>/<version>/`; `evaluation.card_writer` adds metrics once it has been scored.

    Parameters
    ----------
    network : PictureModel
        The fitted and calibrated network.
    spec : ModelSpec
        The declaration of the model.
    version : str
        Name of the version.
    folder : Path
        Folder of all artifacts.
    data, limits, calibration : dict, tuple of str, dict
        What the card states of the training data, of what the model cannot do, and of its calibration.
    gate, storage : QuantizationGate, optional, {"float16", "float32"}
        The gate checks the storage of its recipe and chooses a wider one where metrics change too much; without it, the storage.

    """
    target = folder / spec.name / version
    target.mkdir(parents=True, exist_ok=True)
    path = target / "model.onnx"
    stored = convert_and_quantize(network, spec, gate, storage)
    path.write_bytes(stored.content)
    card = build_card(spec, version, path, data={**data, "quantization": stored.record}, limits=limits, calibration=calibration)
    card.save(target / "card.json")
    return target


def build_card(
    spec: ModelSpec, version: str, path: Path, *, data: dict[str, Any], limits: tuple[str, ...], calibration: dict[str, Any]
) -> Card:
    """Build the card of the graph stored at `path`, without metrics; the parameters are those of `export_artifact`."""
    return Card(
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
        data=data,
        limits=limits,
        calibration=calibration,
        citation=spec.citation,
    )
