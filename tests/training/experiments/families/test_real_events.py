"""The table of real events names every event once, by family, and says whether there is structure."""

import numpy as np

from models.clustering.clusters import find_clusters
from training.experiments.families.real_events import describe_result, embedding_rows


def test_every_event_has_its_line_by_family():
    random = np.random.default_rng(0)
    kinds = np.array([0, 1, 0, 1, 1, 0, 1, 1])
    found = find_clusters(np.eye(4)[kinds] + 0.01 * random.normal(size=(8, 4)), 2, 2, 3, 1)
    truths = [{"event_id": f"event {k}", "type": "explosion", "magnitude": 4.25 if k else None, "depth_km": 0.5} for k in range(8)]
    table = embedding_rows(truths, list(range(8)), found)
    assert [line.split("|")[1].strip() for line in table] == [f"event {k}" for k in (1, 3, 4, 6, 7, 0, 2, 5)]
    assert table[0].startswith("| event 1 | explosion | 4.25 | 0.5 | 1 | 0 | ")
    assert "| explosion |  | 0.5 | 0 | 1 | " in table[5]
    assert "best number of families 2, of 5, 3 events" in describe_result(found)
