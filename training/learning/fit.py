"""
Supervised training: seeded, resumable after any epoch, with early stopping, on the devices that are there.

Lightning Fabric moves tensors, sets the precision and, on several GPUs, starts this command once more for each of them
(DistributedDataParallel).
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from models.array_types import Floats32, Pictures
from models.networks.heads import PictureModel
from training.learning.checkpoint import BEST, Stateful, resume_checkpoint, save_atomically, save_checkpoint

MAX_GRADIENT_NORM = 5.0
WARM_UP_FRACTION = 0.15  # of all steps, in which the learning rate rises
PREFETCH_DEPTH = 4
Batch = tuple[Pictures, Floats32]


class FitRecipe(BaseModel):
    """
    Width of the network and hyperparameters of its training.

    `batch` counts the pictures of one step on all devices together; `patience` the epochs without improvement on validation that
    are allowed before training stops; `auto` precision is bfloat16 where the device computes in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: float
    epochs: int
    batch: int
    learning_rate: float
    weight_decay: float
    patience: int
    seed: int
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"


@dataclass(frozen=True)
class Batches:
    """
    Training batches by epoch, and the validation set.

    `train(epoch)` yields shuffled (pictures, truth), `steps` of them. What an epoch yields must follow from its number alone: a
    resumed run, and every device, draws it again. `validation` is (pictures, truth) of the whole set.
    """

    train: Callable[[int], Iterator[Batch]]
    steps: int
    validation: Batch


@dataclass
class FitProgress:
    """Epochs done, best loss on validation, epochs since then, and seconds of training; a checkpoint holds it beside the weights."""

    epoch: int = 0
    best: float = math.inf
    stale: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class FitRun:
    """
    A network with its optimizer, its schedule and its progress.

    `network` is the bare network, `model` the same weights behind Fabric; likewise `optimizer` and `steps`.
    """

    fabric: Fabric
    network: PictureModel
    model: _FabricModule
    optimizer: torch.optim.Optimizer
    steps: _FabricOptimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    progress: FitProgress = field(default_factory=FitProgress)

    @property
    def stateful(self) -> dict[str, Stateful]:
        """What a checkpoint holds the state of."""
        return {"network": self.network, "optimizer": self.optimizer, "schedule": self.schedule}

    def select_local[Kind: np.generic](self, rows: NDArray[Kind]) -> NDArray[Kind]:
        """Select the rows of a batch that this device computes."""
        return rows[self.fabric.global_rank :: self.fabric.world_size]


def prefetch(batches: Iterator[Batch], depth: int = PREFETCH_DEPTH) -> Iterator[Batch]:
    """Yield the batches in order, up to `depth` of them drawn in advance; an exception in drawing is raised here."""
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, batches, None) for _ in range(depth))
        while (batch := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, batches, None))
            yield batch


class PrefetchStatistics:
    """The batches of one epoch, prefetched and timed: `pictures` counted, `waited_s` of `seconds` spent waiting."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = prefetch(batches)
        self.pictures, self.waited_s, self.seconds = 0, 0.0, 0.0

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches; the clock runs from the first wait to the last."""
        started = time.monotonic()
        while True:
            asked = time.monotonic()
            batch = next(self._batches, None)
            now = time.monotonic()
            self.waited_s, self.seconds = self.waited_s + now - asked, now - started
            if batch is None:
                return
            self.pictures += len(batch[1])
            yield batch

    @property
    def pictures_per_second(self) -> float:
        """Pictures of all devices together, over the whole epoch."""
        return self.pictures / max(self.seconds, 1e-9)

    @property
    def waiting_fraction(self) -> float:
        """Fraction of the time spent waiting: near 0 the network is the bottleneck, near 1 the drawing of pictures."""
        return self.waited_s / max(self.seconds, 1e-9)


