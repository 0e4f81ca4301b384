"""The training loop: resumption, two processes, early stopping, and checkpoints of other recipes."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from models.networks.heads import DepthModel, DistanceModel, EventTypeModel
from training.learning.calibration import calibrate_type
from training.learning.fit import Batches, FitRecipe, PrefetchStatistics, fit_network, make_fabric, prefetch, supports_bfloat16, validate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
RECIPE = FitRecipe(width=0.125, epochs=4, batch=8, learning_rate=3e-3, weight_decay=0.0, patience=8, seed=1)

TWO_PROCESSES = """
import sys
from pathlib import Path
import numpy as np, torch
from models.networks.heads import EventTypeModel
from training.learning.fit import Batches, FitRecipe, fit_network

def halves(count, seed):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 1, 64, 64), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[0, 32 * kind : 32 * kind + 32] += 150
    return pictures, truth[:, None].astype(np.float32)

pictures, truth = halves(64, 0)
def train(epoch):
    for rows in np.array_split(np.random.default_rng(epoch).permutation(64), 4):
        yield pictures[rows], truth[rows]

torch.set_num_threads(1)
torch.manual_seed(0)
recipe = FitRecipe(width=0.125, epochs=12, batch=16, learning_rate=3e-3, weight_decay=0.0, patience=12, seed=1)
network = fit_network(EventTypeModel("resnet18", 0.125, 1, 2), recipe, Batches(train, 4, halves(33, 9)), Path(sys.argv[1]), devices=2)
unseen, kinds = halves(64, 5)
with torch.no_grad():
    print("right", float((network(torch.from_numpy(unseen))[0].argmax(dim=1).numpy() == kinds[:, 0]).mean()))
