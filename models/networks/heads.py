"""
What a network says, and how wrong it was: one module a model.

Each has `forward(pictures)` with the outputs of its declaration, in their order (that is what is exported), `raw(pictures)` with
what the loss reads, and `loss(raw, truth)`.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from models.networks.backbones import AlexNet, ScaledResNet, make_backbone, to_unit_range

ONE_SIGMA = 0.6827
# Wiggles are thin lines eight rows high: four pixels at a time see them all, at a quarter of the cost of two.
COARSE = 4


class PictureModel(nn.Module, ABC):
    """A trunk, whose first convolution moves STRIDE pixels at a time, and a linear layer behind it."""

    STRIDE = 2

    def __init__(self, architecture: str, width: float, channels: int, outputs: int) -> None:
        """`channels` counts those of `signal` less one, which says where there is ink."""
        super().__init__()
        self.trunk: ScaledResNet | AlexNet = make_backbone(architecture, width, channels + 1, stride=self.STRIDE)
        self.last = nn.Linear(self.trunk.features, outputs)

    @abstractmethod
    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """How wrong `raw` is, given truth [batch, n]."""

    def embed(self, pictures: Tensor) -> Tensor:
        """Features [batch, n] before the last layer."""
        return torch.as_tensor(self.trunk(self.signal(pictures)))

    def signal(self, pictures: Tensor) -> Tensor:
        """What the trunk sees of pictures uint8 [batch, channels, rows, columns]."""
        return to_unit_range(pictures)

    def raw(self, pictures: Tensor) -> Tensor:
        """What the loss reads."""
        return torch.as_tensor(self.last(self.embed(pictures)))


def quantile(cumulative: Tensor, probabilities: Tensor, level: float, bin_width: float) -> Tensor:
    """Value [batch] below which `level` of a binned distribution [batch, bins] lies, linear within the bin."""
    index = (cumulative < level).sum(dim=1, keepdim=True).clamp(max=probabilities.shape[1] - 1)
    inside = probabilities.gather(1, index).clamp(min=1e-9)
    below = cumulative.gather(1, index) - inside
    return (bin_width * (index + ((level - below) / inside).clamp(0, 1))).squeeze(1)


class DistanceModel(PictureModel):
    """Distance as a distribution over bins, origin time as a normal distribution."""

    LAG_SCALE_S = 1000.0
    temperature: Tensor
    spread: Tensor
    lag_spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int, bins: int, bin_deg: float) -> None:
        super().__init__(architecture, width, channels, bins + 2)
        self.bins, self.bin_deg = bins, bin_deg
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("lag_spread", torch.ones(()))

    def _lag(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        return raw[:, -2], raw[:, -1].clamp(-5.0, 1.5)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Median distance and half its 68 % interval [degrees], bins, origin lag and its standard deviation [s]."""
        raw = self.raw(pictures)
        probabilities = torch.softmax(raw[:, : self.bins] / self.temperature, dim=1)
        cumulative = torch.cumsum(probabilities, dim=1)
        low, middle, high = (quantile(cumulative, probabilities, 0.5 + side * ONE_SIGMA / 2, self.bin_deg) for side in (-1, 0, 1))
        lag, log_sigma = self._lag(raw)
        sigma = torch.exp(log_sigma) * self.lag_spread * self.LAG_SCALE_S
        return middle, (high - low) / 2 * self.spread, probabilities, lag * self.LAG_SCALE_S, sigma

    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """Cross-entropy against a bell half a degree wide about the true distance, and a normal likelihood of the origin lag."""
        centers = (torch.arange(self.bins, device=raw.device) + 0.5) * self.bin_deg
        bell = torch.exp(-0.5 * ((centers - truth[:, :1]) / 0.6) ** 2)
        target = bell / bell.sum(dim=1, keepdim=True).clamp(min=1e-9)
        cross_entropy = -(target * torch.log_softmax(raw[:, : self.bins], dim=1)).sum(dim=1)
        lag, log_sigma = self._lag(raw)
        residual = (truth[:, 1] / self.LAG_SCALE_S - lag) * torch.exp(-log_sigma)
        return (cross_entropy + 0.3 * (torch.log(1 + residual**2 / 4) * 2.5 + log_sigma)).mean()


