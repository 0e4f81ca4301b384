"""The page `families.md`, from the results of the benchmark and, where there are any, from real events."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import TrainingSettings, load_recipe
from training.datasets.source_pairs import KINDS, PairRecipe
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.families.benchmark import BenchmarkReport, run_benchmark
from training.experiments.families.methods import MethodsPlan
from training.experiments.families.real_events import cluster_real_events
from training.experiments.families.scores import RULES, ClusteringScore
from training.tasks.families import FamiliesPlan

TEMPLATE = Path(__file__).parents[1] / "templates" / "families.md"
BOOTSTRAPS = 1000
GOAL_ARI, GOAL_RIGHT = 0.9, 0.8
MAX_PAIRS = 8
"""Pairs of kinds in the table of confusions."""
METHOD_HEADS = ("method", "ARI", "NMI", "AMI", "ARI with k given", "right k", "structure found")
NO_REAL_EVENTS = {"version": "not run", "real_verdict": "No folder of real events was given.", "real_events": ""}


def write_families_page(settings: TrainingSettings, command: str) -> Path:
    """Run the benchmark, cluster the real events of the data folder where it has any, and write `families.md`."""
    folder = settings.data_dir / "real_events" if settings.data_dir else None
    real = cluster_real_events(settings.artifacts_dir, folder) if folder and folder.is_dir() else NO_REAL_EVENTS
    return write_report(RESULTS / "families.md", command, run_benchmark(settings), real)


def write_report(page: Path, command: str, report: BenchmarkReport, real: dict[str, str]) -> Path:
    """Write the page of a report; the last method but one is the shipped one."""
    shipped = list(report.scores)[-2]
    scores = report.scores[shipped]
    return write_page(
        page,
        TEMPLATE,
        command,
        draws=str(report.draws),
        sources=str(report.sources),
        amounts=describe_amounts(),
        methods=format_table(METHOD_HEADS, [format_method(name, own) for name, own in report.scores.items()]),
        verdict=describe_goal(report),
        ceilings=format_table(
            ("input", "accuracy", "ARI", "events"),
            [(one.name, _format_interval(one.right), _format_interval(one.ari), str(one.events)) for one in report.ceilings],
        ),
        shipped=shipped,
        ari=f"{np.mean([one.ari for one in scores]):.2f}",
        ari_true_k=f"{np.mean([one.ari_true_k for one in scores]):.2f}",
        rules=format_table(("rule", "right k", "mean absolute error", "mean error"), format_rules(scores)),
        claims=format_table(
            ("embedding", "one kind", "noise"),
            [
                (name, f"{count} of {report.draws}", f"{report.noise_claims[name]} of {report.draws}")
                for name, count in report.single_kind_claims.items()
            ],
        ),
        clusters=str(len(KINDS)),
        chance=f"{1 / len(KINDS):.2f}",
        pairs_count=str(MAX_PAIRS),
        pairs=format_table(("kinds", "fraction"), format_confusions(report)),
        **real,
    )


def _format_mean(values: Sequence[float]) -> str:
    """Format a mean over draws with its 95 % percentile-bootstrap interval."""
    drawn = np.random.default_rng(0).choice(np.asarray(values, np.float64), (BOOTSTRAPS, len(values))).mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{np.mean(values):.2f} ({low:.2f} to {high:.2f})"


def _format_interval(value: tuple[float, float, float]) -> str:
    return f"{value[0]:.2f} ({value[1]:.2f} to {value[2]:.2f})"


def format_method(name: str, scores: Sequence[ClusteringScore]) -> tuple[str, ...]:
    """Format the scores of one method."""
    return (
        name,
        _format_mean([score.ari for score in scores]),
        _format_mean([score.nmi for score in scores]),
        _format_mean([score.ami for score in scores]),
        _format_mean([score.ari_true_k for score in scores]),
        _format_mean([float(score.k == score.true_k) for score in scores]),
        f"{sum(score.structure_found for score in scores)} of {len(scores)}",
    )


def describe_goal(report: BenchmarkReport) -> str:
    """State which methods reach the goal, and how good the supervised reader is on the same events."""
    *unsupervised, (_, supervised) = report.scores.items()
    reached = [
        name
        for name, scores in unsupervised
        if np.mean([one.ari for one in scores]) >= GOAL_ARI and np.mean([one.k == one.true_k for one in scores]) >= GOAL_RIGHT
    ]
    verdict = f"is reached by: {', '.join(reached)}" if reached else "is not reached by any method"
    return (
        f"The goal, ARI {GOAL_ARI} and the right k in {GOAL_RIGHT:.0%} of the draws, {verdict}. The same reader trained with the "
        f"true kinds reaches an ARI of {np.mean([one.ari_true_k for one in supervised]):.2f} with k given: an upper limit."
    )


def format_rules(scores: Sequence[ClusteringScore]) -> list[tuple[str, ...]]:
    """Format how often each rule chooses the right number of clusters, and by how much it is wrong."""
    lines: list[tuple[str, ...]] = []
    for number, rule in enumerate(RULES):
        errors = [score.k_by_rule[number] - score.true_k for score in scores]
        right = f"{np.mean([error == 0 for error in errors]):.2f}"
        lines.append((rule, right, f"{np.mean(np.abs(errors)):.1f}", f"{np.mean(errors):+.1f}"))
    return lines


def format_confusions(report: BenchmarkReport) -> list[tuple[str, ...]]:
    """Format the pairs of kinds that fall most often into one cluster."""
    pairs = [(report.pairs[a, b], a, b) for a in range(len(KINDS)) for b in range(a)]
    return [(f"{KINDS[b]} and {KINDS[a]}", f"{fraction:.2f}") for fraction, a, b in sorted(pairs, reverse=True)[:MAX_PAIRS]]


def describe_amounts() -> str:
    """State how much was drawn and trained, from the recipes."""
    plan, methods, pairs = (
        load_recipe("families", FamiliesPlan),
        load_recipe("families_methods", MethodsPlan),
        load_recipe("families_pairs", PairRecipe),
    )
    pool = plan.test_shards * pairs.events_per_shard
    stores = [pairs.store] if isinstance(pairs.store, str) else pairs.store
    return (
        f"A draw asks for {plan.benchmark.events[0]} to {plan.benchmark.events[1]} events and takes what the {pool} test sources hold: "
        f"{pool // len(KINDS)} of a kind at most. Earth models: {', '.join(stores)}. Networks were trained for less than published: "
        f"AlexNet at {methods.published.width:g} of its width for {methods.published.rounds} rounds, DeepCluster on source pictures for "
        f"{methods.deepcluster.rounds} rounds, two views for {methods.views.epochs} epochs."
    )
