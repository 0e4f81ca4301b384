"""
Do families come out? Mixtures of known kinds, given to every method without their labels, twenty times over.

Each draw takes two to eight kinds of the test sources in unequal shares; what comes out is compared with the kinds.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from models.clustering.clusters import find_clusters
from training.config import SPAWN, TrainingSettings, load_recipe
from training.datasets.source_pairs import KINDS, STYLES, PairRecipe, make_noise_shards
from training.evaluation.cluster_metrics import BenchmarkRecipe, ClusteringScore, draw_mixture, score_mixture, single_views
from training.experiments.families.methods import (
    Method,
    MethodsPlan,
    agreeing_pictures,
    embed,
    labelled,
    plain_methods,
    random_backbone,
    train_deepcluster,
    views_network,
)
from training.experiments.families.real_events import real_events_section
from training.experiments.families.supervised_ceiling import Ceiling, ceilings
from training.tasks.families_plan import FamiliesPlan, kernel_regression_model, load_pairs

Labels = NDArray[np.int64]
# Kinds kept from one of the trained embeddings: what it does with sources that nobody thought of.
UNTAUGHT = ("landslide", "collapse", "resonance")
LOOKED = "<!-- looked at: kept as it is -->"


@dataclass(frozen=True)
class Report:
    """Scores [draws] by method, and how kinds fell into families over all draws of the last method without labels."""

    scores: Mapping[str, Sequence[ClusteringScore]]
    alone: Mapping[str, int]
    noise: Mapping[str, int]
    pairs: NDArray[np.float64]
    limits: Sequence[Ceiling]
    sources: int
    draws: int


def count_claims_in_noise(embedding: NDArray[np.float32], plan: BenchmarkRecipe) -> int:
    """In how many of as many draws as there are mixtures structure is claimed among half of the uploads that hold nothing but noise."""
    random = np.random.default_rng([plan.seed, 3])
    parts = [random.choice(len(embedding), len(embedding) // 2, replace=False) for _ in range(plan.draws)]
    return sum(find_clusters(embedding[part], 2, 6, 3, plan.seed + k).structure_found for k, part in enumerate(parts))


def count_claims_of_single_kinds(embedding: NDArray[np.float32], kinds: Labels, plan: BenchmarkRecipe) -> int:
    """In how many of as many draws as there are mixtures structure is claimed where all events are of one kind."""
    random = np.random.default_rng([plan.seed, 1])
    claims = 0
    for number in range(plan.draws):
        pool = np.flatnonzero(kinds == number % len(KINDS))
        rows = random.choice(pool, max(len(pool) * 4 // 5, 4), replace=False)
        claims += find_clusters(embedding[rows], 2, 6, 3, plan.seed + number).structure_found
    return claims


def measure(settings: TrainingSettings) -> Report:
    """Draw what is missing of the data, train what is missing, and score every method."""
    plan, methods_plan = load_recipe("families", FamiliesPlan), load_recipe("families_methods", MethodsPlan)
    test, train = load_pairs(settings, plan)
    folder = settings.build_dir / "runs" / f"families-{len(train['truth'])}"
    pictures, kinds = single_views(test)
    by_views = views_network(train, methods_plan.views, folder)
    ours, partly = (kernel_regression_model(train, plan.kernel_regression, without) for without in ((), UNTAUGHT))
    methods = [
        *plain_methods(train),
        random_backbone(train, methods_plan),
        train_deepcluster("DeepCluster as published, on sections", "distance", train, methods_plan.published, folder),
        train_deepcluster("DeepCluster on source pictures", "source", train, methods_plan.deepcluster, folder),
        agreeing_pictures(train),
        Method("two views of a source (VICReg)", lambda unseen: embed(by_views, unseen["source"])),
        Method(f"taught sources, but no {' or '.join(UNTAUGHT)}", lambda unseen: embed(partly, unseen["source"])),
        Method("taught what sources are like, ours", lambda unseen: embed(ours, unseen["source"])),
        labelled(train, plan.kernel_regression),
    ]
    random = np.random.default_rng([plan.benchmark.seed, 2])
    mixtures = [draw_mixture(kinds, plan.benchmark, random) for _ in range(plan.benchmark.draws)]
    embedded = {method.name: method.embed(pictures) for method in methods}
    quiet = make_noise_shards(load_recipe("families_pairs", PairRecipe), settings, list(range(methods_plan.noise_shards))).load_all(
        tuple(STYLES)
    )
    embedded_noise = {method.name: method.embed(quiet) for method in (methods[2], methods[-2])}
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        scores = {name: list(pool.map(partial(score_mixture, rows, plan=plan.benchmark), mixtures)) for name, rows in embedded.items()}
        ours_name = methods[-2].name
        names = (methods[2].name, ours_name)
        claims = pool.map(partial(count_claims_of_single_kinds, kinds=kinds, plan=plan.benchmark), [embedded[name] for name in names])
        alone = dict(zip(names, claims, strict=True))
        silence = pool.map(partial(count_claims_in_noise, plan=plan.benchmark), [embedded_noise[name] for name in names])
        noise = dict(zip(names, silence, strict=True))
    pairs = confusions(embedded[ours_name], kinds, plan.benchmark)
    limits = ceilings({name: np.concatenate([train[name], test[name]]) for name in ("source", "truth")}, plan.benchmark.seed)
    return Report(scores, alone, noise, pairs, limits, len(train["truth"]), plan.benchmark.draws)


def confusions(embedding: NDArray[np.float32], kinds: Labels, plan: BenchmarkRecipe) -> NDArray[np.float64]:
    """Share [kinds, kinds] of pairs of events, one of each kind, that fall into one family, all test events at once, k known."""
    found = find_clusters(embedding, len(KINDS), len(KINDS), plan.starts, plan.seed)
    table = confusion_matrix(kinds, found.labels, labels=range(len(KINDS))).astype(np.float64)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    return np.asarray(shares @ shares.T)


def write_families_page(settings: TrainingSettings, page: Path) -> None:
    """Measure, and write the page; the real events of the data folder follow, where it holds any, and what a person wrote of them."""
    from training.experiments.families.page import page_of  # noqa: PLC0415  (the page reads this module's types)

    real = settings.data_dir / "real_events" if settings.data_dir else None
    found = real_events_section(settings.artifacts_dir, real) if real and real.is_dir() else ""
    words = read_manual_part(page)
    page.write_text("\n".join(part for part in (page_of(measure(settings)), found, words) if part), encoding="utf-8")


def read_manual_part(page: Path) -> str:
    """What stands on the page from the mark LOOKED on; nothing where there is no page or no mark."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return text[text.index(LOOKED) :] if LOOKED in text else ""
