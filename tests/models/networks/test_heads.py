"""Outputs of networks are those of their declarations, and exported networks give the same outputs."""

import numpy as np
import pytest
import torch

from models.imaging.style import channels
from models.networks import heads
from models.networks.families import FamiliesModel
from models.networks.heads import DepthModel, DistanceModel, EventTypeModel, ForceAzimuthModel, quantile
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.depth import DEPTH
from models.specs.event_type import EVENT_TYPE
from models.specs.families import CENTERS, EMBEDDING_SIZE, FAMILIES
from models.specs.force_azimuth import FORCE_AZIMUTH
from models.specs.offset import BIN_DEG, BINS, OFFSET
from training.export import artifact
from training.export.artifact import compare_with_torch, convert_to_onnx
from training.export.quantization import quantize

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("shared_onnx_registry")]

WIDTH = 0.125
WHOLE = ("offset",)
"""The network that is converted with its backbone, an AlexNet: to convert it takes most of the time. `test_artifact` converts a ResNet."""

NETWORKS = (
    (EVENT_TYPE, lambda: EventTypeModel("resnet18", WIDTH, channels(EVENT_TYPE.style), 2)),
    (OFFSET, lambda: DistanceModel("alexnet", WIDTH, channels(OFFSET.style), BINS, BIN_DEG)),
    (DEPTH, lambda: DepthModel("resnet18", WIDTH, channels(DEPTH.style))),
    (FORCE_AZIMUTH, lambda: ForceAzimuthModel("resnet18", WIDTH, channels(FORCE_AZIMUTH.style))),
    (FAMILIES, lambda: FamiliesModel("resnet18", WIDTH, channels(FAMILIES.style), EMBEDDING_SIZE, CENTERS)),
)


class SmallBackbone(torch.nn.Sequential):
    """One convolution, in place of a backbone."""

    features = 16

    def __init__(self, channels):
        convolution = torch.nn.Conv2d(channels, self.features, 7, stride=4)
        super().__init__(convolution, torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


def make_pictures(spec, count):
    """Make noise of rising brightness: an untrained network has different outputs for such pictures, so that a deviation has a scale."""
    size = (count, channels(spec.style), spec.style.rows, spec.style.columns)
    noise = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
    return (noise * np.geomspace(0.02, 1.0, count)[:, None, None, None]).astype(np.uint8)


@pytest.mark.parametrize(("spec", "make"), NETWORKS, ids=[spec.name for spec, _ in NETWORKS])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_an_exported_network_has_its_declared_outputs_and_their_values(spec, make, tmp_path, monkeypatch):
    if spec.name not in WHOLE:
        monkeypatch.setattr(heads, "make_backbone", lambda _name, _width, channels, **_options: SmallBackbone(channels))
    torch.manual_seed(0)
    network = make()
    pictures = make_pictures(spec, 3)
    network.logits(torch.from_numpy(pictures))
    network.eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)
    for name, buffer in network.named_buffers():
        if name in ("whitening", "class_means", "projection", "centers"):
            buffer.normal_()
    graphs = []  # a conversion takes seconds: the graph of the artifact is compared in float32 too
    monkeypatch.setattr(artifact, "convert_to_onnx", lambda *arguments: graphs.append(convert_to_onnx(*arguments)) or graphs[0])
    folder = artifact.export_artifact(network, spec, "1", tmp_path, data={}, limits=(), calibration={})
    outputs = OnnxModel.load(open_store(tmp_path), spec).run(pictures)

    assert {output.name: (3, *output.shape) for output in spec.outputs} == {name: values.shape for name, values in outputs.items()}
    assert all(np.isfinite(values).all() for values in outputs.values())
    assert compare_with_torch(network, folder / "model.onnx", pictures) < 0.02  # weights of an untrained network, rounded to float16
    exact = tmp_path / "float32.onnx"
    exact.write_bytes(quantize(graphs[0], "float32"))
    assert compare_with_torch(network, exact, pictures) < 1e-4


