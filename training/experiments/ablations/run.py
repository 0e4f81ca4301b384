"""
What each choice is worth: one table of trainings that differ from a common base in one thing.

Offset cells learn from synthetic traces and are all scored on the same test events, with every Earth and everything switched on,
drawn in the cell's own picture; event_type cells are trials of training.compare.
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
from training.evaluation.markdown import command
from training.evaluation.metrics import metric, percent, percentile
from training.experiments.ablations.data import TraceSetting, ablation_shards
from training.experiments.grid import Result, describe_cell, fill_grid, stream_shards
from training.experiments.resnet_depth.data import comparison_sections
from training.experiments.resnet_depth.run import Trial, one_split, run_trial
from training.learning.fit import FitRecipe, choose_device, fit_network


class OffsetCell(BaseModel):
    """One offset training: its data, how many shards of them, the network and the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: TraceSetting
    shards: int
    architecture: str
    fit: FitRecipe


class Change(BaseModel):
    """A cell: its name in the table and what it changes of the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    change: dict[str, Any]


class AblationRecipe(BaseModel):
    """Bases and cells; the first cell of each list usually changes nothing."""

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
        """Name and setting of each offset cell, without those of more traces than allowed and, but for the first, those of the base."""
        first, *others = [(cell.name, apply_changes(self.offset, cell.change)) for cell in self.offset_cells]
        return [first, *((name, cell) for name, cell in others if cell != self.offset and trace_setting(cell) <= self.largest_training_set)]

    def event_type_settings(self) -> list[tuple[str, Trial]]:
        """Name and setting of each event_type cell."""
        return [(cell.name, apply_changes(self.event_type, cell.change)) for cell in self.event_type_cells]


def trace_setting(cell: OffsetCell) -> int:
    """Traces to learn from, before those that show nothing are left out."""
    return cell.shards * cell.data.events_per_shard * cell.data.traces_per_event


def apply_changes[Base: BaseModel](base: Base, change: Mapping[str, Any]) -> Base:
    """The base with these values, `data` and `fit` merged value by value; raises ValidationError for a name that is not there."""
    values = base.model_dump()
    for name, value in change.items():
        values[name] = {**values[name], **value} if isinstance(value, Mapping) and name in values else value
    return type(base).model_validate(values)


def build_network(cell: OffsetCell, channels: int) -> DistanceModel:
    """The cell's network, untrained."""
    if cell.architecture == "waves":
        return WaveformDistanceModel(cell.fit.width, BINS, BIN_DEG)
    return DistanceModel(cell.architecture, cell.fit.width, channels, BINS, BIN_DEG)


def cost(network: DistanceModel, size: tuple[int, ...]) -> float:
    """Millions of multiplications and additions that one picture takes, forward (a multiplication with its addition counts once)."""
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.raw(torch.zeros(1, *size, dtype=torch.uint8))
    return float(counter.get_total_flops()) / 2e6


