"""
Pictures a second that networks are trained on, forward and backward, to compare with those drawn (`benchmarks.synthesis`).

    python -m benchmarks.training_throughput [--width 1.0] [--batch 32] [--rounds 3]

On a GPU: wall time, in the precision of training. On a CPU: CPU time of one thread, so that a busy machine does not change the result.
How long a real run waited for its pictures is in its log and curves (`training.learning.fit`).
"""

import argparse
import time

import torch

from models.imaging.style import channels
from models.networks.heads import DistanceModel, EventTypeModel, PictureModel
from models.specs.event_type import EVENT_TYPE
from models.specs.offset import BIN_DEG, BINS, OFFSET
from training.learning.fit import choose_device


def measure_throughput(network: PictureModel, size: tuple[int, ...], truth: int, rounds: int) -> float:
    """Measure pictures a second: the best of some rounds, the first not counted."""
    where = choose_device()
    cuda = where.type == "cuda"
    pictures = torch.randint(0, 256, size, dtype=torch.uint8)
    network.logits(pictures[:2])
    network = network.to(where).train()
    optimizer = torch.optim.AdamW(network.parameters())
    best = 0.0
    for turn in range(rounds + 1):
        started = time.perf_counter() if cuda else time.process_time()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(where.type, dtype=torch.bfloat16, enabled=cuda):
            raw = network.logits(pictures.to(where))
        network.loss(raw.float(), torch.ones(size[0], truth, device=where)).backward()
        optimizer.step()
        if cuda:
            torch.cuda.synchronize()
        spent = (time.perf_counter() if cuda else time.process_time()) - started
        best = max(best, size[0] / spent) if turn else best
    return best


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    trace, section = OFFSET.style, EVENT_TYPE.style
    for spec, network, truth in (
        (trace, DistanceModel("alexnet", arguments.width, channels(trace), BINS, BIN_DEG), 2),
        (section, EventTypeModel("resnet18", arguments.width, channels(section), 2), 1),
        (section, EventTypeModel("resnet50", arguments.width, channels(section), 2), 1),
    ):
        size = (arguments.batch, channels(spec), spec.rows, spec.columns)
        rate = measure_throughput(network, size, truth, arguments.rounds)
        name = network.__class__.__name__
        print(f"{name} of width {arguments.width} on {size[1:]}, {choose_device().type}: {rate:.1f} pictures a second", flush=True)


if __name__ == "__main__":
    main()
