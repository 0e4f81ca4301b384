"""Three Earth models: their decks, group velocities against disba, and paths through several of them."""

import json
import shutil
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest

from training.config import load_recipe
from training.earth import dispersion, greens, structure
from training.experiments.physics import measure_dispersion
from training.synthesis.events import draw_event, open_sampler
from training.synthesis.records import synthesize_displacement, synthesize_mixed_displacement
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("deck", structure.DECKS)
def test_the_engine_reads_the_deck_as_it_is_written(deck):
    model = structure.load_earth_model(deck)
    rows = np.array(structure.build_deck_rows(deck))
    middle = rows[-1, 0] / 1e3 - 0.25
    profile = model.profile([middle, 6200.0])

    assert model.surface_radius_km * 1e3 == rows[-1, 0]
    assert profile["vs"][0] == pytest.approx(rows[-1, 3], rel=1e-3)
    assert 1 / profile["q_mu"][1] == pytest.approx(80.0)
    assert np.all(np.diff(rows[:, 0]) >= 0)


@pytest.mark.parametrize("deck", ["continental", "oceanic"])
def test_below_the_lid_every_model_is_prem(deck):
    radii = np.linspace(3500, 6280, 12)
    ours, prem = structure.load_earth_model(deck).profile(radii), structure.load_earth_model(structure.PREM).profile(radii)
    assert all(np.allclose(ours[name], prem[name], rtol=1e-4) for name in ("rho", "vp", "vs", "q_mu"))


def test_the_continental_crust_is_that_of_ak135():
    lines = (resources.files("obspy.taup") / "data" / "ak135.tvel").read_text().splitlines()[2:]
    depth, vp, vs, density = np.array([[float(cell) for cell in line.split()] for line in lines]).T
    base_km = np.cumsum([layer.thickness_km for layer in structure.UPPER_STRUCTURES["continental"].crust])
    np.testing.assert_array_equal(base_km, [20.0, 35.0])
    for layer, middle_km in zip(structure.UPPER_STRUCTURES["continental"].crust, (10.0, 27.5), strict=True):
        assert [layer.vp, layer.vs, layer.density] == [np.interp(middle_km, depth, values) for values in (vp, vs, density)]


def test_an_unknown_earth_model_is_named():
    with pytest.raises(ValueError, match="no Earth model 'flat'"):
        structure.build_deck_rows("flat")


def test_no_stored_depth_lies_on_a_discontinuity():
    for name in ("greens_10s", "greens_10s_continental", "greens_10s_oceanic"):
        config = load_recipe(name, greens.GreensConfig)
        radii = np.array(structure.build_deck_rows(config.deck))[:, 0]
        edges = (radii[-1] - radii[1:][np.diff(radii) == 0]) / 1e3
        assert min(abs(depth - edge) for depth in config.depths_km for edge in edges) > 0.15


def test_rayleigh_group_velocity_agrees_with_disba(store):
    """In the Earth model of all tests; `training validate physics` compares every store."""
    deck = structure.build_deck_rows(load_recipe("greens_50s", greens.GreensConfig).deck)
    for period_s in (60.0, 100.0):
        speed, measured_s = measure_dispersion(store, period_s)
        assert speed == pytest.approx(dispersion.predict_dispersion(deck, measured_s), rel=0.03)


def scale_store(store: greens.GreensStore, factor: float) -> greens.GreensStore:
    tables = [replace(table, scales=table.scales * factor) for table in (*store.strains, store.forces)]
    return replace(store, strains=tuple(tables[:-1]), forces=tables[-1])


def test_every_path_uses_one_of_the_earth_models(store):
    stores, count = (store, scale_store(store, 2.0), scale_store(store, 3.0)), 60
    stations = Stations(
        (), np.zeros(count), np.zeros(count), np.full(count, store.forces.distances_deg[9]), np.full(count, 30.0), np.full(count, 9)
    )
    source = Source("test", 0, 0, 0.0, np.array([1e10, 1e10, 0])[:, None])
    single = synthesize_displacement(store, source, stations)
    ratio = np.abs(synthesize_mixed_displacement(stores, source, stations, 0.0, np.random.default_rng(1))).max(axis=1) / np.abs(single).max(
        axis=1
    )
    assert {round(value) for value in ratio} == {1, 2, 3}
    np.testing.assert_allclose(ratio, np.round(ratio))
    common = synthesize_mixed_displacement(stores, source, stations, 1.0, np.random.default_rng(2))
    assert len({round(value) for value in np.abs(common).max(axis=1) / np.abs(single).max(axis=1)}) == 1


def test_a_tuple_of_one_store_draws_the_same_events_as_the_store(store, settings):
    one, same = (open_sampler(what, settings, seed=1) for what in (store, (store,)))
    events = [draw_event(sampler, "earthquake", 5, np.random.default_rng(4)) for sampler in (one, same)]
    assert all(np.array_equal(a.samples, b.samples, equal_nan=True) for a, b in zip(events[0].records, events[1].records, strict=True))


def test_stores_that_differ_in_more_than_the_earth_are_not_mixed(build_dir, tmp_path):
    """The stores are copies of one, with changed configurations."""
    for name, changes in (("a", {}), ("b", {"deck": "oceanic"}), ("c", {"seed": 1})):
        shutil.copytree(build_dir / "greens" / "greens_50s", tmp_path / name)
        path = tmp_path / name / "manifest.json"
        manifest = json.loads(path.read_text())
        path.write_text(json.dumps(manifest | {"config": manifest["config"] | changes}))
    one = greens.load_stores(tmp_path, "a")
    assert greens.fingerprint_stores(one) == manifest["fingerprint"]
    both = greens.load_stores(tmp_path, ("a", "b"))
    assert [store.config.deck for store in both] == ["prem-no-ocean", "oceanic"]
    np.testing.assert_array_equal(both[0].config.force_distances_deg(), both[1].config.force_distances_deg())
    np.testing.assert_array_equal(both[0].config.force_distances_deg(), both[0].forces.distances_deg)
    with pytest.raises(ValueError, match="more than the Earth model"):
        greens.load_stores(tmp_path, ("a", "c"))
