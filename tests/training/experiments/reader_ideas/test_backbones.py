"""The networks of the ideas cost as much as the AlexNet and read the declared picture."""

import pytest
import torch

from models.specs.offset import BINS
from training.experiments.ablations.run import count_multiply_adds
from training.experiments.reader_ideas.backbones import ResidualBlock, make_distance_network
from training.experiments.reader_ideas.run import make_size

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("architecture", ["residual", "rows"])
@pytest.mark.parametrize(("shrink", "tolerance"), [(1, 0.03), (2, 0.1)])
def test_a_network_costs_as_much_as_the_alexnet(architecture, shrink, tolerance):
    size = make_size(shrink)
    costs = [count_multiply_adds(make_distance_network(name, size, 1.0), size) for name in (architecture, "alexnet")]
    assert costs[0] == pytest.approx(costs[1], rel=tolerance)


@pytest.mark.parametrize("architecture", ["alexnet", "residual", "rows"])
def test_a_network_answers_as_the_shipped_one_and_can_be_trained(architecture):
    torch.manual_seed(0)
    network, pictures = make_distance_network(architecture, make_size(), 0.25), torch.randint(0, 255, (4, *make_size()), dtype=torch.uint8)
    assert [tuple(answer.shape) for answer in network.eval()(pictures)] == [(4,), (4,), (4, BINS), (4,), (4,)]
    truth, optimizer = (
        torch.tensor([[10.0, 0.0], [40.0, 300.0], [80.0, 600.0], [120.0, 900.0]]),
        torch.optim.Adam(network.parameters(), 2e-3),
    )
    losses = []
    for _ in range(12):
        loss = network.train().loss(network.logits(pictures), truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_a_block_without_weights_passes_what_is_positive():
    block = ResidualBlock(3, 3, (3, 3)).eval()
    torch.nn.init.zeros_(block.second[1].weight)
    signal = torch.randn(1, 3, 5, 5)
    torch.testing.assert_close(block(signal), torch.relu(signal))
