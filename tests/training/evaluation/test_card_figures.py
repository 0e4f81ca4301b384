"""Figures are drawn of the events that there are, and stay small."""

import numpy as np

from tests.support.event_results import make_result
from training.evaluation import card_figures
from training.evaluation.card_figures import draw_card_figures
from training.evaluation.plots import split_by_quantile


def test_figures_are_drawn_of_what_there_is_and_stay_small(tmp_path, monkeypatch):
    results = [make_result(number, kind) for number in range(40) for kind in ("earthquake", "glacial")]
    paths = draw_card_figures(results, results[:4], tmp_path)
    assert len(paths) == 6
    assert {"depth.png", "offset_errors.png", "event_type_recall.png"} <= {path.name for path in paths}
    assert all(1000 < path.stat().st_size < 60_000 for path in paths)
    drawn = []
    monkeypatch.setattr(card_figures, "save", lambda _, path: drawn.append(path.name))
    assert [path.name for path in draw_card_figures([results[0]], [], tmp_path)] == drawn
    assert drawn == ["event_type.png", "event_type_recall.png", "offset.png", "offset_errors.png", "depth.png"]


def test_classes_contain_every_known_value_once():
    values = np.concatenate([np.random.default_rng(1).normal(size=100), [np.nan], np.full(30, 7.0)])
    groups = split_by_quantile(values)
    assert np.sum(groups, axis=0).tolist() == np.isfinite(values).astype(int).tolist()
    assert split_by_quantile(np.full(3, np.nan)) == []
