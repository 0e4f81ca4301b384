"""The verbs that tell how good the shipped models are, what they go by, and write it into cards and pages."""
# ruff: noqa: PLC0415  (as in training.__main__: a verb imports what it needs)

import argparse
from pathlib import Path

from training.config import TrainingSettings

PAGE, FIGURES = Path("docs/models.md"), Path("docs/figures/models")


def write_report(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write what the cards say."""
    from training.evaluation import models_page

    PAGE.write_text(models_page.models_page(settings.artifacts_dir, FIGURES), encoding="utf-8")
    readme = Path("README.md")
    readme.write_text(
        models_page.replace_scores(readme.read_text(encoding="utf-8"), models_page.readme_scores(settings.artifacts_dir)), encoding="utf-8"
    )


def score_models(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure, then write cards, figures and what the cards say."""
    from training.evaluation import score_cards as scoring

    scoring.score_artifacts(settings, arguments.twin, arguments.real, arguments.most, FIGURES)
    write_report(arguments, settings)


def weigh_class_priors(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Try what the place may say of the class."""
    from training.experiments.location import class_prior

    class_prior.write_class_prior(settings, arguments.twin, arguments.most)


def read_real_events(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Read real events with the shipped models."""
    from training.evaluation import real_events

    Path("docs/real_events.md").write_text(real_events.real_events_page(settings.artifacts_dir, arguments.folder), encoding="utf-8")


def write_attribution(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Tell what event_type goes by."""
    from training.experiments.attribution import page

    picture = Path("docs/figures/attribution.png")
    page.write_attribution_page(settings, arguments.twin, arguments.real, arguments.each, Path("docs/attribution.md"), picture)


def add_showing(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them."""
    cards = verbs.add_parser("report", help="write docs/models.md and the scores in README.md from the cards")
    cards.set_defaults(run=write_report)
    scores = verbs.add_parser(
        "score", help="score the shipped models on the twin and real events: cards, docs/figures/models, then as report"
    )
    scores.set_defaults(run=score_models)
    places = verbs.add_parser("place-odds", help="write a part of docs/explanation/training.md: how far the class may trust the place")
    places.set_defaults(run=weigh_class_priors)
    for verb in (scores, places):
        verb.add_argument("--most", type=int, help="most events of each of the archive's files")
    evidence = verbs.add_parser("attribution", help="write docs/attribution.md and its figure: what in a section event_type goes by")
    evidence.add_argument("--each", type=int, default=30, help="most events of each class")
    evidence.set_defaults(run=write_attribution)
    for verb in (scores, evidence, places):
        verb.add_argument("--twin", type=Path, default=Path("build/archives/twin"), help="archive of the catalog twin")
    for verb in (scores, evidence):
        verb.add_argument("--real", type=Path, help="real events, a folder each; without it they are left as they were told, or untold")
    real = verbs.add_parser("real-events", help="write docs/real_events.md from a folder of real events")
    real.add_argument("folder", type=Path)
    real.set_defaults(run=read_real_events)
