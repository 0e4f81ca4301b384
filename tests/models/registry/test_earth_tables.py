"""The shipped tables of Green's functions are verified like any artifact."""

import json
import shutil
from pathlib import Path

import pytest

from models.errors import DamagedArtifact
from models.registry.earth_tables import load_earths

ARTIFACTS = Path(__file__).parents[3] / "models" / "artifacts"


def test_the_shipped_tables_match_their_digests():
    earths = load_earths(ARTIFACTS)

    assert [(name, earth.crust) for name, earth in earths.items()] == [("prem-no-ocean", None), ("continental", "land"), ("oceanic", "sea")]
    assert all(earth.transverse is not None for earth in earths.values())


def test_a_folder_without_tables_has_no_earths(tmp_path):
    assert not load_earths(tmp_path)


def test_a_changed_byte_is_noticed(tmp_path):
    shutil.copytree(ARTIFACTS / "greens", tmp_path / "greens")
    file = next((tmp_path / "greens").glob("*/*.npz"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    with pytest.raises(DamagedArtifact, match="digest"):
        load_earths(tmp_path)


def test_a_changed_table_of_transverse_displacement_is_noticed(tmp_path):
    shutil.copytree(ARTIFACTS / "greens", tmp_path / "greens")
    next((tmp_path / "greens").glob("*/continental-transverse.npz")).write_bytes(b"other")

    with pytest.raises(DamagedArtifact, match="transverse"):
        load_earths(tmp_path)


def test_a_card_that_names_a_missing_file_is_refused(tmp_path):
    shutil.copytree(ARTIFACTS / "greens", tmp_path / "greens")
    path = next((tmp_path / "greens").glob("*/tables.json"))
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"sha256": {"absent": "0" * 64}}))

    with pytest.raises(DamagedArtifact):
        load_earths(tmp_path)
