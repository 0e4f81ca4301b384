"""The parser of `python -m training`: Green's functions, data sets, models, and the pages that show how good they are."""

import argparse
import sys

from training.cli import build, evaluate, experiment, train, validate
from training.config import TrainingSettings
from training.evaluation.pages import describe_command


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all groups of commands."""
    description = "Train and evaluate the models: Green's functions, data sets, networks, and pages of results."
    parser = argparse.ArgumentParser(prog="python -m training", description=description)
    groups = parser.add_subparsers(dest="group", required=True, metavar="COMMAND")
    train.add_commands(groups)
    build.add_commands(groups)
    evaluate.add_commands(groups)
    validate.add_commands(groups)
    experiment.add_commands(groups)
    return parser


def main() -> None:
    """Parse the command line and run the command, which receives its arguments and the settings."""
    arguments = make_parser().parse_args()
    arguments.command = describe_command("training", sys.argv[1:])
    arguments.run(arguments, TrainingSettings())
