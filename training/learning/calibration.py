"""Temperatures and factors set on validation sections, kept inside the exported graph."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.networks.heads import DepthModel, EventTypeModel, ForceAzimuthModel

BATCH = 64


def _in_batches(function: Callable[[Tensor], Tensor | tuple[Tensor, ...]], pictures: NDArray[np.uint8]) -> list[Tensor]:
    """Outputs of a callable over all pictures, joined."""
    parts = [function(torch.from_numpy(pictures[i : i + BATCH])) for i in range(0, len(pictures), BATCH)]
    rows = [part if isinstance(part, tuple) else (part,) for part in parts]
    return [torch.cat(column) for column in zip(*rows, strict=True)]


@torch.no_grad()
def calibrate_type(network: EventTypeModel, pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, float]:
    """
    Temperature, what novelty is measured by, and both of its scales.

    The temperature by likelihood among the classes (Guo et al. 2017); class means and whitening of the last layer; scales so that
    97 % of the classes' sections stay below 1.
    """
    features = _in_batches(network.embed, pictures)[0]
    known = torch.from_numpy(truth[:, 0] < network.classes)
    features, labels = features[known], torch.from_numpy(truth[:, 0]).long()[known]
    logits = network.last(features)[:, : network.classes]
    temperatures = np.geomspace(0.3, 4.0, 60)
    losses = [float(torch.nn.functional.cross_entropy(logits / t, labels)) for t in temperatures]
    network.temperature.fill_(float(temperatures[int(np.argmin(losses))]))
    network.mean.copy_(features.mean(dim=0))
    _, scales, directions = torch.linalg.svd(features - network.mean, full_matrices=False)
    count = min(network.COMPONENTS, len(features) - 1)
    network.whitening[:, :count] = directions[:count].T / (scales[:count] / np.sqrt(len(features))).clamp(min=1e-6)
    white = (features - network.mean) @ network.whitening
    network.class_means.copy_(torch.stack([white[labels == k].mean(dim=0) for k in range(len(network.class_means))]))
    far, other = network.distances(features).numpy(), network.others(features).numpy()
    limits = np.percentile(far, 99), np.percentile(other, 98)
    common = np.percentile(np.maximum(far / limits[0], other / limits[1]), 97)
    network.novelty_scale.fill_(float(limits[0] * common))
    network.other_scale.fill_(float(limits[1] * common))
    return {name: float(getattr(network, name)) for name in ("temperature", "novelty_scale", "other_scale")}


def _spread(error: NDArray[np.floating], sigma: NDArray[np.floating]) -> float:
    return float(np.percentile(np.abs(error) / np.maximum(sigma, 1e-3), 68.27))


@torch.no_grad()
def calibrate_depth(network: DepthModel, pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, float]:
    """A factor on the stated uncertainty so that one sigma holds 68.27 % of the validation sections."""
    depth, sigma = (part.numpy() for part in _in_batches(network, pictures))
    network.spread.fill_(_spread(depth - truth[:, 0], sigma))
    return {"spread": float(network.spread)}


@torch.no_grad()
def calibrate_azimuth(network: ForceAzimuthModel, pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, float]:
    """A factor on the stated uncertainty so that one sigma holds 68.27 % of the validation sections, modulo 180 degrees."""
    azimuth, sigma, _ = (part.numpy() for part in _in_batches(network, pictures))
    error = (azimuth - truth[:, 0] + 90) % 180 - 90
    network.spread.fill_(min(_spread(error, sigma), 3.0))
    return {"spread": float(network.spread)}
