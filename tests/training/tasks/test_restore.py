"""A network restored from an exported graph computes what the graph does."""

from functools import cache

import numpy as np
import pytest
import torch

from models.imaging.style import channels
from models.networks.backbones import DEPTHS
from models.networks.heads import DepthModel, DistanceModel
from models.registry.store import open_store
from models.specs.depth import DEPTH
from models.specs.offset import BIN_DEG, BINS, OFFSET
from training.config import TrainingSettings
from training.export.artifact import convert_to_onnx
from training.export.quantization import predict_outputs
from training.tasks.distance import DistanceTask
from training.tasks.restore import load_graph_weights, read_layers, restore_run

# torch's exporter and its ONNX library warn of each other.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("shared_onnx_registry"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def short_resnet():
    """Add a ResNet of one bottleneck a stage: it has every kind of layer of ResNet50 and is converted in a third of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DEPTHS, "short", (DEPTHS["resnet50"][0], [1, 1, 1, 1]))
        yield


def make_network(spec, seed):
    """A small network of that kind; AlexNet has a dense layer with a normalization behind it, the ResNet convolutions without a bias."""
    torch.manual_seed(seed)
    if spec is DEPTH:
        return DepthModel("short", 0.125, channels(spec.style))
    network = DistanceModel("alexnet", 0.125, channels(spec.style), BINS, BIN_DEG)
    network.logits(torch.from_numpy(draw_noise(spec, 2)))
    return network


def draw_noise(spec, count):
    style = spec.style
    return np.random.default_rng(1).integers(0, 256, (count, channels(style), style.rows, style.columns), dtype=np.uint8)


@pytest.fixture(scope="module", params=[DEPTH, OFFSET], ids=lambda spec: spec.name)
def exported(request):
    """A declaration and the graph of its network after some steps of training."""
    return request.param, export_network(request.param)


@cache
def export_network(spec):
    """Convert a network after some steps of training, so that no normalization is what it was at first."""
    network, pictures = make_network(spec, 0), torch.from_numpy(draw_noise(spec, 8))
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    for _ in range(3):
        optimizer.zero_grad()
        network.logits(pictures).square().mean().backward()
        optimizer.step()
    return convert_to_onnx(network, spec)


def test_a_restored_network_computes_what_the_graph_does(exported):
    spec, graph = exported
    network, pictures = make_network(spec, 7), draw_noise(spec, 16)
    load_graph_weights(network, graph, pictures)
    with torch.no_grad():
        outputs = network(torch.from_numpy(pictures))
    for (name, expected), found in zip(predict_outputs(graph.SerializeToString(), pictures).items(), outputs, strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max(), err_msg=name)


def test_normalization_statistics_are_those_of_the_sample(exported):
    """Batch statistics of the sample equal the running ones, so outputs do not jump when training continues."""
    spec, graph = exported
    network, pictures = make_network(spec, 7), draw_noise(spec, 16)
    load_graph_weights(network, graph, pictures)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        still, learning = network.eval().logits(torch.from_numpy(pictures)), network.train().logits(torch.from_numpy(pictures))
    assert torch.allclose(still, learning, rtol=0, atol=0.05 * float(still.abs().max()))


def test_a_network_of_other_layers_is_refused(exported):
    spec, graph = exported
    other = DEPTH if spec is OFFSET else OFFSET
    with pytest.raises(ValueError, match=r"network and graph differ in the layers .*backbone\."):
        load_graph_weights(make_network(other, 0), graph, draw_noise(other, 2))


def test_weights_that_are_not_floats_are_refused():
    graph = export_network(DEPTH)
    for weight in graph.graph.initializer:
        weight.name += "_quantized"
    with pytest.raises(ValueError, match="float16 or float32"):
        read_layers(graph)


def test_the_shipped_offset_model_is_restored_as_a_run(tmp_path, monkeypatch):
    pictures = draw_noise(OFFSET, 32)
    monkeypatch.setattr(DistanceTask, "load_sample_pictures", lambda _task, _settings: pictures)
    settings = TrainingSettings(build_dir=tmp_path)
    card = open_store(settings.artifacts_dir).card(OFFSET.name)
    path = restore_run("offset", settings, card.version)
    assert path == tmp_path / "runs" / f"offset-{card.version}" / "best.pt"
    network = DistanceTask().make_network()
    network.load_state_dict(torch.load(path, weights_only=True))
    network.temperature.fill_(card.calibration["temperature"])
    with torch.no_grad():
        probabilities = network.eval()(torch.from_numpy(pictures))[2].numpy()
    shipped = predict_outputs(settings.artifacts_dir / "offset" / card.version / "model.onnx", pictures)["distance_probabilities"]
    np.testing.assert_allclose(probabilities, shipped, atol=1e-4)
    with pytest.raises(FileExistsError, match="move that run away"):
        restore_run("offset", settings, card.version)


def test_a_missing_version_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="offset/99"):
        restore_run("offset", TrainingSettings(build_dir=tmp_path), "99")
