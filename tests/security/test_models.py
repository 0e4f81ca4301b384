"""Model files: self-contained, verified, read-only, and not to be changed by any request (H23, H24)."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper, numpy_helper

from models.errors import DamagedArtifact
from models.registry.graph import has_external_data
from models.registry.store import open_store
from models.specs.event_type import EVENT_TYPE

LOCATIONS = {"initializer": "graph", "constant": "node", "in a branch": "branch"}


@pytest.fixture
def folder(toy_artifacts, tmp_path):
    return shutil.copytree(toy_artifacts, tmp_path / "artifacts")


def external_tensor() -> TensorProto:
    """A tensor whose data are in a file of the server."""
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "secret")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../../etc/passwd"
    return tensor


def graph_with_external_tensor(location: str) -> onnx.GraphProto:
    constant = helper.make_node("Constant", [], ["secret"], value=external_tensor())
    if location == "graph":
        return helper.make_graph([], "g", [], [], [external_tensor()])
    if location == "node":
        return helper.make_graph([constant], "g", [], [])
    branch = helper.make_graph([constant], "then", [], [])
    return helper.make_graph([helper.make_node("If", ["c"], ["x"], then_branch=branch, else_branch=branch)], "g", [], [])


@pytest.mark.parametrize("location", LOCATIONS.values(), ids=LOCATIONS)
def test_a_graph_with_external_data_is_refused(folder, location):
    """Even with the right digest on its card."""
    artifact = folder / EVENT_TYPE.name / "1"
    content = helper.make_model(graph_with_external_tensor(location)).SerializeToString()
    (artifact / "model.onnx").write_bytes(content)
    card = json.loads((artifact / "card.json").read_text())
    card |= {"digest": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    (artifact / "card.json").write_text(json.dumps(card))
    with pytest.raises(DamagedArtifact, match="other files"):
        open_store(folder).verify(EVENT_TYPE)


def test_a_self_contained_graph_is_accepted(folder):
    assert open_store(folder).verify(EVENT_TYPE).name == EVENT_TYPE.name


@pytest.mark.parametrize("content", [b"\xff" * 20, b"\x3a\x7f", b"\x0b"])
def test_bytes_that_are_not_a_protocol_buffer_raise(content):
    with pytest.raises(ValueError, match=r"field|wire type|integer"):
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


def test_onnx_runtime_keeps_no_device_id_and_no_reports(tmp_path):
    """Since 1.31 it writes them to the cache of the user as soon as it is imported, and sends them where it can."""
    root = Path(__file__).parents[2]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "CI", "XDG_"))}
    code = "from models.registry import inference as i; i.ort.InferenceSession(i._IDENTITY, providers=[i.CPU])"
    subprocess.run([sys.executable, "-c", code], cwd=root, env=clean | {"HOME": str(tmp_path)}, check=True)
    assert [path for path in tmp_path.rglob("*") if "onnx" in path.name.lower()] == []
    importers = [path.name for room in ("app", "workers") for path in (root / room).rglob("*.py") if "onnxruntime" in path.read_text()]
    assert importers == [], "import it by models.registry.inference, which switches the reports off"
