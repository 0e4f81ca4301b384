"""Results are read again as they were, unless events, models or switches have changed."""

import json
from dataclasses import replace

from tests.support.event_results import make_result
from training.evaluation.event_result import EDITION, EventResult, ResultCache, describe_models


def test_results_are_read_again_unless_the_behavior_is_another(tmp_path):
    path = tmp_path / "evaluation" / "test.jsonl"
    cache = ResultCache(path, {"weights": "a"})
    assert cache.read() == {}
    cache.append({"3": make_result(2, "glacial"), "4": None})
    cache.append({"5": make_result(4)})
    again = cache.read()
    assert list(again) == ["3", "4", "5"]
    assert again["4"] is None
    read, made = EventResult.parse(again["5"]), make_result(4)
    assert (read.epicenter, read.probabilities, read.tested_by, read.snr) == (made.epicenter, made.probabilities, made.tested_by, made.snr)
    assert ResultCache(path, {"weights": "b"}).read() == {}
    assert cache.read() == {}


def test_the_behavior_names_edition_weights_and_calibration(toy_artifacts):
    behavior = describe_models(toy_artifacts, calibrated=True)
    assert behavior["edition"] == EDITION
    assert set(behavior["weights"]) == set(behavior["calibrations"]) >= {"offset", "event_type"}
    assert describe_models(toy_artifacts, calibrated=False)["calibrations"] == {}
    assert json.loads(json.dumps(behavior)) == behavior


def test_an_event_that_is_not_detected_is_answered_none_and_nowhere():
    found = make_result(4)
    missed = replace(found, detected=False)
    assert (missed.event_type, missed.is_located, missed.is_right, missed.is_neither) == ("none", False, False, True)
    assert found.is_located
    assert found.event_type != "none"


def test_an_undetermined_event_has_a_most_probable_class():
    result = replace(make_result(2), probabilities=(0.3, 0.6, 0.1))
    assert (result.event_type, result.most_probable_class) == ("undetermined", "glacial")
