"""Methods of embedding compared: mixtures of known kinds of sources, clustered without labels, and compared with the kinds."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from sklearn.metrics import confusion_matrix

from models.array_types import Floats, Floats32, Integers
from models.clustering.clusters import find_clusters
from training.config import SPAWN, TrainingSettings, load_recipe
from training.datasets.source_pairs import KINDS, STYLES, PairRecipe
from training.evaluation.cluster_metrics import BenchmarkRecipe, draw_mixture, single_views
from training.experiments.families.methods import (
    Method,
    MethodsPlan,
    embed_pictures,
    fit_deepcluster_method,
    make_baselines,
    make_shared_directions_method,
    make_supervised_method,
    make_untrained_method,
    train_views_network,
)
from training.experiments.families.noise_records import make_noise_shards
from training.experiments.families.scores import ClusteringScore, score_method
from training.experiments.families.supervised_ceiling import Ceiling, measure_ceilings
from training.tasks.families import FamiliesPlan, kernel_regression_model, load_pairs

UNSEEN_KINDS = ("landslide", "collapse", "resonance")
"""Kinds left out of the training of one embedding, to measure how it represents kinds that it has not seen."""


@dataclass(frozen=True)
class BenchmarkReport:
    """
    Results of the benchmark.

    `scores` [draws] by method; `single_kind_claims` and `noise_claims` number of draws with a false claim of structure, by method;
    `pairs` fraction [kinds, kinds] of pairs of events that fall into one cluster of the shipped method; `ceilings` of supervised
    classification; numbers of training sources and of draws.
    """

    scores: Mapping[str, Sequence[ClusteringScore]]
    single_kind_claims: Mapping[str, int]
    noise_claims: Mapping[str, int]
    pairs: Floats
    ceilings: Sequence[Ceiling]
    sources: int
    draws: int


def count_claims_in_noise(embedding: Floats32, plan: BenchmarkRecipe) -> int:
    """Count the draws in which structure is claimed among records of noise alone; each draw takes half of them."""
    random = np.random.default_rng([plan.seed, 3])
    parts = [random.choice(len(embedding), len(embedding) // 2, replace=False) for _ in range(plan.draws)]
    return sum(find_clusters(embedding[part], 2, 6, 3, plan.seed + k).structure_found for k, part in enumerate(parts))


def count_claims_of_single_kinds(embedding: Floats32, kinds: Integers, plan: BenchmarkRecipe) -> int:
    """Count the draws in which structure is claimed among events of one kind, each kind in turn."""
    random = np.random.default_rng([plan.seed, 1])
    claims = 0
    for number in range(plan.draws):
        pool = np.flatnonzero(kinds == number % len(KINDS))
        rows = random.choice(pool, max(len(pool) * 4 // 5, 4), replace=False)
        claims += find_clusters(embedding[rows], 2, 6, 3, plan.seed + number).structure_found
    return claims


def run_benchmark(settings: TrainingSettings) -> BenchmarkReport:
    """Draw missing data, train missing networks, and score every method; the last but one is the shipped method."""
    plan, methods_plan = load_recipe("families", FamiliesPlan), load_recipe("families_methods", MethodsPlan)
    test, train = load_pairs(settings, plan)
    folder = settings.build_dir / "runs" / f"families-{len(train['truth'])}"
    pictures, kinds = single_views(test)
    by_views = train_views_network(train, methods_plan.views, folder)
    ours, partly = (kernel_regression_model(train, plan.kernel_regression, without) for without in ((), UNSEEN_KINDS))
    methods = [
        *make_baselines(train),
        make_untrained_method(train, methods_plan),
        fit_deepcluster_method("DeepCluster as published, on sections", "distance", train, methods_plan.published, folder),
        fit_deepcluster_method("DeepCluster on source pictures", "source", train, methods_plan.deepcluster, folder),
        make_shared_directions_method(train),
        Method("two views of a source (VICReg)", lambda unseen: embed_pictures(by_views, unseen["source"])),
        Method(f"source parameters without {', '.join(UNSEEN_KINDS)}", lambda unseen: embed_pictures(partly, unseen["source"])),
        Method("source parameters (shipped)", lambda unseen: embed_pictures(ours, unseen["source"])),
        make_supervised_method(train, plan.kernel_regression),
    ]
    random = np.random.default_rng([plan.benchmark.seed, 2])
    mixtures = [draw_mixture(kinds, plan.benchmark, random) for _ in range(plan.benchmark.draws)]
    embedded = {method.name: method.embed(pictures) for method in methods}
    quiet = make_noise_shards(load_recipe("families_pairs", PairRecipe), settings, list(range(methods_plan.noise_shards))).load_all(
        tuple(STYLES)
    )
    embedded_noise = {method.name: method.embed(quiet) for method in (methods[2], methods[-2])}
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        scores = {name: list(pool.map(partial(score_method, rows, plan=plan.benchmark), mixtures)) for name, rows in embedded.items()}
        ours_name = methods[-2].name
        names = (methods[2].name, ours_name)
        claims = pool.map(partial(count_claims_of_single_kinds, kinds=kinds, plan=plan.benchmark), [embedded[name] for name in names])
        single_kind_claims = dict(zip(names, claims, strict=True))
        in_noise = pool.map(partial(count_claims_in_noise, plan=plan.benchmark), [embedded_noise[name] for name in names])
        noise_claims = dict(zip(names, in_noise, strict=True))
    pairs = measure_confusion(embedded[ours_name], kinds, plan.benchmark)
    limits = measure_ceilings({name: np.concatenate([train[name], test[name]]) for name in ("source", "truth")}, plan.benchmark.seed)
    return BenchmarkReport(scores, single_kind_claims, noise_claims, pairs, limits, len(train["truth"]), plan.benchmark.draws)


def measure_confusion(embedding: Floats32, kinds: Integers, plan: BenchmarkRecipe) -> Floats:
    """Fraction [kinds, kinds] of pairs of events, one of each kind, that fall into one cluster of all test events, k given."""
    found = find_clusters(embedding, len(KINDS), len(KINDS), plan.starts, plan.seed)
    table = confusion_matrix(kinds, found.labels, labels=range(len(KINDS))).astype(np.float64)
    fractions = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return np.asarray(fractions @ fractions.T)
