"""Tables whose cells are trainings: each cell is computed once and kept as JSON, so that a stopped table can be continued."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from training.config import read_commit
from training.datasets.shards import Shards, combine_fingerprints
from training.learning.fit import Batches, FitRecipe, choose_device

Result = dict[str, float]
Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]
SHARDS_AT_ONCE = 4


def fill_grid[Setting: BaseModel](
    settings: Sequence[Setting], run: Callable[[Setting, Path], Result], folder: Path, mark: str, minutes: float | None
) -> list[Result | None]:
    """
    Return the result of each setting, in order: read from its file, or computed by `run(setting, folder for checkpoints)`.

    `mark` is the fingerprint of the data. After that many minutes no further cell is begun; missing cells are None.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results: list[Result | None] = []
    started = time.monotonic()
    for setting in settings:
        path = folder / f"{combine_fingerprints(setting, mark)[:16]}.json"
        if not path.exists() and (minutes is None or time.monotonic() - started < 60 * minutes):
            checkpoints = path.with_suffix("")
            content = {"result": run(setting, checkpoints), "setting": setting.model_dump(mode="json"), "data": mark}
            _write(path, {**content, "commit": read_commit(), "device": choose_device().type})
            shutil.rmtree(checkpoints, ignore_errors=True)
        results.append(json.loads(path.read_text())["result"] if path.exists() else None)
    return results


def _write(path: Path, content: dict[str, object]) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
    temporary.rename(path)


def stream_shards(shards: Shards, held_out: Batch, recipe: FitRecipe) -> Batches:
    """Make batches from shards of `pictures` and `truth`, SHARDS_AT_ONCE of them in memory and shuffled together."""
    sizes = [len(shards.load(index)["truth"]) for index in range(len(shards.paths))]

    def train(epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([recipe.seed, epoch])
        order = random.permutation(len(sizes))
        for start in range(0, len(order), SHARDS_AT_ONCE):
            parts = [shards.load(int(index)) for index in order[start : start + SHARDS_AT_ONCE]]
            pictures, truth = (np.concatenate([part[name] for part in parts]) for name in ("pictures", "truth"))
            rows = random.permutation(len(truth))
            for first in range(0, len(rows) - recipe.batch + 1, recipe.batch):
                yield pictures[rows[first : first + recipe.batch]], truth[rows[first : first + recipe.batch]]

    return Batches(train, sum(sizes) // recipe.batch, held_out)


def describe_state(results: Sequence[Result | None]) -> str:
    """Say on a page how many cells are missing."""
    missing = sum(result is None for result in results)
    return "All cells are filled." if not missing else f"{missing} of {len(results)} cells are missing; the same command continues."


def describe_cell(recipe: FitRecipe) -> str:
    """Describe a fit in words, for a page."""
    return (
        f"width {recipe.width:g}, at most {recipe.epochs} epochs of batches of {recipe.batch}, learning rate {recipe.learning_rate:g}, "
        f"stopped after {recipe.patience + 1} epochs without a better validation loss"
    )
