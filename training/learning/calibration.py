"""
Calibration of a fitted network on validation pictures: temperatures and factors on uncertainties, kept inside the exported graph.

Temperatures maximize the likelihood of the true classes (Guo et al. 2017, arXiv:1706.04599). Factors scale a predicted standard
deviation such that 68.27 % of the validation errors lie within it.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.array_types import Floats, Floats32, Pictures
from models.networks.heads import DepthModel, DistanceModel, EventTypeModel, ForceAzimuthModel

BATCH, TRACE_BATCH = 64, 256
ONE_SIGMA_PERCENT = 68.27
MIN_SIGMA = 1e-3
# Percentiles of the training classes' novelty measures, and of their maximum, below which a section counts as known.
DISTANCE_PERCENTILE, OTHER_PERCENTILE, KNOWN_PERCENTILE = 99, 98, 97
MAX_AZIMUTH_FACTOR = 3.0


def _run_in_batches(run: Callable[[Tensor], Tensor | tuple[Tensor, ...]], pictures: Pictures, batch: int = BATCH) -> list[Tensor]:
    """Run a network over all pictures; returns its outputs, concatenated."""
    outputs = [run(torch.from_numpy(pictures[i : i + batch])) for i in range(0, len(pictures), batch)]
    rows = [output if isinstance(output, tuple) else (output,) for output in outputs]
    return [torch.cat(column) for column in zip(*rows, strict=True)]


def _fit_temperature(logits: Tensor, labels: Tensor, candidates: Floats) -> float:
    """Choose the candidate temperature with the least cross-entropy."""
    losses = [float(torch.nn.functional.cross_entropy(logits / t, labels)) for t in candidates]
    return float(candidates[int(np.argmin(losses))])


def _fit_sigma_factor(error: NDArray[np.floating], sigma: NDArray[np.floating]) -> float:
    return float(np.percentile(np.abs(error) / np.maximum(sigma, MIN_SIGMA), ONE_SIGMA_PERCENT))


@torch.no_grad()
def calibrate_distance(network: DistanceModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
    """Set the temperature of the distance distribution, and the factors on the uncertainties of distance and origin lag."""
    logits = _run_in_batches(network.logits, pictures, TRACE_BATCH)[0]
    true_bin = torch.from_numpy(truth[:, 0] / network.bin_deg).long().clamp(0, network.bins - 1)
    network.temperature.fill_(_fit_temperature(logits[:, : network.bins], true_bin, np.arange(0.7, 1.8, 0.05)))
    distance, sigma, _, lag, lag_sigma = (output.numpy() for output in _run_in_batches(network, pictures, TRACE_BATCH))
    spread, lag_spread = _fit_sigma_factor(distance - truth[:, 0], sigma), _fit_sigma_factor(lag - truth[:, 1], lag_sigma)
    network.spread.fill_(spread)
    network.lag_spread.fill_(lag_spread)
    return {"temperature": float(network.temperature), "spread": spread, "lag_spread": lag_spread}


@torch.no_grad()
def calibrate_type(network: EventTypeModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
    """
    Set the temperature among the classes, the statistics that novelty is measured by, and the scales of novelty.

    Novelty uses class means and whitening of the features before the last layer, and the probability of the extra class. Both
    scales are set such that 97 % of the sections of the classes have a novelty below 1.
    """
    features = _run_in_batches(network.embed, pictures)[0]
    known = torch.from_numpy(truth[:, 0] < network.classes)
    features, labels = features[known], torch.from_numpy(truth[:, 0]).long()[known]
    logits = network.head(features)[:, : network.classes]
    network.temperature.fill_(_fit_temperature(logits, labels, np.geomspace(0.3, 4.0, 60)))
    network.mean.copy_(features.mean(dim=0))
    _, scales, directions = torch.linalg.svd(features - network.mean, full_matrices=False)
    count = min(network.COMPONENTS, len(features) - 1)
    network.whitening[:, :count] = directions[:count].T / (scales[:count] / np.sqrt(len(features))).clamp(min=1e-6)
    white = (features - network.mean) @ network.whitening
    network.class_means.copy_(torch.stack([white[labels == k].mean(dim=0) for k in range(len(network.class_means))]))
    far, other = network.mahalanobis_distance(features).numpy(), network.other_probability(features).numpy()
    limits = np.percentile(far, DISTANCE_PERCENTILE), np.percentile(other, OTHER_PERCENTILE)
    common = np.percentile(np.maximum(far / limits[0], other / limits[1]), KNOWN_PERCENTILE)
    network.novelty_scale.fill_(float(limits[0] * common))
    network.other_scale.fill_(float(limits[1] * common))
    return {name: float(getattr(network, name)) for name in ("temperature", "novelty_scale", "other_scale")}


@torch.no_grad()
def calibrate_depth(network: DepthModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
    """Set the factor on the depth uncertainty."""
    depth, sigma = (output.numpy() for output in _run_in_batches(network, pictures))
    network.spread.fill_(_fit_sigma_factor(depth - truth[:, 0], sigma))
    return {"spread": float(network.spread)}


@torch.no_grad()
def calibrate_azimuth(network: ForceAzimuthModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
    """Set the factor on the uncertainty of the force azimuth, with errors modulo 180 degrees; at most MAX_AZIMUTH_FACTOR."""
    azimuth, sigma, _ = (output.numpy() for output in _run_in_batches(network, pictures))
    error = (azimuth - truth[:, 0] + 90) % 180 - 90
    network.spread.fill_(min(_fit_sigma_factor(error, sigma), MAX_AZIMUTH_FACTOR))
    return {"spread": float(network.spread)}