class EventTypeModel(PictureModel):
    """
    Class probabilities, calibrated by a temperature, and how far the section is from both classes.

    One more class than asked for is learned, of everything else there is to draw (outlier exposure, Hendrycks et al. 2019,
    arXiv:1812.04606). Novelty is the larger of its probability and the distance from the training sections in the last layer,
    each over what the sections of the classes stay below.
    """

    STRIDE = COARSE
    COMPONENTS = 24
    temperature: Tensor
    mean: Tensor
    whitening: Tensor
    class_means: Tensor
    novelty_scale: Tensor
    other_scale: Tensor

    def __init__(self, architecture: str, width: float, channels: int, classes: int) -> None:
        super().__init__(architecture, width, channels, classes + 1)
        self.classes = classes
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("mean", torch.zeros(self.trunk.features))
        self.register_buffer("whitening", torch.zeros(self.trunk.features, self.COMPONENTS))
        self.register_buffer("class_means", torch.zeros(classes, self.COMPONENTS))
        self.register_buffer("novelty_scale", torch.ones(()))
        self.register_buffer("other_scale", torch.ones(()))

    def distances(self, features: Tensor) -> Tensor:
        """Mahalanobis distance [batch] to the nearest class mean in the whitened components (Lee et al. 2018, arXiv:1807.03888)."""
        white = (features - self.mean) @ self.whitening
        return ((white[:, None] - self.class_means[None]) ** 2).sum(dim=2).amin(dim=1).clamp(min=1e-12).sqrt()

    def others(self, features: Tensor) -> Tensor:
        """Probability [batch] of none of the classes."""
        return torch.softmax(self.last(features) / self.temperature, dim=1)[:, self.classes]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities [batch, classes] and novelty [batch]."""
        features = self.embed(pictures)
        probabilities = torch.softmax(self.last(features)[:, : self.classes] / self.temperature, dim=1)
        far, other = self.distances(features) / self.novelty_scale, self.others(features) / self.other_scale
        return probabilities, torch.maximum(far, other)

    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """Cross-entropy; truth [batch, 1] holds class indices, any beyond the classes for something else."""
        return nn.functional.cross_entropy(raw, truth[:, 0].long().clamp(max=self.classes), label_smoothing=0.02)


class DepthModel(PictureModel):
    """Depth as a normal distribution of its logarithm, shifted so that shallow depths are not stretched without end."""

    STRIDE = COARSE
    SHIFT_KM = 15.0
    spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int) -> None:
        super().__init__(architecture, width, channels, 2)
        self.register_buffer("spread", torch.ones(()))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Depth and its standard deviation [km]."""
        raw = self.raw(pictures)
        shifted = torch.exp(raw[:, 0].clamp(-2, 4) + math.log(50.0))
        return (shifted - self.SHIFT_KM).clamp(min=0.0), shifted * torch.exp(raw[:, 1].clamp(-4, 1)) * self.spread

    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """Robust (Student, 4 degrees of freedom) likelihood of the shifted logarithm; truth [batch, 1] is depth in km."""
        target = torch.log((truth[:, 0] + self.SHIFT_KM) / 50.0)
        log_sigma = raw[:, 1].clamp(-4, 1)
        residual = (target - raw[:, 0]) * torch.exp(-log_sigma)
        return (2.5 * torch.log(1 + residual**2 / 4) + log_sigma).mean()


def log_bessel_zero(concentration: Tensor) -> Tensor:
    """Logarithm of the modified Bessel function of order zero, without overflow."""
    return torch.log(torch.special.i0e(concentration)) + concentration


