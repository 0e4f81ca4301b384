"""The commands that validate synthetic data: against physics, against observed records, and for leakage."""
# ruff: noqa: PLC0415  (a command imports what it needs)

import argparse
from pathlib import Path

from training.cli.build import STORES
from training.config import TrainingSettings


def validate_physics(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Test the stores against disba, TauP and the moments that were put in."""
    from training.validation import physics

    print(physics.write_physics_page(settings.build_dir / "greens", STORES, arguments.command))


def validate_realism(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compare synthetic with observed records."""
    from training.validation import realism_page

    print(realism_page.write_realism_page(arguments.folder, settings.build_dir / "realism", arguments.command))


def validate_leakage(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Measure how well trivial cues predict class and distance."""
    from training.validation import leakage

    print(leakage.write_leakage_page(arguments.folders, arguments.events, arguments.command))


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group."""
    commands = groups.add_parser("validate", help="validate synthetic data: physics, realism, leakage").add_subparsers(
        dest="name", required=True, metavar="WHAT"
    )
    physics = commands.add_parser("physics", help="test the stores against independent calculations: docs/results/physics.md")
    physics.set_defaults(run=validate_physics)
    realism = commands.add_parser("realism", help="compare synthetic with observed records: docs/results/realism.md")
    realism.add_argument("folder", type=Path, help="folder of real events, a folder each")
    realism.set_defaults(run=validate_realism)
    leakage = commands.add_parser("leakage", help="measure what trivial cues give away in archives: docs/results/leakage.md")
    leakage.add_argument("folders", type=Path, nargs="+")
    leakage.add_argument("--events", type=int, default=300, help="number of events of each archive, at most (300)")
    leakage.set_defaults(run=validate_leakage)
