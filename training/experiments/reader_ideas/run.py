"""Training of the ideas, and their readings of the same traces; kept, so that a stopped run continues."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch

from models.analysis.distances import ONE_SIGMA, find_quantile
from models.array_types import Floats, Integers, Pictures
from models.networks.heads import DistanceModel
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.offset import OFFSET
from training.config import TrainingSettings
from training.datasets.shards import combine_fingerprints
from training.experiments.ablations.run import count_multiply_adds
from training.experiments.grid import stream_shards
from training.experiments.reader_ideas.backbones import make_distance_network
from training.experiments.reader_ideas.sets import (
    BOTH_PATHS,
    STYLE,
    IdeaCell,
    IdeasRecipe,
    ScoredSet,
    average_squares,
    make_idea_shards,
    mark_data,
)
from training.learning.fit import Batch, FitRecipe, choose_device, fit_network, supports_bfloat16
from training.tasks.restore import MAX_PICTURES, load_graph_weights

PICTURES_AT_ONCE = 128


@dataclass(frozen=True)
class SetReadings:
    """True distances, event and copy numbers of a set [traces], and what each training read: distances and deviations [seeds, traces]."""

    true_deg: Floats
    events: Integers
    copies: Integers
    read_deg: Floats
    sigma_deg: Floats

    @property
    def errors(self) -> Floats:
        """Errors [seeds, traces] in degrees."""
        return self.read_deg - self.true_deg


@dataclass(frozen=True)
class CellResult:
    """What the trainings of a cell read, by the name of the set; million multiply-adds a picture, and seconds of all trainings."""

    scored: dict[str, SetReadings]
    cost: float
    seconds: float


@torch.no_grad()
def read_pictures(network: DistanceModel, pictures: Pictures) -> tuple[Floats, Floats]:
    """
    Read pictures [traces, starts, channels, rows, columns]: median and half width of the 68 % interval [traces] in degrees.

    The distribution of a trace is the mean over its starts, as in serving. Logits are computed in bfloat16 where the device has
    instructions for it, as in training.
    """
    device = choose_device()
    network, flat = network.to(device).eval(), torch.from_numpy(pictures.reshape(-1, *pictures.shape[2:]))
    with torch.autocast(device.type, torch.bfloat16, enabled=supports_bfloat16(device.type)):
        parts = [network.logits(part.to(device)).float() for part in torch.split(flat, PICTURES_AT_ONCE)]
    logits = torch.cat([part[:, : network.bins].cpu() for part in parts]) / network.temperature.cpu()
    probabilities = torch.softmax(logits.double(), dim=1).numpy().reshape(*pictures.shape[:2], -1).mean(axis=1)
    low, middle, high = (find_quantile(probabilities, 0.5 + side * ONE_SIGMA / 2) for side in (-1, 0, 1))
    return middle, (high - low) / 2


def load_shipped_weights(network: DistanceModel, settings: TrainingSettings, pictures: Pictures) -> None:
    """Load the weights of the shipped version, with normalization statistics of pictures [n, channels, rows, columns]."""
    version = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET).version
    load_graph_weights(network, onnx.load(settings.artifacts_dir / OFFSET.name / version / "model.onnx"), pictures[:MAX_PICTURES])


def fit_cell(plan: IdeasRecipe, cell: IdeaCell, fit: FitRecipe, settings: TrainingSettings, folder: Path) -> DistanceModel:
    """Train the network of a cell, checkpoints in a folder; one that is not trained keeps the weights that it starts from."""
    validation, _, train = plan.number_shards(cell.group)
    held_out = make_idea_shards(cell.paths, plan, cell.group, settings, validation).load_all(("pictures", "truth"))
    factor = plan.groups[cell.group].shrink
    pictures, truth = average_squares(held_out["pictures"], factor), held_out["truth"]
    torch.manual_seed(fit.seed)
    network = make_distance_network(cell.architecture, pictures.shape[1:], fit.width)
    if plan.groups[cell.group].starts_from_shipped:
        load_shipped_weights(network, settings, pictures)
    if not cell.trained:
        return network
    shards = make_idea_shards(cell.paths, plan, cell.group, settings, train)
    batches = stream_shards(shards, (pictures, truth), fit)

    def draw_smaller(epoch: int) -> Iterator[Batch]:
        return ((average_squares(drawn, factor), wanted) for drawn, wanted in batches.train(epoch))

    fit_network(network, fit, replace(batches, train=draw_smaller), folder, devices=1)
    return network


def read_sets(
    network: DistanceModel, plan: IdeasRecipe, group: str, settings: TrainingSettings, scored: Sequence[ScoredSet]
) -> dict[str, Floats]:
    """Read all sets of a group: distance and standard deviation [2, traces] by the name of the set."""
    read, factor = {}, plan.groups[group].shrink
    for paths in BOTH_PATHS:
        pictures = make_idea_shards(paths, plan, group, settings, plan.number_shards(group)[1]).load_all(("pictures",))["pictures"]
        read[f"test, {paths} paths"] = np.stack(read_pictures(network, average_squares(pictures[:, None], factor)))
    for one in scored:
        parts = [read_pictures(network, average_squares(one.shards.load(k)["pictures"], factor)) for k in range(len(one.shards.paths))]
        read[one.name] = np.concatenate([np.stack(part) for part in parts], axis=1)
    return read


def run_training(
    plan: IdeasRecipe, cell: IdeaCell, seed: int, settings: TrainingSettings, scored: Sequence[ScoredSet], *, may_train: bool
) -> dict[str, Floats] | None:
    """Train a cell with one seed and read all sets; kept in build/reader_ideas. None where it is not kept and may not be trained."""
    fit = plan.groups[cell.group].fit.model_copy(update={"seed": seed})
    data = combine_fingerprints(
        *(mark_data(paths, plan, cell.group, settings) for paths in BOTH_PATHS), *(one.shards.fingerprint for one in scored)
    )
    setting = cell.model_copy(update={"name": "", "base": ""})
    used = plan.groups[cell.group].train_shards if cell.trained else 0
    counts = (used, plan.validation_shards, plan.test_shards, plan.groups[cell.group].shrink)
    path = settings.build_dir / "reader_ideas" / f"{combine_fingerprints(setting, fit, data, *counts)[:16]}.npz"
    if not path.is_file():
        if not may_train:
            return None
        started = time.process_time()
        network = fit_cell(plan, cell, fit, settings, path.with_suffix(""))
        seconds = time.process_time() - started
        torch.save(network.state_dict(), path.with_suffix(".pt"))
        cost = count_multiply_adds(network.to("cpu"), make_size(plan.groups[cell.group].shrink))
        read = read_sets(network, plan, cell.group, settings, scored)
        np.savez(path, **{"cost": np.array(cost), "seconds": np.array(seconds), **read})  # type: ignore[arg-type]  # first: allow_pickle
    with np.load(path) as content:
        return {name: content[name] for name in content.files}


def make_size(shrink: int = 1) -> tuple[int, int, int]:
    """Size of the declared picture [channels, rows, columns], averaged over squares of so many pixels."""
    return len(STYLE.zooms), STYLE.rows // shrink, STYLE.columns // shrink


def load_truths(
    plan: IdeasRecipe, group: str, settings: TrainingSettings, scored: Sequence[ScoredSet]
) -> dict[str, tuple[Floats, Integers, Integers]]:
    """Load true distances, events and copies [traces] of all sets of a group, by name."""
    truths = {one.name: one.load_truth() for one in scored}
    for paths in BOTH_PATHS:
        shards = make_idea_shards(paths, plan, group, settings, plan.number_shards(group)[1])
        loaded = [shards.load(k) for k in range(len(shards.paths))]
        events = np.concatenate([one["event"] + 10_000 * k for k, one in enumerate(loaded)]).astype(np.int64)
        true = np.concatenate([one["truth"][:, 0] for one in loaded]).astype(np.float64)
        truths[f"test, {paths} paths"] = (true, events, np.zeros(len(true), np.int64))
    return truths


def run_group(
    plan: IdeasRecipe, group: str, settings: TrainingSettings, scored: Sequence[ScoredSet], minutes: float | None
) -> dict[str, CellResult | None]:
    """
    Train the cells of a group that are missing, the first seed of all first, and collect their readings by the name of the cell.

    After so many minutes no further training is begun; None for a cell of which none is there.
    """
    started, found = time.monotonic(), {}
    cells = [cell for cell in plan.cells if cell.group == group]
    for seed in plan.seeds:
        for cell in cells:
            if cell.trained or seed == plan.seeds[0]:
                may_train = minutes is None or time.monotonic() - started < 60 * minutes
                found[cell.name, seed] = run_training(plan, cell, seed, settings, scored, may_train=may_train)
    truths = load_truths(plan, group, settings, scored)
    return {cell.name: _collect(truths, [found.get((cell.name, seed)) for seed in plan.seeds]) for cell in cells}


def _collect(truths: dict[str, tuple[Floats, Integers, Integers]], trainings: Sequence[dict[str, Floats] | None]) -> CellResult | None:
    done = [training for training in trainings if training is not None]
    if not done:
        return None
    scored = {}
    for name, (true, events, copies) in truths.items():
        read = np.stack([training[name] for training in done])
        scored[name] = SetReadings(true, events, copies, read[:, 0], read[:, 1])
    return CellResult(scored, float(done[0]["cost"]), sum(float(training["seconds"]) for training in done))
