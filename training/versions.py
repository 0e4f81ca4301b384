"""Versions of a model that reads sections side by side, on the same test sections: whether a new one is better than what is shipped."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import TrainingSettings, recipe
from training.pages import table
from training.report import number
from training.section_models import task_of, unseen_sections
from training.section_plans import SectionPlan
from training.shipping import answers


def score_versions(name: str, settings: TrainingSettings, graphs: Sequence[Path]) -> str:
    """
    A table in Markdown: a row for each measure and set of test sections of the model's plan, a column for each ONNX file.

    Raises FileNotFoundError for a file that is not there.
    """
    missing = [str(path) for path in graphs if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"no ONNX file: {', '.join(missing)}")
    task, rows = task_of(name), []
    for called, (pictures, truth) in unseen_sections(name, recipe("section_models", SectionPlan), settings).items():
        scored = [task.score(answers(path, pictures), truth[:, 0].astype(np.float64), called) for path in graphs]
        rows += [
            (found[0].name, called, *(number(metric, unit=False) for metric in found), str(found[0].n))
            for found in zip(*scored, strict=True)
        ]
    return table(("measured", "on", *map(str, graphs), "n"), rows)
