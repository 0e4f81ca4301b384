"""
Upper limits of clustering: supervised classification of the kinds from true source parameters and from pictures.

Random trees (Geurts et al. 2006, doi:10.1007/s10994-006-6226-1) are trained on four fifths of the sources and classify the others.
Kinds that they confuse cannot be separated by clustering without labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from models.array_types import Integers
from training.datasets.shards import Arrays
from training.synthesis.source_parameters import NAMES

FOLDS, TREES, BOOTSTRAPS = 5, 200, 500
SPECTRUM_AND_DURATION = [0, *range(4, len(NAMES))]


@dataclass(frozen=True)
class Ceiling:
    """Name of the input; accuracy and adjusted Rand index, each with a 95 % interval over sources; number of events."""

    name: str
    right: tuple[float, float, float]
    ari: tuple[float, float, float]
    events: int


def measure_ceilings(pairs: Arrays, seed: int) -> tuple[Ceiling, ...]:
    """Classify from all true parameters, from spectrum and duration alone, and from the source pictures of both views."""
    kinds, described = pairs["truth"][:, 0].astype(np.int64), pairs["truth"][:, 2:]
    sources = np.arange(len(kinds))
    pictures = pairs["source"].reshape(2 * len(kinds), -1).astype(np.float32)
    views = (pictures, np.repeat(kinds, 2), np.repeat(sources, 2))
    return (
        measure_ceiling("the true source: spectrum, duration, depth, mechanism", described, kinds, sources, seed),
        measure_ceiling("its true spectrum and duration", described[:, SPECTRUM_AND_DURATION], kinds, sources, seed),
        measure_ceiling("the source picture", *views, seed),
    )


def measure_ceiling(name: str, rows: NDArray[np.floating], kinds: Integers, sources: Integers, seed: int) -> Ceiling:
    """Classify rows [n, m] by kinds [n]; events of one source [n] are never both in the training and in the test part."""
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)
    named = cross_val_predict(trees, rows, kinds, groups=sources, cv=GroupKFold(FOLDS))
    random, drawn = np.random.default_rng(seed), []
    for _ in range(BOOTSTRAPS):
        again = _resample_sources(sources, random)
        drawn.append((np.mean(named[again] == kinds[again]), adjusted_rand_score(kinds[again], named[again])))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    found = (float(np.mean(named == kinds)), float(adjusted_rand_score(kinds, named)))
    right, ari = ((found[k], float(low[k]), float(high[k])) for k in range(2))
    return Ceiling(name, right, ari, len(kinds))


def _resample_sources(sources: Integers, random: np.random.Generator) -> Integers:
    """Draw as many sources as there are, with replacement, and return the rows of their events."""
    order = np.argsort(sources, kind="stable")
    _, first, counts = np.unique(sources[order], return_index=True, return_counts=True)
    drawn = random.integers(len(first), size=len(first))
    return np.concatenate([order[first[k] : first[k] + counts[k]] for k in drawn])
