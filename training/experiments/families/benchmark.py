"""
Do families come out? Mixtures of known kinds, given to every method without their labels, twenty times over.

Each draw takes two to eight kinds of the test sources in unequal shares; what comes out is compared with the kinds.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, confusion_matrix, normalized_mutual_info_score
from sklearn.mixture import GaussianMixture

from models.clustering.cluster_count import leading_components, unit_length
from models.clustering.clusters import Clustering, find_clusters
from training.config import SPAWN, TrainingSettings, recipe
from training.datasets.shards import Arrays
from training.datasets.source_pairs import KINDS, STYLES, PairRecipe, noise_shards, pair_shards
from training.experiments.families.methods import (
    BenchmarkRecipe,
    FamiliesPlan,
    Method,
    agreeing_pictures,
    embed,
    kernel_regression_model,
    labelled,
    plain_methods,
    random_backbone,
    train_deepcluster,
    views_network,
)
from training.experiments.families.real_events import real_events_section
from training.experiments.families.supervised_ceiling import Ceiling, ceilings

Labels = NDArray[np.int64]
# Kinds kept from one of the trained embeddings: what it does with sources that nobody thought of.
UNTAUGHT = ("landslide", "collapse", "resonance")
RULES = (
    "smallest loss (the paper's)",
    "largest silhouette",
    "largest gap",
    "largest stability",
    "largest excess (ours)",
    "least BIC of Gaussian mixtures",
)
LOOKED = "<!-- looked at: kept as it is -->"
# Gaussian mixtures see so many leading components; no distribution of theirs is narrower than this share of their variance.
MIXTURE_COMPONENTS, FLOOR = 4, 0.02


@dataclass(frozen=True)
class Mixture:
    """Rows of the test events in one draw, and their kinds."""

    rows: Labels
    kinds: Labels


@dataclass(frozen=True)
class Score:
    """How one method did in one draw; `fixed`: adjusted Rand index were k known; `chosen`: k by each of RULES."""

    ari: float
    nmi: float
    ami: float
    fixed: float
    k: int
    true_k: int
    structured: bool
    chosen: tuple[int, ...]


@dataclass(frozen=True)
class Report:
    """Scores [draws] by method, and how kinds fell into families over all draws of the last method without labels."""

    scores: Mapping[str, Sequence[Score]]
    alone: Mapping[str, int]
    noise: Mapping[str, int]
    pairs: NDArray[np.float64]
    limits: Sequence[Ceiling]
    sources: int
    draws: int


def draw_mixture(kinds: Labels, plan: BenchmarkRecipe, random: np.random.Generator) -> Mixture:
    """
    Two to eight kinds in shares of a Dirichlet distribution (2), 60 to 600 events by the logarithm, at least 5 of each kind.

    As many as the pool holds of a kind, none twice.
    """
    present = random.choice(len(KINDS), random.integers(plan.kinds[0], plan.kinds[1] + 1), replace=False)
    wanted = np.exp(random.uniform(*np.log(plan.events))) * random.dirichlet(np.full(len(present), 2.0))
    rows = []
    for kind, count in zip(present, wanted, strict=True):
        pool = np.flatnonzero(kinds == kind)
        rows.append(random.choice(pool, min(max(int(count), 5), len(pool)), replace=False))
    chosen = random.permutation(np.concatenate(rows))
    return Mixture(chosen, kinds[chosen])


def score_mixtures(embedding: NDArray[np.float32], mixture: Mixture, plan: BenchmarkRecipe) -> Score:
    """One method in one draw."""
    events, truth = embedding[mixture.rows], mixture.kinds
    found = find_clusters(events, 2, plan.k_max, plan.starts, plan.seed)
    true_k = len(np.unique(truth))
    fixed = find_clusters(events, true_k, true_k, plan.starts, plan.seed)
    return Score(
        ari=float(adjusted_rand_score(truth, found.labels)),
        nmi=float(normalized_mutual_info_score(truth, found.labels)),
        ami=float(adjusted_mutual_info_score(truth, found.labels)),
        fixed=float(adjusted_rand_score(truth, fixed.labels)),
        k=found.k,
        true_k=true_k,
        structured=found.structure_found,
        chosen=(*choose_by_rules(found), count_by_mixture(events, plan)),
    )


def choose_by_rules(found: Clustering) -> tuple[int, ...]:
    """The k that each of RULES but the last chooses."""
    best = [max(found.selection, key=attrgetter(name)).k for name in ("silhouette", "gap", "stability", "excess")]
    return (found.k_of_smallest_loss, *best)


def count_by_mixture(events: NDArray[np.float32], plan: BenchmarkRecipe) -> int:
    """The number of normal distributions of any shape that explain the leading components best for their number (Schwarz 1978)."""
    points = leading_components(unit_length(events.astype(np.float64)))[:, :MIXTURE_COMPONENTS]
    floor = FLOOR * float(points.var(axis=0).mean())
    fits = [GaussianMixture(k, reg_covar=floor, random_state=plan.seed).fit(points) for k in range(2, plan.k_max + 1)]
    return int(min(fits, key=lambda fit: fit.bic(points)).n_components)


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


def single_views(shards: Arrays) -> tuple[Arrays, Labels]:
    """Single pictures of test sources, the first view of each, and their kinds."""
    return {name: np.ascontiguousarray(shards[name][:, 0]) for name in STYLES}, shards["truth"][:, 0].astype(np.int64)


def measure(settings: TrainingSettings) -> Report:
    """Draw what is missing of the data, train what is missing, and score every method."""
    plan = recipe("families", FamiliesPlan)
    test, train = load_pairs(settings, plan)
    folder = settings.build_dir / "runs" / f"families-{len(train['truth'])}"
    pictures, kinds = single_views(test)
    by_views = views_network(train, plan.views, folder)
    ours, partly = (kernel_regression_model(train, plan.described, without) for without in ((), UNTAUGHT))
    methods = [
        *plain_methods(train),
        random_backbone(train, plan),
        train_deepcluster("DeepCluster as published, on sections", "distance", train, plan.published, folder),
        train_deepcluster("DeepCluster on source pictures", "source", train, plan.deepcluster, folder),
        agreeing_pictures(train),
        Method("two views of a source (VICReg)", lambda unseen: embed(by_views, unseen["source"])),
        Method(f"taught sources, but no {' or '.join(UNTAUGHT)}", lambda unseen: embed(partly, unseen["source"])),
        Method("taught what sources are like, ours", lambda unseen: embed(ours, unseen["source"])),
        labelled(train, plan.described),
    ]
    random = np.random.default_rng([plan.benchmark.seed, 2])
    mixtures = [draw_mixture(kinds, plan.benchmark, random) for _ in range(plan.benchmark.draws)]
    embedded = {method.name: method.embed(pictures) for method in methods}
    quiet = noise_shards(recipe("families_pairs", PairRecipe), settings, list(range(plan.noise_shards))).load_all(tuple(STYLES))
    embedded_noise = {method.name: method.embed(quiet) for method in (methods[2], methods[-2])}
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        scores = {name: list(pool.map(partial(score_mixtures, rows, plan=plan.benchmark), mixtures)) for name, rows in embedded.items()}
        ours_name = methods[-2].name
        names = (methods[2].name, ours_name)
        claims = pool.map(partial(count_claims_of_single_kinds, kinds=kinds, plan=plan.benchmark), [embedded[name] for name in names])
        alone = dict(zip(names, claims, strict=True))
        silence = pool.map(partial(count_claims_in_noise, plan=plan.benchmark), [embedded_noise[name] for name in names])
        noise = dict(zip(names, silence, strict=True))
    pairs = confusions(embedded[ours_name], kinds, plan.benchmark)
    limits = ceilings({name: np.concatenate([train[name], test[name]]) for name in ("source", "truth")}, plan.benchmark.seed)
    return Report(scores, alone, noise, pairs, limits, len(train["truth"]), plan.benchmark.draws)


def load_pairs(settings: TrainingSettings, plan: FamiliesPlan) -> tuple[Arrays, Arrays]:
    """Test and training sources, apart by number."""
    pairs, names = recipe("families_pairs", PairRecipe), (*STYLES, "truth")
    test = pair_shards(pairs, settings, list(range(plan.test_shards)))
    train = pair_shards(pairs, settings, list(range(plan.first_train_shard, plan.first_train_shard + plan.train_shards)))
    return test.load_all(names), train.load_all(names)


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
