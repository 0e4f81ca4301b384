"""The commands that make models: `train`, `restore` and `all`."""
# ruff: noqa: PLC0415  (a command imports what it needs: the engine's processes import the main module again and must not load PyTorch)

import argparse
import subprocess
import sys
from pathlib import Path

from training.config import TrainingSettings

MODELS = ("offset", "event_type", "depth", "force_azimuth", "families")
"""In the order of training: the models of sections read distances that the exported distance model (`offset`) predicts."""


def train_one(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train, calibrate, export and score one model."""
    from training.tasks.index import find_task
    from training.tasks.training_task import train_model as train_task

    print(f"{arguments.name}: {train_task(find_task(arguments.name), settings, arguments.version)}")


def restore_weights(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Restore the weights of a training run from a shipped artifact."""
    from training.tasks import restore

    print(restore.restore_run(arguments.name, settings, arguments.version))


def run_all(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Run the whole sequence, each command in a process of its own: on several GPUs one process can start the engine only once."""
    for words in list_steps(arguments.version, settings, arguments.real):
        print(f"python -m training {' '.join(words)}", flush=True)
        subprocess.run([sys.executable, "-m", "training", *words], check=True)  # noqa: S603


def list_steps(version: str, settings: TrainingSettings, real: Path | None) -> list[list[str]]:
    """List the commands from Green's functions to pages: stores, models, the replica, calibration of regions, cards, pages."""
    archive = settings.build_dir / "archives" / "twin"
    real_events = [] if real is None else ["--real", str(real)]
    return [
        ["build", "greens"],
        *(["train", name, "--version", version] for name in MODELS),
        ["build", "twin", "--out", str(archive)],
        ["evaluate", "regions"],
        ["evaluate", "cards", "--archive", str(archive), *real_events],
        ["evaluate", "location"],
        *([] if real is None else [["evaluate", "real-events", str(real)]]),
    ]


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    one = groups.add_parser("train", help="train, calibrate, export and score one model (offset first: the others read its predictions)")
    one.add_argument("name", choices=MODELS)
    one.set_defaults(run=train_one)
    again = groups.add_parser("restore", help="restore the weights of a run in build/runs from a shipped artifact, to continue training")
    again.add_argument("name", choices=[name for name in MODELS if name != "families"])
    again.set_defaults(run=restore_weights)
    everything = groups.add_parser("all", help="the whole sequence: stores, models, replica, calibration of regions, cards, pages")
    everything.add_argument("--real", type=Path, help="folder of real events to evaluate on")
    everything.set_defaults(run=run_all)
    for versioned in (one, again, everything):
        versioned.add_argument("--version", default="1", help="version folder of the artifacts (1)")
