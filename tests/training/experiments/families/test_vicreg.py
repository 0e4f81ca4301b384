"""VICReg brings views of one source together, and an interrupted training continues."""

import numpy as np
import pytest
import torch

from models.specs.families import CENTERS
from tests.support.bright_and_dark import draw_pictures, make_network
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


def test_equal_views_have_the_smallest_loss_and_collapsed_ones_not():
    random = torch.Generator().manual_seed(0)
    one, other = torch.randn(64, 8, generator=random), torch.randn(64, 8, generator=random)
    alike, apart, collapsed = vicreg_loss(one, one), vicreg_loss(one, other), vicreg_loss(one * 0, other * 0)
    assert alike < collapsed < apart


def test_an_interrupted_training_continues(tmp_path):
    pictures, _ = draw_pictures(32, 1)
    views = np.stack([pictures, np.roll(pictures, 2, axis=3)], axis=1)
    losses = vicreg.train_vicreg(make_network(), views, VIEWS, tmp_path)
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert vicreg.train_vicreg(make_network(), views, VIEWS, tmp_path) == losses
