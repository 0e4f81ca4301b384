"""The loops learn what can be learned, resume where they stopped, and draw the same data twice."""

import numpy as np
import pytest
import torch

from models.networks.heads import DepthModel, EventTypeModel
from training.config import load_recipe
from training.datasets.shards import make_shards
from training.evaluation.metrics import angle_difference_deg, bootstrap, expected_calibration_error
from training.learning.calibration import calibrate_type
from training.learning.fit import Batches, FitRecipe, fit_network, validate
from training.tasks import sections
from training.tasks.section_plans import SectionPlan
from training.tasks.sections import DEPTH_TASK
from training.tasks.training_task import load_backbone

RECIPE = FitRecipe(width=0.125, epochs=8, batch=16, learning_rate=3e-3, weight_decay=0.0, patience=8, seed=1)


def two_kinds(count, seed):
    """Pictures whose upper or lower half is bright."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 2, count)
    pictures = random.integers(0, 60, (count, 1, 32, 32), dtype=np.uint8)
    for picture, kind in zip(pictures, truth, strict=True):
        picture[0, 16 * kind : 16 * kind + 16] += 150
    return pictures, truth[:, None].astype(np.float32)


def batches():
    pictures, truth = two_kinds(96, 0)

    def train(epoch):
        order = np.random.default_rng(epoch).permutation(len(truth))
        for rows in np.array_split(order, len(order) // RECIPE.batch):
            yield pictures[rows], truth[rows]

    return Batches(train, 6, two_kinds(64, 9))


def test_a_network_learns_and_its_best_weights_are_kept(tmp_path):
    torch.manual_seed(0)
    network = EventTypeModel("resnet18", RECIPE.width, 1, 2)
    data = batches()
    before = validate(network, *data.validation, 16)
    fit_network(network, RECIPE, data, tmp_path)
    assert validate(network, *data.validation, 16) < 0.7 * before
    calibration = calibrate_type(network, *data.validation)
    assert calibration["novelty_scale"] > 0
    probabilities, novelty = network(torch.from_numpy(data.validation[0]))
    assert (probabilities.argmax(dim=1).numpy() == data.validation[1][:, 0]).mean() > 0.9
    assert (novelty <= 1).float().mean() >= 0.95


def test_a_finished_run_is_resumed_and_not_repeated(tmp_path):
    torch.manual_seed(0)
    fit_network(EventTypeModel("resnet18", RECIPE.width, 1, 2), RECIPE, batches(), tmp_path)
    torch.manual_seed(5)
    again = fit_network(EventTypeModel("resnet18", RECIPE.width, 1, 2), RECIPE, batches(), tmp_path)
    best = torch.load(tmp_path / "best.pt", weights_only=True)
    assert all(torch.equal(value, best[name]) for name, value in again.state_dict().items())


def test_a_network_starts_from_the_trunk_of_another_where_their_shapes_agree(tmp_path):
    torch.manual_seed(0)
    kinds, depths = EventTypeModel("resnet18", RECIPE.width, 1, 2), DepthModel("resnet18", RECIPE.width, 3)
    torch.save(kinds.state_dict(), tmp_path / "best.pt")
    before = {name: value.clone() for name, value in depths.state_dict().items()}
    load_backbone(depths, tmp_path)
    after, given = depths.state_dict(), kinds.state_dict()
    assert torch.equal(after["backbone.layer4.0.conv1.weight"], given["backbone.layer4.0.conv1.weight"])
    for own in ("backbone.conv1.weight", "head.weight"):
        assert torch.equal(after[own], before[own])


def test_a_model_continues_a_named_run_rather_than_another_models_backbone(tmp_path, monkeypatch):
    plan = load_recipe("section_models", SectionPlan, preset="continued")
    kept, other, network = (DepthModel("resnet18", RECIPE.width, 1) for _ in range(3))
    for reader, name in ((kept, plan.continues["depth"]), (other, "event_type-9")):
        (tmp_path / name).mkdir()
        torch.save(reader.state_dict(), tmp_path / name / "best.pt")
    monkeypatch.setattr(sections, "load_recipe", lambda *_: plan)
    DEPTH_TASK.set_initial_weights(network, tmp_path, "9")
    assert all(torch.equal(value, kept.state_dict()[name]) for name, value in network.state_dict().items())
    assert plan.starts_from["depth"] == "event_type"
    monkeypatch.setattr(sections, "load_recipe", lambda *_: plan.model_copy(update={"continues": {}}))
    DEPTH_TASK.set_initial_weights(network, tmp_path, "9")
    assert torch.equal(network.state_dict()["backbone.conv1.weight"], other.state_dict()["backbone.conv1.weight"])
    assert torch.equal(network.state_dict()["head.weight"], kept.state_dict()["head.weight"])


def squares(seed):
    return {"values": np.arange(seed, seed + 3) ** 2}


def test_shards_are_drawn_once_and_read_back(tmp_path):
    first = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    changed = first.paths[0].stat().st_mtime_ns
    second = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    assert second.paths[0].stat().st_mtime_ns == changed
    assert second.load_all(("values",))["values"].tolist() == [1, 4, 9, 16, 25, 36]


def test_intervals_resample_whole_events():
    values = np.repeat([0.0, 1.0], 50)
    value, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.repeat([0, 1], 50))
    assert (value, low, high) == (0.5, 0.0, 1.0)


def test_a_calibrated_answer_has_no_calibration_error():
    probabilities = np.repeat([0.55, 0.75], 100)
    right = np.concatenate([np.arange(100) < 55, np.arange(100) < 75])
    assert expected_calibration_error(probabilities, right) == pytest.approx(0.0, abs=1e-9)
    assert expected_calibration_error(probabilities, np.zeros(200, dtype=bool)) == pytest.approx(0.65)


@pytest.mark.parametrize(("a", "b", "period", "expected"), [(350, 10, 360, 20), (350, 10, 180, 20), (5, 185, 180, 0), (5, 185, 360, 180)])
def test_angles_are_compared_around_the_circle(a, b, period, expected):
    assert angle_difference_deg(np.array([a]), np.array([b]), period)[0] == pytest.approx(expected)


def test_depth_is_never_negative():
    network = DepthModel("resnet18", 0.125, 3)
    network.logits = lambda _: torch.tensor([[-9.0, 0.0], [0.0, 0.0]])  # type: ignore[method-assign]
    depth, sigma = network(torch.zeros(2))
    assert depth.min() >= 0
    assert sigma.min() > 0
