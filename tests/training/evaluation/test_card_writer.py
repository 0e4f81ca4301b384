"""A card keeps what is not measured anew, and holds each measurement once."""

import shutil

import pytest

from models.registry.card import Card, Metric
from models.registry.store import open_store
from models.seismic.location.geometry_scales import REGIONS_KEY, read_region_scales
from tests.support.event_results import make_result
from training.evaluation.card_metrics import describe_limits, measure_real_events, measure_replica
from training.evaluation.card_writer import MEASURED_LIMITS, update_card


@pytest.fixture
def artifacts(toy_artifacts, tmp_path):
    return shutil.copytree(toy_artifacts, tmp_path / "artifacts")


def test_measurements_replace_those_on_the_same_data_and_keep_the_others(artifacts):
    results = [make_result(number, kind) for number in range(40) for kind in ("earthquake", "glacial")]
    path = next((artifacts / "event_type").glob("*/card.json"))
    card = Card.load(path)
    old = Metric(name="accuracy", dataset="real event gone", value=0.1, n=1)
    card.model_copy(update={"metrics": (*card.metrics, old), "limits": (*card.limits, f"{MEASURED_LIMITS}old.")}).save(path)
    on_replica, limits = measure_replica(results)["event_type"], describe_limits(results)["event_type"]
    metrics = (*on_replica, *measure_real_events(results[:2])["event_type"])
    for commit in ("a", "b"):
        update_card(artifacts, "event_type", metrics=metrics, limits=limits, scored={"commit": commit})
        updated = Card.load(path)
        assert updated.metrics == (*metrics, card.metrics[0])
        assert updated.limits == (*card.limits, *limits)
        assert updated.data == {**card.data, "scored": {"commit": commit}}
    update_card(artifacts, "event_type", metrics=on_replica)
    assert any(metric.dataset == "real event e0" for metric in Card.load(path).metrics)


def test_a_calibration_is_added_and_read_by_the_service(artifacts):
    factors = {"distances": {"quantity": "effective_stations", "bounds": [5.0], "inner": [1.0, 2.0], "outer": [1.0, 2.0]}}
    before = open_store(artifacts).card("offset").calibration
    update_card(artifacts, "offset", calibration={REGIONS_KEY: factors})
    after = open_store(artifacts).card("offset").calibration
    assert read_region_scales(after, "distances").at({"effective_stations": 9.0}) == (2.0, 2.0)
    assert before.items() <= after.items()
