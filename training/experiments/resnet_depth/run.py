"""
ResNets of five depths compared on synthetic sections, with the split of the paper that this service follows and with others.

Every trial splits the events 0.56, 0.24, 0.2 by its seed, which also draws its weights, learns from the first part, stops by
the second, and is scored on the second (as the paper chooses its depth) and on the third, that nothing was chosen by.
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
from training.evaluation.markdown import command
from training.experiments.grid import Result, describe_cell, fill_grid, shuffle_shards
from training.experiments.resnet_depth.data import ComparisonSections, comparison_sections
from training.learning.fit import FitRecipe, choose_device, fit_network

PAPER_SEED = 3407


class Trial(BaseModel):
    """One training: what network, which colors of the picture at which resolution, and the seed of split and weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    shrink: int
    colors: tuple[int, ...]
    fit: FitRecipe


class CompareRecipe(BaseModel):
    """What is compared; `label` says on the page what the setting is worth."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    shards: int
    shrink: int
    architectures: tuple[str, ...]
    seeds: tuple[int, ...]
    fit: FitRecipe

    def trials(self) -> list[Trial]:
        """Every architecture with the first seed, then with the next: a stopped table compares alike with alike."""
        colors = tuple(range(channels(DISTANCE_SECTION)))
        return [
            Trial(architecture=name, shrink=self.shrink, colors=colors, fit=self.fit.model_copy(update={"seed": seed}))
            for seed in self.seeds
            for name in self.architectures
        ]


def shrink_pictures(pictures: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Pictures [n, channels, rows, columns] with that many times fewer rows and columns, each the mean of those it covers."""
    if factor == 1:
        return pictures
    parts = [nn.functional.avg_pool2d(torch.from_numpy(pictures[i : i + 64]).float(), factor) for i in range(0, len(pictures), 64)]
    return np.asarray(torch.cat(parts).round().to(torch.uint8).numpy())


@torch.no_grad()
def right_answers(network: EventTypeModel, pictures: NDArray[np.uint8], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the likeliest class is the true one."""
    network = network.to(choose_device()).eval()
    parts = [network.raw(torch.from_numpy(pictures[i : i + 32]).to(choose_device())).argmax(dim=1).cpu() for i in range(0, len(labels), 32)]
    return np.asarray(torch.cat(parts).numpy() == labels)


def run_trial(data: ComparisonSections, trial: Trial, folder: Path) -> Result:
    """Train and score one network; counts of right answers on validation and test events, by class too."""
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
        shuffle_shards(pictures[train], truth[train], (pictures[validation], truth[validation]), trial.fit),
        folder,
        devices=1,
    )
    progress = torch.load(folder / "last.pt", weights_only=True)["progress"]
    result: Result = {"parameters": size, "epochs": progress["epoch"], "seconds": progress["seconds"]}
    for name, rows in (("validation", validation), ("test", test)):
        right, labels = right_answers(network, pictures[rows], data.labels[rows]), data.labels[rows]
        recalls = [float(right[labels == kind].mean()) for kind in range(len(CLASSES))]
        result |= {f"{name}_right": int(right.sum()), f"{name}_events": len(right), f"{name}_balanced": float(np.mean(recalls))}
    return result


def one_split(result: Result, part: str) -> str:
    """Accuracy of one split with its 95 % Wilson interval, in percent."""
    right, events = int(result[f"{part}_right"]), int(result[f"{part}_events"])
    interval = stats.binomtest(right, events).proportion_ci(method="wilson")
    return f"{100 * right / events:.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def over_seeds(results: Sequence[Result], part: str) -> str:
    """Mean accuracy over seeds with its 95 % interval (Student), in percent; a dash for a single seed."""
    shares = np.array([result[f"{part}_right"] / result[f"{part}_events"] for result in results]) * 100
    if len(shares) < 2:
        return "-"
    half = float(stats.t.ppf(0.975, len(shares) - 1) * shares.std(ddof=1) / np.sqrt(len(shares)))
    return f"{shares.mean():.1f} ± {half:.1f}"


def depth_table(plan: CompareRecipe, trials: list[Trial], results: list[Result | None]) -> str:
    """A row for each architecture."""
    lines = [
        f"| network | million weights | validation, seed {PAPER_SEED} | test, seed {PAPER_SEED} | validation, all seeds | test, all seeds "
        "| seeds | minutes a run |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in plan.architectures:
        done = [(t, r) for t, r in zip(trials, results, strict=True) if r is not None and t.architecture == name]
        found = [result for _, result in done]
        paper = [result for trial, result in done if trial.fit.seed == PAPER_SEED]
        first = [one_split(paper[0], part) if paper else "-" for part in ("validation", "test")]
        mean = [over_seeds(found, part) for part in ("validation", "test")]
        rest = [f"{found[0]['parameters'] / 1e6:.2f}", f"{np.mean([r['seconds'] for r in found]) / 60:.1f}"] if found else ["-", "-"]
        lines.append(f"| {name} | {rest[0]} | {' | '.join([*first, *mean])} | {len(found)} of {len(plan.seeds)} | {rest[1]} |")
    return "\n".join(lines)


def comparison_page(plan: CompareRecipe, trials: list[Trial], results: list[Result | None], data: ComparisonSections, preset: str) -> str:
    """docs/models_comparison.md."""
    pixels, shares = data.pictures.shape[-1] // plan.shrink, ", ".join(f"{share:.0%}" for share in SPLIT_FRACTIONS)
    missing = sum(result is None for result in results)
    state = "All cells are filled." if not missing else f"{missing} of {len(results)} runs are missing: the same command goes on."
    fit_words = describe_cell(plan.fit)
    return f"""# Depths of network compared

Written by {command("compare", preset)}; do not edit. Glacial against tectonic earthquakes on {len(data.labels):,} synthetic
events ({plan.shards} of the shards that are drawn for event_type), one section an event, half of them placed by offsets that the
shipped offset model (version {data.offsets}) predicts, half where arrival times would put them.

**Setting: {plan.label}** Pictures of {pixels} by {pixels} pixels; {fit_words}.
{command("compare", "gpu")} runs at full resolution and width on a GPU.

The split is drawn by the seed: {shares} of the events to learn from, choose by, and test on. Accuracy in percent;
in parentheses the 95 % Wilson interval of one split, behind ± the 95 % interval (Student) of the mean over seeds.
A run is stopped by its validation events, so only the test columns are unbiased; seeds share events, so their interval is narrow.

{depth_table(plan, trials, results)}

{state}
"""


def compare_depths(settings: TrainingSettings, minutes: float | None) -> str:
    """Fill what is missing of the table, for at most that many minutes, and return its page."""
    plan = load_recipe("compare", CompareRecipe)
    data = comparison_sections(settings, plan.shards)
    trials = plan.trials()
    torch.set_num_threads(settings.processes)
    results = fill_grid(trials, lambda trial, folder: run_trial(data, trial, folder), settings.build_dir / "compare", data.mark, minutes)
    return comparison_page(plan, trials, results, data, settings.preset)
