"""Train, calibrate, export and score the offset model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.catalog.offset import BIN_DEG, BINS, OFFSET
from models.imaging.style import channels
from models.networks.heads import OffsetReader
from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from training.config import TrainingSettings, recipe
from training.dataset import Shards
from training.export import add_metrics, export, worst_difference
from training.offset_scores import score_offset
from training.shipping import Gate, ShippingRecipe
from training.supervised import Batches, FitRecipe, fit
from training.trace_data import TraceRecipe, trace_shards

LIMITS = (
    "Trained for half an hour on a CPU, on synthetics of 10 s and longer through three spherical Earth models.",
    "Reads long periods (10 to 150 s): short-period instruments and events below the noise there get wide intervals.",
    "Errors are common to the traces of an event; many stations do not average them away.",
)


class OffsetRecipe(BaseModel):
    """Size of the data set and the fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_shards: int
    validation_shards: int
    test_shards: int
    fit: FitRecipe
    # Further fits, each from the best weights of the one before.
    then: tuple[FitRecipe, ...] = ()


def _batches(shards: Shards, held_out: Shards, fit_recipe: FitRecipe) -> Batches:
    validation = held_out.load_all(("pictures", "truth"))
    sizes = [len(shards.load(i)["truth"]) for i in range(len(shards.paths))]

    def train(epoch: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        random = np.random.default_rng([fit_recipe.seed, epoch])
        for pair in np.array_split(random.permutation(len(shards.paths)), max(len(shards.paths) // 4, 1)):
            parts = [shards.load(int(i)) for i in pair]
            pictures = np.concatenate([part["pictures"] for part in parts])
            truth = np.concatenate([part["truth"] for part in parts])
            order = random.permutation(len(truth))
            for start in range(0, len(order) - fit_recipe.batch + 1, fit_recipe.batch):
                rows = order[start : start + fit_recipe.batch]
                yield pictures[rows], truth[rows]

    steps = sum(sizes) // fit_recipe.batch  # an upper bound: the last rows of each group of shards are left out
    return Batches(train, steps, (validation["pictures"], validation["truth"]))


@torch.no_grad()
def calibrate(network: OffsetReader, pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, float]:
    """Set the temperature by likelihood, then the spreads so that one sigma holds 68.27 % of the validation traces."""
    raw = torch.cat([network.raw(torch.from_numpy(pictures[i : i + 256])) for i in range(0, len(pictures), 256)])
    true_bin = torch.from_numpy(truth[:, 0] / network.bin_deg).long().clamp(0, network.bins - 1)
    temperatures = np.arange(0.7, 1.8, 0.05)
    losses = [float(torch.nn.functional.cross_entropy(raw[:, : network.bins] / t, true_bin)) for t in temperatures]
    network.temperature.fill_(float(temperatures[int(np.argmin(losses))]))
    said = [network(torch.from_numpy(pictures[i : i + 256])) for i in range(0, len(pictures), 256)]
    distance, sigma, _, lag, lag_sigma = (torch.cat(parts).numpy() for parts in zip(*said, strict=True))
    spread = float(np.percentile(np.abs(distance - truth[:, 0]) / np.maximum(sigma, 1e-3), 68.27))
    lag_spread = float(np.percentile(np.abs(lag - truth[:, 1]) / np.maximum(lag_sigma, 1e-3), 68.27))
    network.spread.fill_(spread)
    network.lag_spread.fill_(lag_spread)
    return {"temperature": float(network.temperature), "spread": spread, "lag_spread": lag_spread}


def score(model: OnnxModel, shards: Shards) -> tuple[Metric, ...]:
    """Two-sided errors of the artifact on unseen synthetic events, by the serving path."""
    arrays = shards.load_all(("pictures", "truth"))
    said = model.run(arrays["pictures"])
    groups = np.concatenate([shards.load(i)["event"] + 10_000 * i for i in range(len(shards.paths))]).astype(np.int64)
    return score_offset(said, arrays["truth"].astype(np.float64), groups, "synthetic test events")


def gate_measures(said: dict[str, NDArray[Any]], truth: NDArray[np.float32]) -> tuple[Metric, ...]:
    """What may hardly change when weights are stored smaller: errors of distance and origin time, and coverage; no intervals."""
    error, lag = np.abs(said["distance_deg"] - truth[:, 0]), np.abs(said["origin_lag_s"] - truth[:, 1])
    measures = (
        ("median absolute error of distance", "degree", np.median(error)),
        ("90th percentile of the absolute error of distance", "degree", np.percentile(error, 90)),
        ("share of traces inside one sigma", "1", np.mean(error <= said["distance_uncertainty_deg"])),
        ("median absolute error of origin time", "second", np.median(lag)),
    )
    return tuple(Metric(name=name, dataset="validation", unit=unit, value=float(value), n=len(truth)) for name, unit, value in measures)


def train(settings: TrainingSettings, version: str) -> Path:
    """The whole way from a Green's function store to a scored artifact; returns its folder."""
    plan, traces = recipe("offset", OffsetRecipe), recipe("traces", TraceRecipe)
    seeds = iter(range(plan.train_shards + plan.validation_shards + plan.test_shards))
    validation, test, training = (
        trace_shards(traces, settings, [next(seeds) for _ in range(count)])
        for count in (plan.validation_shards, plan.test_shards, plan.train_shards)
    )
    torch.manual_seed(plan.fit.seed)
    torch.set_num_threads(settings.processes)
    network = OffsetReader(OFFSET.architecture, plan.fit.width, channels(OFFSET.style), BINS, BIN_DEG)
    network.raw(torch.zeros(2, channels(OFFSET.style), OFFSET.style.rows, OFFSET.style.columns, dtype=torch.uint8))
    batches = _batches(training, validation, plan.fit)
    for stage, chosen in enumerate((plan.fit, *plan.then)):
        fit(network, chosen, batches, settings.build_dir / "runs" / (f"offset-{version}" + f"-{stage}" * bool(stage)))
    calibration = calibrate(network, *batches.validation)
    data = {
        "traces": sum(len(training.load(i)["truth"]) for i in range(len(training.paths))),
        "fingerprint": training.fingerprint,
        "recipe": traces.model_dump(mode="json"),
    }
    gate = Gate(
        recipe("shipping", ShippingRecipe), *batches.validation, gate_measures, settings.build_dir / "exports" / f"offset-{version}"
    )
    place = export(network, OFFSET, version, settings.artifacts_dir, data=data, limits=LIMITS, calibration=calibration, gate=gate)
    parity = worst_difference(network, place / "model.onnx", batches.validation[0][:64])
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=settings.processes)
    add_metrics(
        place,
        (*score(model, test), Metric(name="largest difference to torch, relative", dataset="64 validation pictures", value=parity, n=64)),
    )
    return place
