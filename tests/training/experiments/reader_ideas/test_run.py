"""Ideas are trained once, read the same traces as their base, and stand on a page with differences by event."""

import json

import numpy as np
import pytest

from models.analysis.distances import EARLIER_STARTS_S
from models.seismic.geodesy import destination
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.config import load_recipe
from training.experiments.demo_bundles import encode_miniseed
from training.experiments.reader_ideas import page, run
from training.experiments.reader_ideas.run import CellResult, SetReadings, run_group
from training.experiments.reader_ideas.sets import IdeasRecipe, average_squares, make_scored_sets
from training.synthesis.lateral_structure import PERIODS_S

pytestmark = pytest.mark.slow

PLAN = load_recipe("reader_ideas", IdeasRecipe, preset="")


def make_small_plan():
    """One cell of each architecture, a few traces, one epoch, through the small store."""
    content = PLAN.model_dump()
    content |= {"events_per_shard": 4, "copies": 2, "copy_traces": 2, "seeds": (1,)}
    for group in content["groups"].values():
        group["store"], group["starts_from_shipped"], group["train_shards"] = ("greens_50s",), False, 1
        group["fit"] |= {"epochs": 1, "batch": 4, "width": 0.125}
    return IdeasRecipe.model_validate(content)


@pytest.fixture
def event_folder(tmp_path):
    folder, random, records = tmp_path / "events" / "event", np.random.default_rng(0), []
    folder.mkdir(parents=True)
    for number in range(3):
        latitude, longitude = destination(10.0, 20.0, 40.0 * number, 30.0 * (number + 1))
        samples = random.normal(size=3000).astype(np.float32)
        records.append(Record(TraceId("XX", f"S{number}", "00", "LHZ"), 1.0e9 - 100.0, 1.0, samples, float(latitude), float(longitude)))
    (folder / "waveforms.mseed").write_bytes(encode_miniseed(tuple(records)))
    rows = [f"{r.trace_id.network},{r.trace_id.station},{r.latitude_deg},{r.longitude_deg},0.0" for r in records]
    (folder / "stations.csv").write_text("\n".join(["network,station,latitude,longitude,elevation_m", *rows]))
    event = {"event_id": "event", "type": "earthquake", "latitude": 10.0, "longitude": 20.0, "depth_km": 30.0, "magnitude": 6.0}
    (folder / "event.json").write_text(json.dumps(event | {"origin_time": "2001-09-09T01:46:40+00:00"}))
    return folder.parent


@pytest.fixture
def own_settings(settings, tmp_path):
    """Settings with a build folder of their own, the common store, and a map of two nodes."""
    (tmp_path / "build" / "reader_ideas").mkdir(parents=True)
    (tmp_path / "build" / "greens").symlink_to(settings.build_dir / "greens")
    stores = np.full((3, len(PERIODS_S)), 0.27)
    parts = {"nodes": np.array([[1.0, 0, 0], [-1.0, 0, 0]]), "slowness_s_km": stores[:2] * 1.1, "sea_floor": np.array([True, False])}
    np.savez(tmp_path / "build" / "dispersion_map.npz", **parts, store_slowness_s_km=stores)
    return settings.model_copy(update={"build_dir": tmp_path / "build"})


def make_scored(errors, events):
    true = np.full(len(events), 50.0)
    read = true + np.array(errors)
    return SetReadings(true, np.array(events), np.zeros(len(events), np.int64), read, np.ones_like(read))


def test_every_idea_differs_from_its_base_in_one_thing():
    by_name = {cell.name: cell for cell in PLAN.cells}
    ideas = [cell for cell in PLAN.cells if cell.base]
    assert len(ideas) >= 3
    for cell in ideas:
        base = by_name[cell.base]
        assert cell.group == base.group
        assert (cell.architecture != base.architecture) + (cell.paths != base.paths) == 1


def test_ideas_are_trained_once_and_read_the_same_traces(own_settings, event_folder, monkeypatch, tmp_path):
    plan = make_small_plan()
    scored = make_scored_sets(plan, "scratch", own_settings, event_folder)
    assert [one.name for one in scored] == ["copies, random paths", "copies, lateral paths", "observed"]
    assert scored[2].shards.load(0)["pictures"].shape[:2] == (3, len(EARLIER_STARTS_S))
    assert scored[2].load_truth()[0] == pytest.approx([30.0, 60.0, 90.0])
    found = run_group(plan, "scratch", own_settings, scored, None)
    trained = [cell.name for cell in plan.cells if cell.group == "scratch"]
    assert list(found) == trained
    monkeypatch.setattr(run, "fit_cell", lambda *_: pytest.fail("trained again"))
    again = run_group(plan, "scratch", own_settings, scored, 0.0)
    for name in trained:
        np.testing.assert_array_equal(found[name].scored["observed"].read_deg, again[name].scored["observed"].read_deg)
        assert {key: len(one.true_deg) for key, one in found[name].scored.items()}.keys() == found[trained[0]].scored.keys()
    untrained = run_group(plan, "continued", own_settings, scored, 0.0)
    assert set(untrained.values()) == {None}
    written = page.write_ideas_tables(tmp_path / "page.md", "command", plan, {"scratch": found, "continued": untrained}, [0], "none")
    assert "Not trained: shipped version" in written.read_text()


def test_a_smaller_picture_is_the_mean_over_squares():
    picture = np.arange(16, dtype=np.uint8).reshape(1, 4, 4) * 10
    np.testing.assert_array_equal(average_squares(picture, 2), [[[25, 45], [105, 125]]])
    assert average_squares(picture, 1) is picture


def test_a_difference_is_paired_by_event_and_called_better_or_worse_only_beyond_its_interval():
    events = np.repeat(np.arange(20), 3)
    errors = np.random.default_rng(0).normal(0, 3, (2, 60))
    base, better, same = make_scored(errors, events), make_scored(errors / 2, events), make_scored(errors[::-1], events)
    assert page.format_difference(page.compare_biases(better, base), 2, more_is_better=False).endswith("better")
    assert page.format_difference(page.compare_biases(same, base), 2, more_is_better=False) == "+0.00 (+0.00 to +0.00)"
    assert page.format_difference((-3.0, -4.0, -1.0), 1, more_is_better=True) == "-3.0 (-4.0 to -1.0), worse"


def test_the_bias_of_an_event_is_that_of_the_release_gate():
    scored = make_scored([[2.0, 2.0, -1.0, 0.0]], [0, 0, 1, 1])
    np.testing.assert_allclose(page.measure_biases(scored, np.array([0, 1])), [[2.0, 0.5]])


def test_observed_traces_count_by_magnitude_and_distance():
    scored = make_scored([[1.0, -1.0, 3.0]], [0, 1, 1])
    assert page.select_rows("observed", scored, [1]).tolist() == [1, 2]
    assert page.select_rows("copies, random paths", scored, [1]).tolist() == [0, 1, 2]
    table = page.tabulate_cell(CellResult({"observed": scored}, 128.0, 60.0), [1])
    assert table["observed: median error, degrees"] == "2.00"
    assert table["million multiply-adds a picture"] == "128"
