"""The verbs of `python -m training` that fill tables of trainings."""
# ruff: noqa: PLC0415  (as in training.__main__: a verb imports what it needs)

import argparse
from pathlib import Path

from training.config import TrainingSettings


def compare_depths(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compare ResNets of five depths."""
    from training.experiments.resnet_depth import run

    Path("docs/models_comparison.md").write_text(run.compare_depths(settings, arguments.minutes), encoding="utf-8")


def ablate(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Tell what each choice is worth."""
    from training.experiments.ablations import run

    Path("docs/ablations.md").write_text(run.ablations(settings, arguments.minutes), encoding="utf-8")


def compare_force_pictures(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Tell which picture shows the azimuth of a force."""
    from training.experiments import force_pictures

    Path("docs/force_azimuth.md").write_text(force_pictures.force_page(settings, arguments.section), encoding="utf-8")


def print_versions(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Print how versions of a model do on the same test pictures."""
    from training.experiments import compare_versions

    print(compare_versions.score_versions(arguments.name, settings, arguments.graphs))


def add_tables(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that fill tables of trainings."""
    depths = verbs.add_parser("compare", help="write docs/models_comparison.md: five ResNets on synthetic sections; run again to go on")
    depths.set_defaults(run=compare_depths)
    choices = verbs.add_parser("ablations", help="write docs/ablations.md: what each choice is worth; run again to go on")
    choices.set_defaults(run=ablate)
    forces = verbs.add_parser("force-pictures", help="write docs/force_azimuth.md: pictures of the same glacial earthquakes compared")
    forces.add_argument("--section", type=Path, help="ONNX network that reads the section ordered by azimuth, to compare with")
    forces.set_defaults(run=compare_force_pictures)
    beside = verbs.add_parser("versions", help="print how versions of a model do on the same test pictures")
    beside.add_argument("name", choices=("offset", "event_type", "depth", "force_azimuth"))
    beside.add_argument("graphs", type=Path, nargs="+", metavar="model.onnx")
    beside.set_defaults(run=print_versions)
    for verb in (depths, choices):
        verb.add_argument("--minutes", type=float, help="begin no further cell after so long")