def choose_device() -> torch.device:
    """Choose CUDA where there is a GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def supports_bfloat16(kind: str) -> bool:
    """Tell whether devices of that kind multiply in bfloat16: GPUs from Ampere on, CPUs with instructions for it (emulation is slow)."""
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.cuda.get_device_capability() >= (8, 0) if kind == "cuda" else native


def make_fabric(recipe: FitRecipe, devices: int | Literal["auto"]) -> Fabric:
    """Make the Fabric of a run: all GPUs, else the CPU, in the recipe's precision."""
    kind = choose_device().type
    precision = ("bf16-mixed" if supports_bfloat16(kind) else "32-true") if recipe.precision == "auto" else recipe.precision
    return Fabric(accelerator=kind, devices=devices, precision=precision)


def _to_device(device: torch.device, pictures: Pictures) -> Tensor:
    inputs = torch.from_numpy(np.ascontiguousarray(pictures))
    return inputs.pin_memory().to(device, non_blocking=True, memory_format=torch.channels_last) if device.type == "cuda" else inputs


def _compute_loss(network: PictureModel, run_network: Callable[[Tensor], Tensor], pictures: Pictures, truth: Floats32) -> Tensor:
    device = next(network.parameters()).device
    logits = run_network(_to_device(device, pictures))
    return torch.as_tensor(network.loss(logits.float(), torch.from_numpy(np.ascontiguousarray(truth)).to(device)))


@torch.no_grad()
def validate(network: PictureModel, pictures: Pictures, truth: Floats32, batch: int) -> float:
    """Compute the mean loss over a whole set, in evaluation mode."""
    network.eval()
    losses = [
        float(_compute_loss(network, network.logits, pictures[i : i + batch], truth[i : i + batch])) * len(truth[i : i + batch])
        for i in range(0, len(truth), batch)
    ]
    return sum(losses) / max(len(truth), 1)


def _validate_distributed(run: FitRun, batches: Batches, batch: int) -> float:
    """Compute the mean validation loss over all devices, with the normalization statistics of the first."""
    pictures, truth = run.select_local(batches.validation[0]), run.select_local(batches.validation[1])
    if run.fabric.world_size > 1:
        for buffer in run.network.buffers():
            torch.distributed.broadcast(buffer, 0)
    with run.fabric.autocast():
        local = validate(run.network, pictures, truth, batch) * len(truth)
    total = run.fabric.all_reduce(torch.tensor(local, dtype=torch.float64, device=run.fabric.device), reduce_op="sum")
    return float(torch.as_tensor(total)) / len(batches.validation[1])


def _train_epoch(run: FitRun, batches: Batches, recipe: FitRecipe) -> tuple[float, PrefetchStatistics]:
    """Train one epoch; returns the mean loss of this device and the timing of its batches."""
    fabric, epoch = run.fabric, run.progress.epoch
    # Dropout follows from seed, epoch and device, so that a resumed run draws what an uninterrupted one would.
    torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch, fabric.global_rank]).generate_state(1)[0]))
    run.model.train()
    statistics = PrefetchStatistics(batches.train(epoch))
    total, count = torch.zeros((), device=fabric.device), 0
    bar = tqdm(statistics, total=batches.steps, desc=f"epoch {epoch + 1}", unit="batch", mininterval=5, disable=not fabric.is_global_zero)
    for pictures, truth in bar:
        run.steps.zero_grad(set_to_none=True)
        loss = _compute_loss(run.network, run.model.logits, run.select_local(pictures), run.select_local(truth))
        fabric.backward(loss)
        fabric.clip_gradients(run.model, run.steps, max_norm=MAX_GRADIENT_NORM, error_if_nonfinite=False)
        run.steps.step()
        run.schedule.step()
        total, count = total + loss.detach(), count + 1
    return float(total) / max(count, 1), statistics


