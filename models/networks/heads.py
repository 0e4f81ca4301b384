"""
Heads of the networks: the outputs of a model, and its loss.

Each model has `forward(pictures)`, which returns the outputs of its declaration in their order (this is what is exported),
`logits(pictures)`, which returns what the loss reads, and `loss(logits, truth)`.
"""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from models.networks.backbones import AlexNet, ScaledResNet, make_backbone, to_unit_range

ONE_SIGMA = 0.6827
COARSE_STRIDE = 4
"""First stride over record sections: wiggles are thin lines eight rows high, which four pixels resolve at a quarter of the cost of two."""


class PictureModel(nn.Module, ABC):
    """A convolutional backbone, whose first convolution has stride STRIDE, and a linear head."""

    STRIDE = 2

    def __init__(self, architecture: str, width: float, channels: int, outputs: int) -> None:
        """Make backbone and head; `channels` counts those of the picture (`preprocess` adds one), `outputs` the logits."""
        super().__init__()
        self.backbone: ScaledResNet | AlexNet = make_backbone(architecture, width, channels + 1, stride=self.STRIDE)
        self.head = nn.Linear(self.backbone.features, outputs)

    @abstractmethod
    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Compute the mean loss of logits [batch, outputs], given truth [batch, quantities]."""

    def embed(self, pictures: Tensor) -> Tensor:
        """Compute the backbone's features [batch, features]."""
        return torch.as_tensor(self.backbone(self.preprocess(pictures)))

    def preprocess(self, pictures: Tensor) -> Tensor:
        """Convert pictures uint8 [batch, channels, rows, columns] into the backbone's input."""
        return to_unit_range(pictures)

    def logits(self, pictures: Tensor) -> Tensor:
        """Compute the head's output [batch, outputs], which the loss reads."""
        return torch.as_tensor(self.head(self.embed(pictures)))


def quantile(cumulative: Tensor, probabilities: Tensor, level: float, bin_width: float) -> Tensor:
    """
    Compute the quantile [batch] of binned distributions [batch, bins] by linear interpolation within the bin.

    Parameters
    ----------
    cumulative, probabilities : Tensor
        Cumulative probability up to and including each bin, and the probability of each bin.
    level : float
        Probability below the quantile, 0 to 1.
    bin_width : float
        Width of a bin, in the unit of the quantile.

    """
    index = (cumulative < level).sum(dim=1, keepdim=True).clamp(max=probabilities.shape[1] - 1)
    inside = probabilities.gather(1, index).clamp(min=1e-9)
    below = cumulative.gather(1, index) - inside
    return (bin_width * (index + ((level - below) / inside).clamp(0, 1))).squeeze(1)