def test_quantile_of_a_uniform_distribution_is_linear():
    probabilities = torch.full((1, 180), 1 / 180)
    cumulative = torch.cumsum(probabilities, dim=1)
    assert [float(quantile(cumulative, probabilities, level, 1.0)) for level in (0.25, 0.5, 0.9)] == pytest.approx([45, 90, 162], abs=0.01)


def test_the_loss_of_distance_has_its_minimum_at_the_truth():
    network = DistanceModel("alexnet", WIDTH, 1, BINS, BIN_DEG)
    truth = torch.tensor([[40.0, 100.0]])
    losses = []
    for center in (20, 39, 40, 41, 90):
        logits = torch.full((1, BINS + 2), -5.0)
        logits[0, center] = 5.0
        logits[0, -2:] = torch.tensor([0.1, -2.0])
        losses.append(float(network.loss(logits, truth)))
    assert int(np.argmin(losses)) in (1, 2)
    assert losses[0] > losses[1]


def test_azimuth_follows_from_axis_and_sign():
    network = ForceAzimuthModel("resnet18", WIDTH, 3)
    angle = np.radians(250.0)
    logits = torch.tensor([[np.cos(2 * angle), np.sin(2 * angle), np.cos(angle), np.sin(angle)]], dtype=torch.float32) * 20
    network.logits = lambda _: logits  # type: ignore[method-assign]
    azimuth, sigma, sign = network(torch.zeros(1))
    assert float(azimuth) == pytest.approx(250.0, abs=0.01)
    assert 0 < float(sigma) < 15
    assert float(sign) > 0.99


def test_azimuth_without_evidence_has_the_largest_uncertainty():
    network = ForceAzimuthModel("resnet18", WIDTH, 3)
    network.logits = lambda _: torch.full((1, 4), 1e-4)  # type: ignore[method-assign]
    _, sigma, sign = network(torch.zeros(1))
    assert float(sigma) == pytest.approx(52.0)
    assert float(sign) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("steps", [1, 5, 13])
def test_the_azimuth_is_equivariant_to_rotations_of_the_force(steps):
    torch.manual_seed(0)
    network = ForceAzimuthModel("resnet18", WIDTH, 3).eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)
    rows = FORCE_AZIMUTH.style.rows
    angles = np.radians(360.0 / rows * (np.arange(rows) + 0.5))[:, None]
    random = np.random.default_rng(1)
    signal = random.normal(0, 25, (2, 3, 1, 64)) * np.cos(angles - np.radians(25.0)) + random.normal(0, 5, (2, 3, 1, 64)) * np.sin(angles)
    pictures = torch.from_numpy(np.clip(np.rint(128 + signal), 1, 255).astype(np.uint8))
    with torch.no_grad():
        azimuth, sigma, sign = network(pictures)
        rotated = network(torch.roll(pictures, steps, dims=2))
    difference = (rotated[0] - azimuth - steps * 360.0 / rows + 180) % 360 - 180
    np.testing.assert_allclose(difference.numpy(), 0, atol=0.1)
    np.testing.assert_allclose(rotated[1].numpy(), sigma.numpy(), rtol=0.01)
    np.testing.assert_allclose(rotated[2].numpy(), sign.numpy(), atol=0.01)


def test_rows_are_wrapped_at_the_border_between_360_and_0_degrees():
    """Whichever row is the strongest, the backbone sees as many of its neighbors on either side."""
    network = ForceAzimuthModel("resnet18", WIDTH, 1)
    picture = torch.full((1, 1, 36, 64), 128, dtype=torch.uint8)
    picture[0, 0, 35], picture[0, 0, 17] = 100, 156
    picture[0, 0, 0] = 140
    inputs = network.preprocess(picture)
    assert inputs.shape == (1, 5, 48, 64)
    assert float(inputs[0, 0, network.WRAPPED, 0]) == pytest.approx(156 / 128 - 1)
    assert float(inputs[0, 0, network.WRAPPED + 18, 0]) == pytest.approx(100 / 128 - 1)
    assert float(inputs[0, 0, network.WRAPPED + 19, 0]) == pytest.approx(140 / 128 - 1)
