"""Events in Earth models that nothing was trained on: what they are drawn from, and what the page counts."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.earth.seismicity import lies_at_ice_sheet
from tests.support.event_results import make_result
from training.config import load_recipe
from training.earth import structure
from training.earth.greens import UNSEEN_STORES, GreensConfig, load_stores
from training.experiments import unseen_earths
from training.experiments.unseen_earths import (
    KINDS,
    SNR,
    UnseenEarths,
    collect_errors,
    describe_signs,
    tabulate_classes,
    tabulate_places,
    tabulate_statements,
    write_unseen_earths_page,
)
from training.synthesis.sources import NOISE


def test_the_earth_models_are_none_of_training():
    decks = [load_recipe(store, GreensConfig).deck for store in UNSEEN_STORES]
    assert not set(decks) & set(structure.DECKS)
    assert all(structure.build_deck_rows(deck) for deck in decks)


def test_fewer_events_of_the_other_kinds_are_drawn(settings):
    keys = [key for batch in UnseenEarths(4, 1).batches(settings) for key in batch]
    assert [sum(key.startswith(kind) for key in keys) for kind in KINDS] == [4, 4, 2, 2, 2]


@pytest.mark.slow
def test_events_are_drawn_again_until_they_are_recorded_well(settings, monkeypatch):
    monkeypatch.setattr(unseen_earths, "load_stores", lambda folder, _: load_stores(folder, "greens_50s"))
    monkeypatch.setattr(unseen_earths, "DISTANCES_DEG", (5.0, 120.0))
    source = UnseenEarths(2, 1)
    drawn = dict(source.load(("glacial-0", "earthquake-1", f"{NOISE}-0"), settings))
    again = dict(source.load(("earthquake-1",), settings))
    assert [event.truth.kind for event in drawn.values()] == ["glacial", "earthquake", NOISE]
    assert np.isfinite(drawn["glacial-0"].truth.force_azimuth_deg)
    assert again["earthquake-1"].truth == drawn["earthquake-1"].truth
    places = [(event.truth.latitude_deg, event.truth.longitude_deg) for event in drawn.values()]
    assert list(lies_at_ice_sheet(*np.array(places[:2]).T)) == [True, False]
    starts = [record.start_time_s - unseen_earths.ORIGIN_S for event in drawn.values() for record in event.records]
    assert min(starts) >= -unseen_earths.EARLIEST_S - 10.0
    assert max(starts) <= 0.0


@pytest.mark.slow
def test_earthquakes_at_ice_sheets_are_shallow(settings, monkeypatch):
    monkeypatch.setattr(unseen_earths, "load_stores", lambda folder, _: load_stores(folder, "greens_50s"))
    monkeypatch.setattr(unseen_earths, "DISTANCES_DEG", (5.0, 120.0))
    source = UnseenEarths(2, 1, at_ice=True)
    assert source.describe() != UnseenEarths(2, 1).describe()
    assert source.name != UnseenEarths(2, 1).name
    drawn = [event for _, event in source.load(("earthquake-0", "earthquake-1", "glacial-0"), settings)]
    places = np.array([(event.truth.latitude_deg, event.truth.longitude_deg) for event in drawn])
    assert lies_at_ice_sheet(*places.T).all()
    assert max(event.truth.depth_km for event in drawn) <= unseen_earths.MAX_SHALLOW_KM


def test_a_depth_that_is_not_stated_is_counted_as_such():
    results = [make_result(number, depth_km=depth) for number, depth in ((2, 32.0), (4, 45.0), (6, np.nan))]
    errors, deviations = collect_errors(results, "served", is_force=False)
    assert errors.tolist()[:2] == [2.0, 15.0]
    assert np.isnan(errors[2])
    assert deviations.tolist() == [4.0] * 3
    table = tabulate_statements(results, "earthquake")
    assert "| earthquake | as served | 2 of 3 | 50% " in table
    assert "| earthquake | network alone | 3 of 3 | 100% " in table


def test_azimuths_count_modulo_180_and_signs_where_they_are_sure():
    ice = [
        replace(make_result(1, "glacial"), force_azimuth_deg=angle, force_azimuth_sigma_deg=5.0, force_azimuth_ambiguous=ambiguous)
        for angle, ambiguous in ((102.0, False), (283.0, False), (281.0, True))
    ]
    assert "| glacial | as served | 3 of 3 | 100% " in tabulate_statements(ice, "glacial")
    assert describe_signs(ice).startswith("50% ")


def test_classes_are_counted_by_signal():
    results = [make_result(number) for number in (2, 4, 15)] + [make_result(8, NOISE, detected=False)]
    table = tabulate_classes(results)
    assert "| earthquake | 3 | 100% " in table
    assert "| earthquake, signal-to-noise ratio from 16 | 1 | 100% " in table
    assert "| noise | 1 | 0% (0% to 79%) | 0% | 0% | 0% | 0% | 100% |" in table
    assert SNR[0] < unseen_earths.SNR_BORDERS[0]


def test_places_are_counted_by_method():
    table = tabulate_places([make_result(2), make_result(3, "glacial", method="waveform-inversion")])
    assert "| glacial, waveform-inversion | 1 | 30 " in table


def test_the_page_states_where_its_figures_are_from(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(unseen_earths, "load_stores", lambda *_: load_stores(settings.build_dir.absolute() / "greens", "greens_50s"))
    monkeypatch.setattr(unseen_earths, "evaluate", lambda *_: iter([make_result(2), make_result(3, "glacial")]))
    monkeypatch.chdir(tmp_path)
    text = write_unseen_earths_page(settings, "a command", 2, 1).read_text()
    assert "Generated by `a command`" in text
    assert "Seed 1." in text
