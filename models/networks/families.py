"""What a picture of an unlabelled event is embedded by."""

from typing import Final

import torch
from torch import Tensor, nn

from models.networks.backbones import to_unit_range
from models.networks.heads import PictureModel

POOL: Final = (2, 4)  # rows and columns of a source picture that are averaged before pictures are compared


class FamiliesModel(PictureModel):
    """
    An embedding of unit length out of the trunk's features, and how like each training center it is.

    `mean` [features] and `projection` [features, size] make the embedding; `centers` [clusters, size] have unit length. With
    `sobel` the trunk sees the gradients of the gray picture, as DeepCluster's AlexNet does. The last layer, which learns
    pseudo-labels, is not exported.
    """

    mean: Tensor
    projection: Tensor
    centers: Tensor
    gradients: Tensor

    def __init__(self, architecture: str, width: float, channels: int, size: int, clusters: int, *, sobel: bool = False) -> None:
        super().__init__(architecture, width, 1 if sobel else channels, clusters)
        self.sobel = sobel
        self.register_buffer("mean", torch.zeros(self.trunk.features))
        self.register_buffer("projection", torch.zeros(self.trunk.features, size))
        self.register_buffer("centers", torch.zeros(clusters, size))
        across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 4.0
        self.register_buffer("gradients", torch.stack([across, across.T])[:, None], persistent=False)

    def signal(self, pictures: Tensor) -> Tensor:
        """Brightness and where there is any; with `sobel` the two gradients of the mean brightness."""
        if not self.sobel:
            return to_unit_range(pictures)
        gray = pictures.float().mean(dim=1, keepdim=True) / 255.0
        return nn.functional.conv2d(gray, self.gradients, padding=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Embedding [batch, size] and its cosine with each center [batch, clusters]."""
        embedding = nn.functional.normalize((self.embed(pictures) - self.mean) @ self.projection, dim=1)
        return embedding, embedding @ self.centers.T

    def loss(self, raw: Tensor, truth: Tensor) -> Tensor:
        """Cross-entropy against pseudo-labels [batch, 1]."""
        return nn.functional.cross_entropy(raw, truth[:, 0].long())


class KernelRegression(nn.Module):
    """
    How like each of the known pictures a picture is: the Laplacian kernel exp(-sharpness d) of their distance d, patch by patch.

    Unlike a convolution's average, it tells one row (a period) from the next. Patches of POOL rows and columns are averaged
    first: what is finer differs from station to station more than from source to source.
    """

    known: Tensor

    def __init__(self, known: Tensor, sharpness: float) -> None:
        """`known` uint8 [n, channels x rows x columns] of averaged pictures; sharpness is one over brightness (0 to 1)."""
        super().__init__()
        self.register_buffer("known", known)
        self.sharpness = sharpness
        self.features = len(known)

    def forward(self, signal: Tensor) -> Tensor:
        """Likenesses [batch, n] of signals [batch, channels, rows, columns], brightness 0 to 1."""
        seen, known = nn.functional.avg_pool2d(signal, POOL).flatten(1), self.known.float() / 255.0
        squares = seen.square().sum(dim=1, keepdim=True) + known.square().sum(dim=1) - 2.0 * seen @ known.T
        return torch.exp(-self.sharpness * squares.clamp(min=0.0).sqrt())


class KernelRegressionModel(FamiliesModel):
    """The embedding out of likenesses to known pictures, which takes the place of a trunk; there is no layer to be learned."""

    def __init__(self, known: Tensor, sharpness: float, size: int, clusters: int) -> None:
        nn.Module.__init__(self)
        self.trunk = KernelRegression(known, sharpness)  # type: ignore[assignment]  # no network, but it says features all the same
        self.register_buffer("mean", torch.zeros(self.trunk.features))
        self.register_buffer("projection", torch.zeros(self.trunk.features, size))
        self.register_buffer("centers", torch.zeros(clusters, size))

    def signal(self, pictures: Tensor) -> Tensor:
        """Brightness 0 to 1, without where there is any."""
        return pictures.float() / 255.0
