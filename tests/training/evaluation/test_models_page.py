"""Pages written from cards say what the cards say."""

import shutil

import pytest

from models.registry.card import Card, Metric
from models.registry.store import CARD_FILE, open_store
from training.evaluation.card_metrics import HIGH_SNR_SET
from training.evaluation.models_page import models_page, readme_scores, replace_scores


def test_every_model_has_a_section_with_its_limits_and_figures(toy_artifacts):
    page = models_page(toy_artifacts)
    for card in open_store(toy_artifacts).cards():
        assert f"## {card.name}, version {card.version}" in page
        assert all(limit in page for limit in card.limits)
        assert all(metric.name in page for metric in card.metrics)


def test_the_scores_stand_between_their_marks(toy_artifacts):
    table = readme_scores(toy_artifacts)
    readme = replace_scores("a\n<!-- scores:begin -->old<!-- scores:end -->\nb\n", table)
    assert "old" not in readme
    assert table in readme
    assert readme.startswith("a\n")
    assert readme.endswith("\nb\n")
    assert replace_scores(readme, table) == readme


def test_events_over_their_noise_stand_beside_all(toy_artifacts, tmp_path):
    shutil.copytree(toy_artifacts, tmp_path / "artifacts")
    path = open_store(tmp_path / "artifacts").path("depth").with_name(CARD_FILE)
    all_events = Metric(name="median absolute error", dataset="catalog twin, random split", unit="kilometer", value=30.0, n=50)
    clear = all_events.model_copy(update={"dataset": HIGH_SNR_SET, "value": 8.0, "n": 7})
    card = Card.load(path)
    card.model_copy(update={"metrics": (all_events, clear)}).save(path)
    row = "| depth | median absolute error | 30 kilometers | catalog twin, random split | 50 | 8 kilometers | 7 |"
    assert row in readme_scores(tmp_path / "artifacts").splitlines()


def test_a_readme_without_marks_is_refused():
    with pytest.raises(ValueError, match="no place for the scores"):
        replace_scores("nothing", "table")
