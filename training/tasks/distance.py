"""Train, calibrate, export and score the offset model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.imaging.style import channels
from models.networks.heads import DistanceModel
from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.offset import BIN_DEG, BINS, OFFSET
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Shards
from training.datasets.traces import TraceRecipe, make_trace_shards
from training.evaluation.distance_metrics import score_distances
from training.export.artifact import add_metrics, compare_with_torch, export_artifact
from training.export.quantization import QuantizationGate, QuantizationRecipe
from training.learning.fit import Batches, FitRecipe, fit_network

# numpy takes [3407, 77] and [3407, 77, 0] for one seed, and the latter is that of the first sections (training.section_data).
TAKEN = 77

UNSEEN_FRACTION = "synthetic test events"

LIMITS = (
    "Reads long periods (10 to 150 s): short-period instruments and events below the noise there get wide intervals.",
    "Errors are common to the traces of an event; many stations do not average them away.",
)


class OffsetRecipe(BaseModel):
    """Size of the data set and the fit; from scratch, or from the best weights of the run of that name in build/runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_shards: int
    validation_shards: int
    test_shards: int
    starts_from: str = ""
    fit: FitRecipe
    # Further fits, each from the best weights of the one before.
    then: tuple[FitRecipe, ...] = ()


def seeds_of(plan: OffsetRecipe) -> tuple[list[int], list[int], list[int]]:
    """The shards to validate, to test and to train on."""
    counts = np.cumsum([plan.validation_shards, plan.test_shards, plan.train_shards])
    seeds = [seed for seed in range(int(counts[-1]) + 1) if seed != TAKEN][: int(counts[-1])]
    return seeds[: counts[0]], seeds[counts[0] : counts[1]], seeds[counts[1] :]


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
def calibrate_distance(network: DistanceModel, pictures: NDArray[np.uint8], truth: NDArray[np.float32]) -> dict[str, float]:
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


def distance_limits(plan: OffsetRecipe, source: TraceRecipe, traces: int) -> tuple[str, ...]:
    """What the card says of the data that the model learned from, and of what it cannot do."""
    epochs = sum(chosen.epochs for chosen in (plan.fit, *plan.then))
    earths = 1 if isinstance(source.store, str) else len(source.store)
    through = "one spherical Earth" if earths == 1 else f"{earths} spherical Earths"
    begun = f", begun with the weights of {plan.starts_from}" if plan.starts_from else ""
    return f"Learned from {traces:,} synthetic traces of 10 s and longer through {through}, up to {epochs} times each{begun}.", *LIMITS


def score_test_traces(model: OnnxModel, shards: Shards) -> tuple[Metric, ...]:
    """Two-sided errors of the artifact on unseen synthetic events, by the serving path."""
    pictures, truth, groups = _whole(shards)
    return score_distances(model.run(pictures), truth, groups, UNSEEN_FRACTION)


def load_unseen_traces(settings: TrainingSettings) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]:
    """Pictures, truth and events of the traces to test on, as the plan has them."""
    return _whole(make_trace_shards(load_recipe("traces", TraceRecipe), settings, seeds_of(load_recipe("offset", OffsetRecipe))[1]))


def _whole(shards: Shards) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]:
    arrays = shards.load_all(("pictures", "truth"))
    groups = np.concatenate([shards.load(i)["event"] + 10_000 * i for i in range(len(shards.paths))]).astype(np.int64)
    return arrays["pictures"], arrays["truth"].astype(np.float64), groups


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


def untrained_distance_model(plan: OffsetRecipe) -> DistanceModel:
    """The network that training from scratch begins with."""
    torch.manual_seed(plan.fit.seed)
    network = DistanceModel(OFFSET.architecture, plan.fit.width, channels(OFFSET.style), BINS, BIN_DEG)
    network.raw(torch.zeros(2, channels(OFFSET.style), OFFSET.style.rows, OFFSET.style.columns, dtype=torch.uint8))
    return network


def sample_trace_pictures(settings: TrainingSettings) -> NDArray[np.uint8]:
    """Pictures that the model is validated on."""
    first, *_ = seeds_of(load_recipe("offset", OffsetRecipe))[0]
    return make_trace_shards(load_recipe("traces", TraceRecipe), settings, [first]).load_all(("pictures",))["pictures"]


def _begin(plan: OffsetRecipe, settings: TrainingSettings) -> DistanceModel:
    """The network that training begins with."""
    network = untrained_distance_model(plan)
    if plan.starts_from:
        network.load_state_dict(torch.load(settings.build_dir / "runs" / plan.starts_from / "best.pt", weights_only=True))
    return network


def train(settings: TrainingSettings, version: str) -> Path:
    """The whole way from a Green's function store to a scored artifact; returns its folder."""
    plan, traces = load_recipe("offset", OffsetRecipe), load_recipe("traces", TraceRecipe)
    validation, test, training = (make_trace_shards(traces, settings, seeds) for seeds in seeds_of(plan))
    torch.set_num_threads(settings.processes)
    network = _begin(plan, settings)
    batches = _batches(training, validation, plan.fit)
    for stage, chosen in enumerate((plan.fit, *plan.then)):
        fit_network(network, chosen, batches, settings.build_dir / "runs" / (f"offset-{version}" + f"-{stage}" * bool(stage)))
    calibration = calibrate_distance(network, *batches.validation)
    count = sum(len(training.load(i)["truth"]) for i in range(len(training.paths)))
    data = {
        "traces": count,
        "fingerprint": training.fingerprint,
        "recipe": traces.model_dump(mode="json"),
        "plan": plan.model_dump(mode="json"),
    }
    gate = QuantizationGate(
        load_recipe("shipping", QuantizationRecipe),
        *batches.validation,
        gate_measures,
        settings.build_dir / "exports" / f"offset-{version}",
    )
    said = distance_limits(plan, traces, count)
    place = export_artifact(network, OFFSET, version, settings.artifacts_dir, data=data, limits=said, calibration=calibration, gate=gate)
    parity = compare_with_torch(network, place / "model.onnx", batches.validation[0][:64])
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=settings.processes)
    add_metrics(
        place,
        (
            *score_test_traces(model, test),
            Metric(name="largest difference to torch, relative", dataset="64 validation pictures", value=parity, n=64),
        ),
    )
    return place
