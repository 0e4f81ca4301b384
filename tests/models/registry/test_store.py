"""The store verifies artifacts and refuses damaged or foreign ones."""

import json
import shutil

import pytest

from models.errors import DamagedArtifact, StyleMismatch, UnknownModel
from models.registry.store import open_store
from models.specs.event_type import EVENT_TYPE
from models.specs.index import MODELS
from tests.support import toy_models


@pytest.fixture
def folder(toy_artifacts, tmp_path):
    """Copy the toy artifacts, to be damaged."""
    return shutil.copytree(toy_artifacts, tmp_path / "artifacts")


def test_every_declared_model_is_found_and_verified(toy_artifacts):
    store = open_store(toy_artifacts)
    assert set(store.names()) == {spec.name for spec in MODELS}
    for spec in MODELS:
        assert store.verify(spec).version == "1"
        assert store.path(spec.name).name == "model.onnx"
    assert [card.name for card in store.cards()] == list(store.names())


def test_an_empty_or_missing_folder_has_no_models(tmp_path):
    assert open_store(tmp_path).names() == ()
    store = open_store(tmp_path / "nowhere")
    with pytest.raises(UnknownModel, match="event_type"):
        store.verify(EVENT_TYPE)


def test_the_newest_version_is_served_and_numbers_are_compared_as_numbers(folder):
    for version in ("0.9", "0.10", "0.2"):
        toy_models.write_artifact(folder / "more", EVENT_TYPE, version)
    assert open_store(folder / "more").card("event_type").version == "0.10"


def test_a_changed_byte_is_a_damaged_artifact(folder):
    model = folder / "event_type" / "1" / "model.onnx"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(DamagedArtifact, match="digest"):
        open_store(folder).verify(EVENT_TYPE)


def test_a_shortened_file_is_a_damaged_artifact(folder):
    model = folder / "event_type" / "1" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    with pytest.raises(DamagedArtifact):
        open_store(folder).verify(EVENT_TYPE)


def test_an_artifact_of_another_declaration_is_refused(folder):
    path = folder / "event_type" / "1" / "card.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"spec_fingerprint": "0" * 64}))
    with pytest.raises(StyleMismatch, match="event_type"):
        open_store(folder).verify(EVENT_TYPE)


def test_a_further_file_is_refused_as_it_could_hold_tensor_data(folder):
    (folder / "event_type" / "1" / "weights.bin").write_bytes(b"data")
    with pytest.raises(DamagedArtifact, match="other files"):
        open_store(folder).verify(EVENT_TYPE)


@pytest.mark.parametrize("linked", ["model.onnx", "."])
def test_a_link_out_of_the_folder_is_refused(folder, tmp_path, linked):
    inside = folder / "event_type" / "1" / linked
    outside = tmp_path / "outside"
    inside.rename(outside)
    (folder / "event_type" / "1" / linked).symlink_to(outside)
    with pytest.raises(DamagedArtifact):
        open_store(folder).verify(EVENT_TYPE)


def test_a_card_in_another_models_folder_is_refused(folder):
    shutil.move(folder / "event_type", folder / "events")
    with pytest.raises(DamagedArtifact, match="that of event_type"):
        open_store(folder)


@pytest.mark.parametrize("text", ["", "{}", '{"name": "event_type"', '{"surprise": 1}'])
def test_an_invalid_card_is_a_damaged_artifact(folder, text):
    (folder / "event_type" / "1" / "card.json").write_text(text)
    with pytest.raises(DamagedArtifact, match=r"event_type/1/card\.json"):
        open_store(folder)
