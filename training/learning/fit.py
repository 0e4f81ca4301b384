"""
The training loop: seeded, resumable after any epoch, with early stopping; on the devices that are there.

Lightning Fabric moves, mixes precision and, on several GPUs, starts this command once more for each of them (DistributedDataParallel).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from models.networks.heads import PictureModel
from training.learning.prefetch import PrefetchStatistics

MAX_GRADIENT_NORM = 5.0


class FitRecipe(BaseModel):
    """How long and how fast. `batch` counts the pictures of one step on all devices together."""

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
    Where batches come from: `train(epoch)` yields shuffled (pictures, truth), `validation` is kept whole.

    What an epoch yields must follow from its number alone: a resumed run, and every device, draws it again.
    """

    train: Callable[[int], Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]]
    steps: int
    validation: tuple[NDArray[np.uint8], NDArray[np.float32]]


@dataclass
class FitProgress:
    """Where a run stands; what a checkpoint holds beside the weights."""

    epoch: int = 0
    best: float = math.inf
    stale: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class FitRun:
    """A network with what trains it. `model` is the network behind the engine, `network` the same weights bare."""

    fabric: Fabric
    network: PictureModel
    model: _FabricModule
    optimizer: torch.optim.Optimizer
    steps: _FabricOptimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    progress: FitProgress = field(default_factory=FitProgress)

    def share[Kind: np.generic](self, rows: NDArray[Kind]) -> NDArray[Kind]:
        """Rows of a batch that belong to this device."""
        return rows[self.fabric.global_rank :: self.fabric.world_size]


def choose_device() -> torch.device:
    """CUDA where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def supports_bfloat16(kind: str) -> bool:
    """Whether that kind of device multiplies in bfloat16: GPUs from Ampere on, CPUs with instructions for it (emulated it is slow)."""
    native = torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    return torch.cuda.get_device_capability() >= (8, 0) if kind == "cuda" else native


def make_fabric(recipe: FitRecipe, devices: int | Literal["auto"]) -> Fabric:
    """All GPUs, else the CPU; with bfloat16 where the device computes in it, else in float32."""
    kind = choose_device().type
    precision = ("bf16-mixed" if supports_bfloat16(kind) else "32-true") if recipe.precision == "auto" else recipe.precision
    return Fabric(accelerator=kind, devices=devices, precision=precision)


def _on(where: torch.device, pictures: NDArray[np.uint8]) -> Tensor:
    inputs = torch.from_numpy(np.ascontiguousarray(pictures))
    return inputs.pin_memory().to(where, non_blocking=True, memory_format=torch.channels_last) if where.type == "cuda" else inputs


def _loss(network: PictureModel, read: Callable[[Tensor], Tensor], pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> Tensor:
    where = next(network.parameters()).device
    raw = read(_on(where, pictures))
    return torch.as_tensor(network.loss(raw.float(), torch.from_numpy(np.ascontiguousarray(truth)).to(where)))


@torch.no_grad()
def validate(network: PictureModel, pictures: NDArray[np.uint8], truth: NDArray[np.float32], batch: int) -> float:
    """Mean loss over a whole set, in evaluation mode."""
    network.eval()
    parts = [
        float(_loss(network, network.raw, pictures[i : i + batch], truth[i : i + batch])) * len(truth[i : i + batch])
        for i in range(0, len(truth), batch)
    ]
    return sum(parts) / max(len(truth), 1)


def _validate(run: FitRun, batches: Batches, batch: int) -> float:
    """The same, each device its share, with the statistics of the first device's normalization layers."""
    pictures, truth = run.share(batches.validation[0]), run.share(batches.validation[1])
    if run.fabric.world_size > 1:
        for buffer in run.network.buffers():
            torch.distributed.broadcast(buffer, 0)
    with run.fabric.autocast():
        part = validate(run.network, pictures, truth, batch) * len(truth)
    total = run.fabric.all_reduce(torch.tensor(part, dtype=torch.float64, device=run.fabric.device), reduce_op="sum")
    return float(torch.as_tensor(total)) / len(batches.validation[1])


def _epoch(run: FitRun, batches: Batches, recipe: FitRecipe) -> tuple[float, PrefetchStatistics]:
    """One epoch: mean loss of this device, and how its pictures came. Dropout follows from seed, epoch and device, for a resumed run."""
    fabric, epoch = run.fabric, run.progress.epoch
    torch.manual_seed(int(np.random.SeedSequence([recipe.seed, epoch, fabric.global_rank]).generate_state(1)[0]))
    run.model.train()
    feed = PrefetchStatistics(batches.train(epoch))
    total, count = torch.zeros((), device=fabric.device), 0
    bar = tqdm(feed, total=batches.steps, desc=f"epoch {epoch + 1}", unit="batch", mininterval=5, disable=not fabric.is_global_zero)
    for pictures, truth in bar:
        run.steps.zero_grad(set_to_none=True)
        loss = _loss(run.network, run.model.raw, run.share(pictures), run.share(truth))
        fabric.backward(loss)
        fabric.clip_gradients(run.model, run.steps, max_norm=MAX_GRADIENT_NORM, error_if_nonfinite=False)
        run.steps.step()
        run.schedule.step()
        total, count = total + loss.detach(), count + 1
    return float(total) / max(count, 1), feed


