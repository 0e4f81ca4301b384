"""
Ablations: tables of trainings that differ from a common base in one choice of picture, data or network.

Cells of the distance model are trained on synthetic traces and all scored on the same test events, with every Earth model and every effect
switched on, drawn in the cell's own picture; event_type cells are trials of `training.experiments.resnet_depth`.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch.utils.flop_counter import FlopCounterMode

from models.networks.heads import DistanceModel
from models.networks.waveform_network import WaveformDistanceModel
from models.specs.offset import BIN_DEG, BINS
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import combine_fingerprints
from training.earth import greens
from training.evaluation.metrics import metric, percent, percentile
from training.evaluation.pages import RESULTS, write_page
from training.experiments.ablations.data import TraceSetting, make_ablation_shards
from training.experiments.grid import Result, describe_cell, describe_state, fill_grid, stream_shards
from training.experiments.resnet_depth.data import load_comparison_sections
from training.experiments.resnet_depth.run import Trial, format_accuracy, run_trial
from training.learning.fit import FitRecipe, choose_device, fit_network

TEMPLATE = Path(__file__).parents[1] / "templates" / "ablations.md"


class OffsetCell(BaseModel):
    """One training of the distance model: its data, the number of their shards, the network and the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: TraceSetting
    shards: int
    architecture: str
    fit: FitRecipe


class Change(BaseModel):
    """A cell: its name in the table, and the values that differ from the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    change: dict[str, Any]


class AblationRecipe(BaseModel):
    """Bases and cells of both tables; the first cell of each list usually changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    validation_shards: int
    test_shards: int
    largest_training_set: int
    offset: OffsetCell
    offset_cells: tuple[Change, ...]
    event_type_shards: int
    event_type: Trial
    event_type_cells: tuple[Change, ...]

    def offset_settings(self) -> list[tuple[str, OffsetCell]]:
        """List name and setting of each distance cell, except those with too many traces and repetitions of the base."""
        first, *others = [(cell.name, apply_changes(self.offset, cell.change)) for cell in self.offset_cells]
        return [first, *((name, cell) for name, cell in others if cell != self.offset and count_traces(cell) <= self.largest_training_set)]

    def event_type_settings(self) -> list[tuple[str, Trial]]:
        """List name and setting of each event_type cell."""
        return [(cell.name, apply_changes(self.event_type, cell.change)) for cell in self.event_type_cells]


def count_traces(cell: OffsetCell) -> int:
    """Count the training traces, including those without a usable record."""
    return cell.shards * cell.data.events_per_shard * cell.data.traces_per_event


def apply_changes[Base: BaseModel](base: Base, change: Mapping[str, Any]) -> Base:
    """Replace values of the base, merging `data` and `fit` value by value; raises ValidationError for an unknown name."""
    values = base.model_dump()
    for name, value in change.items():
        values[name] = {**values[name], **value} if isinstance(value, Mapping) and name in values else value
    return type(base).model_validate(values)


def build_network(cell: OffsetCell, channels: int) -> DistanceModel:
    """Make the untrained network of a cell."""
    if cell.architecture == "waves":
        return WaveformDistanceModel(cell.fit.width, BINS, BIN_DEG)
    return DistanceModel(cell.architecture, cell.fit.width, channels, BINS, BIN_DEG)


def count_multiply_adds(network: DistanceModel, size: tuple[int, ...]) -> float:
    """Count millions of multiply-adds of the forward pass of one picture."""
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.logits(torch.zeros(1, *size, dtype=torch.uint8))
    return float(counter.get_total_flops()) / 2e6


