"""Convolutional backbones: AlexNet for the picture of a trace, ResNets for the record section of an event."""

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

DEPTHS: dict[str, tuple[type[BasicBlock | Bottleneck], list[int]]] = {
    "resnet18": (BasicBlock, [2, 2, 2, 2]),
    "resnet34": (BasicBlock, [3, 4, 6, 3]),
    "resnet50": (Bottleneck, [3, 4, 6, 3]),
    "resnet101": (Bottleneck, [3, 4, 23, 3]),
    "resnet152": (Bottleneck, [3, 8, 36, 3]),
}


def to_unit_range(pictures: Tensor) -> Tensor:
    """Convert pictures uint8 [batch, channels, rows, columns] to brightness 0 to 1, and append a channel that is 1 where any is not 0."""
    ink = pictures.float()
    live = (ink.amax(dim=1, keepdim=True) > 0).float()
    return torch.cat([ink / 255.0, live], dim=1)


class ScaledResNet(ResNet):  # type: ignore[misc]  # torchvision carries no types
    """A ResNet without classifier whose four stages are `width` times as wide (He et al. 2016, doi:10.1109/CVPR.2016.90)."""

    def __init__(self, name: str, width: float, channels: int, stride: int) -> None:
        """Make the ResNet of that name (a key of DEPTHS) for `channels` input channels; `stride` is that of the first convolution."""
        self.width = width
        block, layers = DEPTHS[name]
        super().__init__(block, layers)
        self.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=stride, padding=3, bias=False)
        self.fc = nn.Identity()
        self.features = round(512 * width) * block.expansion

    def _make_layer(
        self, block: type[BasicBlock | Bottleneck], planes: int, blocks: int, stride: int = 1, dilate: bool = False
    ) -> nn.Sequential:
        stage: nn.Sequential = super()._make_layer(block, round(planes * self.width), blocks, stride, dilate)
        return stage


class AlexNet(nn.Module):
    """
    AlexNet for wide, low pictures: five convolutions and two dense layers (Krizhevsky et al. 2012, doi:10.1145/3065386).

    The first stride is larger along time than along period, normalization is by batch, and the dense layers are as small as the limit on
    the size of an artifact requires (those of the original take 228 MB).
    """

    def __init__(self, channels: int, features: int, dropout: float) -> None:
        """Make the network; the input size of its first dense layer is set by the first batch."""
        super().__init__()
        self.features = features
        self.convolutions = nn.Sequential(
            *self._stage(channels, 32, (7, 11), (2, 4), pool=True),
            *self._stage(32, 64, (5, 5), (1, 1), pool=True),
            *self._stage(64, 128, (3, 3), (1, 1), pool=False),
            *self._stage(128, 128, (3, 3), (1, 1), pool=False),
            *self._stage(128, 96, (3, 3), (1, 1), pool=True),
        )
        self.dense = make_dense_layers(features, dropout)

    @staticmethod
    def _stage(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int], *, pool: bool) -> list[nn.Module]:
        padding = (kernel[0] // 2, kernel[1] // 2)
        stage: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        return [*stage, nn.MaxPool2d(2)] if pool else stage

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute features [batch, features] of preprocessed pictures [batch, channels, rows, columns]."""
        return torch.as_tensor(self.dense(self.convolutions(inputs)))


def make_dense_layers(features: int, dropout: float) -> nn.Sequential:
    """Make the dense layers of the AlexNet, from any convolutions to [batch, features]; the first batch sets their input size."""
    return nn.Sequential(
        nn.Flatten(),
        nn.LazyLinear(features),
        nn.BatchNorm1d(features),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(features, features),
        nn.ReLU(),
    )


def make_backbone(architecture: str, width: float, channels: int, dropout: float = 0.2, stride: int = 2) -> ScaledResNet | AlexNet:
    """
    Make the backbone of an architecture.

    Parameters
    ----------
    architecture : str
        "alexnet" or a key of DEPTHS.
    width : float
        Factor on the number of channels.
    channels : int
        Input channels, counting the one that `to_unit_range` appends.
    dropout : float
        Probability of dropout between the dense layers of AlexNet.
    stride : int
        Stride of the first convolution of a ResNet.

    """
    if architecture == "alexnet":
        return AlexNet(channels, round(512 * width), dropout)
    return ScaledResNet(architecture, width, channels, stride)