class ForceAzimuthModel(PictureModel):
    """
    The azimuth of a force, in two parts: the axis (modulo 180 degrees) and the sign along it.

    Each is a von Mises distribution given by its natural parameter, a vector: one for the doubled angle, one for the angle.
    Pictures are beams whose rows are trial azimuths. They are turned until the row of the greatest swing is on top, which is what
    linear least squares would answer; the trunk says how far that is off, how sure it is, and the sign. So a force that turns
    turns the answer, in steps of a row and but for the sign, and no catalog's directions can be learned.
    """

    MAX_LENGTH = 30.0
    ZERO = 128.0
    WRAPPED = 6  # rows that are shown again beyond either end, for azimuth has none
    spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int) -> None:
        super().__init__(architecture, width, channels + 3, 4)
        self.register_buffer("spread", torch.ones(()))

    def strongest(self, pictures: Tensor) -> Tensor:
        """Row [batch] of the greatest swing among the first half: the other half is its negative."""
        swing = pictures.float() - self.ZERO
        return (swing**2).sum(dim=(1, 3))[:, : pictures.shape[2] // 2].argmax(dim=1)

    def signal(self, pictures: Tensor) -> Tensor:
        """The turned picture, and cosine and sine of each row's azimuth there and of twice that: pooling forgets rows."""
        batch, bands, rows, columns = pictures.shape
        places = torch.arange(-self.WRAPPED, rows + self.WRAPPED, device=pictures.device)
        index = (places[None] + self.strongest(pictures)[:, None] + rows) % rows
        turned = pictures.float().gather(2, index[:, None, :, None].expand(batch, bands, len(places), columns))
        azimuth = places * (2 * math.pi / rows)
        waves = torch.stack([torch.cos(azimuth), torch.sin(azimuth), torch.cos(2 * azimuth), torch.sin(2 * azimuth)])
        return torch.cat([turned / self.ZERO - 1.0, waves[None, :, :, None].expand(batch, 4, len(places), columns)], dim=1)

    def raw(self, pictures: Tensor) -> Tensor:
        """The two vectors, their lengths bounded by MAX_LENGTH: nothing seen in training may make the network surer than that."""
        free = super().raw(pictures)
        azimuth = (self.strongest(pictures) + 0.5) * (2 * math.pi / pictures.shape[2])
        parts = []
        for part, fold in ((free[:, :2], 2), (free[:, 2:], 1)):
            bounded = part / torch.sqrt(1 + (part**2).sum(dim=1, keepdim=True) / self.MAX_LENGTH**2)
            cosine, sine = torch.cos(fold * azimuth), torch.sin(fold * azimuth)
            parts += [cosine * bounded[:, 0] - sine * bounded[:, 1], sine * bounded[:, 0] + cosine * bounded[:, 1]]
        return torch.stack(parts, dim=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Azimuth, its standard deviation modulo 180 [degrees], and the probability of this direction against the opposite one."""
        raw = self.raw(pictures)
        axis = torch.atan2(raw[:, 1], raw[:, 0]) / 2
        evidence = 2 * (raw[:, 2] * torch.cos(axis) + raw[:, 3] * torch.sin(axis))
        azimuth = torch.rad2deg(axis) + torch.where(evidence < 0, 180.0, 0.0)
        concentration = torch.sqrt(raw[:, 0] ** 2 + raw[:, 1] ** 2 + 1e-9)
        resultant = concentration / (0.5 + torch.sqrt(0.25 + concentration**2))
        sigma = torch.rad2deg(0.5 * torch.sqrt(-2 * torch.log(resultant)))
        return torch.remainder(azimuth + 360.0, 360.0), (sigma * self.spread).clamp(max=52.0), torch.sigmoid(evidence.abs())

    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """Von Mises likelihoods of axis and direction; truth [batch, 1] is the azimuth in degrees."""
        angle = torch.deg2rad(truth[:, 0])
        total = torch.zeros((), device=raw.device)
        for part, fold in ((raw[:, :2], 2), (raw[:, 2:], 1)):
            concentration = torch.sqrt((part**2).sum(dim=1) + 1e-9)
            total = total + log_bessel_zero(concentration) - part[:, 0] * torch.cos(fold * angle) - part[:, 1] * torch.sin(fold * angle)
        return total.mean()
