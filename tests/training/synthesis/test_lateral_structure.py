"""Lateral structure: nodes become decks, paths average what is under them, and surface waves alone are delayed."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, destination, unit_vectors
from training.earth.dispersion import predict_dispersion
from training.earth.structure import PREM, UPPER_STRUCTURES, build_deck_rows
from training.synthesis import lateral_structure
from training.synthesis.lateral_structure import (
    PERIODS_S,
    DispersionMap,
    LateralEarth,
    build_node_rows,
    compute_dispersion_map,
    delay_surface_waves,
    draw_earths,
    load_dispersion_map,
    measure_crust_km,
)
from training.synthesis.records import synthesize_displacement
from training.synthesis.sources import make_anomalous
from training.synthesis.station_geometry import Stations

ABSENT = -99999.0
LAND, SEA = 1 / 3.0, 1 / 4.0


def make_column(base_m, layers):
    """A node of LITHO1.0 [boundaries, quantities] of layers (index of the top boundary, top and bottom depth in m, values)."""
    column = np.full((19, 9), ABSENT)
    column[:, 0] = 0.0
    column[:3, 0] = base_m
    for top, top_m, bottom_m, (density, vp, vs, q_mu) in layers:
        for boundary, depth in ((top, top_m), (top - 1, bottom_m)):
            column[boundary] = (depth, density, vp, vs, 57823.0, q_mu, vp, vs, 1.0)
    return column


def make_continental_column():
    """The continental deck's crust of two layers over a lid of PREM's velocities at its middle, to 80 km."""
    upper, lower = (
        np.array([layer.density * 1e3, layer.vp * 1e3, layer.vs * 1e3, layer.q_mu]) for layer in UPPER_STRUCTURES["continental"].crust
    )
    return make_column(80e3, [(2, 35e3, 80e3, (3375.0, 8090.0, 4410.0, 600.0)), (4, 20e3, 35e3, lower), (6, 0.0, 20e3, upper)])


def make_halves():
    """A map that is land east of Greenwich and sea west of it."""
    latitudes, longitudes = (grid.ravel() for grid in np.meshgrid(np.arange(-80.0, 81.0, 4.0), np.arange(-178.0, 179.0, 4.0)))
    west = longitudes < 0
    slowness = np.where(west[:, None], SEA, LAND) * np.ones(len(PERIODS_S))
    stores = np.array([0.29, LAND, SEA])[:, None] * np.ones(len(PERIODS_S))
    return DispersionMap(unit_vectors(latitudes, longitudes), slowness, west, stores)


def make_stations(azimuths_deg, distances_deg, indices=None):
    distances = np.array(distances_deg)
    latitudes, longitudes = destination(0.0, 0.0, np.array(azimuths_deg), distances)
    indices = np.zeros(len(distances), np.int64) if indices is None else indices
    return Stations((), latitudes, longitudes, distances, np.array(azimuths_deg), indices)


def make_source(store, longitude_deg=0.0):
    return make_anomalous("landslide", (0.0, longitude_deg), store.time_step_s, np.random.default_rng(0))


@pytest.mark.parametrize("period_s", [25.0, 60.0])
def test_a_node_with_the_continental_crust_is_as_slow_as_the_continental_deck(period_s):
    rows = build_node_rows(make_continental_column(), build_deck_rows(PREM))
    continental, prem = (predict_dispersion(build_deck_rows(deck), period_s) for deck in ("continental", PREM))
    found = predict_dispersion(rows, period_s)
    assert found == pytest.approx(continental, rel=0.012)
    assert abs(found - continental) < abs(prem - continental) / 4


def test_absent_layers_have_no_thickness_and_no_water_is_under_an_ice_shelf():
    prem, water, ice = build_deck_rows(PREM), (1020.0, 1500.0, 0.0, 600.0), (920.0, 3800.0, 1900.0, 600.0)
    layers = [(2, 10e3, 60e3, (3300.0, 8100.0, 4600.0, 200.0)), (8, 1e3, 10e3, (2900.0, 6500.0, 3700.0, 600.0)), (16, 0.0, 1e3, water)]
    ocean, shelf = make_column(60e3, layers), make_column(60e3, [*layers, (18, -200.0, 0.0, ice)])
    radii = np.array([row[0] for row in build_node_rows(ocean, prem)])
    assert (np.diff(radii) >= 0).all()
    assert [row[3] for row in build_node_rows(ocean, prem)[-2:]] == [0.0, 0.0]
    assert min(row[3] for row in build_node_rows(shelf, prem)[-6:]) == 1900.0
    assert measure_crust_km(ocean) == pytest.approx(9.0)


def test_the_map_of_a_file_leaves_the_empty_row_out_and_bounds_velocities(tmp_path, monkeypatch):
    monkeypatch.setattr(lateral_structure, "predict_dispersion", lambda _, period: 1.0 if period == PERIODS_S[0] else 3.0)
    columns = np.repeat(make_continental_column()[..., None], 3, axis=2)
    np.savez(
        tmp_path / "litho1.npz", litho1_mesh_coords=np.array([[10.0, 10.0, 20.0], [0, 0, 0], [50.0, 50.0, 0]]), litho1_all_data=columns
    )
    found = compute_dispersion_map(tmp_path / "litho1.npz")
    np.testing.assert_allclose(found.nodes, unit_vectors([10.0, 50.0], [20.0, 0.0]))
    assert found.slowness_s_km[:, 0].tolist() == [1 / lateral_structure.MIN_GROUP_KM_S] * 2
    assert found.store_slowness_s_km.shape == (3, len(PERIODS_S))
    assert not found.sea_floor.any()


def test_lateral_structure_asks_for_its_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="ATLAS_TRAINING_DATA_DIR"):
        load_dispersion_map(None, tmp_path)


def test_a_path_averages_what_is_under_it(store):
    slowness, sea = make_halves().average_paths(make_source(store, 40.0), make_stations([90.0, 270.0, 270.0], [60.0, 80.0, 30.0]))
    assert sea == pytest.approx([0.0, 0.5, 0.0], abs=0.03)
    assert slowness[:, 0] == pytest.approx([LAND, (LAND + SEA) / 2, LAND], rel=0.01)


def test_earth_models_follow_the_fraction_of_sea_floor():
    random = np.random.default_rng(0)
    assert draw_earths(np.array([0.0, 0.5, 1.0]), random).tolist() == [1, 0, 2]
    between = np.bincount(draw_earths(np.full(4000, 0.75), random), minlength=3) / 4000
    assert between == pytest.approx([0.5, 0.0, 0.5], abs=0.03)


def test_surface_waves_are_late_by_their_period_and_body_waves_are_not():
    clock, distance = np.arange(2000.0) * 2.0, 60.0
    body, surface = 600.0, 1900.0
    motion = sum(np.exp(-0.5 * ((clock - at) / 60.0) ** 2) * np.cos(2 * np.pi * (clock - at) / 40.0) for at in (body, surface))
    delays = np.where(np.array(PERIODS_S) == 40.0, 0.02, 0.015)
    late = delay_surface_waves(np.array([motion]), np.array([distance]), delays[None], 2.0)[0]
    np.testing.assert_allclose(late[:450], motion[:450], atol=1e-3)
    peak = clock[700:][np.abs(late[700:]).argmax()]
    assert peak - surface == pytest.approx(0.02 * distance * KM_PER_DEGREE, rel=0.12)


def test_paths_run_through_the_store_of_what_is_under_them_and_through_prem_where_it_is_missing(store):
    table = store.forces
    stations = make_stations([90.0, 270.0], table.distances_deg[[5, 5]], np.array([5, 5]))
    ocean, source = replace(store, config=store.config.model_copy(update={"deck": "oceanic"})), make_source(store)
    ocean = replace(ocean, forces=replace(table, scales=2.0 * table.scales))
    halves = make_halves()
    halves = replace(halves, store_slowness_s_km=np.stack([halves.slowness_s_km[-1], halves.slowness_s_km[-1], halves.slowness_s_km[0]]))
    motion = LateralEarth(halves)((store, ocean), source, stations, 0.4, np.random.default_rng(0))
    plain = synthesize_displacement(store, source, stations)
    np.testing.assert_allclose(motion, plain * [[1.0], [2.0]], atol=1e-6 * np.abs(plain).max())


def test_a_share_of_events_has_lateral_structure_and_the_others_random_earth_models(store):
    stations = make_stations([90.0, 90.0], store.forces.distances_deg[[5, 5]], np.array([5, 5]))
    source, random = make_source(store), np.random.default_rng(0)
    earth = LateralEarth(make_halves(), share=0.25)  # sea on all paths, which is slower than the store
    plain = synthesize_displacement(store, source, stations)
    delayed = [not np.allclose(earth((store,), source, stations, 1.0, random), plain) for _ in range(60)]
    assert np.mean(delayed) == pytest.approx(0.25, abs=0.15)
