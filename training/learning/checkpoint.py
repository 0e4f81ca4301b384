"""
Checkpoints of training: written after every epoch or round, and continued from after an interruption.

A run's folder holds `last.pt`, the complete state of training, and, where a loop keeps them, `best.pt`, the weights that did best on
validation. A state names what it was made for, so that a run never continues the checkpoint of another recipe or data set.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from tqdm import tqdm

LAST, BEST, SET_ASIDE = "last.pt", "best.pt", "last_of_another_recipe.pt"


class Stateful(Protocol):
    """What has a state that torch can save: a network, an optimizer, a learning-rate schedule."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state as tensors and plain values."""

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:  # noqa: ANN401  (networks return the keys that did not match)
        """Take over a state."""


def save_atomically(state: Mapping[str, Any], path: Path) -> None:
    """Write a state to a file that is either complete or unchanged, whenever the process is stopped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}")
    torch.save(dict(state), temporary)
    temporary.rename(path)


def save_checkpoint(folder: Path, stateful: Mapping[str, Stateful], made_for: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
    """
    Write `last.pt` of a run's folder: the states of the objects in `stateful` by name, `made_for` and `progress`.

    `made_for` is the recipe and the size of the data, as plain values; `progress` what the loop itself needs to continue: plain values
    and tensors.
    """
    states = {name: item.state_dict() for name, item in stateful.items()}
    save_atomically({**states, "progress": dict(progress), "made_for": dict(made_for)}, folder / LAST)


def resume_checkpoint(
    folder: Path,
    stateful: Mapping[str, Stateful],
    made_for: Mapping[str, Any],
    *,
    barrier: Callable[[], object] = lambda: None,
    owner: bool = True,
) -> dict[str, Any] | None:
    """
    Restore the objects from `last.pt` and return its `progress`; None if there is none, or none for this recipe and data.

    A checkpoint made for something else is renamed to SET_ASIDE, and a line says so. In a distributed run the `owner` alone renames
    files, after all processes have passed the `barrier`, so that none reads a file that was renamed.
    """
    last = folder / LAST
    state: dict[str, Any] | None = torch.load(last, map_location="cpu", weights_only=True) if last.exists() else None
    barrier()
    if state is None:
        return None
    if state.get("made_for") != dict(made_for):
        if owner:
            tqdm.write(f"{last} was made for another recipe or amount of data: renamed to {SET_ASIDE}, and training starts anew")
            last.rename(folder / SET_ASIDE)
        return None
    for name, item in stateful.items():
        item.load_state_dict(state[name])
    return dict(state["progress"])
