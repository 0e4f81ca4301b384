"""Models come from a folder that is read only, whole and verified, and no request can change them (H23, H24)."""

import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from models.errors import DamagedArtifact
from models.registry.graph import has_external_data
from models.registry.store import open_store
from models.specs.event_type import EVENT_TYPE

KEPT_ELSEWHERE = {"initializer": "graph", "constant": "node", "in a branch": "branch"}


@pytest.fixture
def folder(toy_artifacts, tmp_path):
    return shutil.copytree(toy_artifacts, tmp_path / "artifacts")


def elsewhere() -> TensorProto:
    """A tensor whose data are said to lie in a file of the server."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "secret")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    return tensor


def graph_with(place: str) -> onnx.GraphProto:
    constant = helper.make_node("Constant", [], ["secret"], value=elsewhere())
    if place == "graph":
        return helper.make_graph([], "g", [], [], [elsewhere()])
    if place == "node":
        return helper.make_graph([constant], "g", [], [])
    branch = helper.make_graph([constant], "then", [], [])
    return helper.make_graph([helper.make_node("If", ["c"], ["x"], then_branch=branch, else_branch=branch)], "g", [], [])


@pytest.mark.parametrize("place", KEPT_ELSEWHERE.values(), ids=KEPT_ELSEWHERE)
def test_a_graph_with_external_data_is_refused(folder, place):
    """Even with a card whose digest fits."""
    home = folder / EVENT_TYPE.name / "1"
    content = helper.make_model(graph_with(place)).SerializeToString()
    (home / "model.onnx").write_bytes(content)
    card = json.loads((home / "card.json").read_text())
    card |= {"digest": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    (home / "card.json").write_text(json.dumps(card))
    with pytest.raises(DamagedArtifact, match="other files"):
        open_store(folder).verify(EVENT_TYPE)


def test_a_graph_that_is_whole_is_served(folder):
    assert open_store(folder).verify(EVENT_TYPE).name == EVENT_TYPE.name


@pytest.mark.parametrize("content", [b"\xff" * 20, b"\x3a\x7f", b"\x0b"])
def test_what_is_no_protocol_buffer_is_said(content):
    with pytest.raises(ValueError, match=r"field|number"):
        has_external_data(memoryview(content))


@pytest.fixture
def operations(request):
    document = json.loads((request.config.rootpath / "openapi.json").read_text())
    return {(method, path) for path, item in document["paths"].items() for method in item}


def test_no_request_changes_a_model(operations):
    assert {method for method, path in operations if path.startswith("/models")} == {"get"}
    assert {path for method, path in operations if method in ("post", "put", "patch")} == {
        "/events/classify",
        "/events/locate",
        "/anomalies/cluster",
    }


def test_serving_containers_cannot_write_where_models_lie(request):
    services = yaml.safe_load((request.config.rootpath / "docker-compose.yml").read_text())["services"]
    for name in ("api", "worker", "worker-gpu"):
        assert services[name]["read_only"], name
        assert not [volume for volume in services[name]["volumes"] if "models" in volume or "artifacts" in volume], name
