"""The commands that evaluate the served models on events with known truth, and write cards and pages."""
# ruff: noqa: PLC0415  (a command imports what it needs)

import argparse
from pathlib import Path

from training.config import TrainingSettings


def evaluate_cards(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure on the replica and on real events; update the cards, their figures and their page."""
    from training.evaluation import card_metrics, model_cards_page

    card_metrics.update_cards(settings, arguments.archive, arguments.real, arguments.most, model_cards_page.CARD_FIGURES)
    print(model_cards_page.write_model_cards_page(settings.artifacts_dir, arguments.command))


def write_pages(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the page of the model cards from the cards as they are."""
    from training.evaluation import model_cards_page

    print(model_cards_page.write_model_cards_page(settings.artifacts_dir, arguments.command))


def evaluate_location(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Locate the test part of the replica, optionally with larger moments."""
    from training.evaluation import location_page

    if arguments.moment_scale is None:
        print(location_page.write_replica_page(settings, arguments.command, arguments.store, arguments.most))
    else:
        print(location_page.write_moment_scale_page(settings, arguments.command, arguments.most, arguments.moment_scale))


def run_region_calibration(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Fit the factors on confidence regions and put them into the card of the distance model."""
    from training.evaluation import region_calibration

    print(region_calibration.calibrate_regions(settings, arguments.command, arguments.store, arguments.most))


def evaluate_real_events(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Evaluate the real events of a folder; write their page and the summary."""
    from training.evaluation import real_events_page

    if arguments.name == "real-events":
        print(real_events_page.write_real_events_page(settings, arguments.command, arguments.folder))
    print(real_events_page.write_summary(settings, arguments.command, arguments.folder))


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group."""
    commands = groups.add_parser("evaluate", help="evaluate the served models: cards, calibration of regions, pages").add_subparsers(
        dest="name", required=True, metavar="WHAT"
    )
    cards = commands.add_parser("cards", help="measure on the replica and on real events: cards, figures, docs/reference/model_cards.md")
    cards.add_argument("--real", type=Path, help="folder of real events; without it their metrics stay as they are")
    cards.set_defaults(run=evaluate_cards)
    commands.add_parser("pages", help="write docs/reference/model_cards.md from the cards").set_defaults(run=write_pages)
    location = commands.add_parser("location", help="locate the replica's test part: docs/results/location_replica.md")
    location.add_argument("--moment-scale", type=float, help="multiply moments and forces: docs/results/location_moment_scale.md")
    location.set_defaults(run=evaluate_location)
    regions = commands.add_parser("regions", help="fit the factors on confidence regions on the replica's validation part, into the card")
    regions.set_defaults(run=run_region_calibration)
    for command in (location, regions):
        command.add_argument("--store", help="another store of Green's functions than the recipe's")
    cards.add_argument("--archive", type=Path, default=Path("build/archives/twin"), help="archive of the replica")
    cards.add_argument("--most", type=int, help="number of events of each file of the archive, at most")
    for command in (location, regions):
        command.add_argument("--most", type=int, help="number of events, at most")
    for name, what in (("real-events", "real_events.md and docs/results/summary.md"), ("summary", "summary.md")):
        real = commands.add_parser(name, help=f"evaluate real events: docs/results/{what}")
        real.add_argument("folder", type=Path, help="folder of real events, a folder each")
        real.set_defaults(run=evaluate_real_events)
