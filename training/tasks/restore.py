"""
Weights to train on from, put together from a shipped artifact.

An export folds every normalization by batch into the layer before it, and weights are kept in float16. Here the normalization is put
behind its layer again, with the mean and deviation that pictures have there, so that it changes nothing before training goes on.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from models.networks.heads import PictureModel
from models.specs.offset import OFFSET
from training.config import TrainingSettings, load_recipe
from training.tasks import distance, sections

PICTURES = 256
LAYERS = ("Conv", "Gemm")
Normalization = nn.BatchNorm1d | nn.BatchNorm2d
Layers = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def read_layers(graph: onnx.ModelProto) -> Layers:
    """
    Weight and bias of every convolution and dense layer of an exported graph, by the name of its module.

    Raises ValueError where they are not stored as floats.
    """
    kept = {item.name: item for item in graph.graph.initializer}
    layers: Layers = {}
    for node in graph.graph.node:
        if node.op_type not in LAYERS:
            continue
        parts = [kept[known] for name in node.input[1:3] for known in (name, f"{name}_half") if known in kept]
        if len(parts) < 2:
            raise ValueError(f"{node.name} keeps no weight and bias as floats: only artifacts stored as float16 or float32 can be restored")
        weight, bias = (numpy_helper.to_array(part).astype(np.float32) for part in parts)
        layers[node.input[1].removesuffix(".weight")] = (weight, bias)
    return layers


def _unfold(layer: nn.Conv2d | nn.Linear, bias: Tensor) -> Callable[[nn.Module, tuple[Tensor]], Tensor]:
    """A hook that sets the normalization behind that layer when it first runs: all it does then is to add the layer's bias."""

    def set_up(normal: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        if not isinstance(normal, Normalization) or normal.running_mean is None or normal.running_var is None:
            raise TypeError(f"{normal} keeps no mean and deviation")
        signal = inputs[0]
        if layer.bias is not None:
            signal = signal - layer.bias
            layer.bias.zero_()
        rest = [axis for axis in range(signal.dim()) if axis != 1]
        normal.running_mean.copy_(signal.mean(rest))
        normal.running_var.copy_(signal.var(rest))
        normal.weight.copy_(torch.sqrt(normal.running_var + normal.eps))
        normal.bias.copy_(normal.running_mean + bias)
        return signal

    return set_up


@torch.no_grad()
def load_graph_weights(network: PictureModel, graph: onnx.ModelProto, pictures: NDArray[np.uint8]) -> None:
    """
    Give the network the weights of an exported graph of its kind; pictures uint8 [n, channels, rows, columns] set its normalizations.

    What is calibrated after training is not restored. Raises ValueError where graph and network differ in their layers.
    """
    layers = read_layers(graph)
    own = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    if own.keys() != layers.keys():
        raise ValueError(f"network and graph differ in {', '.join(sorted(own.keys() ^ layers.keys()))}")
    hooks, behind = [], ""
    for name, module in network.named_modules():
        if name in own:
            behind = name
            weight, bias = (torch.from_numpy(part.copy()) for part in layers[name])
            network.get_parameter(f"{name}.weight").copy_(weight)
            if own[name].bias is not None:
                network.get_parameter(f"{name}.bias").copy_(bias)
        elif isinstance(module, Normalization):
            hooks.append(module.register_forward_pre_hook(_unfold(own[behind], torch.from_numpy(layers[behind][1].copy()))))
    network.eval().raw(torch.from_numpy(pictures))
    for hook in hooks:
        hook.remove()


def restore_run(name: str, settings: TrainingSettings, version: str) -> Path:
    """
    Write build/runs/NAME-VERSION/best.pt from the artifact of that version, with the pictures of a validation shard; returns its path.

    Raises FileExistsError where such a run is there, FileNotFoundError where the artifact is not.
    """
    path = settings.build_dir / "runs" / f"{name}-{version}" / "best.pt"
    if path.exists():
        raise FileExistsError(f"{path} is there: move the run away to restore another")
    graph = onnx.load(settings.artifacts_dir / name / version / "model.onnx")
    network: PictureModel
    if name == OFFSET.name:
        network, pictures = (
            distance.untrained_distance_model(load_recipe("offset", distance.OffsetRecipe)),
            distance.sample_trace_pictures(settings),
        )
    else:
        network, pictures = sections.untrained_section_model(name), sections.sample_section_pictures(name, settings)
    load_graph_weights(network, graph, pictures[:PICTURES])
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return path
