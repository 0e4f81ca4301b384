"""Convolutional trunks: AlexNet for the picture of a trace, ResNets for the section of an event."""

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
    """Pictures uint8 [batch, channels, rows, columns] to float: brightness 0 to 1, and a channel that says where there is ink or data."""
    ink = pictures.float()
    live = (ink.amax(dim=1, keepdim=True) > 0).float()
    return torch.cat([ink / 255.0, live], dim=1)


class ScaledResNet(ResNet):  # type: ignore[misc]  # torchvision carries no types
    """
    A ResNet (He et al. 2016) whose four stages are `width` times as wide, with `channels` input channels and no classifier.

    The first convolution moves `stride` pixels at a time.
    """

    def __init__(self, name: str, width: float, channels: int, stride: int) -> None:
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
    AlexNet (Krizhevsky et al. 2012) for wide, low pictures: five convolutions and two dense layers.

    Its first stride is longer in time than in period, normalization is by batch, and the dense layers are as small as the
    storage limit asks (the original head alone takes 228 MB).
    """

    def __init__(self, channels: int, features: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.convolutions = nn.Sequential(
            *self._stage(channels, 32, (7, 11), (2, 4), pool=True),
            *self._stage(32, 64, (5, 5), (1, 1), pool=True),
            *self._stage(64, 128, (3, 3), (1, 1), pool=False),
            *self._stage(128, 128, (3, 3), (1, 1), pool=False),
            *self._stage(128, 96, (3, 3), (1, 1), pool=True),
        )
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.LazyLinear(features),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(features, features),
            nn.ReLU(),
        )

    @staticmethod
    def _stage(inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int], *, pool: bool) -> list[nn.Module]:
        padding = (kernel[0] // 2, kernel[1] // 2)
        stage: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        return [*stage, nn.MaxPool2d(2)] if pool else stage

    def forward(self, signal: Tensor) -> Tensor:
        """Features [batch, features] of a signal [batch, channels, rows, columns]."""
        return torch.as_tensor(self.dense(self.convolutions(signal)))


def make_backbone(architecture: str, width: float, channels: int, dropout: float = 0.2, stride: int = 2) -> ScaledResNet | AlexNet:
    """The trunk of that name; `channels` counts those of `to_unit_range`, `stride` is that of a ResNet's first convolution."""
    if architecture == "alexnet":
        return AlexNet(channels, round(512 * width), dropout)
    return ScaledResNet(architecture, width, channels, stride)
