"""The training of the offset model: epicentral distance and origin time from the picture of one trace."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Floats32, Integers, Pictures
from models.imaging.style import channels
from models.networks.heads import DistanceModel, PictureModel
from models.registry.card import Metric
from models.specs.offset import BIN_DEG, BINS, OFFSET
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Shards
from training.datasets.traces import TraceRecipe, make_trace_shards
from training.evaluation.metrics import score_distances
from training.export.quantization import Predictions
from training.learning.calibration import calibrate_distance
from training.learning.fit import Batch, Batches, FitRecipe
from training.tasks.training_task import NetworkData, NetworkTask, UnseenSet, average_with_run, describe_earths, load_run

# Not used as a shard number: numpy takes [3407, 77] and [3407, 77, 0] for one seed, and the latter is that of the first sections.
RESERVED_SEED = 77
SHARDS_PER_GROUP = 4  # shards whose traces are shuffled together
UNSEEN_NAME = "synthetic test events"

LIMITS = (
    "Uses long periods (10 to 150 s): short-period instruments, and events below the noise there, have wide intervals.",
    "Errors are common to the traces of an event; they do not average out with the number of stations.",
)


class OffsetRecipe(BaseModel):
    """
    Numbers of shards, and the fit.

    `starts_from`: the run in build/runs whose best weights training starts from, if any. `start_share`: their share in the mean of these
    and the fitted weights that is exported, which errs less on other data than either (Wortsman et al. 2022,
    doi:10.1109/CVPR52688.2022.00780).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_shards: int
    validation_shards: int
    test_shards: int
    starts_from: str = ""
    start_share: float = 0.0
    fit: FitRecipe


def assign_shards(plan: OffsetRecipe) -> tuple[list[int], list[int], list[int]]:
    """Number the shards for validation, test and training, disjoint."""
    counts = np.cumsum([plan.validation_shards, plan.test_shards, plan.train_shards])
    seeds = [seed for seed in range(int(counts[-1]) + 1) if seed != RESERVED_SEED][: int(counts[-1])]
    return seeds[: counts[0]], seeds[counts[0] : counts[1]], seeds[counts[1] :]


def describe_distance_limits(plan: OffsetRecipe, source: TraceRecipe, traces: int) -> tuple[str, ...]:
    """Write the card's limits: what the model was trained on, and what it cannot do."""
    start = f", starting from the weights of {plan.starts_from}" if plan.starts_from else ""
    if plan.start_share:
        start += f", whose share in the mean of both that is served is {plan.start_share:g}"
    trained = f"Trained on {traces:,} synthetic traces at 10 s and longer through {describe_earths(source.store)}"
    if source.crusts:
        trained += " with the dispersion of random crusts"
    if source.lateral_share:
        trained += f", of {100 * source.lateral_share:.0f} % of the events with the lateral structure of LITHO1.0"
    return f"{trained}, {'once' if plan.fit.epochs == 1 else f'up to {plan.fit.epochs} times'} each{start}.", *LIMITS