class DistanceModel(PictureModel):
    """Epicentral distance as a distribution over bins, and origin time as a normal distribution."""

    LAG_SCALE_S = 1000.0
    temperature: Tensor
    spread: Tensor
    lag_spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int, bins: int, bin_deg: float) -> None:
        """Make the network; the buffers of its calibration are 1 until they are set."""
        super().__init__(architecture, width, channels, bins + 2)
        self.bins, self.bin_deg = bins, bin_deg
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("lag_spread", torch.ones(()))

    def _lag(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation [batch] of the origin lag, in units of LAG_SCALE_S."""
        return logits[:, -2], logits[:, -1].clamp(-5.0, 1.5)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Predict median distance and half-width of its 68 % interval [degrees], bin probabilities, origin lag and its deviation [s]."""
        logits = self.logits(pictures)
        probabilities = torch.softmax(logits[:, : self.bins] / self.temperature, dim=1)
        cumulative = torch.cumsum(probabilities, dim=1)
        low, middle, high = (quantile(cumulative, probabilities, 0.5 + side * ONE_SIGMA / 2, self.bin_deg) for side in (-1, 0, 1))
        lag, log_sigma = self._lag(logits)
        sigma = torch.exp(log_sigma) * self.lag_spread * self.LAG_SCALE_S
        return middle, (high - low) / 2 * self.spread, probabilities, lag * self.LAG_SCALE_S, sigma

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """
        Compute the cross-entropy of distance plus 0.3 times the negative log-likelihood of the origin lag.

        The target of distance is a Gaussian of 0.6 degrees about the true one, the likelihood of the lag Student's t with 4 degrees of
        freedom. `truth` [batch, 2]: distance in degrees, origin lag in seconds.
        """
        centers = (torch.arange(self.bins, device=logits.device) + 0.5) * self.bin_deg
        gaussian = torch.exp(-0.5 * ((centers - truth[:, :1]) / 0.6) ** 2)
        target = gaussian / gaussian.sum(dim=1, keepdim=True).clamp(min=1e-9)
        cross_entropy = -(target * torch.log_softmax(logits[:, : self.bins], dim=1)).sum(dim=1)
        lag, log_sigma = self._lag(logits)
        residual = (truth[:, 1] / self.LAG_SCALE_S - lag) * torch.exp(-log_sigma)
        return (cross_entropy + 0.3 * (torch.log(1 + residual**2 / 4) * 2.5 + log_sigma)).mean()


class EventTypeModel(PictureModel):
    """
    Class probabilities, calibrated by a temperature, and an out-of-distribution (OOD) score.

    One class more than declared is learned, of every other kind of event in the synthetic data (outlier exposure, Hendrycks et al. 2019,
    arXiv:1812.04606). The OOD score is the larger of the probability of that class and the Mahalanobis distance of the features from the
    training sections (Lee et al. 2018, arXiv:1807.03888), each divided by a limit that nearly all sections of the declared classes stay
    below.
    """

    STRIDE = COARSE_STRIDE
    COMPONENTS = 24
    temperature: Tensor
    mean: Tensor
    whitening: Tensor
    class_means: Tensor
    novelty_scale: Tensor
    other_scale: Tensor

    def __init__(self, architecture: str, width: float, channels: int, classes: int) -> None:
        """Make the network for so many declared classes; the buffers of its calibration are neutral until they are set."""
        super().__init__(architecture, width, channels, classes + 1)
        self.classes = classes
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("mean", torch.zeros(self.backbone.features))
        self.register_buffer("whitening", torch.zeros(self.backbone.features, self.COMPONENTS))
        self.register_buffer("class_means", torch.zeros(classes, self.COMPONENTS))
        self.register_buffer("novelty_scale", torch.ones(()))
        self.register_buffer("other_scale", torch.ones(()))

    def mahalanobis_distance(self, features: Tensor) -> Tensor:
        """Compute the Mahalanobis distance [batch] of features [batch, features] from the nearest class mean, in whitened components."""
        white = (features - self.mean) @ self.whitening
        return ((white[:, None] - self.class_means[None]) ** 2).sum(dim=2).amin(dim=1).clamp(min=1e-12).sqrt()

    def other_probability(self, features: Tensor) -> Tensor:
        """Compute the probability [batch] of the class of other events."""
        return torch.softmax(self.head(features) / self.temperature, dim=1)[:, self.classes]

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Predict class probabilities [batch, classes] and the OOD score [batch]."""
        features = self.embed(pictures)
        probabilities = torch.softmax(self.head(features)[:, : self.classes] / self.temperature, dim=1)
        distance, other = self.mahalanobis_distance(features) / self.novelty_scale, self.other_probability(features) / self.other_scale
        return probabilities, torch.maximum(distance, other)

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Compute the cross-entropy; `truth` [batch, 1] holds class indices, any beyond the declared classes for other events."""
        return nn.functional.cross_entropy(logits, truth[:, 0].long().clamp(max=self.classes), label_smoothing=0.02)


class DepthModel(PictureModel):
    """Depth as a normal distribution of log(depth + 15 km): the shift keeps shallow depths from minus infinity."""

    STRIDE = COARSE_STRIDE
    SHIFT_KM = 15.0
    spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int) -> None:
        """Make the network; the factor of its calibration, `spread`, is 1 until it is set."""
        super().__init__(architecture, width, channels, 2)
        self.register_buffer("spread", torch.ones(()))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Predict depth and its standard deviation [km]."""
        logits = self.logits(pictures)
        shifted = torch.exp(logits[:, 0].clamp(-2, 4) + math.log(50.0))
        return (shifted - self.SHIFT_KM).clamp(min=0.0), shifted * torch.exp(logits[:, 1].clamp(-4, 1)) * self.spread

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Compute the negative log-likelihood (Student's t, 4 degrees of freedom) of log depth; `truth` [batch, 1] is depth in km."""
        target = torch.log((truth[:, 0] + self.SHIFT_KM) / 50.0)
        log_sigma = logits[:, 1].clamp(-4, 1)
        residual = (target - logits[:, 0]) * torch.exp(-log_sigma)
        return (2.5 * torch.log(1 + residual**2 / 4) + log_sigma).mean()


def log_bessel_i0(concentration: Tensor) -> Tensor:
    """Compute the logarithm of the modified Bessel function of order zero without overflow."""
    return torch.log(torch.special.i0e(concentration)) + concentration