def _prepare(network: PictureModel, recipe: FitRecipe, steps: int, fabric: Fabric) -> FitRun:
    # In bfloat16 on two cores AlexNet learned from 207 pictures a second, with channels-last 242; in float32 from 230 and 290.
    network = network.to(memory_format=torch.channels_last)
    torch.set_float32_matmul_precision("high")
    torch.backends.cudnn.benchmark = True
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, recipe.epochs * steps, pct_start=0.15)
    model, wrapped = fabric.setup(network, optimizer)
    model.mark_forward_method("raw")
    return FitRun(fabric, network, model, optimizer, wrapped, schedule)


def fit_network(
    network: PictureModel, recipe: FitRecipe, batches: Batches, folder: Path, devices: int | Literal["auto"] = "auto"
) -> PictureModel:
    """
    Train to the recipe and return the network with its best weights on validation, on the CPU.

    The folder keeps `last.pt` (to resume), `best.pt` and the TensorBoard curves; a checkpoint of another recipe or amount of
    data is set aside. With more than one device the command runs once on each, a process may call this once, and the further
    processes end here (SystemExit 0), for what follows is one process's work.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = make_fabric(recipe, devices)
    fabric.launch()
    run = _prepare(network, recipe, batches.steps, fabric)
    made_for = {**recipe.model_dump(mode="json"), "steps": batches.steps}
    _resume(folder, run, made_for)
    with SummaryWriter(str(folder / "curves"), purge_step=run.progress.epoch) if fabric.is_global_zero else nullcontext() as curves:
        while run.progress.epoch < recipe.epochs and run.progress.stale <= recipe.patience:
            started = time.monotonic()
            learned, feed = _epoch(run, batches, recipe)
            value = _validate(run, batches, recipe.batch)
            _tell(run, curves, learned, value, feed)
            _keep(folder, run, made_for, value, time.monotonic() - started)
    network.load_state_dict(torch.load(folder / "best.pt", map_location="cpu", weights_only=True))
    _part(fabric)
    return network.to("cpu").eval()


def _part(fabric: Fabric) -> None:
    """Let the further processes go."""
    if fabric.world_size > 1:
        fabric.barrier()
        torch.distributed.destroy_process_group()
        if not fabric.is_global_zero:
            raise SystemExit(0)


def _tell(run: FitRun, curves: SummaryWriter | None, learned: float, value: float, feed: PrefetchStatistics) -> None:
    if curves is None:
        return
    epoch = run.progress.epoch
    curves.add_scalars("loss", {"train": learned, "validation": value}, epoch)
    curves.add_scalar("learning rate", run.schedule.get_last_lr()[0], epoch)
    curves.add_scalar("pictures a second", feed.pictures_per_second, epoch)
    curves.add_scalar("share of time waiting for pictures", feed.waiting_share, epoch)
    rate = f"{feed.pictures_per_second:.0f} pictures/s, {feed.waiting_share:.1%} of the time waiting for them"
    tqdm.write(f"epoch {epoch + 1}: train {learned:.4f}, validation {value:.4f}, {rate}")


def _save(state: dict[str, Any], path: Path) -> None:
    """Whole or not at all: a run may be stopped at any moment."""
    temporary = path.with_name(f".{path.name}")
    torch.save(state, temporary)
    temporary.rename(path)


def _keep(folder: Path, run: FitRun, made_for: dict[str, Any], value: float, seconds: float) -> None:
    progress = run.progress
    better = value < progress.best
    progress.epoch, progress.seconds = progress.epoch + 1, progress.seconds + seconds
    progress.stale, progress.best = (0, value) if better else (progress.stale + 1, progress.best)
    if run.fabric.is_global_zero:
        if better or progress.epoch == 1:
            _save(run.network.state_dict(), folder / "best.pt")
        state = {name: getattr(run, name).state_dict() for name in ("network", "optimizer", "schedule")}
        _save({**state, "progress": vars(progress), "made_for": made_for}, folder / "last.pt")
    run.fabric.barrier()


def _resume(folder: Path, run: FitRun, made_for: dict[str, Any]) -> None:
    """Take up the checkpoint, if it was made for the same; one made for something else is kept under another name."""
    last = folder / "last.pt"
    state = torch.load(last, map_location="cpu", weights_only=True) if last.exists() else None
    run.fabric.barrier()
    if state is None:
        return
    if state.get("made_for") != made_for:
        if run.fabric.is_global_zero:
            tqdm.write(f"{last} was made for another recipe or amount of data and is set aside")
            last.rename(folder / "last_of_another_recipe.pt")
        return
    for name in ("network", "optimizer", "schedule"):
        getattr(run, name).load_state_dict(state[name])
    vars(run.progress).update(state["progress"])
