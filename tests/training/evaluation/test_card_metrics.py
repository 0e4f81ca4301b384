"""Metrics of the cards are those of the serving chain, by split, by signal-to-noise ratio, and event by event."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.registry.store import open_store
from models.specs.index import MODELS
from tests.support.event_results import make_result
from training.evaluation import card_metrics
from training.evaluation import metrics as metrics_module
from training.evaluation.card_metrics import (
    HIGH_SNR,
    HIGH_SNR_SET,
    describe_limits,
    measure_distances,
    measure_real_events,
    measure_replica,
    update_cards,
)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Resample events forty times, not 400: `test_metrics` measures the intervals."""
    monkeypatch.setattr(metrics_module, "DRAWS", 40)


@pytest.fixture(scope="module")
def results():
    return [make_result(number, kind) for number in range(40) for kind in ("earthquake", "glacial")]


def find(metrics, name, dataset):
    (found,) = [metric for metric in metrics if (metric.name, metric.dataset) == (name, dataset)]
    return found


def test_every_split_has_its_own_metrics(results):
    split = [replace(result, tested_by=("random", "year") if number < 20 else ("year",)) for number, result in enumerate(results)]
    found = measure_replica(split)
    few, many = (find(found["depth"], "median absolute error", f"synthetic catalog replica, {name} split") for name in ("random", "year"))
    assert (few.value, few.n) == (4.5, 10)
    assert (many.value, many.n) == (19.5, 40)
    assert not any("region" in metric.dataset for metric in found["depth"])
    accuracy = find(found["event_type"], "balanced accuracy", "synthetic catalog replica, year split")
    assert accuracy.value == 0.5
    assert accuracy.low < 0.5 < accuracy.high


def test_events_with_a_high_snr_have_their_own_metrics(results):
    found = find(measure_replica(results)["depth"], "median absolute error", HIGH_SNR_SET)
    assert (found.value, found.n) == (21.0, 37)
    low = [result for result in results if result.snr < HIGH_SNR]
    assert not any(metric.dataset == HIGH_SNR_SET for metrics in measure_replica(low).values() for metric in metrics)


def test_azimuths_count_modulo_180_and_depths_as_served_too(results):
    found = measure_replica(results)
    azimuth = find(found["force_azimuth"], "share within 10 degrees modulo 180", "synthetic catalog replica, random split")
    assert azimuth.value == pytest.approx(11 / 40)
    served = find(found["depth"], "share within 10 km as served", "synthetic catalog replica, random split")
    assert served.value == 1.0
    missed = [replace(result, depth_km=np.nan) for result in results]
    assert find(measure_replica(missed)["depth"], served.name, served.dataset).value == 0.0


def test_traces_with_an_snr_of_ten_and_more_have_metrics_of_their_own(results):
    name = "median absolute error of distance at a signal-to-noise ratio of 7 to 14"
    found = find(measure_distances(results, "made up"), name, "made up")
    assert found.n == 2 * 6 * 7
    assert found.value == pytest.approx(0.8)
    clear = find(
        measure_distances(results, "made up"), "median absolute error of distance at a signal-to-noise ratio of 10 and above", "made up"
    )
    assert clear.n == 2 * 6 * 32
    assert clear.value == pytest.approx(2.35)
    weak = [result for result in results if result.snr < 7.0]
    assert not any("signal-to-noise" in metric.name for metric in measure_distances(weak, "made up"))


def test_real_events_are_measured_together_and_one_by_one(results):
    some = [replace(results[0], stations=12), replace(results[2], stations=4)]
    some.append(replace(results[4], truth=replace(results[4].truth, kind="explosion")))
    found = measure_real_events(some)
    assert find(found["event_type"], "share of earthquakes answered as such", "real earthquakes").value == 0.5
    assert find(found["event_type"], "share of earthquakes answered as such at 8 stations or more", "real earthquakes").n == 1
    assert find(found["event_type"], "probability of earthquake", f"real event {some[1].truth.name}").value == pytest.approx(0.05)
    assert find(found["depth"], "error of the network's depth", "real event e1").value == 1.0
    assert not any(metric.dataset == "real event e2" for metric in found["depth"])


def test_limits_state_results_at_low_and_high_snr(results):
    low = [replace(result, traces=replace(result.traces, snr=np.full(6, 3.0))) for result in results[:20]]
    (limit,) = describe_limits([*results, *low])["depth"]
    assert "a median error of 3 km for events whose signal-to-noise ratio is below 5 (n = 13)" in limit
    assert "a median error of 26 km for events where it is 15 and above (n = 27)" in limit
    assert describe_limits(results[:8])["depth"] == ()


def test_one_command_updates_every_card_that_the_replica_measures(results, settings, tmp_path, monkeypatch):
    artifacts, archive = tmp_path / "artifacts", tmp_path / "replica"
    shutil.copytree(settings.artifacts_dir, artifacts)
    archive.mkdir()
    (archive / "manifest.json").write_text('{"shards": {}}')
    monkeypatch.setattr(card_metrics, "evaluate", lambda *_: iter(results))
    drawn = []  # test_card_figures.py draws them
    monkeypatch.setattr(card_metrics, "draw_card_figures", lambda *arguments: drawn.append(arguments))
    update_cards(settings.model_copy(update={"artifacts_dir": artifacts}), archive, None, None, tmp_path / "figures")
    store = open_store(artifacts)
    for spec in MODELS:
        store.verify(spec)
    assert store.card("offset").metrics[0].dataset == "synthetic catalog replica, random split"
    assert store.card("offset").data["scored"]["replica_events"] == len(results)
    assert drawn == [(results, [], tmp_path / "figures")]
