"""Storage of weights: the wanted one if metrics agree with float32, else a wider one."""

import json

import numpy as np
import onnx
import pytest
import torch

from models.imaging.style import channels
from models.networks.backbones import DEPTHS
from models.networks.heads import EventTypeModel
from models.registry.card import Metric
from models.specs.event_type import EVENT_TYPE
from training.export import artifact
from training.export.artifact import OPSET, compare_with_torch, convert_to_onnx
from training.export.quantization import (
    QuantizationGate,
    QuantizationRecipe,
    measure_changes,
    predict_outputs,
    quantize_and_check,
    relative_difference,
)

# torch's exporter and its ONNX library warn of each other.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("shared_onnx_registry"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]

RECIPE = QuantizationRecipe(
    storage="float16",
    gate_pictures=16,
    max_fraction_change=0.1,
    max_relative_change=0.02,
    models={"depth": "float32"},
)


@pytest.fixture(scope="module")
def network():
    """A ResNet of one block a stage, which is converted in half the time of ResNet18."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DEPTHS, "short", (DEPTHS["resnet18"][0], [1, 1, 1, 1]))
        network = EventTypeModel("short", 0.125, channels(EVENT_TYPE.style), 2).eval()
    network.whitening.normal_()
    network.class_means.normal_()
    return network


@pytest.fixture(scope="module")
def pictures():
    style = EVENT_TYPE.style
    noise = np.random.default_rng(1).integers(0, 256, (16, channels(style), style.rows, style.columns), dtype=np.uint8)
    return (noise * np.geomspace(0.02, 1.0, 16)[:, None, None, None]).astype(np.uint8)


@pytest.fixture(scope="module")
def graph(network):
    return convert_to_onnx(network, EVENT_TYPE)


def mean_probability(outputs, truth):
    return (Metric(name="mean probability", dataset="made up", value=float(outputs["probabilities"][:, 0].mean()), n=len(truth)),)


def gate(pictures, folder, recipe=RECIPE):
    return QuantizationGate(recipe, pictures, np.zeros((len(pictures), 1), np.float32), mean_probability, folder)


def weights_of(content):
    return {weight.data_type for weight in onnx.load_from_string(content).graph.initializer if np.prod(weight.dims) >= 1024}


def test_float16_is_kept_where_metrics_agree(network, graph, pictures, tmp_path):
    shipped = quantize_and_check("event_type", graph, gate(pictures, tmp_path))
    assert shipped.record["storage"] == "float16"
    assert shipped.record["refused"] == {}
    assert shipped.record["largest_change_over_limit"] <= 1
    assert onnx.TensorProto.FLOAT16 in weights_of(shipped.content)
    assert len(shipped.content) < 0.6 * (tmp_path / "model_float32.onnx").stat().st_size
    exact, outputs = predict_outputs(tmp_path / "model_float32.onnx", pictures), predict_outputs(shipped.content, pictures)
    assert np.abs(exact["probabilities"] - outputs["probabilities"]).max() < 0.1
    assert compare_with_torch(network, tmp_path / "model_float32.onnx", pictures) < 1e-4


def test_a_wider_storage_is_used_where_metrics_change(graph, pictures, tmp_path):
    """float16 does not preserve every bit: where no change is allowed, it is refused and recorded."""
    nothing = RECIPE.model_copy(update={"max_fraction_change": 0.0, "max_relative_change": 0.0})
    shipped = quantize_and_check("event_type", graph, gate(pictures, tmp_path, nothing))
    assert shipped.record["storage"] == "float32"
    assert set(shipped.record["refused"]) == {"float16"}
    assert weights_of(shipped.content) == {onnx.TensorProto.FLOAT}


def test_a_model_can_have_its_own_storage(graph, pictures, tmp_path):
    assert quantize_and_check("depth", graph, gate(pictures, tmp_path)).record["storage"] == "float32"


def test_the_card_records_the_check_of_storage(network, graph, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(artifact, "convert_to_onnx", lambda *_: graph)
    held = gate(pictures, tmp_path / "reference")
    place = artifact.export_artifact(network, EVENT_TYPE, "1", tmp_path, data={"seed": 1}, limits=(), calibration={}, gate=held)
    card = json.loads((place / "card.json").read_text())
    assert card["data"]["seed"] == 1
    assert card["data"]["quantization"]["gated"] is True
    assert card["opset"] == OPSET == onnx.load(place / "model.onnx").opset_import[0].version


def test_changes_are_relative_to_their_limits():
    before = (Metric(name="share", dataset="", value=0.9, n=1), Metric(name="error", dataset="", value=4.0, unit="degree", n=1))
    after = (Metric(name="share", dataset="", value=0.85, n=1), Metric(name="error", dataset="", value=3.8, unit="degree", n=1))
    assert measure_changes(before, after, RECIPE) == pytest.approx({"share": 0.5, "error": 2.5})


def test_differences_are_relative_and_azimuths_are_compared_as_axes():
    assert relative_difference(np.array([100.0, 50.0]), np.array([99.0, 50.0]), "depth_km") == pytest.approx(0.01)
    assert relative_difference(np.array([1.0]), np.array([359.0]), "force_azimuth_deg") == pytest.approx(2 / 180)
    assert relative_difference(np.array([1.0]), np.array([182.0]), "force_azimuth_deg") == pytest.approx(1 / 180)
