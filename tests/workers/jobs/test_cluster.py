"""Families of events: what the data warnings say of the events and of the number of families."""

from contextlib import closing
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

from models.clustering.clusters import find_clusters
from models.seismic.data_issues import DataIssue
from workers.bundles.parse import EventRecords
from workers.jobs import embedding
from workers.jobs.cluster import limit_warnings
from workers.jobs.embedding import EmbeddedEvents


def make_groups(groups: int, events: int) -> np.ndarray:
    """Make embeddings of groups of events about orthogonal directions."""
    rng = np.random.default_rng(5)
    return np.repeat(np.eye(groups, 8), events, axis=0) + 0.02 * rng.standard_normal((groups * events, 8))


def test_a_number_of_families_at_its_limit_is_a_warning():
    embeddings = make_groups(5, 8)
    cut, whole = (find_clusters(embeddings, 2, k_max, 4, 0) for k_max in (4, 7))
    (warning,) = limit_warnings(cut, 4)
    assert (cut.k, whole.k) == (4, 5)
    assert (warning.code, "4, fits best" in warning.detail) == ("most-families", True)
    assert limit_warnings(whole, 7) == []


def test_no_more_families_than_events_less_one_are_asked_for():
    found = SimpleNamespace(structure_found=True, k=3, labels=np.zeros(4))
    assert limit_warnings(found, 3) == []  # type: ignore[arg-type]


def test_a_warning_about_a_trace_names_its_event(monkeypatch: pytest.MonkeyPatch):
    issues = (DataIssue("IU.ANMO.00.LHZ", None, "gaps", "1 gap"), DataIssue(None, "a.zip/two/b.mseed", "skipped-bytes", "12 bytes"))
    monkeypatch.setattr(embedding, "read_many_events", lambda _: iter([EventRecords("two", (), issues)]))
    with closing(EmbeddedEvents()) as events:
        assert list(embedding._read_gathers(MagicMock(), events)) == []
        gaps, skipped, _ = events.warnings
    assert [(one.trace, one.part) for one in (gaps, skipped)] == [("IU.ANMO.00.LHZ", "two"), (None, "a.zip/two/b.mseed")]
