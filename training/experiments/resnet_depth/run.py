"""
ResNets of five depths compared on synthetic sections, with the split of the paper that this service follows and with others.

Every trial splits the events 0.56, 0.24, 0.2 into training, validation and test part by its seed, which also draws its weights. It is
trained on the first, stopped by the second, and scored on the second (as the paper chooses its depth) and on the third, which is unused
otherwise.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy import stats
from torch import nn

from models.imaging.style import channels
from models.networks.heads import EventTypeModel
from models.specs.event_type import CLASSES
from models.specs.pictures import DISTANCE_SECTION
from training.config import TrainingSettings, load_recipe
from training.datasets.splits import SPLIT_FRACTIONS, split_randomly
from training.evaluation.pages import RESULTS, write_page
from training.experiments.grid import Result, describe_cell, describe_state, fill_grid
from training.experiments.resnet_depth.data import ComparisonSections, load_comparison_sections
from training.learning.fit import FitRecipe, choose_device, fit_network
from training.tasks.sections import shuffle_batches

PAPER_SEED = 3407
TEMPLATE = Path(__file__).parents[1] / "templates" / "resnet_depth.md"


class Trial(BaseModel):
    """One training: network, channels of the picture and factor of its reduction, and the fit, whose seed draws split and weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    shrink: int
    colors: tuple[int, ...]
    fit: FitRecipe


class CompareRecipe(BaseModel):
    """Networks and seeds to compare; `label` describes on the page what the setting can show."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    shards: int
    shrink: int
    architectures: tuple[str, ...]
    seeds: tuple[int, ...]
    fit: FitRecipe

    def trials(self) -> list[Trial]:
        """List every architecture with the first seed, then with the next, so that an unfinished table compares equal numbers of runs."""
        colors = tuple(range(channels(DISTANCE_SECTION)))
        return [
            Trial(architecture=name, shrink=self.shrink, colors=colors, fit=self.fit.model_copy(update={"seed": seed}))
            for seed in self.seeds
            for name in self.architectures
        ]


def shrink_pictures(pictures: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Reduce pictures [n, channels, rows, columns] by a factor in rows and columns, by averaging."""
    if factor == 1:
        return pictures
    parts = [nn.functional.avg_pool2d(torch.from_numpy(pictures[i : i + 64]).float(), factor) for i in range(0, len(pictures), 64)]
    return np.asarray(torch.cat(parts).round().to(torch.uint8).numpy())


@torch.no_grad()
def predict_right(network: EventTypeModel, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Predict the classes of pictures; return whether each is right [n]."""
    network = network.to(choose_device()).eval()
    parts = [
        network.logits(torch.from_numpy(pictures[i : i + 32]).to(choose_device())).argmax(dim=1).cpu() for i in range(0, len(labels), 32)
    ]
    return np.asarray(torch.cat(parts).numpy() == labels)


def run_trial(data: ComparisonSections, trial: Trial, folder: Path) -> Result:
    """Train and score one network: numbers of right answers and balanced accuracies on validation and test events."""
    pictures = np.ascontiguousarray(shrink_pictures(data.pictures, trial.shrink)[:, trial.colors])
    truth = data.labels[:, None].astype(np.float32)
    parts = split_randomly(len(truth), trial.fit.seed)
    train, validation, test = (parts == part for part in ("train", "validation", "test"))
    torch.manual_seed(trial.fit.seed)
    network = EventTypeModel(trial.architecture, trial.fit.width, pictures.shape[1], len(CLASSES))
    size = sum(weight.numel() for weight in network.parameters())
    fit_network(
        network,
        trial.fit,
        shuffle_batches(pictures[train], truth[train], (pictures[validation], truth[validation]), trial.fit),
        folder,
        devices=1,
    )
    progress = torch.load(folder / "last.pt", weights_only=True)["progress"]
    result: Result = {"parameters": size, "epochs": progress["epoch"], "seconds": progress["seconds"]}
    for name, rows in (("validation", validation), ("test", test)):
        right, labels = predict_right(network, pictures[rows], data.labels[rows]), data.labels[rows]
        recalls = [float(right[labels == kind].mean()) for kind in range(len(CLASSES))]
        result |= {f"{name}_right": int(right.sum()), f"{name}_events": len(right), f"{name}_balanced": float(np.mean(recalls))}
    return result


def format_accuracy(result: Result, part: str) -> str:
    """Format the accuracy of one split with its 95 % Wilson interval, in percent."""
    right, events = int(result[f"{part}_right"]), int(result[f"{part}_events"])
    interval = stats.binomtest(right, events).proportion_ci(method="wilson")
    return f"{100 * right / events:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def format_mean_accuracy(results: Sequence[Result], part: str) -> str:
    """Format the mean accuracy over seeds with its 95 % interval (Student), in percent; a dash for a single seed."""
    accuracies = np.array([result[f"{part}_right"] / result[f"{part}_events"] for result in results]) * 100
    if len(accuracies) < 2:
        return "-"
    half = float(stats.t.ppf(0.975, len(accuracies) - 1) * accuracies.std(ddof=1) / np.sqrt(len(accuracies)))
    return f"{accuracies.mean():.1f} ± {half:.1f}"


def format_depth_table(plan: CompareRecipe, trials: list[Trial], results: list[Result | None]) -> str:
    """Tabulate a row for each architecture."""
    lines = [
        f"| network | million weights | validation, seed {PAPER_SEED} | test, seed {PAPER_SEED} | validation, all seeds | test, all seeds "
        "| seeds | minutes a run |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in plan.architectures:
        done = [(t, r) for t, r in zip(trials, results, strict=True) if r is not None and t.architecture == name]
        found = [result for _, result in done]
        paper = [result for trial, result in done if trial.fit.seed == PAPER_SEED]
        first = [format_accuracy(paper[0], part) if paper else "-" for part in ("validation", "test")]
        mean = [format_mean_accuracy(found, part) for part in ("validation", "test")]
        rest = [f"{found[0]['parameters'] / 1e6:.2f}", f"{np.mean([r['seconds'] for r in found]) / 60:.1f}"] if found else ["-", "-"]
        lines.append(f"| {name} | {rest[0]} | {' | '.join([*first, *mean])} | {len(found)} of {len(plan.seeds)} | {rest[1]} |")
    return "\n".join(lines)


def write_depth_page(settings: TrainingSettings, command: str, minutes: float | None) -> Path:
    """Fill the missing cells of the table, for at most that many minutes, and write `resnet_depth.md`."""
    plan = load_recipe("compare", CompareRecipe)
    data = load_comparison_sections(settings, plan.shards)
    trials = plan.trials()
    torch.set_num_threads(settings.processes)
    results = fill_grid(trials, lambda trial, folder: run_trial(data, trial, folder), settings.build_dir / "compare", data.mark, minutes)
    return write_comparison_page(RESULTS / "resnet_depth.md", command, plan, trials, results, data)


def write_comparison_page(
    page: Path, command: str, plan: CompareRecipe, trials: list[Trial], results: list[Result | None], data: ComparisonSections
) -> Path:
    """Write the page of the table."""
    return write_page(
        page,
        TEMPLATE,
        command,
        events=f"{len(data.labels):,}",
        shards=str(plan.shards),
        version=data.distance_model,
        label=plan.label,
        pixels=str(data.pictures.shape[-1] // plan.shrink),
        fit=describe_cell(plan.fit),
        fractions=", ".join(f"{fraction:.0%}" for fraction in SPLIT_FRACTIONS),
        table=format_depth_table(plan, trials, results),
        state=describe_state(results),
    )
