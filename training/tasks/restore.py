"""
Restoring a network from an exported artifact, so that training can continue where no checkpoint was kept.

Export folds batch normalization into the preceding layer. Here each normalization layer is given back, with the mean and variance that
sample pictures have at its input and a scale and shift that undo the normalization: the network computes what the graph does.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from models.array_types import Floats32, Pictures
from models.networks.heads import PictureModel
from training.config import TrainingSettings
from training.learning.checkpoint import BEST, save_atomically
from training.tasks.index import find_task
from training.tasks.training_task import NetworkTask

MAX_PICTURES = 256
LAYERS = ("Conv", "Gemm")
FORMER_MODULES = {"trunk": "backbone", "last": "head"}
"""Names of modules in graphs that were exported before the networks were renamed, and today's."""
Normalization = nn.BatchNorm1d | nn.BatchNorm2d
Layers = dict[str, tuple[Floats32, Floats32]]


def read_layers(graph: onnx.ModelProto) -> Layers:
    """
    Read weight and bias of every convolution and dense layer of an exported graph, by the name of its module.

    Raises ValueError where they are not stored as floats.
    """
    stored = {item.name: item for item in graph.graph.initializer}
    layers: Layers = {}
    for node in graph.graph.node:
        if node.op_type not in LAYERS:
            continue
        arrays = [stored[known] for name in node.input[1:3] for known in (name, f"{name}_half") if known in stored]
        if len(arrays) < 2:
            raise ValueError(
                f"{node.name} has no weight and bias stored as floats: only artifacts stored as float16 or float32 can be restored"
            )
        weight, bias = (numpy_helper.to_array(array).astype(np.float32) for array in arrays)
        module, dot, rest = node.input[1].removesuffix(".weight").partition(".")
        layers[FORMER_MODULES.get(module, module) + dot + rest] = (weight, bias)
    return layers


def _make_unfolding_hook(layer: nn.Conv2d | nn.Linear, bias: Tensor) -> Callable[[nn.Module, tuple[Tensor]], Tensor]:
    """Make a hook that sets the normalization behind a layer on its first run, such that it only adds the folded bias."""

    def set_up(normal: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        if not isinstance(normal, Normalization) or normal.running_mean is None or normal.running_var is None:
            raise TypeError(f"{normal} has no running mean and variance")
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
def load_graph_weights(network: PictureModel, graph: onnx.ModelProto, pictures: Pictures) -> None:
    """
    Load the weights of an exported graph into a network of the same layers.

    Pictures uint8 [n, channels, rows, columns] set the statistics of its normalization layers. Calibration is not restored. Raises
    ValueError where the layers of graph and network differ.
    """
    layers = read_layers(graph)
    own = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)}
    if own.keys() != layers.keys():
        raise ValueError(f"network and graph differ in the layers {', '.join(sorted(own.keys() ^ layers.keys()))}")
    hooks, behind = [], ""
    for name, module in network.named_modules():
        if name in own:
            behind = name
            weight, bias = (torch.from_numpy(array.copy()) for array in layers[name])
            network.get_parameter(f"{name}.weight").copy_(weight)
            if own[name].bias is not None:
                network.get_parameter(f"{name}.bias").copy_(bias)
        elif isinstance(module, Normalization):
            hooks.append(module.register_forward_pre_hook(_make_unfolding_hook(own[behind], torch.from_numpy(layers[behind][1].copy()))))
    network.eval().logits(torch.from_numpy(pictures))
    for hook in hooks:
        hook.remove()


def restore_run(name: str, settings: TrainingSettings, version: str) -> Path:
    """
    Write build/runs/NAME-VERSION/best.pt from the artifact of that version; returns its path.

    Normalization statistics come from a validation shard. Raises FileExistsError where the run exists, FileNotFoundError where the
    artifact does not, ValueError for a model that is not a network.
    """
    path = settings.build_dir / "runs" / f"{name}-{version}" / BEST
    if path.exists():
        raise FileExistsError(f"{path} exists already; move that run away to restore another")
    task = find_task(name)
    if not isinstance(task, NetworkTask):
        raise ValueError(f"{name} is fitted in closed form; train it again instead")
    graph, network = onnx.load(settings.artifacts_dir / name / version / "model.onnx"), task.make_network()
    load_graph_weights(network, graph, task.load_sample_pictures(settings)[:MAX_PICTURES])
    save_atomically(network.state_dict(), path)
    return path
