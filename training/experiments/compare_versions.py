"""Versions of a model side by side, on the same test pictures: whether a new one is better than what is shipped."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.registry.card import Metric
from models.specs.offset import OFFSET
from training.config import TrainingSettings, recipe
from training.evaluation.distance_metrics import score_offset
from training.evaluation.markdown import table
from training.evaluation.models_page import number
from training.export.quantization import Answers, answers
from training.tasks import distance
from training.tasks.section_plans import SectionPlan
from training.tasks.sections import task_of, unseen_sections

Test = tuple[str, NDArray[np.uint8], Callable[[Answers], Sequence[Metric]]]


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
        scored = [score(answers(path, pictures)) for path in graphs]
        rows += [
            (found[0].name, called, *(number(metric, unit=False) for metric in found), str(found[0].n))
            for found in zip(*scored, strict=True)
        ]
    return table(("measured", "on", *map(str, graphs), "n"), rows)


def _sections(name: str, settings: TrainingSettings) -> Iterator[Test]:
    task = task_of(name)

    def score(truth: NDArray[np.float32], called: str, said: Answers) -> Sequence[Metric]:
        return task.score(said, truth[:, 0].astype(np.float64), called)

    for called, (pictures, truth) in unseen_sections(name, recipe("section_models", SectionPlan), settings).items():
        yield called, pictures, partial(score, truth, called)


def _traces(settings: TrainingSettings) -> Iterator[Test]:
    pictures, truth, events = distance.unseen_traces(settings)
    yield distance.UNSEEN, pictures, lambda said: score_offset(said, truth, events, distance.UNSEEN)
