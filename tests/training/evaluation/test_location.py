"""What is told about locations follows from them; factors on regions make them hold what they promise."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from models.registry.card import Card
from models.registry.store import open_store
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.region_calibration import CARD_KEY, calibrate_location, contains, read_coverage_scales, scale_to_contain
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from training.config import TrainingSettings
from training.evaluation import location_page, region_calibration
from training.evaluation.location_page import REAL_HEADS, page_sources, real_line
from training.evaluation.location_scores import (
    MIN_GROUP_VELOCITY_KM_S,
    LocationResult,
    LocationScore,
    Truth,
    recalibrate,
    score_location,
    share_in_window,
)
from training.evaluation.location_tables import classes, coverage_figure, error_figure, error_table, favored, share_of
from training.evaluation.markdown import markdown_table, replace_part
from training.evaluation.metrics import wilson
from training.evaluation.real_events import real_truth
from training.evaluation.region_calibration import BORDERS, conformal, factor, fit_scales, region_tables
from training.evaluation.result_cache import append_results, read_results
from training.experiments.location.simulated_networks import SETTINGS, locate_as_served, locate_simulated, simulate_network, simulations
from training.lookup_tables.coastline import remove_seams, simplify_lines

QUAKE = Truth("a", "earthquake", 10.0, 20.0, 30.0, 5.5, np.nan)


def row(number, **changes):
    place = LocationScore(10.0 * number, 20.0, 80.0, 12.0, 0.02 * number, 0.01 * number)
    quake = LocationResult(QUAKE, 12, 40.0, 20.0, "earthquake", "distances", place, place, 30.0 + number, np.nan, ambiguous=False)
    return replace(quake, **changes)


@pytest.fixture(scope="module")
def rows():
    return [row(number) for number in range(1, 101)]


def test_wilsons_interval_is_that_of_the_literature():
    assert wilson(162, 177) == (pytest.approx(0.865, abs=1e-3), pytest.approx(0.948, abs=1e-3))
    assert wilson(0, 0) == (0.0, 1.0)
    assert share_of([]) == "none"


def test_a_conformal_factor_holds_new_events_as_often_as_stated():
    random = np.random.default_rng(5)
    held = [np.mean(random.gamma(2.0, 1.0, 400) <= conformal(random.gamma(2.0, 1.0, 60), 0.68)) for _ in range(200)]
    assert np.mean(held) == pytest.approx(0.68, abs=0.02)


def test_factors_fitted_make_regions_hold_their_share(rows):
    found = fit_scales([one.offsets for one in rows])
    assert found is not None
    scales = read_coverage_scales({CARD_KEY: {"distances": found}}, "distances")
    inner, outer = scales.at(12.0)
    assert np.mean([one.offsets.inner <= inner for one in rows]) == pytest.approx(0.68, abs=0.02)
    assert np.mean([one.offsets.outer <= outer for one in rows]) == pytest.approx(0.90, abs=0.02)
    assert found["events"] == [0, 0, 100]
    assert len(found["inner"]) == len(BORDERS) + 1


def test_a_drawn_array_does_not_miss_the_place_that_explains_its_onsets():
    """First arrivals alone leave a ridge of places: 8 and 9 were located 1,700 and 2,200 km off, and 13 on the wrong side of the Earth."""
    setting = next(one for one in SETTINGS if one.name == "array at 30 to 95")
    for number in (8, 9, 13):
        drawn = simulate_network(setting, simulations(setting, 3407, number))
        timed = locate_simulated(drawn)
        best = timed.regions[0]
        assert distance_deg(*drawn.source, best.latitude_deg, best.longitude_deg) < 7.0
        assert min(scale_to_contain(place, *drawn.source) / place.axis_ratio_90 for place in timed.regions) <= 1.0


def test_few_events_fit_nothing(rows):
    assert fit_scales([one.offsets for one in rows[:20]]) is None
    assert set(region_tables([*rows, *(replace(one, method="distances+arrival-times") for one in rows[:20])])) == {"distances"}


def test_the_region_that_holds_a_place_is_the_one_needed():
    rng = np.random.default_rng(4)
    lats, lons = destination(20.0, 30.0, rng.uniform(0, 360, 12), rng.uniform(10, 90, 12))
    found = locate_by_distances(lats, lons, distance_deg(20.0, 30.0, lats, lons), np.full(12, 2.0))
    along = destination(found.latitude_deg, found.longitude_deg, found.ellipse_azimuth_deg, found.semi_major_km / 111.195)
    assert scale_to_contain(found, *map(float, along)) == pytest.approx(1.0, rel=1e-3)
    far = tuple(
        map(float, destination(found.latitude_deg, found.longitude_deg, found.ellipse_azimuth_deg, 1.2 * found.semi_major_km / 111.195))
    )
    assert not contains(found, *far)
    assert contains(found, *far, outer=True)
    truth = replace(QUAKE, latitude_deg=far[0], longitude_deg=far[1])
    assert score_location(found, truth).inner == pytest.approx(1.2, rel=1e-2)
    wider = calibrate_location(
        found, read_coverage_scales({CARD_KEY: {"distances": {"stations": [], "inner": [1.3], "outer": [1.3]}}}, "distances")
    )
    assert contains(wider, *far)


def test_the_table_counts_what_is_there(rows):
    page = error_table(rows)
    assert "| all | 100 | 505 " in page
    assert "| stations 12 to 20 | 100 |" in page
    assert "stations below 8" not in page
    assert [name for name, group in classes(rows, lambda one: one.best.error_km, (100, 500)) if len(group) == 9] == ["below 100"]


def test_a_wrong_class_is_a_miss_of_depth(rows):
    said = page_sources([*rows, *(replace(one, said="glacial", depth_km=np.nan) for one in rows)])
    assert "Depth within 10 km (two-sided; another class is a miss): 5% " in said


def test_the_azimuth_counts_modulo_180_and_its_sign_apart():
    ice = [row(1, truth=replace(QUAKE, kind="glacial", force_azimuth_deg=355.0), force_azimuth_deg=angle) for angle in (3.0, 183.0, 90.0)]
    said = page_sources(ice)
    assert "modulo 180 (another class is a miss): 67% " in said
    assert "Sign of the force right: 33% " in said


def test_figures_are_drawn(rows, tmp_path):
    error_figure(rows, tmp_path / "errors.png")
    coverage_figure(rows, tmp_path / "coverage.png")
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.iterdir())


def test_an_array_far_away_tells_its_times_beside_its_distances_as_the_service_does():
    setting = next(one for one in SETTINGS if one.name == "array at 30 to 95")
    drawn = simulate_network(setting, simulations(setting, 3407, 0))
    regions, timed = locate_as_served(drawn)
    assert timed is not None
    assert regions[0].latitude_deg == timed.regions[0].latitude_deg
    assert regions[0].probability == pytest.approx(0.5 * timed.regions[0].probability)
    assert len(regions) > len(timed.regions)


def test_what_the_windows_hold_is_told_apart():
    names = tuple(TraceId("XX", f"S{number}", "", "LHZ") for number in range(4))
    gather = Gather(names, 1e9, 1.0, np.zeros((4, 3600), np.float32), np.zeros(4), np.zeros(4))
    end_s = gather.start_time_s + gather.duration_s
    away = np.array([1.0, 2.0, 30.0, np.nan])
    held_for_two = end_s - 2.0 * KM_PER_DEGREE / MIN_GROUP_VELOCITY_KM_S
    assert share_in_window(gather, away, held_for_two) == pytest.approx(2.0 / 3.0)
    assert np.isnan(share_in_window(gather, away, np.nan))
    some = [row(1, in_window=0.2), row(2, in_window=0.5), row(3, in_window=1.0, stations=9)]
    counts = [cells[1] for cells in favored(some)]
    assert counts == ["2", "1", "1"]


def test_a_real_event_is_read_and_told():
    said = {"event_id": "eq", "type": "earthquake", "latitude": 1.0, "longitude": 2.0, "depth_km": None, "magnitude": 5.0}
    truth = real_truth(said)
    assert np.isnan(truth.depth_km)
    cells = dict(zip(REAL_HEADS, real_line(row(3, truth=truth), row(5, truth=truth), 2), strict=True))
    assert (cells["event"], cells["with horizontals"]) == ("eq", "2")
    assert (cells["error km"], cells["by verticals alone"]) == ("30", "50")


def test_a_part_of_a_page_is_replaced_and_the_rest_kept():
    page = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n"
    assert replace_part(page, "x", "new") == "a\n<!-- x:begin -->\n\nnew\n\n<!-- x:end -->\nb\n"
    assert markdown_table(("h",), [("1",)]) == "| h |\n| --- |\n| 1 |"
    with pytest.raises(ValueError, match="no place"):
        replace_part(page, "y", "new")


def test_a_card_keeps_the_tables(toy_artifacts):
    path = next((toy_artifacts / "offset").glob("*/card.json"))
    card = Card.load(path)
    found = {"distances": {"stations": [5.0], "inner": [1.0, 2.0], "outer": [1.0, 2.0]}}
    copied = card.model_copy(update={"calibration": card.calibration | {CARD_KEY: found}})
    assert read_coverage_scales(Card.model_validate_json(copied.model_dump_json()).calibration, "distances").at(9.0) == (2.0, 2.0)


def test_a_coast_keeps_its_bends_and_loses_its_seams():
    line = np.array([[0.0, 0.0], [1.0, 0.001], [2.0, 0.0], [2.0, 1.0]])
    assert simplify_lines(line, 0.05).tolist() == [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0]]
    ring = np.array([[170.0, 60.0], [180.0, 61.0], [180.0, 65.0], [170.0, 66.0], [170.0, 60.0]])
    assert [len(part) for part in remove_seams(ring)] == [2, 3]


@pytest.fixture
def page(tmp_path, monkeypatch):
    """An empty page of its own, figures beside it."""
    place = tmp_path / "location.md"
    place.write_text("".join(f"<!-- {name}:begin -->\n<!-- {name}:end -->\n" for name in ("twin", "regions", "real")))
    monkeypatch.setattr(location_page, "PAGE", place)
    monkeypatch.setattr(location_page, "FIGURES", tmp_path)
    monkeypatch.setattr(region_calibration, "PAGE", place)
    return place


def test_the_factors_are_put_into_the_card_that_is_served(page, rows, toy_artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(region_calibration, "cached_results", lambda *_: rows)
    shutil.copytree(toy_artifacts, tmp_path / "artifacts")
    settings = TrainingSettings(artifacts_dir=tmp_path / "artifacts", processes=1)
    path = region_calibration.calibrate_regions(settings, None, None)
    store = open_store(tmp_path / "artifacts")
    assert path.parent == store.path("offset").parent
    assert read_coverage_scales(store.verify(OFFSET).calibration, "distances").at(12.0) == (1.38, 0.91)
    assert "| offsets | from 12 | 100 | 1.38 | 0.91 |" in page.read_text()


def test_the_twin_and_its_figures_are_told_on_the_page(page, rows, toy_artifacts, tmp_path, monkeypatch):
    monkeypatch.setattr(location_page, "cached_results", lambda *_: rows)
    location_page.report_twin(TrainingSettings(artifacts_dir=toy_artifacts, processes=1), "greens_10s", 5)
    assert "`python -m training location --store greens_10s --most 5`: 5 events" in page.read_text()
    assert {path.name for path in tmp_path.glob("*.png")} == {"location_errors.png", "location_coverage.png"}


def test_kept_rows_are_read_again_unless_they_were_made_otherwise(rows, tmp_path):
    path, made = tmp_path / "location" / "test.jsonl", {"code": "a"}
    assert read_results(path, made) == {}
    append_results(path, {3: rows[2], 4: None})
    append_results(path, {5: rows[4]})
    again = read_results(path, made)
    assert list(again) == [3, 4, 5]
    assert again[4] is None
    assert again[5].best == rows[4].best
    assert again[5].truth.name == "a"
    assert read_results(path, {"code": "b"}) == {}
    assert read_results(path, made) == {}


def test_factors_are_applied_to_rows_as_to_locations(rows):
    tables = {CARD_KEY: {"distances": {"stations": [], "inner": [2.0], "outer": [4.0]}}}
    one = recalibrate(rows[49], tables)
    assert (one.best.inner, one.best.outer, one.best.stated_km) == (0.5, 0.125, 40.0)
    never_inside = recalibrate(rows[49], {CARD_KEY: {"distances": {"stations": [], "inner": [2.0], "outer": [0.1]}}})
    assert never_inside.best.outer == never_inside.best.inner


def test_regions_that_hold_what_they_promise_are_left_as_they_are():
    needed = np.linspace(0.01, 1.45, 100)  # 69 of 100 hold
    assert factor(needed, 0.68) == 1.0
    assert factor(needed, 0.90) == conformal(needed, 0.90)
    assert factor(3.0 * needed, 0.68) == conformal(3.0 * needed, 0.68)
    random = np.random.default_rng(6)
    held = [np.mean(drawn <= factor(drawn[:60], 0.68)) for drawn in random.gamma(2.0, 0.43, (200, 400))]
    assert np.mean(held) == pytest.approx(0.68, abs=0.02)
