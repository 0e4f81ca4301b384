"""How much of the location errors comes from noise: the events of the replica's test part with larger moments in the same noise."""

from pathlib import Path

import numpy as np

from training.config import TrainingSettings
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import select_located
from training.evaluation.event_sources import ReplicaSource
from training.evaluation.location_page import HEADS, describe_sources, format_overview, load_replica_recipe
from training.evaluation.pages import RESULTS, format_table, write_page

TEMPLATE = Path(__file__).parents[1] / "templates" / "location_moment_scale.md"


def write_moment_scale_page(settings: TrainingSettings, command: str, most: int | None, moment_scale: float) -> Path:
    """Locate the replica's test events with moments and forces multiplied by a factor; write `location_moment_scale.md`."""
    recipe = load_replica_recipe(None).model_copy(update={"moment_scale": moment_scale})
    results = list(evaluate(ReplicaSource(recipe, SPLIT_NAMES[2], most), settings))
    located = select_located(results)
    return write_page(
        RESULTS / "location_moment_scale.md",
        TEMPLATE,
        command,
        events=str(len(results)),
        located=str(len(located)),
        scale=f"{moment_scale:g}",
        magnitude=f"{2.0 / 3.0 * np.log10(moment_scale):+.1f}",
        errors=format_table(HEADS, format_overview(located)),
        sources=describe_sources(located),
    )