"""


def draw_traces(count, seed):
    """Draw pictures whose bright column is the distance."""
    random = np.random.default_rng(seed)
    distance = random.uniform(10, 170, count)
    pictures = random.integers(0, 60, (count, 1, 48, 64), dtype=np.uint8)
    for picture, distance_deg in zip(pictures, distance, strict=True):
        picture[0, :, int(distance_deg / 180 * 64)] = 255
    return pictures, np.stack([distance, 10 * distance], axis=1).astype(np.float32)


def make_batches(pictures, truth, held_out):
    def train(epoch):
        order = np.random.default_rng(epoch).permutation(len(truth))
        for start in range(0, len(order) - RECIPE.batch + 1, RECIPE.batch):
            rows = order[start : start + RECIPE.batch]
            yield pictures[rows], truth[rows]

    return Batches(train, len(truth) // RECIPE.batch, held_out)


def make_distance_model():
    torch.manual_seed(0)
    network = DistanceModel("alexnet", RECIPE.width, 1, 180, 1.0)
    network.logits(torch.zeros(2, 1, 48, 64, dtype=torch.uint8))
    return network


class KilledError(Exception):
    """Stands for a machine that was switched off."""


def kill_in_epoch(batches, epoch):
    def train(number):
        if number == epoch:
            raise KilledError
        return batches.train(number)

    return Batches(train, batches.steps, batches.validation)


def test_a_run_killed_in_any_epoch_resumes_to_the_weights_of_an_uninterrupted_one(tmp_path):
    """With dropout and a schedule: random draws must not depend on where the run was stopped."""
    batches = make_batches(*draw_traces(32, 0), draw_traces(16, 1))
    whole = fit_network(make_distance_model(), RECIPE, batches, tmp_path / "whole")
    for epoch in (1, 3):
        with pytest.raises(KilledError):
            fit_network(make_distance_model(), RECIPE, kill_in_epoch(batches, epoch), tmp_path / "parts")
    resumed = fit_network(make_distance_model(), RECIPE, batches, tmp_path / "parts")
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_a_run_stops_once_validation_has_not_improved_for_longer_than_its_patience(tmp_path):
    """Validation depths contradict the pictures, so learning makes it worse."""
    pictures = np.random.default_rng(0).integers(0, 256, (16, 1, 32, 32), dtype=np.uint8)
    truth = np.linspace(5, 600, 16, dtype=np.float32)[:, None]
    batches = make_batches(pictures, truth, (pictures, truth[::-1]))
    recipe = RECIPE.model_copy(update={"epochs": 60, "patience": 2, "learning_rate": 1e-2})
    torch.manual_seed(0)
    fit_network(DepthModel("resnet18", RECIPE.width, 1), recipe, batches, tmp_path)
    progress = torch.load(tmp_path / "last.pt", weights_only=True)["progress"]
    assert progress["epoch"] < 60
    assert progress["stale"] == 3


def test_the_checkpoint_of_another_recipe_is_set_aside(tmp_path):
    batches = make_batches(*draw_traces(16, 0), draw_traces(8, 1))
    fit_network(make_distance_model(), RECIPE.model_copy(update={"epochs": 1}), batches, tmp_path)
    fit_network(make_distance_model(), RECIPE.model_copy(update={"epochs": 2}), batches, tmp_path)
    assert (tmp_path / "last_of_another_recipe.pt").exists()
    assert torch.load(tmp_path / "last.pt", weights_only=True)["progress"]["epoch"] == 2


def test_precision_is_mixed_where_the_device_computes_in_bfloat16():
    recipe = RECIPE.model_copy(update={"precision": "auto"})
    fabric = make_fabric(recipe, 1)
    assert fabric.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert fabric._precision.precision == ("bf16-mixed" if supports_bfloat16(fabric.device.type) else "32-true")
    assert make_fabric(RECIPE.model_copy(update={"precision": "32-true"}), 1)._precision.precision == "32-true"


@pytest.mark.timeout(300)
def test_two_processes_train_one_network_and_only_the_first_continues(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")], capture_output=True, text=True, env=surroundings, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    right = [float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("right")]
    assert len(right) == 1
    assert right[0] > 0.9
    assert torch.load(tmp_path / "run" / "last.pt", weights_only=True)["progress"]["epoch"] == 12


def test_batches_come_in_order_and_an_error_in_drawing_is_raised():
    assert [int(batch[1][0]) for batch in prefetch((np.zeros(1), np.array([n])) for n in range(9))] == list(range(9))

    def broken():
        yield np.zeros((2, 1)), np.zeros(2)
        raise KilledError

    with pytest.raises(KilledError):
        list(prefetch(broken()))


def test_prefetch_statistics_count_pictures_and_waiting_time():
    statistics = PrefetchStatistics((np.zeros((3, 1), np.uint8), np.zeros(3, np.float32)) for _ in range(5))
    assert sum(len(truth) for _, truth in statistics) == statistics.pictures == 15
    assert 0 <= statistics.waiting_fraction <= 1
    assert statistics.pictures_per_second > 0
    assert all(a <= b for a, b in pairwise((0.0, statistics.waited_s, statistics.seconds)))


LONG_RECIPE = RECIPE.model_copy(update={"epochs": 8, "batch": 16})


def two_kinds(count, seed):
    """Draw pictures whose upper or lower half is bright."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 1, 32, 32), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[0, 16 * kind : 16 * kind + 16] += 150
    return pictures, truth[:, None].astype(np.float32)


def two_kind_batches():
    pictures, truth = two_kinds(96, 0)

    def train(epoch):
        order = np.random.default_rng(epoch).permutation(len(truth))
        for rows in np.array_split(order, len(order) // LONG_RECIPE.batch):
            yield pictures[rows], truth[rows]

    return Batches(train, 6, two_kinds(64, 9))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a finished run, its network, and the validation loss before training."""
    torch.manual_seed(0)
    network, folder, data = EventTypeModel("resnet18", LONG_RECIPE.width, 1, 2), tmp_path_factory.mktemp("finished"), two_kind_batches()
    before = validate(network, *data.validation, 16)
    fit_network(network, LONG_RECIPE, data, folder)
    return folder, network, before


def test_a_network_learns_and_its_best_weights_are_kept(finished):
    (_, network, before), data = finished, two_kind_batches()
    assert validate(network, *data.validation, 16) < 0.7 * before
    calibration = calibrate_type(network, *data.validation)
    assert calibration["novelty_scale"] > 0
    probabilities, novelty = network(torch.from_numpy(data.validation[0]))
    assert (probabilities.argmax(dim=1).numpy() == data.validation[1][:, 0]).mean() > 0.9
    assert (novelty <= 1).float().mean() >= 0.95


def test_a_finished_run_is_resumed_and_not_repeated(finished):
    folder = finished[0]
    torch.manual_seed(5)
    again = fit_network(EventTypeModel("resnet18", LONG_RECIPE.width, 1, 2), LONG_RECIPE, two_kind_batches(), folder)
    best = torch.load(folder / "best.pt", weights_only=True)
    assert all(torch.equal(value, best[name]) for name, value in again.state_dict().items())
