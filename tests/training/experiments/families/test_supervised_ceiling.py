"""Supervised classification finds kinds that differ, and never trains on another view of a test source."""

import numpy as np
import pytest

from training.experiments.families import supervised_ceiling
from training.experiments.families.supervised_ceiling import measure_ceiling

pytestmark = pytest.mark.slow


def test_kinds_that_differ_are_classified_and_views_of_a_test_source_are_not_trained_on(monkeypatch):
    monkeypatch.setattr(supervised_ceiling, "TREES", 25)
    monkeypatch.setattr(supervised_ceiling, "BOOTSTRAPS", 100)
    random, kinds = np.random.default_rng(0), np.repeat(np.arange(4), 20)
    different = measure_ceiling("different", np.eye(4)[kinds] + 0.1 * random.normal(size=(80, 4)), kinds, np.arange(80), 1)
    assert different.right[0] == different.ari[0] == 1.0
    views, sources = np.repeat(random.normal(size=(40, 4)), 2, axis=0), np.repeat(np.arange(40), 2)
    equal = measure_ceiling("equal", views, random.permutation(np.repeat(np.arange(4), 10)).repeat(2), sources, 1)
    assert equal.right[1] < 0.5
    assert equal.right[1] <= equal.right[0] <= equal.right[2]
