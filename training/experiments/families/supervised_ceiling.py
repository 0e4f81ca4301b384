"""
What limits the grouping: how well kinds are told apart by somebody who is taught them, from all that is true down to a picture.

Random trees (Geurts et al. 2006, doi:10.1007/s10994-006-6226-1) learn the kinds on four fifths of the sources and name the
others'. What they mistake, no grouping without labels parts.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from training.datasets.shards import Arrays
from training.synthesis.source_parameters import NAMES

Labels = NDArray[np.int64]

FOLDS, TREES, BOOTSTRAPS = 5, 200, 500
SPECTRUM_AND_DURATION = [0, *range(4, len(NAMES))]


@dataclass(frozen=True)
class Ceiling:
    """What is looked at; share of events named rightly and adjusted Rand index, each with a 95 % interval over sources; events."""

    name: str
    right: tuple[float, float, float]
    ari: tuple[float, float, float]
    events: int


def ceilings(pairs: Arrays, seed: int) -> tuple[Ceiling, ...]:
    """Of training.families_data's sources: what is true of them, its spectrum and duration only, and the source pictures of both views."""
    kinds, described = pairs["truth"][:, 0].astype(np.int64), pairs["truth"][:, 2:]
    sources = np.arange(len(kinds))
    pictures = pairs["source"].reshape(2 * len(kinds), -1).astype(np.float32)
    seen = (pictures, np.repeat(kinds, 2), np.repeat(sources, 2))
    return (
        ceiling("the true source: spectrum, duration, depth, mechanism", described, kinds, sources, seed),
        ceiling("its true spectrum and duration", described[:, SPECTRUM_AND_DURATION], kinds, sources, seed),
        ceiling("the source picture", *seen, seed),
    )


def ceiling(name: str, rows: NDArray[np.floating], kinds: Labels, sources: Labels, seed: int) -> Ceiling:
    """Rows [n, m] of n events, their kinds, and which source each is of: two events of one source are never learned and named."""
    trees = ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)
    named = cross_val_predict(trees, rows, kinds, groups=sources, cv=GroupKFold(FOLDS))
    random, drawn = np.random.default_rng(seed), []
    for _ in range(BOOTSTRAPS):
        again = _of_sources(sources, random)
        drawn.append((np.mean(named[again] == kinds[again]), adjusted_rand_score(kinds[again], named[again])))
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    found = (float(np.mean(named == kinds)), float(adjusted_rand_score(kinds, named)))
    right, ari = ((found[k], float(low[k]), float(high[k])) for k in range(2))
    return Ceiling(name, right, ari, len(kinds))


def _of_sources(sources: Labels, random: np.random.Generator) -> Labels:
    """Rows of as many sources as there are, drawn with replacement."""
    order = np.argsort(sources, kind="stable")
    _, first, counts = np.unique(sources[order], return_index=True, return_counts=True)
    drawn = random.integers(len(first), size=len(first))
    return np.concatenate([order[first[k] : first[k] + counts[k]] for k in drawn])
