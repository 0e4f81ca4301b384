"""The training of the families model: an embedding in which similar sources lie close together."""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Integers
from models.networks.families import KernelRegressionModel
from models.registry.card import Metric
from models.specs.families import FAMILIES
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Arrays
from training.datasets.source_pairs import KINDS, STYLES, PairRecipe, make_pair_shards
from training.evaluation.cluster_metrics import BenchmarkRecipe, draw_mixture, score_mixture, single_views
from training.export.quantization import Predictions, Storage
from training.learning.kernel_regression import KernelRegressionRecipe, fit_kernel_regression, scale_parameters
from training.tasks.training_task import FittedModel, TrainingTask, UnseenSet

LIMITS = (
    "Kinds of sources that differ little in spectrum and duration are not separated: explosion, collapse and shallow earthquake; landslide"
    " and slow earthquake.",
    "Trained on synthetic sources well above the noise: weaker events, and sources unlike all in training, are embedded arbitrarily.",
    "In small sets (fewer than some tens of events) clusters are often not separated; structure_found states it.",
)
UNSEEN_NAME = "mixtures of synthetic test events"
PARITY_PICTURES, BOOTSTRAPS = 16, 1000
MIXTURE_STREAM = 2
# Columns of `truth` in the shards of source pairs: the kind, the depth, then the source parameters that are learned.
KIND_COLUMN, FIRST_PARAMETER_COLUMN = 0, 2


class FamiliesPlan(BaseModel):
    """
    Shards of test and training sources, the recipe of the kernel regression, and of the benchmark that scores it.

    Test shards are numbered from 0, training shards from `first_train_shard`, so that either set can grow without the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_shards: int
    first_train_shard: int
    train_shards: int
    kernel_regression: KernelRegressionRecipe
    benchmark: BenchmarkRecipe


def load_pairs(settings: TrainingSettings, plan: FamiliesPlan) -> tuple[Arrays, Arrays]:
    """Draw or load the test and the training sources of the plan, disjoint by shard number."""
    pairs, names = load_recipe("families_pairs", PairRecipe), (*STYLES, "truth")
    test = make_pair_shards(pairs, settings, list(range(plan.test_shards)))
    train = make_pair_shards(pairs, settings, list(range(plan.first_train_shard, plan.first_train_shard + plan.train_shards)))
    return test.load_all(names), train.load_all(names)


def kernel_regression_model(train: Arrays, recipe: KernelRegressionRecipe, without: tuple[str, ...] = ()) -> KernelRegressionModel:
    """Fit the regression from source pictures to source parameters on the training sources, except those of the kinds `without`."""
    known = ~np.isin(train["truth"][:, KIND_COLUMN], [KINDS.index(kind) for kind in without])
    targets = scale_parameters(train["truth"][known, FIRST_PARAMETER_COLUMN:])
    return fit_kernel_regression(train["source"][known], targets, recipe)


class FamiliesTask(TrainingTask):
    """The training of the families model: a kernel regression, solved in closed form."""

    spec = FAMILIES
    # The regression's weights are large and of both signs: in half precision their sum would lose most of its digits.
    storage: ClassVar[Storage] = "float32"

    @property
    def plan(self) -> FamiliesPlan:
        """The recipe `families`."""
        return load_recipe("families", FamiliesPlan)

    def fit(self, settings: TrainingSettings, version: str) -> FittedModel:  # noqa: ARG002  (no run is kept: the fit takes seconds)
        """Load the training sources and fit the regression."""
        plan = self.plan
        _, train = load_pairs(settings, plan)
        data = {"sources": len(train["truth"]), "pairs": load_recipe("families_pairs", PairRecipe).model_dump(mode="json")}
        data["recipe"] = plan.kernel_regression.model_dump(mode="json")
        sample = np.ascontiguousarray(train["source"][:PARITY_PICTURES, 0])
        network = kernel_regression_model(train, plan.kernel_regression)
        return FittedModel(network, {}, data, LIMITS, sample, f"{PARITY_PICTURES} training pictures")

    def load_unseen_sets(self, settings: TrainingSettings) -> Iterator[UnseenSet]:
        """Load the test sources, which are scored over mixtures of their kinds."""
        pictures, kinds = single_views(load_pairs(settings, self.plan)[0])
        yield UnseenSet(UNSEEN_NAME, pictures["source"], lambda predictions: score_embedding(predictions, kinds, self.plan))


def score_embedding(predictions: Predictions, kinds: Integers, plan: FamiliesPlan) -> tuple[Metric, ...]:
    """Score an embedding over the benchmark's mixtures; means over mixtures, with bootstrap intervals."""
    random = np.random.default_rng([plan.benchmark.seed, MIXTURE_STREAM])
    mixtures = [draw_mixture(kinds, plan.benchmark, random) for _ in range(plan.benchmark.draws)]
    scores = np.array([score_mixture(predictions["embedding"], mixture, plan.benchmark) for mixture in mixtures])
    names = (
        "adjusted Rand index against the true kinds",
        "adjusted Rand index with the number of kinds known",
        "share of mixtures with the right number of kinds",
    )
    return tuple(_average(name, scores[:, k], plan.benchmark.seed) for k, name in enumerate(names))


def _average(name: str, values: Floats, seed: int) -> Metric:
    random = np.random.default_rng(seed)
    means = random.choice(values, (BOOTSTRAPS, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Metric(name=name, dataset=UNSEEN_NAME, value=float(values.mean()), low=low, high=high, n=len(values))
