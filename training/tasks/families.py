"""Train, export and score the families model: sources that are alike shall embed alike."""

from pathlib import Path

import numpy as np
import torch

from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.families import FAMILIES
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Arrays
from training.datasets.source_pairs import PairRecipe
from training.evaluation.cluster_metrics import draw_mixture, score_mixture, single_views
from training.export.artifact import add_metrics, compare_with_torch, export_artifact
from training.tasks.families_plan import FamiliesPlan, kernel_regression_model, load_pairs

LIMITS = (
    "Kinds that differ little in spectrum and duration are not told apart: explosion, collapse and shallow earthquake; landslide "
    "and slow earthquake.",
    "Taught with synthetic sources that stand clearly over the noise; fainter events, and pictures unlike any known one, lie anywhere.",
    "Families of small sets (under some tens of events) are often not told apart; structure_found says so.",
)


def _scored(model: OnnxModel, test: Arrays, plan: FamiliesPlan) -> tuple[Metric, ...]:
    """By the serving path, over the benchmark's mixtures."""
    pictures, kinds = single_views(test)
    embedding = model.run(pictures["source"])["embedding"]
    random = np.random.default_rng([plan.benchmark.seed, 2])
    scores = [score_mixture(embedding, draw_mixture(kinds, plan.benchmark, random), plan.benchmark) for _ in range(plan.benchmark.draws)]
    named = {
        "adjusted Rand index against the true kinds": [one.ari for one in scores],
        "adjusted Rand index with the number of kinds known": [one.ari_true_k for one in scores],
        "share of mixtures with the right number of kinds": [float(one.k == one.true_k) for one in scores],
    }
    return tuple(_metric(name, np.array(values), plan.benchmark.seed) for name, values in named.items())


def _metric(name: str, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], seed: int) -> Metric:
    """Mean over draws, interval by bootstrap."""
    random = np.random.default_rng(seed)
    means = random.choice(values, (1000, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Metric(name=name, dataset="mixtures of synthetic test events", value=float(values.mean()), low=low, high=high, n=len(values))


def train(settings: TrainingSettings, version: str) -> Path:
    """The whole way from sources to a scored artifact; returns its folder."""
    plan = load_recipe("families", FamiliesPlan)
    torch.set_num_threads(settings.processes)
    test, seen = load_pairs(settings, plan)
    network = kernel_regression_model(seen, plan.kernel_regression)
    data = {"sources": len(seen["truth"]), "pairs": load_recipe("families_pairs", PairRecipe).model_dump(mode="json")}
    data["recipe"] = plan.kernel_regression.model_dump(mode="json")
    # The weights of a kernel's rows are large and of both signs: half precision would leave little of their sum.
    place = export_artifact(network, FAMILIES, version, settings.artifacts_dir, data=data, limits=LIMITS, calibration={}, storage="float32")
    parity = compare_with_torch(network, place / "model.onnx", np.ascontiguousarray(seen["source"][:16, 0]))
    model = OnnxModel.load(open_store(settings.artifacts_dir), FAMILIES, threads=settings.processes)
    agreement = Metric(name="largest difference to torch, relative", dataset="16 training pictures", value=parity, n=16)
    add_metrics(place, (*_scored(model, test, plan), agreement))
    return place
