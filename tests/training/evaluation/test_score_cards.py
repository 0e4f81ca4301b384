"""Scores on cards are those of the served chain, replace older ones on the same data, and are told on the page with their figures."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.registry.card import Card, Metric
from models.registry.store import open_store
from models.specs.index import MODELS
from training.datasets.archive import ArchiveWriter
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica
from training.evaluation import card_figures
from training.evaluation.card_metrics import HIGH_SNR, HIGH_SNR_SET, offset_metrics
from training.evaluation.event_scores import EventScores, TraceScores, test_splits_of
from training.evaluation.location_scores import Truth
from training.evaluation.models_page import models_page
from training.evaluation.plots import classes_of
from training.evaluation.score_cards import STATED_LIMITS, add_scores, card_limits, real_metrics, score_artifacts, twin_metrics

TWIN = ReplicaRecipe(
    store="greens_50s", events_per_shard=2, stations=(4, 8), distances_deg=(3.0, 118.0), magnitude_tolerance=0.1, seed=3407
)
# A glacial earthquake that the random split tests on, an earthquake that the regional one does, and one that no split does.
NUMBERS = [4, 5, 0]


def scored(number, kind="earthquake", **changes):
    """An event of 6 traces, 0.1 degrees off for each number; the class is right of even numbers."""
    true = np.linspace(10.0, 90.0, 6)
    traces = TraceScores(true, true + 0.1 * number, np.full(6, 5.0), np.full(6, 3.0), np.full(6, 2.0 + number))
    quake = kind == "earthquake"
    truth = Truth(f"e{number}", kind, 10.0, 20.0, 30.0, 5.0 + 0.01 * number, np.nan if quake else 100.0)
    sure = (0.8, 0.2) if quake == (number % 2 == 0) else (0.3, 0.7)
    own = (
        {"depth_km": 30.0 + number, "depth_sigma_km": 20.0, "served_depth_km": 35.0}
        if quake
        else {"force_azimuth_deg": 280.0 + number, "force_azimuth_sigma_deg": 5.0}
    )
    return replace(EventScores(truth, ("random",), 6, traces, sure, 0.5, **own), **changes)


@pytest.fixture(scope="module")
def rows():
    return [scored(number, kind) for number in range(40) for kind in ("earthquake", "glacial")]


def value(metrics, name, dataset):
    (found,) = [metric for metric in metrics if (metric.name, metric.dataset) == (name, dataset)]
    return found


def test_every_split_has_its_own_figures(rows):
    moved = [replace(row, tested_by=("random", "year") if number < 20 else ("year",)) for number, row in enumerate(rows)]
    found = twin_metrics(moved)
    few, many = (value(found["depth"], "median absolute error", f"catalog twin, {name} split") for name in ("random", "year"))
    assert (few.value, few.n) == (4.5, 10)
    assert (many.value, many.n) == (19.5, 40)
    assert not any("region" in metric.dataset for metric in found["depth"])

    accuracy = value(found["event_type"], "balanced accuracy", "catalog twin, year split")
    assert accuracy.value == 0.5
    assert accuracy.low < 0.5 < accuracy.high


def test_events_over_their_noise_have_their_own_figures(rows):
    """Event `number` is as loud as 2 + number."""
    found = value(twin_metrics(rows)["depth"], "median absolute error", HIGH_SNR_SET)
    assert (found.value, found.n) == (21.0, 37)
    faint = [row for row in rows if row.snr < HIGH_SNR]
    assert not any(metric.dataset == HIGH_SNR_SET for metrics in twin_metrics(faint).values() for metric in metrics)


def test_azimuths_count_modulo_180_and_depths_as_served_too(rows):
    found = twin_metrics(rows)
    azimuth = value(found["force_azimuth"], "share within 10 degrees modulo 180", "catalog twin, random split")
    assert azimuth.value == pytest.approx(11 / 40)
    served = value(found["depth"], "share within 10 km as served, with arrival times", "catalog twin, random split")
    assert served.value == 1.0
    missed = [replace(row, served_depth_km=np.nan) for row in rows]
    assert value(twin_metrics(missed)["depth"], served.name, served.dataset).value == 0.0


def test_traces_ten_times_over_the_noise_are_told_apart(rows):
    name = "median absolute error of distance at a signal to noise of 7 to 14"
    found = value(offset_metrics(rows, "made up"), name, "made up")
    assert found.n == 2 * 6 * 7
    assert found.value == pytest.approx(0.8)


def test_real_events_are_named_and_counted_by_their_stations(rows):
    some = [replace(rows[0], stations=12), replace(rows[2], stations=4), replace(rows[4], truth=replace(rows[4].truth, kind="explosion"))]
    found = real_metrics(some)
    assert value(found["event_type"], "share of earthquake sections recognized", "real earthquakes").value == 0.5
    assert value(found["event_type"], "share of earthquake sections recognized, 8 stations or more", "real earthquakes").n == 1
    assert value(found["event_type"], "probability of an earthquake", f"real event {some[1].truth.name}").value == pytest.approx(0.3)
    assert value(found["depth"], "depth less the true one", "real event e1").value == 1.0
    assert not any(metric.dataset == "real event e2" for metric in found["depth"])


def test_scores_replace_those_on_the_same_data_and_keep_the_others(rows, toy_artifacts):
    card = Card.load(toy_artifacts / "event_type" / "1" / "card.json")
    old = Metric(name="accuracy", dataset="real event gone", value=0.1, n=1)
    card = card.model_copy(update={"metrics": (*card.metrics, old), "limits": (*card.limits, f"{STATED_LIMITS}old.")})
    metrics = (*twin_metrics(rows)["event_type"], *real_metrics(rows[:2])["event_type"])
    once = add_scores(card, metrics, card_limits(rows)["event_type"], {"commit": "a"})
    twice = add_scores(once, metrics, card_limits(rows)["event_type"], {"commit": "b"})
    assert once.metrics == twice.metrics == (*metrics, card.metrics[0])
    assert once.limits == twice.limits == ("A toy for tests.", *card_limits(rows)["event_type"])
    assert twice.data == {"store": "none", "scored": {"commit": "b"}}
    assert add_scores(once, twin_metrics(rows)["event_type"], (), {}).metrics[-1] == card.metrics[0]
    assert any(metric.dataset == "real event e0" for metric in add_scores(once, twin_metrics(rows)["event_type"], (), {}).metrics)


def test_limits_say_what_low_and_high_snr_events_come_to(rows):
    many = [*rows, *(replace(row, traces=replace(row.traces, snr=np.full(6, 3.0))) for row in rows[:20])]
    (said,) = card_limits(many)["depth"]
    assert "a median error of 3 km for events whose signal to noise is below 5 (n = 13)" in said
    assert "a median error of 26 km for events where it is 15 and above (n = 27)" in said
    assert card_limits(rows[:8])["depth"] == ()


def test_classes_hold_every_value_that_is_known_once():
    values = np.concatenate([np.random.default_rng(1).normal(size=100), [np.nan], np.full(30, 7.0)])
    groups = classes_of(values)
    assert np.sum(groups, axis=0).tolist() == np.isfinite(values).astype(int).tolist()
    assert classes_of(np.full(3, np.nan)) == []


def test_figures_are_drawn_of_what_there_is_and_stay_small(rows, tmp_path):
    paths = card_figures.draw_card_figures(rows, rows[:4], tmp_path)
    assert len(paths) == 6
    assert all(1000 < path.stat().st_size < 60_000 for path in paths)
    assert [path.name for path in card_figures.draw_card_figures([rows[0]], [], tmp_path / "few")][-1] == "depth.png"


@pytest.mark.timeout(300)
def test_one_command_scores_what_some_split_tests_on(settings, tmp_path):
    artifacts, archive = tmp_path / "artifacts", tmp_path / "twin"
    shutil.copytree(settings.artifacts_dir, artifacts)
    mine = settings.model_copy(update={"artifacts_dir": artifacts})
    events = draw_replica(TWIN, mine, NUMBERS)
    with ArchiveWriter(archive, {"seed": 1}, 2) as writer:
        for event in events:
            writer.add(event)
    tested = [event for event in events if test_splits_of(event.truth)]
    assert 0 < len(tested) < len(events)
    score_artifacts(mine, archive, None, None, tmp_path / "figures")
    store = open_store(artifacts)
    for spec in MODELS:
        store.verify(spec)
    assert store.card("offset").metrics[0].dataset.startswith("catalog twin, ")
    assert store.card("offset").data["scored"]["twin_events"] == len(tested)
    depths = [metric for metric in store.card("depth").metrics if metric.name == "median absolute error"]
    assert [metric.n for metric in depths] == [sum(event.truth["kind"] == "earthquake" for event in tested)]
    page = models_page(artifacts, tmp_path / "figures")
    assert "measured on the catalog twin" in page
    assert "](figures/models/reads_offset.png)" in page
    assert "](figures/models/offset_errors.png)" in page


def test_an_event_is_tested_by_the_splits_that_hold_it_out():
    truth = {"split_random": "test", "split_region": "train", "split_year": "test"}
    assert test_splits_of(truth) == ("random", "year")
