"""Versions of a model side by side, on the same test pictures: whether a new one is better than what is shipped."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.registry.card import Metric
from models.specs.offset import OFFSET
from training.config import TrainingSettings, load_recipe
from training.evaluation.distance_metrics import score_distances
from training.evaluation.markdown import markdown_table
from training.evaluation.models_page import number
from training.export.quantization import Predictions, predict_outputs
from training.tasks import distance
from training.tasks.section_plans import SectionPlan
from training.tasks.sections import load_unseen_sections, task_of

Test = tuple[str, NDArray[np.uint8], Callable[[Predictions], Sequence[Metric]]]


def score_versions(name: str, settings: TrainingSettings, graphs: Sequence[Path]) -> str:
    """
    A table in Markdown: a row for each measure and set of test pictures of the model's plan, a column for each ONNX file.

    Raises FileNotFoundError for a file that is not there.
    """
    missing = [str(path) for path in graphs if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"no ONNX file: {', '.join(missing)}")
    rows = []
    for called, pictures, score in _traces(settings) if name == OFFSET.name else _sections(name, settings):
        scored = [score(predict_outputs(path, pictures)) for path in graphs]
        rows += [
            (found[0].name, called, *(number(metric, unit=False) for metric in found), str(found[0].n))
            for found in zip(*scored, strict=True)
        ]
    return markdown_table(("measured", "on", *map(str, graphs), "n"), rows)


def _sections(name: str, settings: TrainingSettings) -> Iterator[Test]:
    task = task_of(name)

    def score(truth: NDArray[np.float32], called: str, said: Predictions) -> Sequence[Metric]:
        return task.score(said, truth[:, 0].astype(np.float64), called)

    for called, (pictures, truth) in load_unseen_sections(name, load_recipe("section_models", SectionPlan), settings).items():
        yield called, pictures, partial(score, truth, called)


def _traces(settings: TrainingSettings) -> Iterator[Test]:
    pictures, truth, events = distance.load_unseen_traces(settings)
    yield distance.UNSEEN_FRACTION, pictures, lambda said: score_distances(said, truth, events, distance.UNSEEN_FRACTION)