@torch.no_grad()
def predict_in_batches(network: DistanceModel, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Predict distances [n] in degrees."""
    network = network.to(choose_device()).eval()
    parts = [network(torch.from_numpy(pictures[i : i + 128]).to(choose_device()))[0].cpu() for i in range(0, len(pictures), 128)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def run_offset(plan: AblationRecipe, cell: OffsetCell, settings: TrainingSettings, folder: Path) -> Result:
    """Train one distance network, and score it on test events with all effects switched on."""
    whole = cell.data.model_copy(update={"store": plan.offset.data.store, "without": ()})
    counts = (plan.test_shards, plan.validation_shards, cell.shards)
    first = np.concatenate([[0], np.cumsum(counts)])
    seeds = [list(range(first[k], first[k + 1])) for k in range(3)]
    test = make_ablation_shards(whole, settings, seeds[0])
    validation, training = (make_ablation_shards(cell.data, settings, numbers) for numbers in seeds[1:])
    held_out = validation.load_all(("pictures", "truth"))
    torch.manual_seed(cell.fit.seed)
    size = held_out["pictures"].shape[1:]
    network = build_network(cell, size[0])
    millions = count_multiply_adds(network, size)
    batches = stream_shards(training, (held_out["pictures"], held_out["truth"]), cell.fit)
    fit_network(network, cell.fit, batches, folder, devices=1)
    unseen = test.load_all(("pictures", "truth"))
    groups = np.concatenate([test.load(i)["event"] + 10_000 * i for i in range(len(test.paths))]).astype(np.int64)
    predicted, true = predict_in_batches(network, unseen["pictures"]), unseen["truth"][:, 0].astype(np.float64)
    error = np.abs(predicted - true)
    middle = metric("", "", "degree", error, percentile(50), groups)
    within = metric("", "", "1", (error <= 0.08 * true).astype(np.float64), percent, groups)
    progress = torch.load(folder / "last.pt", weights_only=True)["progress"]
    return {
        "median": middle.value,
        "median_low": middle.low or 0.0,
        "median_high": middle.high or 0.0,
        "p90": float(np.percentile(error, 90)),
        "within": within.value,
        "traces": sum(len(training.load(i)["truth"]) for i in range(len(training.paths))),
        "cost": millions,
        "seconds": progress["seconds"],
        "epochs": progress["epoch"],
    }


def format_offset_table(cells: list[tuple[str, OffsetCell]], results: list[Result | None]) -> str:
    """Tabulate a row for each distance cell."""
    lines = [
        "| cell | median error, degrees | 90th percentile | within 8 % | traces | million multiply-adds a trace | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, _), found in zip(cells, results, strict=True):
        if found is None:
            lines.append(f"| {name} | not run | | | | | |")
            continue
        median = f"{found['median']:.2f} ({found['median_low']:.2f} to {found['median_high']:.2f})"
        rest = f"{found['within']:.0%} | {found['traces']:,.0f} | {found['cost']:.0f} | {found['seconds'] / 60:.1f}"
        lines.append(f"| {name} | {median} | {found['p90']:.1f} | {rest} |")
    return "\n".join(lines)


def format_event_type_table(cells: list[tuple[str, Trial]], results: list[Result | None]) -> str:
    """Tabulate a row for each event_type cell."""
    lines = ["| cell | validation accuracy, percent | test accuracy, percent | minutes |", "|---|---|---|---|"]
    for (name, _), found in zip(cells, results, strict=True):
        if found is None:
            lines.append(f"| {name} | not run | | |")
        else:
            accuracies = " | ".join(format_accuracy(found, part) for part in ("validation", "test"))
            lines.append(f"| {name} | {accuracies} | {found['seconds'] / 60:.1f} |")
    return "\n".join(lines)


def write_ablations_page(settings: TrainingSettings, command: str, minutes: float | None) -> Path:
    """Fill the missing cells of both tables, for at most that many minutes, and write `ablations.md`."""
    plan = load_recipe("ablations", AblationRecipe)
    torch.set_num_threads(settings.processes)
    folder, started = settings.build_dir / "ablations", time.monotonic()
    sections = load_comparison_sections(settings, plan.event_type_shards)
    trials = [trial for _, trial in plan.event_type_settings()]
    event_type = fill_grid(trials, lambda trial, checkpoints: run_trial(sections, trial, checkpoints), folder, sections.mark, minutes)
    left = None if minutes is None else minutes - (time.monotonic() - started) / 60
    mark = combine_fingerprints(plan.offset.data, plan.validation_shards, plan.test_shards, mark_stores(plan, settings))
    cells = [cell for _, cell in plan.offset_settings()]
    offset = fill_grid(cells, lambda cell, checkpoints: run_offset(plan, cell, settings, checkpoints), folder, mark, left)
    return write_tables(RESULTS / "ablations.md", command, plan, offset, event_type)


def write_tables(page: Path, command: str, plan: AblationRecipe, offset: list[Result | None], event_type: list[Result | None]) -> Path:
    """Write the page of both tables."""
    base = plan.offset
    return write_page(
        page,
        TEMPLATE,
        command,
        label=plan.label,
        state=describe_state([*offset, *event_type]),
        picture=base.data.picture,
        size=f"{base.data.rows} by {base.data.columns}",
        window=f"{base.data.window_s:.0f}",
        architecture=base.architecture,
        traces=f"{count_traces(base):,}",
        fit=describe_cell(base.fit),
        offset=format_offset_table(plan.offset_settings(), offset),
        type_architecture=plan.event_type.architecture,
        type_seed=str(plan.event_type.fit.seed),
        type_fit=describe_cell(plan.event_type.fit),
        event_type=format_event_type_table(plan.event_type_settings(), event_type),
    )


def mark_stores(plan: AblationRecipe, settings: TrainingSettings) -> str:
    """Fingerprint of the stores of Green's functions that the test events are computed from."""
    return greens.fingerprint_stores(greens.load_stores(settings.build_dir / "greens", plan.offset.data.store))
