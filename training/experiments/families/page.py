"""docs/families.md, from the benchmark's numbers alone."""

from collections.abc import Sequence

import numpy as np

from training.config import load_recipe
from training.datasets.source_pairs import KINDS, PairRecipe
from training.evaluation.cluster_metrics import RULES, ClusteringScore
from training.experiments.families.benchmark import Report
from training.experiments.families.methods import MethodsPlan
from training.experiments.families.supervised_ceiling import Ceiling
from training.tasks.families_plan import FamiliesPlan

BOOTSTRAPS = 1000
GOAL_ARI, GOAL_RIGHT = 0.9, 0.8
MAX_PAIRS = 8  # pairs of kinds told of


def _mean(values: Sequence[float]) -> str:
    """Mean and 95 % interval over draws (percentile bootstrap)."""
    drawn = np.random.default_rng(0).choice(np.asarray(values, np.float64), (BOOTSTRAPS, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.mean(values):.2f} ({low:.2f} to {high:.2f})"


def _row(name: str, scores: Sequence[ClusteringScore]) -> str:
    columns = [
        _mean([score.ari for score in scores]),
        _mean([score.nmi for score in scores]),
        _mean([score.ami for score in scores]),
        _mean([score.ari_true_k for score in scores]),
        _mean([float(score.k == score.true_k) for score in scores]),
        f"{sum(score.structure_found for score in scores)} of {len(scores)}",
    ]
    return f"| {name} | {' | '.join(columns)} |"


def _verdict(report: Report) -> list[str]:
    """Whether the goal is reached, and what the trunk that was taught the kinds says of it."""
    *free, (_, ceiling) = report.scores.items()
    reached = [
        name
        for name, scores in free
        if np.mean([one.ari for one in scores]) >= GOAL_ARI and np.mean([one.k == one.true_k for one in scores]) >= GOAL_RIGHT
    ]
    goal = f"The goal, ARI {GOAL_ARI} and the right k in {GOAL_RIGHT:.0%} of the draws, is"
    told = np.mean([one.ari_true_k for one in ceiling])
    return [
        f"{goal} reached by: {', '.join(reached)}." if reached else f"{goal} not reached by any method.",
        f"A trunk that is taught the kinds, on the same training events, comes to ARI {told:.2f} with k known: what it cannot part,",
        "no grouping without labels can be asked to.",
    ]


def _rules(scores: Sequence[ClusteringScore]) -> list[str]:
    rows = []
    for number, rule in enumerate(RULES):
        off = [score.k_by_rule[number] - score.true_k for score in scores]
        rows.append(f"| {rule} | {np.mean([miss == 0 for miss in off]):.2f} | {np.mean(np.abs(off)):.1f} | {np.mean(off):+.1f} |")
    return rows


def _confused(report: Report) -> list[str]:
    pairs = [(report.pairs[a, b], a, b) for a in range(len(KINDS)) for b in range(a)]
    return [f"| {KINDS[b]} and {KINDS[a]} | {share:.2f} |" for share, a, b in sorted(pairs, reverse=True)[:MAX_PAIRS]]


def _limits(found: Ceiling) -> str:
    shown = (f"{value:.2f} ({low:.2f} to {high:.2f})" for value, low, high in (found.right, found.ari))
    return f"| {found.name} | {' | '.join(shown)} | {found.events} |"


def _amounts() -> list[str]:
    """How much was drawn and trained, by the recipes."""
    plan, pairs = load_recipe("families", FamiliesPlan), load_recipe("families_pairs", PairRecipe)
    methods = load_recipe("families_methods", MethodsPlan)
    pool = plan.test_shards * pairs.events_per_shard
    stores = [pairs.store] if isinstance(pairs.store, str) else pairs.store
    return [
        f"A draw asks for {plan.benchmark.events[0]} to {plan.benchmark.events[1]} events and takes what the {pool} test sources hold:"
        f" {pool // len(KINDS)} of a kind at most. Earths: {', '.join(stores)}.",
        f"Networks were trained for less than published: AlexNet at {methods.published.width:g} of its width for {methods.published.rounds}"
        f" rounds, DeepCluster on source pictures for {methods.deepcluster.rounds}, two views for {methods.views.epochs} epochs.",
    ]


def _introduction(report: Report) -> list[str]:
    return [
        "# Families: what is told apart and what is not",
        "",
        "Written by `python -m training families-benchmark`. Mixtures of two to eight kinds (shallow and deep earthquakes, glacial",
        "earthquakes, explosions, collapses, landslides, slow earthquakes, resonance) in unequal shares, places unknown, are given to",
        f"every method without labels; {report.draws} draws, each mean with its 95 % bootstrap interval over draws. All methods were",
        f"prepared on the same {report.sources} training sources, other ones than the test's. Every source is made larger until it",
        "stands clearly over the noise (training/configs/families_pairs.toml): at their natural size most landslides and slow",
        "earthquakes drown, and nothing can group what nobody can see.",
        *_amounts(),
        "",
        "Ours is taught to read off a picture what its source is like: duration, depth, force or moment, isotropic or not, level at",
        "twelve periods (`training/synthesis/source_parameters`). No kind is named to it, but the generator's truth about the",
        "training sources is.",
        "The row above ours saw no source of three of the kinds: what it does with sources that nobody thought of.",
        "",
        "| method | ARI | NMI | AMI | ARI with k known | right k | structure found |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *[_row(name, scores) for name, scores in report.scores.items()],
        "",
        *_verdict(report),
        "",
    ]


LIMITS = """## What limits it

Random trees that are taught the kinds on four fifths of the sources name those of the last fifth
(`training/experiments/families/supervised_ceiling`), first from
what is true of a source (`training/synthesis/source_parameters`), then from the picture.
Means with 95 % intervals over sources.

| looked at | named rightly | ARI | events |
| --- | --- | --- | --- |
"""

WHY = """## Why sections hide the kinds

A section scales each trace in each band by its own maximum and is 32 s a pixel wide, so the two things in which sources
differ most, the ratio of periods and the duration, are gone before a network sees anything. The source picture
(`models/imaging/source_picture`) keeps both, puts attenuation back along the predicted way, and stacks over stations.
"""


def page_of(report: Report) -> str:
    """The whole page; the last method but one is ours."""
    ours = list(report.scores)[-2]
    lines = [
        *_introduction(report),
        *LIMITS.splitlines(),
        *[_limits(found) for found in report.limits],
        "",
        *WHY.splitlines(),
        "",
        "## How many families: rules side by side",
        "",
        f"On the embedding of '{ours}', whose ARI is {np.mean([one.ari for one in report.scores[ours]]):.2f} with k chosen and"
        f" {np.mean([one.ari_true_k for one in report.scores[ours]]):.2f} with k known.",
        "",
        "| rule | right k | mean absolute miss | mean miss |",
        "| --- | --- | --- | --- |",
        *_rules(report.scores[ours]),
        "",
        "## One kind only, and noise",
        "",
        "In how many draws structure is claimed where all events are of one kind, each kind in turn, and where no event happened at",
        "all: noise at the stations of events far too small to be seen. It should be none, or one of twenty.",
        "",
        "| embedding | one kind | noise |",
        "| --- | --- | --- |",
        *[f"| {name} | {report.alone[name]} of {report.draws} | {report.noise[name]} of {report.draws} |" for name in report.alone],
        "",
        "## Which kinds are taken for one another",
        "",
        f"Share of pairs of events, one of each kind, that fall into one of {len(KINDS)} families of all test events"
        f" (chance about {1 / len(KINDS):.2f}); the {MAX_PAIRS} pairs most alike.",
        "",
        "| kinds | share |",
        "| --- | --- |",
        *_confused(report),
        "",
    ]
    return "\n".join(lines)
