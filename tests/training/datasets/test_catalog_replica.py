"""The synthetic catalog replica and random archives: contents, reproducibility, and names that reveal nothing."""

import json
import shutil
from typing import get_args

import numpy as np
import pytest

from models.seismic.geodesy import distance_deg
from training.config import load_recipe
from training.datasets.archive import read_events, read_labels, read_manifest
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica, match_earthquakes, plan_replica
from training.datasets.mixtures import MixtureRecipe, write_mixture
from training.datasets.splits import SPLIT_NAMES
from training.random_streams import Purpose, make_generator, make_seed_sequence
from training.synthesis.catalogs import load_earthquakes, load_glacial_earthquakes
from training.synthesis.instrument_defects import GAIN_DEVIATION
from training.synthesis.records import Gains
from training.synthesis.sources import KINDS
from training.tasks.distance import OffsetRecipe, assign_shards
from training.tasks.sections import SectionPlan

pytestmark = pytest.mark.slow

REPLICA = ReplicaRecipe(
    store="greens_50s", events_per_shard=3, stations=(4, 8), distances_deg=(3.0, 118.0), magnitude_tolerance=0.1, seed=3407
)
MIXTURE = MixtureRecipe(
    store="greens_50s", events_per_shard=3, stations=(4, 6), distances_deg=(3.0, 118.0), kinds=dict.fromkeys(KINDS, 1 / len(KINDS))
)


@pytest.fixture(scope="module")
def catalogs():
    return load_glacial_earthquakes(None, 3407), load_earthquakes(None, 3407)


def test_every_glacial_earthquake_has_a_partner_of_its_year_and_magnitude(catalogs):
    glacial, tectonic = catalogs
    rows = match_earthquakes(glacial, tectonic, 0.1, np.random.default_rng(0))
    assert len(set(rows.tolist())) == len(glacial.years) == 443
    covered = np.isin(glacial.years, tectonic.years)
    assert (tectonic.years[rows] == glacial.years)[covered].all()


def test_the_replica_has_every_event_once_and_in_one_split_each_way(catalogs):
    rows = plan_replica(*catalogs, REPLICA)
    assert len(rows) == len({(row.kind, row.row) for row in rows}) == 886
    assert sorted(row.row for row in rows if row.kind == "glacial") == list(range(443))
    assert {split for row in rows for split in (row.split_random, row.split_region, row.split_year)} == set(SPLIT_NAMES)
    for name, group in (("split_region", lambda row: (row.kind, row.region)), ("split_year", lambda row: row.year)):
        splits = {}
        for row in rows:
            splits.setdefault(group(row), set()).add(getattr(row, name))
        assert all(len(found) == 1 for found in splits.values())


def test_both_classes_are_in_every_split(catalogs):
    rows = plan_replica(*catalogs, REPLICA)
    for name in ("split_random", "split_region", "split_year"):
        assert {(row.kind, getattr(row, name)) for row in rows} == {
            (kind, split) for kind in ("glacial", "earthquake") for split in SPLIT_NAMES
        }


