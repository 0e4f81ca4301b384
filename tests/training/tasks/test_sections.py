"""Initial weights of the models that read sections, and their outputs."""

import pytest
import torch

from models.networks.heads import DepthModel, EventTypeModel
from training.config import load_recipe
from training.tasks import sections
from training.tasks.sections import DEPTH_TASK, SectionPlan
from training.tasks.training_task import average_with_run, load_backbone

pytestmark = pytest.mark.slow

WIDTH = 0.125


def test_a_network_starts_from_the_backbone_of_another_where_shapes_agree(tmp_path):
    torch.manual_seed(0)
    kinds, depths = EventTypeModel("resnet18", WIDTH, 1, 2), DepthModel("resnet18", WIDTH, 3)
    torch.save(kinds.state_dict(), tmp_path / "best.pt")
    before = {name: value.clone() for name, value in depths.state_dict().items()}
    load_backbone(depths, tmp_path)
    after, given = depths.state_dict(), kinds.state_dict()
    assert torch.equal(after["backbone.layer4.0.conv1.weight"], given["backbone.layer4.0.conv1.weight"])
    for own in ("backbone.conv1.weight", "head.weight"):
        assert torch.equal(after[own], before[own])


def test_a_model_continues_a_named_run_rather_than_another_models_backbone(tmp_path, monkeypatch):
    plan = load_recipe("section_models", SectionPlan, preset="continued")
    kept, other, network = (DepthModel("resnet18", WIDTH, 1) for _ in range(3))
    for model, name in ((kept, plan.continues["depth"]), (other, "event_type-9")):
        (tmp_path / name).mkdir()
        torch.save(model.state_dict(), tmp_path / name / "best.pt")
    monkeypatch.setattr(sections, "load_recipe", lambda *_: plan)
    DEPTH_TASK.set_initial_weights(network, tmp_path, "9")
    assert all(torch.equal(value, kept.state_dict()[name]) for name, value in network.state_dict().items())
    assert plan.starts_from["depth"] == "event_type"
    monkeypatch.setattr(sections, "load_recipe", lambda *_: plan.model_copy(update={"continues": {}}))
    DEPTH_TASK.set_initial_weights(network, tmp_path, "9")
    assert torch.equal(network.state_dict()["backbone.conv1.weight"], other.state_dict()["backbone.conv1.weight"])
    assert torch.equal(network.state_dict()["head.weight"], kept.state_dict()["head.weight"])


def test_depth_is_never_negative():
    network = DepthModel("resnet18", 0.125, 3)
    network.logits = lambda _: torch.tensor([[-9.0, 0.0], [0.0, 0.0]])  # type: ignore[method-assign]
    depth, sigma = network(torch.zeros(2))
    assert depth.min() >= 0
    assert sigma.min() > 0


def test_weights_are_averaged_with_those_of_a_run_by_its_share(tmp_path):
    network, other = torch.nn.BatchNorm1d(2), torch.nn.BatchNorm1d(2)
    torch.nn.init.constant_(network.weight, 1.0)
    torch.nn.init.constant_(other.weight, 3.0)
    torch.save(other.state_dict(), tmp_path / "best.pt")
    average_with_run(network, tmp_path, 0.25)
    assert network.weight.tolist() == [1.5, 1.5]
    assert network.num_batches_tracked.dtype == torch.long, "counts stay"
