"""Pictures of two kinds, and the smallest network of families that separates them."""

import numpy as np
import torch

from models.networks.families import FamiliesModel
from models.specs.families import CENTERS, EMBEDDING_SIZE


def draw_pictures(count, seed):
    """Draw two-channel pictures that are bright or dark all over; returns them with which."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 2, 24, 32), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[:] += np.uint8(150 * kind)
    return pictures, truth


def make_network(clusters=CENTERS):
    torch.manual_seed(0)
    return FamiliesModel("resnet18", 0.0625, 2, EMBEDDING_SIZE, clusters)