def _set_up(network: PictureModel, recipe: FitRecipe, steps: int, fabric: Fabric) -> FitRun:
    # In bfloat16 on two cores AlexNet learned from 207 pictures a second, with channels-last 242; in float32 from 230 and 290.
    network = network.to(memory_format=torch.channels_last)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    total_steps = recipe.epochs * steps
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps, pct_start=WARM_UP_FRACTION)
    model, wrapped = fabric.setup(network, optimizer)
    model.mark_forward_method("logits")
    return FitRun(fabric, network, model, optimizer, wrapped, schedule)


def fit_network(
    network: PictureModel, recipe: FitRecipe, batches: Batches, folder: Path, devices: int | Literal["auto"] = "auto"
) -> PictureModel:
    """
    Train a network and return it with the weights that did best on validation, on the CPU.

    With more than one device the command runs once on each, a process may call this once, and the processes other than the first
    end here (SystemExit 0), because export and scoring are one process's work.

    Parameters
    ----------
    network : PictureModel
        The network with its initial weights.
    recipe : FitRecipe
        Hyperparameters.
    batches : Batches
        Training batches and validation set.
    folder : Path
        Keeps `last.pt` (to resume), `best.pt` and TensorBoard curves; a checkpoint of another recipe or amount of data is set aside.
    devices : int or "auto"
        Number of devices; all by default.

    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = make_fabric(recipe, devices)
    fabric.launch()
    run = _set_up(network, recipe, batches.steps, fabric)
    made_for = {**recipe.model_dump(mode="json"), "steps": batches.steps}
    vars(run.progress).update(resume_checkpoint(folder, run.stateful, made_for, barrier=fabric.barrier, owner=fabric.is_global_zero) or {})
    with SummaryWriter(str(folder / "curves"), purge_step=run.progress.epoch) if fabric.is_global_zero else nullcontext() as curves:
        while run.progress.epoch < recipe.epochs and run.progress.stale <= recipe.patience:
            started = time.monotonic()
            train_loss, statistics = _train_epoch(run, batches, recipe)
            loss = _validate_distributed(run, batches, recipe.batch)
            if curves is not None:
                _log_epoch(run, curves, train_loss, loss, statistics)
            improved = _advance(run.progress, loss, time.monotonic() - started)
            if fabric.is_global_zero:
                if improved or run.progress.epoch == 1:
                    save_atomically(run.network.state_dict(), folder / BEST)
                save_checkpoint(folder, run.stateful, made_for, vars(run.progress))
            fabric.barrier()
    network.load_state_dict(torch.load(folder / BEST, map_location="cpu", weights_only=True))
    _end_other_processes(fabric)
    return network.to("cpu").eval()


def _end_other_processes(fabric: Fabric) -> None:
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()
        if not fabric.is_global_zero:
            raise SystemExit(0)


def _log_epoch(run: FitRun, curves: SummaryWriter, train_loss: float, loss: float, statistics: PrefetchStatistics) -> None:
    epoch = run.progress.epoch
    curves.add_scalars("loss", {"train": train_loss, "validation": loss}, epoch)
    curves.add_scalar("learning rate", run.schedule.get_last_lr()[0], epoch)
    curves.add_scalar("pictures per second", statistics.pictures_per_second, epoch)
    curves.add_scalar("fraction of time waiting for pictures", statistics.waiting_fraction, epoch)
    rate = f"{statistics.pictures_per_second:.0f} pictures/s, {statistics.waiting_fraction:.1%} of the time waiting for them"
    tqdm.write(f"epoch {epoch + 1}: train {train_loss:.4f}, validation {loss:.4f}, {rate}")


def _advance(progress: FitProgress, loss: float, seconds: float) -> bool:
    """Count one epoch; returns whether its validation loss is the best so far."""
    improved = loss < progress.best
    progress.epoch, progress.seconds = progress.epoch + 1, progress.seconds + seconds
    progress.stale, progress.best = (0, loss) if improved else (progress.stale + 1, progress.best)
    return improved
