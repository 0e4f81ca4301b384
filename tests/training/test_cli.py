"""Every command can be parsed, and the whole sequence consists of commands that exist."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from training.cli import MODELS, list_steps, main, make_parser
from training.config import TrainingSettings
from training.tasks.index import TASKS


@pytest.mark.parametrize("real", [None, Path("real_events")])
def test_every_step_of_the_whole_sequence_is_a_command(real):
    steps = list_steps("3", TrainingSettings(), real)
    parsed = [make_parser().parse_args(words) for words in steps]
    assert [arguments.name for arguments in parsed if arguments.group == "train"] == list(MODELS)
    assert all(callable(arguments.run) for arguments in parsed)
    assert [words[:2] for words in steps][-1] == (["evaluate", "location"] if real is None else ["evaluate", "real-events"])


def test_models_are_those_of_the_tasks():
    assert tuple(task.spec.name for task in TASKS) == MODELS


@pytest.mark.parametrize("group", ["build", "train", "restore", "all", "evaluate", "validate", "experiment"])
def test_every_group_explains_itself(group, capsys):
    with pytest.raises(SystemExit) as exit_:
        make_parser().parse_args([group, "--help"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m training {group}")


@pytest.mark.parametrize("words", [["train", "offset"], ["all"], ["train", "offset", "--version", "8.9"]], ids=" ".join)
def test_a_version_that_would_not_be_served_is_refused_before_anything_is_computed(words, monkeypatch):
    """Its scores would be those of the shipped version, on whose card they would be written."""
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_options: pytest.fail("a step was run"))
    arguments = make_parser().parse_args(words)
    with pytest.raises(ValueError, match=r"offset \S+ would not be served, since there is offset \S+: give a higher --version"):
        arguments.run(arguments, TrainingSettings())


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PROCESSES", "abc", "a whole number, at least 1 (processes for "),
        ("PROCESSES", "0", "a whole number, at least 1 (processes for "),
        ("PRESET", "nope", "folder of training/configs "),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_a_line(name, value, expected, monkeypatch, capsys):
    monkeypatch.setenv(f"ATLAS_TRAINING_{name}", value)
    monkeypatch.setattr(sys, "argv", ["training", "evaluate", "pages"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ATLAS_TRAINING_{name} holds '{value}'; expected: {expected}")


def test_an_unknown_store_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        make_parser().parse_args(["build", "greens", "greens_1s"])
    assert "'greens_1s' is no store" in capsys.readouterr().err
    assert isinstance(make_parser(), argparse.ArgumentParser)
