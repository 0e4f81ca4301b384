import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from app.main import VERSION, create_app
from models.errors import LimitExceeded, UnsupportedPart, UnusableData
from workers.problems import RULES, translate_error
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = {
    ("post", "/events/classify"): "classify_event",
    ("post", "/events/locate"): "locate_event",
    ("post", "/anomalies/cluster"): "cluster_anomalies",
    ("get", "/jobs"): "list_jobs",
    ("get", "/callbacks/secret"): "read_callback_secret",
    ("get", "/jobs/{job_id}"): "read_job",
    ("get", "/jobs/{job_id}/bundle.zip"): "read_bundle",
    ("get", "/problems/{code}"): "read_problem",
    ("delete", "/jobs/{job_id}"): "cancel_job",
    ("get", "/jobs/{job_id}/events"): "follow_job",
    ("get", "/jobs/{job_id}/figures/{name}.png"): "read_figure",
    ("get", "/jobs/{job_id}/figures/{name}.json"): "read_figure_data",
    ("get", "/jobs/{job_id}/result"): "read_result",
    ("get", "/models"): "list_models",
    ("get", "/models/{name}"): "read_model",
    ("get", "/health/live"): "read_liveness",
    ("get", "/health/ready"): "read_readiness",
    ("get", "/metrics"): "read_metrics",
}


@pytest.fixture(scope="module")
def document() -> dict:
    return create_app(Settings()).openapi()


def test_the_committed_openapi_document_is_up_to_date(document):
    assert json.loads((ROOT / "openapi.json").read_text()) == json.loads(json.dumps(document)), "run `make openapi`"


def test_every_operation_of_the_contract_is_documented_and_no_other(document):
    assert {(method, path) for path, item in document["paths"].items() for method in item} == set(OPERATIONS)


def test_operation_ids_are_plain_names_from_which_clients_are_generated(document):
    ids = {(method, path): item[method]["operationId"] for path, item in document["paths"].items() for method in item}
    assert ids == OPERATIONS
    assert len(set(ids.values())) == len(ids)


def test_every_error_is_documented_as_a_problem(document):
    for item in document["paths"].values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"], operation["summary"]
                    assert "Retry-After" in response["headers"], operation["summary"]


def test_media_types_have_only_what_openapi_3_1_knows(document):
    """Strict readers refuse a document with other fields; FastAPI adds `itemSchema` of 3.2 to streams."""
    assert document["openapi"].startswith("3.1.")
    for item in document["paths"].values():
        for operation in item.values():
            described = [*operation["responses"].values(), operation.get("requestBody", {})]
            for media in (media for one in described for media in one.get("content", {}).values()):
                assert set(media) <= {"schema", "example", "examples", "encoding"}, operation["summary"]


def test_a_result_read_alone_has_the_schema_of_the_result_of_a_job(document):
    alone = document["paths"]["/jobs/{job_id}/result"]["get"]["responses"]["200"]["content"]
    of_the_job = document["components"]["schemas"]["Job"]["properties"]["result"]["anyOf"][0]
    assert alone["application/json"]["schema"]["oneOf"] == of_the_job["oneOf"]
    assert set(alone) == {"application/json", "application/xml", "application/geo+json", "text/csv"}


def test_every_status_that_a_job_may_fail_with_is_documented_for_its_result(document):
    """The result of a failed job is answered with the status of its problem."""
    causes = (MemoryError(), *(rule.error("") for rule in RULES if issubclass(rule.error, UnusableData | UnsupportedPart | LimitExceeded)))
    statuses = {str(translate_error(error).status) for error in (*causes, Exception())}
    assert statuses >= {"413", "415", "422", "500", "503"}
    assert statuses <= set(document["paths"]["/jobs/{job_id}/result"]["get"]["responses"])


def test_every_reference_in_the_document_leads_somewhere(document):
    for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(document)):
        assert name in document["components"]["schemas"]


def test_importing_the_application_loads_no_numerics_and_opens_nothing():
    code = (
        "import sys, threading, app.main\n"
        "heavy = {'numpy', 'scipy', 'obspy', 'onnxruntime', 'pymseed', 'torch', 'matplotlib', 'numba', 'workers.jobs'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert threading.active_count() == 1\n"
        "assert not [value for value in vars(app.main).values() if isinstance(value, app.main.FastAPI)]\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_the_command_loads_no_numerics():
    code = "import sys, app.__main__\nassert not {'numpy', 'obspy', 'onnxruntime', 'torch'} & set(sys.modules)\n"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_openapi_is_printed_without_a_service():
    printed = subprocess.run([sys.executable, "-m", "app", "openapi"], cwd=ROOT, check=True, capture_output=True, timeout=60)
    assert json.loads(printed.stdout)["info"]["title"] == "Seismic Atlas"


def test_the_version_is_that_of_the_project():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION
