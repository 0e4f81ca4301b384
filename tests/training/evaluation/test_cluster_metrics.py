"""Mixtures of test events that embeddings are scored on."""

import numpy as np

from training.config import load_recipe
from training.datasets.source_pairs import KINDS
from training.evaluation.cluster_metrics import draw_mixture
from training.tasks.families import FamiliesPlan


def test_mixtures_hold_two_to_eight_kinds_and_no_event_twice():
    plan, kinds = load_recipe("families", FamiliesPlan).benchmark, np.repeat(np.arange(len(KINDS)), 30)
    counts = []
    for seed in range(20):
        mixture = draw_mixture(kinds, plan, np.random.default_rng(seed))
        assert len(np.unique(mixture.rows)) == len(mixture.rows) >= 10
        counts.append(len(np.unique(mixture.kinds)))
    assert min(counts) >= 2
    assert max(counts) == 8
