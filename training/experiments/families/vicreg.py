"""
VICReg (Bardes, Ponce & LeCun 2022, arXiv:2105.04906): training a backbone to embed two views of one source alike.

The views are not augmentations of a picture: the generator draws the same source again at another place, at other stations and in
other noise (`training.datasets.source_pairs`), to which an embedding of sources should be invariant.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from tqdm import tqdm

from models.networks.families import FamiliesModel
from training.learning.checkpoint import Stateful, resume_checkpoint, save_checkpoint
from training.learning.deepcluster import OnProgress, ignore_progress
from training.learning.fit import choose_device

INVARIANCE, VARIANCE, COVARIANCE = 25.0, 25.0, 1.0


class ContrastiveRecipe(BaseModel):
    """Backbone and optimization. `expander`: width of the two layers between the backbone and the loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    width: float
    clusters: int
    expander: int
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int


def vicreg_loss(one: Tensor, other: Tensor) -> Tensor:
    """Weighted sum (25 : 25 : 1) of the invariance, variance and covariance terms of two views [batch, n]."""
    invariance = nn.functional.mse_loss(one, other)
    variance = sum(torch.relu(1.0 - torch.sqrt(view.var(dim=0) + 1e-4)).mean() for view in (one, other)) / 2
    return INVARIANCE * invariance + VARIANCE * variance + COVARIANCE * (_off_diagonal(one) + _off_diagonal(other))


def _off_diagonal(view: Tensor) -> Tensor:
    centered = view - view.mean(dim=0)
    covariance = centered.T @ centered / (len(view) - 1)
    return (covariance.square().sum() - covariance.diagonal().square().sum()) / view.shape[1]


def train_vicreg(
    network: FamiliesModel, views: NDArray[np.uint8], plan: ContrastiveRecipe, folder: Path, on_progress: OnProgress = ignore_progress
) -> list[float]:
    """
    Train the backbone on views [sources, 2, channels, rows, columns]; return the mean loss of each epoch.

    `last.pt` is kept in the folder after each epoch, and an interrupted run continues from it. The network is returned on the CPU,
    its projection still to be set. `on_progress` is called after each epoch with the fraction done.
    """
    torch.manual_seed(plan.seed)
    where = choose_device()
    expander = nn.Sequential(
        nn.Linear(network.backbone.features, plan.expander),
        nn.BatchNorm1d(plan.expander),
        nn.ReLU(),
        nn.Linear(plan.expander, plan.expander),
    )
    both = nn.ModuleList([network, expander]).to(where)
    steps = max(len(views) // plan.batch, 1)
    optimizer = torch.optim.AdamW(both.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.learning_rate, plan.epochs * steps, pct_start=0.1)
    stateful: dict[str, Stateful] = {"both": both, "optimizer": optimizer, "schedule": schedule}
    made_for = {**plan.model_dump(mode="json"), "sources": len(views)}
    losses: list[float] = (resume_checkpoint(folder, stateful, made_for) or {"losses": []})["losses"]
    for epoch in tqdm(range(len(losses), plan.epochs), desc="views", unit="epoch", mininterval=5):
        both.train()
        order = np.random.default_rng([plan.seed, epoch]).permutation(len(views))[: steps * plan.batch]
        total = 0.0
        for rows in np.array_split(order, steps):
            pictures = torch.from_numpy(views[rows].swapaxes(0, 1).reshape(-1, *views.shape[2:])).to(where)
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(where.type, dtype=torch.bfloat16, enabled=where.type == "cuda"):
                seen = expander(network.embed(pictures))
            loss = vicreg_loss(*seen.float().chunk(2))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() / steps
        losses.append(total)
        save_checkpoint(folder, stateful, made_for, {"losses": losses})
        on_progress((epoch + 1) / plan.epochs)
    both.to("cpu").eval()
    return losses
