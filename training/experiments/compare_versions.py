"""Comparison of versions of a model on the same test pictures."""

from collections.abc import Sequence
from pathlib import Path

from training.config import TrainingSettings
from training.evaluation.model_cards_page import format_value
from training.evaluation.pages import format_table
from training.export.quantization import predict_outputs
from training.tasks.index import find_task


def score_versions(name: str, settings: TrainingSettings, graphs: Sequence[Path]) -> str:
    """
    Score ONNX files of one model; returns a table in Markdown, a row a metric and test set, a column a file.

    Raises FileNotFoundError for a file that is not there.
    """
    missing = [str(path) for path in graphs if not path.is_file()]
    if missing:
        raise FileNotFoundError(f"no ONNX file: {', '.join(missing)}")
    rows = []
    for unseen in find_task(name).load_unseen_sets(settings):
        scored = [unseen.score(predict_outputs(path, unseen.pictures)) for path in graphs]
        rows += [
            (found[0].name, unseen.name, *(format_value(metric, unit=False) for metric in found), str(found[0].n))
            for found in zip(*scored, strict=True)
        ]
    return format_table(("measured", "on", *map(str, graphs), "n"), rows)
