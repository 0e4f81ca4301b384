"""Backbones for the picture of a trace that cost as many multiply-adds as the shipped AlexNet on the declared 48 by 512 pixels."""

from typing import Literal

import torch
from torch import Tensor, nn

from models.networks.backbones import make_dense_layers
from models.networks.heads import DistanceModel
from models.specs.offset import BIN_DEG, BINS
from models.specs.pictures import TRACE_FREQUENCY

Architecture = Literal["alexnet", "residual", "rows"]


def normalize_convolution(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> nn.Sequential:
    """Make a convolution of the input's size (before the stride), followed by batch normalization."""
    padding = (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs))


class ResidualBlock(nn.Module):
    """Two convolutions beside an identity, or beside a 1 by 1 convolution where size or channels change (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> None:
        """Make the block; the stride is that of its first convolution."""
        super().__init__()
        self.first = normalize_convolution(inputs, outputs, kernel, stride)
        self.second = normalize_convolution(outputs, outputs, kernel)
        same = inputs == outputs and stride == (1, 1)
        self.shortcut: nn.Module = nn.Identity() if same else normalize_convolution(inputs, outputs, (1, 1), stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the block's output [batch, channels, rows, columns]."""
        return torch.relu(self.shortcut(inputs) + self.second(torch.relu(self.first(inputs))))


class TraceBackbone(nn.Module):
    """Convolutions, then the two dense layers of the AlexNet, which keep where in the picture a feature is."""

    def __init__(self, convolutions: nn.Module, features: int, dropout: float) -> None:
        """Make the network; the input size of its first dense layer is set by the first batch."""
        super().__init__()
        self.features = features
        self.convolutions = convolutions
        self.dense = make_dense_layers(features, dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute features [batch, features] of preprocessed pictures [batch, channels, rows, columns]."""
        return torch.as_tensor(self.dense(self.convolutions(inputs)))


class RowsAsChannels(nn.Module):
    """Turn the rows (periods) of pictures [batch, channels, rows, columns] into channels of lines [batch, channels * rows, 1, columns]."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Reshape the pictures."""
        return inputs.flatten(1, 2).unsqueeze(2)


def make_residual_convolutions(channels: int) -> nn.Sequential:
    """Make a residual network of eleven convolutions with the AlexNet's first one, for so many input channels."""
    square = (3, 3)
    return nn.Sequential(
        normalize_convolution(channels, 32, (7, 11), (2, 4)),
        nn.ReLU(),
        nn.MaxPool2d(2),
        ResidualBlock(32, 40, square),
        ResidualBlock(40, 96, square, (2, 2)),
        ResidualBlock(96, 96, square),
        ResidualBlock(96, 128, square, (2, 2)),
        ResidualBlock(128, 128, square),
    )


def make_row_convolutions(channels: int, rows: int) -> nn.Sequential:
    """
    Make a residual network of eleven convolutions along time, each row (period) of each channel a channel of its own.

    With fewer rows than the declared ones it is narrower, so that it costs what networks cost that move over the rows.
    """
    width, line = (rows / TRACE_FREQUENCY.rows) ** 0.5, (1, 5)
    near, middle, far = (round(count * width) for count in (128, 160, 176))
    return nn.Sequential(
        RowsAsChannels(),
        normalize_convolution(channels * rows, near, (1, 9), (1, 2)),
        nn.ReLU(),
        ResidualBlock(near, near, line, (1, 2)),
        ResidualBlock(near, near, line),
        ResidualBlock(near, middle, line, (1, 2)),
        ResidualBlock(middle, middle, line),
        ResidualBlock(middle, far, line, (1, 2)),
        nn.MaxPool2d((1, 2)),
    )


def make_distance_network(architecture: Architecture, size: tuple[int, int, int], width: float, dropout: float = 0.2) -> DistanceModel:
    """Make the untrained distance network of an architecture for pictures of a size [channels, rows, columns], with its lazy layers."""
    network = DistanceModel("alexnet", width, size[0], BINS, BIN_DEG)
    if architecture != "alexnet":
        channels = size[0] + 1  # `preprocess` adds one
        made = make_residual_convolutions(channels) if architecture == "residual" else make_row_convolutions(channels, size[1])
        network.backbone = TraceBackbone(made, network.backbone.features, dropout)  # type: ignore[assignment]
    network.logits(torch.zeros(2, *size, dtype=torch.uint8))
    return network
