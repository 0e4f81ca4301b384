"""A one-dimensional network of the waveform itself: the reference that a network of pictures has to beat at equal cost."""

import torch
from torch import Tensor, nn

from models.networks.heads import DistanceModel


class WaveformBackbone(nn.Module):
    """Five convolutions along time and two dense layers: AlexNet in one dimension."""

    def __init__(self, features: int, dropout: float) -> None:
        """Make the network; `features` is the size of the dense layers."""
        super().__init__()
        self.features = features
        self.convolutions = nn.Sequential(
            *self._stage(3, 32, 21, 4, pool=True),
            *self._stage(32, 64, 11, 1, pool=True),
            *self._stage(64, 128, 9, 1, pool=False),
            *self._stage(128, 128, 9, 1, pool=False),
            *self._stage(128, 96, 9, 1, pool=True),
        )
        self.dense = nn.Sequential(
            nn.AdaptiveAvgPool1d(32),
            nn.Flatten(),
            nn.Linear(96 * 32, features),
            nn.BatchNorm1d(features),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(features, features),
            nn.ReLU(),
        )

    @staticmethod
    def _stage(inputs: int, outputs: int, kernel: int, stride: int, *, pool: bool) -> list[nn.Module]:
        stage: list[nn.Module] = [
            nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
        ]
        return [*stage, nn.MaxPool1d(2)] if pool else stage

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute features [batch, features] of preprocessed waveforms [batch, 3, samples]."""
        return torch.as_tensor(self.dense(self.convolutions(inputs)))


class WaveformDistanceModel(DistanceModel):
    """
    Distance and origin time as of `DistanceModel`, from waveforms uint8 [batch, 1, 1, samples].

    0 means no data, 128 zero; the difference from 128 is proportional to the signed square root of ground motion, so that a P wave a
    hundredth as large as the surface wave still has an amplitude of 13 steps.
    """

    def __init__(self, width: float, bins: int, bin_deg: float, dropout: float = 0.2) -> None:
        """Make the network for distances of so many bins, each `bin_deg` wide."""
        super().__init__("alexnet", width, 1, bins, bin_deg)
        self.backbone = WaveformBackbone(self.backbone.features, dropout)  # type: ignore[assignment]

    def preprocess(self, pictures: Tensor) -> Tensor:
        """Return [batch, 3, samples]: the square-root waveform (-1 to 1), the waveform with the root undone, and 1 where there is data."""
        samples = pictures[:, 0, 0].float()
        live = (samples > 0).float()
        roots = (samples - 128.0) / 127.0 * live
        return torch.stack([roots, roots * roots.abs(), live], dim=1)
