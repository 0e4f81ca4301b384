"""Sections of glacial and tectonic earthquakes, drawn as serving draws them, to compare networks of event_type on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.registry.store import open_store
from models.specs.event_type import CLASSES
from models.specs.offset import OFFSET
from training.config import TrainingSettings, load_recipe
from training.datasets.sections import SectionRecipe, make_section_shards
from training.datasets.shards import combine_fingerprints
from training.synthesis.sources import LABELS


@dataclass(frozen=True)
class ComparisonSections:
    """Pictures [events, channels, rows, columns], indices in CLASSES [events], fingerprint of the data, version of the distance model."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    mark: str
    distance_model: str


def load_comparison_sections(settings: TrainingSettings, shards: int) -> ComparisonSections:
    """
    Load the glacial and tectonic earthquakes of the first shards of sections that are drawn for event_type.

    Most of them rise above the noise. (Of the 886 events of the synthetic catalog replica most do not: networks of all depths that
    were trained on five hundred of those were no better than chance.)
    """
    drawn = make_section_shards(load_recipe("sections", SectionRecipe), settings, list(range(shards)))
    arrays = drawn.load_all(("distance", "truth"))
    kinds = arrays["truth"][:, 0].astype(np.int64)
    rows = np.isin(kinds, [LABELS.index(name) for name in CLASSES])
    labels = np.array([CLASSES.index(LABELS[kind]) for kind in kinds[rows]])
    version = open_store(settings.artifacts_dir).card(OFFSET.name).version
    return ComparisonSections(arrays["distance"][rows], labels, combine_fingerprints(drawn.fingerprint, shards), version)