@torch.no_grad()
def distances(network: DistanceModel, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Predicted distances [n] in degrees."""
    network = network.to(choose_device()).eval()
    parts = [network(torch.from_numpy(pictures[i : i + 128]).to(choose_device()))[0].cpu() for i in range(0, len(pictures), 128)]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float64)


def run_offset(plan: AblationRecipe, cell: OffsetCell, settings: TrainingSettings, folder: Path) -> Result:
    """Train one offset network and score it on test events with everything switched on."""
    whole = cell.data.model_copy(update={"store": plan.offset.data.store, "without": ()})
    counts = (plan.test_shards, plan.validation_shards, cell.shards)
    first = np.concatenate([[0], np.cumsum(counts)])
    seeds = [list(range(first[k], first[k + 1])) for k in range(3)]
    test = ablation_shards(whole, settings, seeds[0])
    validation, training = (ablation_shards(cell.data, settings, numbers) for numbers in seeds[1:])
    held_out = validation.load_all(("pictures", "truth"))
    torch.manual_seed(cell.fit.seed)
    size = held_out["pictures"].shape[1:]
    network = build_network(cell, size[0])
    millions = cost(network, size)
    batches = stream_shards(training, (held_out["pictures"], held_out["truth"]), cell.fit)
    fit_network(network, cell.fit, batches, folder, devices=1)
    unseen = test.load_all(("pictures", "truth"))
    groups = np.concatenate([test.load(i)["event"] + 10_000 * i for i in range(len(test.paths))]).astype(np.int64)
    said, true = distances(network, unseen["pictures"]), unseen["truth"][:, 0].astype(np.float64)
    error = np.abs(said - true)
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


def offset_table(cells: list[tuple[str, OffsetCell]], results: list[Result | None]) -> str:
    """A row for each offset cell."""
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


def event_type_table(cells: list[tuple[str, Trial]], results: list[Result | None]) -> str:
    """A row for each event_type cell."""
    lines = ["| cell | validation accuracy, percent | test accuracy, percent | minutes |", "|---|---|---|---|"]
    for (name, _), found in zip(cells, results, strict=True):
        if found is None:
            lines.append(f"| {name} | not run | | |")
        else:
            accuracies = " | ".join(one_split(found, part) for part in ("validation", "test"))
            lines.append(f"| {name} | {accuracies} | {found['seconds'] / 60:.1f} |")
    return "\n".join(lines)


def ablations_page(plan: AblationRecipe, offset: list[Result | None], event_type: list[Result | None], preset: str) -> str:
    """docs/ablations.md."""
    missing = sum(result is None for result in (*offset, *event_type))
    state = "All cells are filled." if not missing else f"{missing} cells are missing: the same command goes on."
    base = plan.offset
    return f"""# What each choice is worth

Written by {command("ablations", preset)}; do not edit. Every cell differs from its base in the one thing that it names.

**Setting: {plan.label}** {command("ablations", "gpu")} runs at full size on a GPU. {state}

## offset

Base: the {base.data.picture} picture of {base.data.rows} by {base.data.columns} pixels over {base.data.window_s:.0f} s,
{base.architecture}, {trace_setting(base):,} traces; {describe_cell(base.fit)}.
All cells are scored on the same synthetic test events (three Earths, everything switched on), drawn in the cell's own picture.
One training a cell: the 95 % interval in parentheses resamples the test events and holds nothing of another seed's weights, so a
difference smaller than the intervals says little. Clean tests flatter networks trained clean: none are shown.

{offset_table(plan.offset_settings(), offset)}

## event_type

Base: {plan.event_type.architecture} on the sections of [the comparison of depths](models_comparison.md), split by seed
{plan.event_type.fit.seed};
{describe_cell(plan.event_type.fit)}. In parentheses the 95 % Wilson interval.

{event_type_table(plan.event_type_settings(), event_type)}
"""


def ablations(settings: TrainingSettings, minutes: float | None) -> str:
    """Fill what is missing of the tables, for at most that many minutes, and return their page."""
    plan = load_recipe("ablations", AblationRecipe)
    torch.set_num_threads(settings.processes)
    folder, started = settings.build_dir / "ablations", time.monotonic()
    sections = comparison_sections(settings, plan.event_type_shards)
    trials = [trial for _, trial in plan.event_type_settings()]
    event_type = fill_grid(trials, lambda trial, place: run_trial(sections, trial, place), folder, sections.mark, minutes)
    left = None if minutes is None else minutes - (time.monotonic() - started) / 60
    mark = combine_fingerprints(plan.offset.data, plan.validation_shards, plan.test_shards, stores_mark(plan, settings))
    cells = [cell for _, cell in plan.offset_settings()]
    offset = fill_grid(cells, lambda cell, place: run_offset(plan, cell, settings, place), folder, mark, left)
    return ablations_page(plan, offset, event_type, settings.preset)


def stores_mark(plan: AblationRecipe, settings: TrainingSettings) -> str:
    """Fingerprint of the Earths that the test events run through."""
    return greens.fingerprint_stores(greens.load_stores(settings.build_dir / "greens", plan.offset.data.store))
