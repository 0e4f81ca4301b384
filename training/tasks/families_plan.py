"""What the families model learns from: source pairs by number of shard, and the recipe of its kernel regression."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.networks.families import KernelRegressionModel
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Arrays
from training.datasets.source_pairs import KINDS, STYLES, PairRecipe, make_pair_shards
from training.evaluation.cluster_metrics import BenchmarkRecipe
from training.learning.kernel_regression import KernelRegressionRecipe, fit_kernel_regression, scale_parameters

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
