"""VICReg brings views of one source together, and an interrupted training continues."""

import numpy as np
import pytest
import torch

from models.networks.families import FamiliesModel
from models.specs.families import CENTERS, EMBEDDING_SIZE
from training.experiments.families import vicreg
from training.experiments.families.vicreg import ContrastiveRecipe, vicreg_loss

pytestmark = pytest.mark.slow

VIEWS = ContrastiveRecipe(
    architecture="resnet18",
    width=0.0625,
    clusters=CENTERS,
    expander=32,
    epochs=3,
    batch=16,
    learning_rate=3e-3,
    weight_decay=0.0,
    seed=3,
)


def bright_or_dark(count, seed):
    """Make two-channel pictures that are brighter or darker, and the label of each."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 2, 24, 32), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[:] += np.uint8(150 * kind)
    return pictures, truth


def small_reader(clusters=CENTERS):
    torch.manual_seed(0)
    return FamiliesModel("resnet18", 0.0625, 2, EMBEDDING_SIZE, clusters)


def test_equal_views_have_the_smallest_loss_and_collapsed_ones_not():
    random = torch.Generator().manual_seed(0)
    one, other = torch.randn(64, 8, generator=random), torch.randn(64, 8, generator=random)
    alike, apart, collapsed = vicreg_loss(one, one), vicreg_loss(one, other), vicreg_loss(one * 0, other * 0)
    assert alike < collapsed < apart


def test_an_interrupted_training_continues(tmp_path):
    pictures, _ = bright_or_dark(32, 1)
    views = np.stack([pictures, np.roll(pictures, 2, axis=3)], axis=1)
    losses = vicreg.train_vicreg(small_reader(), views, VIEWS, tmp_path)
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert vicreg.train_vicreg(small_reader(), views, VIEWS, tmp_path) == losses
