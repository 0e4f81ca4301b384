"""Versions of a model are scored on the same test pictures, each in a column of its own."""

from functools import partial

import numpy as np
import pytest

from models.imaging.style import channels
from models.registry.store import open_store
from models.specs.depth import DEPTH
from models.specs.offset import OFFSET
from training.config import TrainingSettings
from training.experiments.compare_versions import score_versions
from training.tasks import distance
from training.tasks.sections import DEPTH_TASK, SectionTask
from training.tasks.training_task import UnseenSet

pytestmark = pytest.mark.slow


def test_every_version_has_a_column_and_every_measure_of_every_test_set_a_row(monkeypatch, toy_artifacts):
    style, random = DEPTH.style, np.random.default_rng(2)
    pictures = random.integers(0, 256, (12, channels(style), style.rows, style.columns), dtype=np.uint8)
    truth = random.uniform(5.0, 600.0, (12, 1)).astype(np.float32)
    drawn = {"few": (pictures[:5], truth[:5]), "many": (pictures, truth)}
    sets = [UnseenSet(name, seen, partial(DEPTH_TASK.score, known, name)) for name, (seen, known) in drawn.items()]
    monkeypatch.setattr(SectionTask, "load_unseen_sets", lambda *_: sets)
    graph = open_store(toy_artifacts).path("depth")
    head, _, *rows = [line.strip("| ").split(" | ") for line in score_versions("depth", TrainingSettings(), [graph, graph]).splitlines()]
    assert head == ["measured", "on", str(graph), str(graph), "n"]
    assert {(row[1], row[4]) for row in rows} == {("few", "5"), ("many", "12")}
    assert all(row[2] == row[3] for row in rows)
    assert {row[0] for row in rows} >= {"median absolute error", "share within 10 km"}


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.onnx"):
        score_versions("depth", TrainingSettings(), [tmp_path / "nothing.onnx"])


def test_versions_of_the_offset_model_are_scored_on_traces(monkeypatch, toy_artifacts):
    style, random = OFFSET.style, np.random.default_rng(2)
    pictures = random.integers(0, 256, (8, channels(style), style.rows, style.columns), dtype=np.uint8)
    truth = random.uniform(5.0, 100.0, (8, 2))
    monkeypatch.setattr(distance, "load_unseen_traces", lambda _: (pictures, truth, np.repeat([0, 1], 4)))
    graph = open_store(toy_artifacts).path("offset")
    rows = [line.strip("| ").split(" | ") for line in score_versions("offset", TrainingSettings(), [graph, graph]).splitlines()[2:]]
    assert all(row[2] == row[3] for row in rows)
    assert {"median absolute error of distance", "share of traces within one standard deviation"} <= {row[0] for row in rows}
