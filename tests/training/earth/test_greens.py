"""Stores of Green's functions: sampling, interruption and repair, and reading with numpy alone."""

import json

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE
from training.config import load_recipe
from training.datasets.catalog_replica import ReplicaRecipe
from training.datasets.mixtures import MixtureRecipe
from training.earth import dispersion, greens
from training.earth.structure import build_deck_rows

pytestmark = pytest.mark.slow

SMALL = greens.GreensConfig(
    deck="prem-no-ocean",
    highest_frequency_mhz=8.0,
    taper_mhz=2.0,
    lowest_frequency_mhz=2.0,
    length_min=40.0,
    time_step_s=8.0,
    tolerance=1e-3,
    degrees_per_mhz=10.0,
    depths_km=(10.0, 50.0, 300.0),
    cells=(greens.DistanceCells(start_deg=2, stop_deg=10, width_deg=2), greens.DistanceCells(start_deg=10, stop_deg=30, width_deg=5)),
    depths_per_batch=2,
    force_distances_per_cell=3,
    seed=3407,
)
# Group velocity of the slowest fundamental Rayleigh wave of any Earth from 12 s on: 15 s, continental.
SLOWEST_RAYLEIGH_KM_S = 2.91


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    greens.build_store(SMALL, folder, threads=1)
    return folder


def test_every_cell_has_one_distance_for_each_depth():
    edges = np.array([2, 4, 6, 8, 10, 15, 20, 25, 30])
    drawn = np.array([SMALL.distances_deg(k) for k in range(3)])
    assert ((drawn >= edges[:-1]) & (drawn < edges[1:])).all()
    assert (np.ptp(drawn, axis=0) > 0).all(), "jittered per depth"
    np.testing.assert_array_equal(drawn[1], SMALL.distances_deg(1))


def test_surface_forces_have_several_distances_in_a_cell():
    drawn = SMALL.force_distances_deg()
    counts, _ = np.histogram(drawn, [2, 4, 6, 8, 10, 15, 20, 25, 30])
    assert (counts == 3).all()
    assert (np.diff(drawn) > 0).all()


@pytest.mark.parametrize("name", greens.FULL_STORES)
def test_a_full_store_covers_all_served_depths_and_distances(name):
    config = load_recipe(name, greens.GreensConfig)
    assert len(config.depths_km) >= 20
    assert config.depths_km[0] < 5
    assert config.depths_km[-1] > 650
    assert max(cell.width_deg for cell in config.cells if cell.stop_deg <= 20.2) <= 0.25
    # All depths together sample the globe at less than 0.1 degrees, wherever the cells are wide.
    everywhere = np.sort(np.concatenate([config.distances_deg(k) for k in range(len(config.depths_km))]))
    assert everywhere[0] < 1
    assert everywhere[-1] > 176
    assert np.median(np.diff(everywhere)) < 0.1
    assert config.highest_frequency_mhz - config.taper_mhz <= 100 <= config.highest_frequency_mhz, "10 s"


@pytest.mark.parametrize(
    "served", [load_recipe("replica", ReplicaRecipe), load_recipe("endless", MixtureRecipe), load_recipe("anomalies", MixtureRecipe)]
)
def test_the_first_rayleigh_wave_ends_before_the_record_at_every_distance_served(served):
    assert served.store == greens.FULL_STORES
    for name in served.store:
        config = load_recipe(name, greens.GreensConfig)
        assert config.length_min * 60 > served.distances_deg[1] * KM_PER_DEGREE / SLOWEST_RAYLEIGH_KM_S


def test_the_slowest_rayleigh_wave_is_as_stated():
    decks = [build_deck_rows(name) for name in ("continental", "oceanic")]
    speeds = [dispersion.predict_dispersion(deck, period_s) for deck in decks for period_s in (12.0, 15.0, 20.0, 40.0)]
    assert min(speeds) == pytest.approx(SLOWEST_RAYLEIGH_KM_S, abs=0.01)


def test_a_store_is_read_by_numpy_alone(small):
    with np.load(small / "strains_02.npz") as content:
        data, scales, distances = content["data"], content["scales"], content["distances_deg"]
    assert (data.dtype, data.shape) == (np.int16, (8, 4, 300))
    loaded = greens.load_store(small).strains[2]
    np.testing.assert_array_equal(loaded.get(5), data[5] * scales[5][:, None])
    np.testing.assert_array_equal(loaded.distances_deg, distances)


def test_packing_loses_less_than_a_thousandth_of_the_peak(small):
    points = [(50.0, float(distance)) for distance in SMALL.distances_deg(1)]
    exact, table = greens.compute_greens(SMALL, "strains", points), greens.load_store(small).strains[1]
    packed = np.array([table.get(k) for k in range(len(points))])
    assert (np.abs(packed - exact).max(axis=-1) <= 1e-4 * np.abs(exact).max(axis=-1)).all()


def test_an_interrupted_or_damaged_build_computes_the_missing_tables(small, tmp_path):
    for path in small.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "strains_02.npz").unlink()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with pytest.raises(FileNotFoundError):
        greens.load_store(tmp_path)
    greens.build_store(SMALL, tmp_path, threads=1)
    rewritten = {path.name for path in tmp_path.iterdir() if path.stat().st_mtime_ns != before.get(path.name)}
    assert rewritten == {"strains_02.npz", "manifest.json"}
    np.testing.assert_array_equal(greens.load_store(tmp_path).strains[2].data, greens.load_store(small).strains[2].data)


def test_the_manifest_states_the_provenance_of_the_store(small):
    manifest = json.loads((small / "manifest.json").read_text())
    assert manifest["fingerprint"] == SMALL.fingerprint()
    assert greens.GreensConfig.model_validate(manifest["config"]) == SMALL
    assert set(manifest["sha256"]) == {"forces.npz", "strains_00.npz", "strains_01.npz", "strains_02.npz"}
    assert len(manifest["deck_sha256"]) == 64
    assert manifest["commit"]


def test_a_store_of_another_deck_is_computed_anew(small, tmp_path):
    manifest = json.loads((small / "manifest.json").read_text()) | {"deck_sha256": "0" * 64}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    greens.build_store(SMALL.model_copy(update={"depths_km": ()}), tmp_path, threads=1)
    assert json.loads((tmp_path / "manifest.json").read_text())["sha256"].keys() == {"forces.npz"}


def test_an_unfinished_store_is_refused(small, tmp_path):
    manifest = json.loads((small / "manifest.json").read_text())
    del manifest["sha256"]["strains_01.npz"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="unfinished: 3 of 4"):
        greens.load_store(tmp_path)