class ForceAzimuthModel(PictureModel):
    """
    Azimuth of a horizontal force, in two parts: the axis (modulo 180 degrees) and the sign along it.

    Each is a von Mises distribution given by its natural parameter, a vector: one for the doubled angle, one for the angle. The rows of a
    beam picture are trial azimuths. The rows are rotated until the one of greatest energy is first, which is the least-squares solution;
    the backbone predicts the azimuth relative to it, its uncertainty, and the sign. The network is therefore equivariant to rotations of
    the source, in steps of a row and except for the sign, and cannot learn the directions that are frequent in a catalog.
    """

    MAX_LENGTH = 30.0
    ZERO = 128.0
    WRAPPED = 6  # rows repeated beyond either end: azimuth is periodic, convolutions are not
    spread: Tensor

    def __init__(self, architecture: str, width: float, channels: int) -> None:
        """Make the network; the factor of its calibration, `spread`, is 1 until it is set."""
        super().__init__(architecture, width, channels + 3, 4)
        self.register_buffer("spread", torch.ones(()))

    def strongest_row(self, pictures: Tensor) -> Tensor:
        """Find the row [batch] of greatest energy in the first half of the rows; the other half is its negative."""
        amplitude = pictures.float() - self.ZERO
        return (amplitude**2).sum(dim=(1, 3))[:, : pictures.shape[2] // 2].argmax(dim=1)

    def preprocess(self, pictures: Tensor) -> Tensor:
        """Rotate the rows and append cosine and sine of each row's azimuth and of its double, as pooling forgets the row."""
        batch, bands, rows, columns = pictures.shape
        row = torch.arange(-self.WRAPPED, rows + self.WRAPPED, device=pictures.device)
        index = (row[None] + self.strongest_row(pictures)[:, None] + rows) % rows
        rotated = pictures.float().gather(2, index[:, None, :, None].expand(batch, bands, len(row), columns))
        azimuth = row * (2 * math.pi / rows)
        waves = torch.stack([torch.cos(azimuth), torch.sin(azimuth), torch.cos(2 * azimuth), torch.sin(2 * azimuth)])
        return torch.cat([rotated / self.ZERO - 1.0, waves[None, :, :, None].expand(batch, 4, len(row), columns)], dim=1)

    def logits(self, pictures: Tensor) -> Tensor:
        """
        Compute the two natural parameters [batch, 4], of axis and sign, relative to north.

        Their lengths are bounded by MAX_LENGTH, so that no training set can make the network more certain than that.
        """
        relative = super().logits(pictures)
        azimuth = (self.strongest_row(pictures) + 0.5) * (2 * math.pi / pictures.shape[2])
        rotated = []
        for vector, multiple in ((relative[:, :2], 2), (relative[:, 2:], 1)):
            bounded = vector / torch.sqrt(1 + (vector**2).sum(dim=1, keepdim=True) / self.MAX_LENGTH**2)
            cosine, sine = torch.cos(multiple * azimuth), torch.sin(multiple * azimuth)
            rotated += [cosine * bounded[:, 0] - sine * bounded[:, 1], sine * bounded[:, 0] + cosine * bounded[:, 1]]
        return torch.stack(rotated, dim=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Predict azimuth, its standard deviation modulo 180 [degrees], and the probability of this direction against the opposite one."""
        logits = self.logits(pictures)
        axis = torch.atan2(logits[:, 1], logits[:, 0]) / 2
        sign_llr = 2 * (logits[:, 2] * torch.cos(axis) + logits[:, 3] * torch.sin(axis))
        azimuth = torch.rad2deg(axis) + torch.where(sign_llr < 0, 180.0, 0.0)
        concentration = torch.sqrt(logits[:, 0] ** 2 + logits[:, 1] ** 2 + 1e-9)
        resultant = concentration / (0.5 + torch.sqrt(0.25 + concentration**2))
        sigma = torch.rad2deg(0.5 * torch.sqrt(-2 * torch.log(resultant)))
        return torch.remainder(azimuth + 360.0, 360.0), (sigma * self.spread).clamp(max=52.0), torch.sigmoid(sign_llr.abs())

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Compute the negative log-likelihood of axis and direction (von Mises); `truth` [batch, 1] is the azimuth in degrees."""
        angle = torch.deg2rad(truth[:, 0])
        total = torch.zeros((), device=logits.device)
        for vector, multiple in ((logits[:, :2], 2), (logits[:, 2:], 1)):
            concentration = torch.sqrt((vector**2).sum(dim=1) + 1e-9)
            along, across = vector[:, 0] * torch.cos(multiple * angle), vector[:, 1] * torch.sin(multiple * angle)
            total = total + log_bessel_i0(concentration) - along - across
        return total.mean()
