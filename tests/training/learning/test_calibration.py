"""Novelty: other kinds exceed 1, the classes stay below."""

import numpy as np
import pytest
import torch

from models.networks.heads import EventTypeModel
from training.evaluation.metrics import score_type
from training.learning.calibration import calibrate_type


def stripes(kind: int, random: np.random.Generator) -> np.ndarray:
    """One picture uint8 [1, 48, 48] whose stripes are as wide as its kind says."""
    phase = random.uniform(0, 2 * np.pi)
    wave = np.sin(np.arange(48) * 2 * np.pi / (4, 8, 20)[kind] + phase)
    return np.clip(128 + 80 * wave[None, None, :] + random.normal(0, 25, (1, 48, 48)), 1, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def predictions():
    random, kinds = np.random.default_rng(3), np.arange(240) % 3
    pictures = np.stack([stripes(kind, random) for kind in kinds])
    torch.manual_seed(0)
    network = EventTypeModel("resnet18", 0.125, 1, 2)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    truth = np.where(kinds == 2, 5, kinds).astype(np.float32)[:, None]  # any index beyond the classes is something else
    for _ in range(6):
        for rows in np.array_split(random.permutation(180), 6):
            optimizer.zero_grad()
            network.loss(network.logits(torch.from_numpy(pictures[rows])), torch.from_numpy(truth[rows])).backward()
            optimizer.step()
    network.eval()
    calibrate_type(network, pictures[120:], truth[120:])
    with torch.no_grad():
        probabilities, novelty = network(torch.from_numpy(pictures[180:]))
    return {"probabilities": probabilities.numpy(), "novelty": novelty.numpy()}, truth[180:, 0].astype(np.float64)


def test_other_kinds_are_flagged_as_novel_and_the_classes_are_not(predictions):
    outputs, truth = predictions
    assert (outputs["novelty"][truth == 5] > 1).mean() > 0.8
    assert (outputs["novelty"][truth < 2] > 1).mean() < 0.15
    np.testing.assert_allclose(outputs["probabilities"].sum(axis=1), 1.0, atol=1e-5)


def test_scores_count_the_classes_and_flags_by_kind(predictions):
    outputs, truth = predictions
    values = {one.name: one for one in score_type(outputs, truth, "stripes")}
    assert values["accuracy"].n == (truth < 2).sum()
    assert values["accuracy"].value > 0.9
    assert "share of CLVD sections out of distribution (novelty above 1)" in values
