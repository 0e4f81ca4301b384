"""Networks that embed the source picture of an unlabeled event."""

from typing import Final

import torch
from torch import Tensor, nn

from models.networks.backbones import to_unit_range
from models.networks.heads import PictureModel

POOL: Final = (2, 4)  # rows and columns of a source picture that are averaged before pictures are compared


class FamiliesModel(PictureModel):
    """
    An embedding of unit length from the backbone's features, and its cosine with the centers of the training clusters.

    `mean` [features] and `projection` [features, size] make the embedding; `centers` [clusters, size] have unit length. With `sobel` the
    backbone sees the gradients of the gray picture, as the AlexNet of DeepCluster does (Caron et al. 2018, arXiv:1807.05520). The head,
    which learns pseudo-labels, is not exported.
    """

    mean: Tensor
    projection: Tensor
    centers: Tensor
    gradients: Tensor

    def __init__(self, architecture: str, width: float, channels: int, size: int, clusters: int, *, sobel: bool = False) -> None:
        """
        Make the network; `mean`, `projection` and `centers` are zero until they are set.

        Parameters
        ----------
        architecture, width : str, float
            As for `make_backbone`.
        channels : int
            Channels of the picture.
        size : int
            Length of the embedding.
        clusters : int
            Number of pseudo-labels and of centers.
        sobel : bool
            Whether the backbone sees gradients instead of brightness.

        """
        super().__init__(architecture, width, 1 if sobel else channels, clusters)
        self.sobel = sobel
        self.register_buffer("mean", torch.zeros(self.backbone.features))
        self.register_buffer("projection", torch.zeros(self.backbone.features, size))
        self.register_buffer("centers", torch.zeros(clusters, size))
        across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 4.0
        self.register_buffer("gradients", torch.stack([across, across.T])[:, None], persistent=False)

    def preprocess(self, pictures: Tensor) -> Tensor:
        """Convert pictures to brightness 0 to 1 and a channel of ink; with `sobel`, to the two gradients of the mean brightness."""
        if not self.sobel:
            return to_unit_range(pictures)
        gray = pictures.float().mean(dim=1, keepdim=True) / 255.0
        return nn.functional.conv2d(gray, self.gradients, padding=1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the embedding [batch, size] and its cosine with each center [batch, clusters]."""
        embedding = nn.functional.normalize((self.embed(pictures) - self.mean) @ self.projection, dim=1)
        return embedding, embedding @ self.centers.T

    def loss(self, logits: Tensor, truth: Tensor) -> Tensor:
        """Compute the cross-entropy against pseudo-labels [batch, 1]."""
        return nn.functional.cross_entropy(logits, truth[:, 0].long())


class KernelRegression(nn.Module):
    """
    Similarity of a picture to each of the training pictures: the Laplacian kernel exp(-sharpness d) of their Euclidean distance d.

    In the place of a backbone. Unlike the average over the picture of a convolutional backbone, it distinguishes rows (periods). Patches of
    POOL rows and columns are averaged first: finer detail differs from station to station more than from source to source.
    """

    known: Tensor

    def __init__(self, known: Tensor, sharpness: float) -> None:
        """Keep averaged training pictures `known` uint8 [n, channels x rows x columns]; sharpness is one over brightness (0 to 1)."""
        super().__init__()
        self.register_buffer("known", known)
        self.sharpness = sharpness
        self.features = len(known)

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute similarities [batch, n] of preprocessed pictures [batch, channels, rows, columns], brightness 0 to 1."""
        averaged, known = nn.functional.avg_pool2d(inputs, POOL).flatten(1), self.known.float() / 255.0
        squares = averaged.square().sum(dim=1, keepdim=True) + known.square().sum(dim=1) - 2.0 * averaged @ known.T
        return torch.exp(-self.sharpness * squares.clamp(min=0.0).sqrt())


class KernelRegressionModel(FamiliesModel):
    """An embedding by kernel ridge regression: a linear projection of the similarities to training pictures; it has no head."""

    def __init__(self, known: Tensor, sharpness: float, size: int, clusters: int) -> None:
        """
        Make the model; `mean`, `projection` and `centers` are zero until they are set.

        Parameters
        ----------
        known, sharpness : Tensor, float
            As for `KernelRegression`.
        size : int
            Length of the embedding.
        clusters : int
            Number of centers.

        """
        nn.Module.__init__(self)
        self.backbone = KernelRegression(known, sharpness)  # type: ignore[assignment]  # not a network, but it has features as well
        self.register_buffer("mean", torch.zeros(self.backbone.features))
        self.register_buffer("projection", torch.zeros(self.backbone.features, size))
        self.register_buffer("centers", torch.zeros(clusters, size))

    def preprocess(self, pictures: Tensor) -> Tensor:
        """Convert pictures to brightness 0 to 1, without a channel of ink."""
        return pictures.float() / 255.0
