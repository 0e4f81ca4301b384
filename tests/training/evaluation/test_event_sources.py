"""Sources of events select what they say, and read truth without inventing any."""

import json

import numpy as np

from training.evaluation.event_sources import list_real_events, list_test_splits, parse_truth, read_real_truth


def test_an_event_is_tested_by_the_splits_that_hold_it_in_their_test_part():
    assert list_test_splits({"split_random": "test", "split_region": "train", "split_year": "test"}) == ("random", "year")


def test_missing_parameters_of_a_real_event_are_unknown(tmp_path):
    event = {"event_id": "eq", "type": "earthquake", "latitude": 1.0, "longitude": 2.0, "depth_km": None, "magnitude": 5.0}
    (tmp_path / "eq").mkdir()
    (tmp_path / "eq" / "event.json").write_text(json.dumps(event))
    truth = read_real_truth(tmp_path / "eq")
    assert (truth.name, truth.kind, truth.magnitude) == ("eq", "earthquake", 5.0)
    assert np.isnan([truth.depth_km, truth.origin_time_s]).all()
    assert list_real_events(tmp_path) == [tmp_path / "eq"]


def test_a_label_without_a_force_has_no_force_azimuth():
    label = {"kind": "earthquake", "latitude_deg": 1.0, "longitude_deg": 2.0, "depth_km": 10.0, "magnitude": 5.0, "force_azimuth_deg": None}
    truth = parse_truth("a", label)
    assert truth.depth_km == 10.0
    assert np.isnan([truth.force_azimuth_deg, truth.origin_time_s]).all()
