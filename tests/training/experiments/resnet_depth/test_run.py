"""Networks are compared on the same events, a stopped table goes on, and a preset changes only what it names."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from training import config
from training.config import load_recipe
from training.experiments.ablations.run import AblationRecipe
from training.experiments.grid import fill_grid
from training.experiments.resnet_depth.data import ComparisonSections
from training.experiments.resnet_depth.run import (
    CompareRecipe,
    format_accuracy,
    format_mean_accuracy,
    run_trial,
    shrink_pictures,
    write_comparison_page,
)
from training.learning.fit import FitRecipe
from training.tasks.distance import OffsetRecipe
from training.tasks.sections import SectionPlan, shuffle_batches

pytestmark = pytest.mark.slow

KINDS = {
    "ablations": AblationRecipe,
    "compare": CompareRecipe,
    "offset": OffsetRecipe,
    "section_models": SectionPlan,
}
PLAN = load_recipe("compare", CompareRecipe, preset="")
FIT = FitRecipe(width=0.125, epochs=15, batch=16, learning_rate=3e-3, weight_decay=0.0, patience=15, seed=3407)


def make_halves(count):
    """Make pictures whose upper or lower half is bright."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 2
    pictures = random.integers(0, 60, (count, 6, 64, 64), dtype=np.uint8)
    for picture, kind in zip(pictures, labels, strict=True):
        picture[:, 32 * kind : 32 * kind + 32] += 150
    return ComparisonSections(pictures, labels, "made up", "1")


def test_a_trial_learns_what_can_be_learned_and_counts_its_answers(tmp_path):
    trial = PLAN.trials()[0].model_copy(update={"fit": FIT, "shrink": 2})
    torch.set_num_threads(1)
    result = run_trial(make_halves(120), trial, tmp_path)
    assert result["validation_events"] == 29
    assert result["test_events"] == 24
    assert result["test_right"] / result["test_events"] > 0.9
    assert result["test_balanced"] > 0.9


def test_a_table_computes_each_cell_once_and_goes_on_where_it_was(tmp_path):
    trials, ran = PLAN.trials()[:3], []

    def run(trial, folder):
        ran.append(trial.architecture)
        return {"right": 1.0}

    assert fill_grid(trials[:1], run, tmp_path, "a", None) == [{"right": 1.0}]
    assert fill_grid(trials, run, tmp_path, "a", 0.0) == [{"right": 1.0}, None, None]
    assert fill_grid(trials, run, tmp_path, "a", None) == [{"right": 1.0}] * 3
    assert ran == ["resnet18", "resnet34", "resnet50"]
    fill_grid(trials[:1], run, tmp_path, "b", None)
    assert ran[-1] == "resnet18"
    assert len(ran) == 4


def test_every_depth_is_tried_with_the_seed_of_the_paper_first():
    trials = PLAN.trials()
    assert [trial.architecture for trial in trials[:5]] == ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
    assert {trial.fit.seed for trial in trials[:5]} == {3407}
    assert len({trial.fit.seed for trial in trials}) == 5


def test_intervals_are_those_of_the_books():
    assert format_accuracy({"test_right": 162, "test_events": 177}, "test") == "91.5 (86.5 to 94.8)"
    results = [{"test_right": right, "test_events": 100} for right in (90, 92, 94)]
    assert format_mean_accuracy(results, "test") == "92.0 ± 5.0"
    assert format_mean_accuracy(results[:1], "test") == "-"


def test_the_page_labels_a_reduced_setting_and_says_what_is_missing(tmp_path):
    found = {"parameters": 1e6, "seconds": 60.0, "validation_right": 9, "validation_events": 10, "test_right": 8, "test_events": 10}
    results = [found, *[None] * 24]
    text = write_comparison_page(tmp_path / "page.md", "command", PLAN, PLAN.trials(), results, make_halves(4)).read_text()
    assert "reduced, for a CPU" in text
    assert "24 of 25 cells are missing" in text
    assert "| resnet18 | 1.00 | 90.0 (59.6 to 98.2) |" in text
    assert "| resnet152 | - |" in text


def test_smaller_pictures_hold_the_means():
    pictures = np.array([[[[0, 2], [4, 6]]]], dtype=np.uint8)
    assert shrink_pictures(pictures, 2).tolist() == [[[[3]]]]
    assert shrink_pictures(pictures, 1) is pictures


def test_batches_in_memory_hold_each_row_once_an_epoch_in_another_order():
    rows = np.arange(32, dtype=np.uint8)[:, None]
    batches = shuffle_batches(rows, rows.astype(np.float32), (rows, rows.astype(np.float32)), FIT)
    epochs = [np.concatenate([truth[:, 0] for _, truth in batches.train(epoch)]) for epoch in (0, 1)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(32))] * 2
    assert not np.array_equal(*epochs)


@pytest.mark.parametrize("path", sorted((config.RECIPES / "gpu").glob("*.toml")), ids=lambda path: path.stem)
def test_the_gpu_preset_changes_values_of_recipes_that_are_there(path: Path):
    common, full = (load_recipe(path.stem, KINDS[path.stem], preset=preset) for preset in ("", "gpu"))
    assert common != full
    content = tomllib.loads(path.read_text())
    assert set(content) <= set(common.model_dump())


def test_a_preset_names_only_what_it_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "RECIPES", tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "fit.toml").write_text(FIT.model_dump_json().replace(",", "\n").replace(":", "=").strip("{}").replace('"auto"', "'auto'"))
    (tmp_path / "deep" / "fit.toml").write_text("epochs = 7")
    monkeypatch.setenv("ATLAS_TRAINING_PRESET", "deep")
    assert load_recipe("fit", FitRecipe) == FIT.model_copy(update={"epochs": 7})
    (tmp_path / "deep" / "fit.toml").write_text("epoch = 7")
    with pytest.raises(ValidationError):
        load_recipe("fit", FitRecipe)
    with pytest.raises(ValueError, match="no preset"):
        load_recipe("fit", FitRecipe, preset="none")
