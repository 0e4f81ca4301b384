"""Shards are drawn once and read back; manifests of sets that were drawn from different inputs differ."""

import numpy as np
import pytest
from pydantic import BaseModel

from training.datasets.shards import describe_provenance, fingerprint_inputs, make_shards

SIXTY_FOUR = 64


def squares(seed):
    return {"values": np.arange(seed, seed + 3) ** 2}


def test_shards_are_drawn_once_and_read_back(tmp_path):
    first = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    changed = first.paths[0].stat().st_mtime_ns
    second = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    assert second.paths[0].stat().st_mtime_ns == changed
    assert second.load_all(("values",))["values"].tolist() == [1, 4, 9, 16, 25, 36]


class Recipe(BaseModel):
    """Any recipe."""

    stations: int


@pytest.fixture
def data(tmp_path):
    for name in ("catalogs/gcmt_x.csv", "catalogs/greenland_x.csv", "stations/global_stations.csv", "noise/one/waveforms.mseed"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_every_input_has_its_own_fingerprint(store, data):
    known = fingerprint_inputs(Recipe(stations=3), (store,), data)
    assert set(known) == {"recipe", "store", "decks", "gcmt", "greenland", "stations", "noise"}
    assert all(len(value) == SIXTY_FOUR for value in known.values())
    assert len(set(known.values())) == len(known)


@pytest.mark.parametrize(
    ("path", "name"),
    [("catalogs/gcmt_x.csv", "gcmt"), ("noise/one/waveforms.mseed", "noise"), ("noise/two/waveforms.mseed", "noise")],
)
def test_another_file_changes_its_fingerprint_and_no_other(store, data, path, name):
    before = fingerprint_inputs(Recipe(stations=3), (store,), data)
    (data / path).parent.mkdir(exist_ok=True)
    (data / path).write_text("other")
    after = fingerprint_inputs(Recipe(stations=3), (store,), data)
    assert {key for key in before if before[key] != after[key]} == {name}


def test_another_recipe_changes_its_fingerprint(store):
    one, two = (fingerprint_inputs(Recipe(stations=count), (store,), None) for count in (3, 4))
    assert {key for key in one if one[key] != two[key]} == {"recipe"}


def test_without_a_data_folder_catalogs_are_recorded_as_stated(store, settings):
    made_from = describe_provenance(Recipe(stations=3), 7, (store,), settings)
    assert made_from["seed"] == 7
    assert made_from["commit"]
    assert made_from["fingerprints"]["gcmt"] == "stated"