class DistanceTask(NetworkTask):
    """The training of the distance model `offset`, on shards of traces too many to hold in memory."""

    spec = OFFSET
    parity_pictures: ClassVar[int] = 64

    @property
    def plan(self) -> OffsetRecipe:
        """The recipe `offset`."""
        return load_recipe("offset", OffsetRecipe)

    @property
    def fit_recipe(self) -> FitRecipe:
        """The fit of the plan."""
        return self.plan.fit

    def make_network(self) -> DistanceModel:
        """Make the untrained network."""
        style, recipe = OFFSET.style, self.fit_recipe
        torch.manual_seed(recipe.seed)
        network = DistanceModel(OFFSET.architecture, recipe.width, channels(style), BINS, BIN_DEG)
        network.logits(torch.zeros(2, channels(style), style.rows, style.columns, dtype=torch.uint8))  # makes its lazy layers
        return network

    def set_initial_weights(self, network: PictureModel, runs: Path, version: str) -> None:  # noqa: ARG002  (of sections alone)
        """Load the run that the plan starts from."""
        if self.plan.starts_from:
            load_run(network, runs / self.plan.starts_from)

    def finish_weights(self, network: PictureModel, runs: Path) -> None:
        """Average the fitted weights with those that training started from, as the plan states."""
        if self.plan.start_share:
            average_with_run(network, runs / self.plan.starts_from, self.plan.start_share)

    def load_data(self, settings: TrainingSettings) -> NetworkData:
        """Draw or load validation and training traces."""
        plan, source = self.plan, load_recipe("traces", TraceRecipe)
        validation, _, training = (make_trace_shards(source, settings, seeds) for seeds in assign_shards(plan))
        traces = sum(len(training.load(i)["truth"]) for i in range(len(training.paths)))
        data: dict[str, Any] = {
            "traces": traces,
            "fingerprint": training.fingerprint,
            "recipe": source.model_dump(mode="json"),
            "plan": plan.model_dump(mode="json"),
        }
        return NetworkData(stream_batches(training, validation, plan.fit), data, describe_distance_limits(plan, source, traces))

    def load_sample_pictures(self, settings: TrainingSettings) -> Pictures:
        """Load the pictures of the first validation shard."""
        (first, *_), _, _ = assign_shards(self.plan)
        shards = make_trace_shards(load_recipe("traces", TraceRecipe), settings, [first])
        return np.asarray(shards.load_all(("pictures",))["pictures"], np.uint8)

    def calibrate(self, network: DistanceModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
        """Set temperature and factors on the uncertainties."""
        return calibrate_distance(network, pictures, truth)

    def measure_stored(self, predictions: Predictions, truth: Floats32) -> tuple[Metric, ...]:
        """Measure errors of distance and origin time, and coverage, without intervals."""
        error, lag = np.abs(predictions["distance_deg"] - truth[:, 0]), np.abs(predictions["origin_lag_s"] - truth[:, 1])
        measures = (
            ("median absolute error of distance", "degree", np.median(error)),
            ("90th percentile of the absolute error of distance", "degree", np.percentile(error, 90)),
            ("share of traces within one standard deviation", "1", np.mean(error <= predictions["distance_uncertainty_deg"])),
            ("median absolute error of origin time", "second", np.median(lag)),
        )
        return tuple(Metric(name=name, dataset="validation", unit=unit, value=float(value), n=len(truth)) for name, unit, value in measures)

    def load_unseen_sets(self, settings: TrainingSettings) -> Iterator[UnseenSet]:
        """Load the traces of the test events."""
        pictures, truth, events = load_unseen_traces(settings)
        yield UnseenSet(UNSEEN_NAME, pictures, lambda predictions: score_distances(predictions, truth, events, UNSEEN_NAME))


def stream_batches(shards: Shards, held_out: Shards, recipe: FitRecipe) -> Batches:
    """Stream training batches from shards, shuffled within groups of SHARDS_PER_GROUP random shards; validation is held in memory."""
    validation = held_out.load_all(("pictures", "truth"))
    sizes = [len(shards.load(i)["truth"]) for i in range(len(shards.paths))]

    def train(epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([recipe.seed, epoch])
        for group in np.array_split(random.permutation(len(shards.paths)), max(len(shards.paths) // SHARDS_PER_GROUP, 1)):
            loaded = [shards.load(int(i)) for i in group]
            pictures = np.concatenate([arrays["pictures"] for arrays in loaded])
            truth = np.concatenate([arrays["truth"] for arrays in loaded])
            order = random.permutation(len(truth))
            for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
                rows = order[start : start + recipe.batch]
                yield pictures[rows], truth[rows]

    steps = sum(sizes) // recipe.batch  # an upper bound: the last rows of each group of shards are left out
    return Batches(train, steps, (validation["pictures"], validation["truth"]))


def load_unseen_traces(settings: TrainingSettings) -> tuple[Pictures, Floats, Integers]:
    """Load pictures, truth (distance [degrees], origin lag [s]) and event numbers of the test traces."""
    plan = load_recipe("offset", OffsetRecipe)
    shards = make_trace_shards(load_recipe("traces", TraceRecipe), settings, assign_shards(plan)[1])
    arrays = shards.load_all(("pictures", "truth"))
    events = np.concatenate([shards.load(i)["event"] + 10_000 * i for i in range(len(shards.paths))]).astype(np.int64)
    return arrays["pictures"], arrays["truth"].astype(np.float64), events
