"""The table of real events has a line for every event, ordered by cluster, and a verdict on structure."""

import numpy as np
import pytest

from models.clustering.clusters import find_clusters
from training.evaluation.event_result import Truth
from training.experiments.families.real_events import describe_result, format_embeddings

pytestmark = pytest.mark.slow


def test_every_event_has_a_line_by_cluster():
    random = np.random.default_rng(0)
    kinds = np.array([0, 1, 0, 1, 1, 0, 1, 1])
    found = find_clusters(np.eye(4)[kinds] + 0.01 * random.normal(size=(8, 4)), 2, 2, 3, 1)
    truths = [Truth(f"event {k}", "explosion", 0.0, 0.0, 0.5, 4.25 if k else np.nan, np.nan) for k in range(8)]
    lines = format_embeddings(truths, list(range(8)), found)
    assert [line[0] for line in lines] == [f"event {k}" for k in (1, 3, 4, 6, 7, 0, 2, 5)]
    assert lines[0][:6] == ("event 1", "explosion", "4.25", "0.5", "1", "0")
    assert lines[5][2:6] == ("", "0.5", "0", "1")
    assert "the best number of clusters is 2, with 5, 3 events" in describe_result(found)
