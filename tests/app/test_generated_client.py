"""A client that openapi-python-client generates from openapi.json: it imports, has every operation, and tells results apart by their kind."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.job_answers import JOB
from workers.results import (
    ClassifyResult,
    ClusterResult,
    DetectionResult,
    LocatedEvent,
    LocateManyResult,
    LocateResult,
    ModelVersion,
)

ROOT = Path(__file__).parents[2]
NAME = "generated_atlas_client"
MODEL = ModelVersion(name="event_type", version="5")
LOCATION = LocateResult(
    event_type="none",
    epicenter=None,
    origin_time=None,
    origin_time_uncertainty_s=None,
    depth_km=None,
    depth_uncertainty_km=None,
    force_azimuth_deg=None,
    force_azimuth_uncertainty_deg=None,
    force_azimuth_ambiguous=None,
    offsets=[],
    azimuthal_gap_deg=None,
    models=[MODEL],
    detection=DetectionResult(detected=False, statistic=0.4, false_alarm_probability=0.3),
)
RESULTS = [
    LOCATION,
    LocateManyResult(events=[LocatedEvent(event="a", result=LOCATION, problem=None)], located=1),
    ClassifyResult(
        event_type="glacial", probabilities={}, reference_point=None, traces_used=3, model=MODEL, out_of_distribution=False, novelty=0.1
    ),
    ClusterResult(k=2, structure_found=False, assignments=[], selection=[], clusters=[], model=MODEL, fine_tuned=False),
]


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> Path:
    """The folder of the generated package; a part that the generator cannot read is an error, but for answers that are no JSON."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "config.yml").write_text("post_hooks: []\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--path", str(ROOT / "openapi.json"), "--meta", "none"]
    done = subprocess.run(
        [*command, "--config", str(folder / "config.yml"), "--output-path", str(folder / NAME)], capture_output=True, text=True, check=True
    )
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("Cannot", "ERROR"))]
    assert [line for line in complaints if "Unsupported content_type" not in line and "Unsupported content type" not in line] == []
    return folder


@pytest.fixture(scope="module")
def client(generated: Path) -> ModuleType:
    sys.path.insert(0, str(generated))
    yield importlib.import_module(NAME)
    sys.path.remove(str(generated))


def test_every_operation_is_a_module_of_the_generated_client_and_imports(client, generated):
    methods = [operation for path in json.loads((ROOT / "openapi.json").read_text())["paths"].values() for operation in path.values()]
    modules = {path.stem: path for path in (generated / NAME / "api").glob("*/*.py") if path.stem != "__init__"}
    assert set(modules) == {operation["operationId"] for operation in methods}
    for name, path in modules.items():
        module = importlib.import_module(f"{NAME}.api.{path.parent.name}.{name}")
        assert callable(module.sync_detailed)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result.kind)
def test_results_become_objects_of_their_kind(client, result):
    job = client.models.Job.from_dict({**JOB, "status": "succeeded", "result": result.model_dump(mode="json")})
    assert type(job.result).__name__ == type(result).__name__
    assert job.result.to_dict()["kind"] == result.kind