def test_a_replica_event_is_as_cataloged_and_reproducible(settings, catalogs):
    glacial, tectonic = catalogs
    one, two = (draw_replica(REPLICA, settings, numbers) for numbers in ([0, 1, 2, 3], [3]))
    for a, b in zip(one[3].records, two[0].records, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
    rows = plan_replica(glacial, tectonic, REPLICA)
    for number, event in enumerate(one):
        catalog = glacial if rows[number].kind == "glacial" else tectonic
        assert event.truth["kind"] == rows[number].kind
        assert event.truth["latitude_deg"] == catalog.latitudes_deg[rows[number].row]
        assert abs(event.records[0].start_time_s - event.truth["origin_time_s"]) < 7200
        epicenter = event.truth["latitude_deg"], event.truth["longitude_deg"]
        assert all(distance_deg(*epicenter, record.latitude_deg, record.longitude_deg) < 121 for record in event.records)


def test_gains_change_nothing_but_amplitudes_which_keep_the_radiation_pattern(settings):
    """Equal gains leave the amplitudes of the waves, scattered ones multiply them as stated, and without any each maximum is 1."""
    drawn = {gains: draw_replica(REPLICA.model_copy(update={"gains": gains}), settings, list(range(12))) for gains in get_args(Gains)}
    records = {gains: [record for event in events for record in event.records] for gains, events in drawn.items()}
    peaks = {gains: np.array([np.nanmax(np.abs(record.samples)) for record in own]) for gains, own in records.items()}
    for gains in ("none", "scattered"):
        for one, same in zip(records[gains], records["equal"], strict=True):
            factor = np.nanmax(np.abs(one.samples)) / np.nanmax(np.abs(same.samples))
            np.testing.assert_allclose(one.samples, same.samples * factor, rtol=1e-3, atol=1e-4 * np.nanmax(np.abs(one.samples)))
    logs = np.log(peaks["scattered"] / peaks["equal"])
    assert np.std(logs[np.abs(logs) < 4 * GAIN_DEVIATION]) == pytest.approx(GAIN_DEVIATION, rel=0.3)
    np.testing.assert_allclose(peaks["none"], 1.0, rtol=1e-6)
    assert REPLICA.gains == load_recipe("replica", ReplicaRecipe).gains == "scattered"


def test_a_moment_scale_enlarges_the_event_in_the_same_noise(settings):
    assert "moment_scale" not in REPLICA.model_dump(mode="json")
    scaled = REPLICA.model_copy(update={"moment_scale": 1e4})
    assert scaled.model_dump(mode="json")["moment_scale"] == 1e4
    (one,), (same,) = (draw_replica(some, settings, [5]) for some in (REPLICA, scaled))
    assert same.truth == one.truth
    before = [[np.std(record.samples[:120]) / np.nanmax(np.abs(record.samples)) for record in event.records] for event in (one, same)]
    assert np.median(before[0]) > 10.0 * np.median(before[1])


def test_an_archive_of_anomalies_grows_and_its_files_reveal_no_kind(settings, tmp_path):
    for events in (3, 5):
        write_mixture(MIXTURE, Purpose.ANOMALIES, 7, events, settings, tmp_path)
    manifest = read_manifest(tmp_path)
    assert manifest["events"] == 5
    assert manifest["made_from"]["seed"] == 7
    assert {"recipe", "store", "decks"} <= set(manifest["made_from"]["fingerprints"])
    assert [event.name for event in read_events(tmp_path)] == [f"event_{number:06d}" for number in range(5)]
    assert {truth["kind"] for truth in read_labels(tmp_path).values()} <= set(KINDS)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name != "labels"]
    words = [word.encode() for word in KINDS]
    assert not [(path.name, word) for path in files for word in words if word in path.read_bytes() or word in str(path.name).encode()]


def test_an_archive_may_use_several_earth_models(settings, build_dir, tmp_path):
    """The second store is a copy of the first under another name; the test is that both are read and fingerprinted."""
    for name, deck in (("one", "prem-no-ocean"), ("two", "oceanic")):
        shutil.copytree(build_dir / "greens" / "greens_50s", tmp_path / "greens" / name)
        manifest = json.loads((tmp_path / "greens" / name / "manifest.json").read_text())
        manifest["config"]["deck"] = deck
        (tmp_path / "greens" / name / "manifest.json").write_text(json.dumps(manifest))
    mixed = MIXTURE.model_copy(update={"store": ("one", "two")})
    here = settings.model_copy(update={"build_dir": tmp_path})
    write_mixture(mixed, Purpose.ENDLESS, 7, 2, here, tmp_path / "set")
    assert len(read_manifest(tmp_path / "set")["made_from"]["fingerprints"]["store"].split("+")) == 2
    assert all(len(event.records) >= 3 for event in read_events(tmp_path / "set"))


def test_no_two_data_sets_share_a_random_stream():
    plan, shards = (
        load_recipe("section_models", SectionPlan),
        [seed for seeds in assign_shards(load_recipe("offset", OffsetRecipe)) for seed in seeds],
    )
    sections = plan.train_shards + plan.validation_shards + plan.test_shards
    pictures = [np.random.SeedSequence([3407, shard]) for shard in shards]
    pictures += [np.random.SeedSequence([3407, 77, shard]) for shard in range(sections)]
    archives = [make_seed_sequence(3407, purpose, number) for purpose in Purpose for number in range(200)]
    states = {tuple(seed.generate_state(4).tolist()) for seed in pictures + archives}
    assert len(states) == len(pictures) + len(archives)


def test_a_random_stream_is_reproducible():
    assert make_generator(1, Purpose.REPLICA, 5).integers(1 << 60) == make_generator(1, Purpose.REPLICA, 5).integers(1 << 60)


@pytest.mark.parametrize("name", ["anomalies", "endless"])
def test_probabilities_of_kinds_add_up_to_one(name):
    mixture = load_recipe(name, MixtureRecipe)
    assert sum(mixture.kinds.values()) == pytest.approx(1)
    assert set(mixture.kinds) <= set(KINDS)
