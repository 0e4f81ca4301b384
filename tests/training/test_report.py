"""Pages written from cards say what the cards say."""

import pytest

from models.registry.store import open_store
from training.report import report, scores, with_scores


def test_every_model_has_a_section_with_its_limits_and_figures(toy_artifacts):
    page = report(toy_artifacts)
    for card in open_store(toy_artifacts).cards():
        assert f"## {card.name}, version {card.version}" in page
        assert all(limit in page for limit in card.limits)
        assert all(metric.name in page for metric in card.metrics)


def test_the_scores_stand_between_their_marks(toy_artifacts):
    table = scores(toy_artifacts)
    readme = with_scores("a\n<!-- scores:begin -->old<!-- scores:end -->\nb\n", table)
    assert "old" not in readme
    assert table in readme
    assert readme.startswith("a\n")
    assert readme.endswith("\nb\n")
    assert with_scores(readme, table) == readme


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="no place for the scores"):
        with_scores("nothing", "table")
