"""The client keeps to the contract, to its own packages, and its two halves to each other."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import generate_async_client
import generate_models
from app import schemas
from seismic_atlas_client import models, operations, progress
from seismic_atlas_client.options import ClassifyOptions, ClusterOptions, LocateOptions

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "client" / "src" / "seismic_atlas_client"
DOCUMENT = json.loads((ROOT / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
ALLOWED = {"seismic_atlas_client", "httpx", "pydantic", "typing_extensions", "obspy", "numpy", "rich", "typer", "click"}


def test_the_models_are_those_of_the_contract():
    """A change of openapi.json shows here; `make client-models` writes the models again."""
    assert generate_models.TARGET.read_text() == generate_models.render_models(DOCUMENT)


def test_every_schema_of_the_contract_is_a_model_or_left_out_on_purpose():
    assert {name for name in SCHEMAS if not hasattr(models, name)} == generate_models.UNUSED


@pytest.mark.parametrize("name", [name for name, schema in SCHEMAS.items() if "properties" in schema and hasattr(models, name)])
def test_a_model_has_the_fields_of_its_schema_and_requires_the_same(name):
    """Independent of the text that the generator writes: what pydantic makes of the class."""
    schema, fields = SCHEMAS[name], getattr(models, name).model_fields
    assert set(fields) == set(schema["properties"])
    assert {field for field, info in fields.items() if info.is_required()} == set(schema.get("required", []))
    nullable = {field for field, content in schema["properties"].items() if "null" in json.dumps(content.get("anyOf", []))}
    assert {field for field, info in fields.items() if type(None) in getattr(info.annotation, "__args__", ())} == nullable


def test_progress_has_the_fields_of_the_events_of_the_service():
    """The contract has no schema of event streams."""
    assert set(progress.Progress.model_fields) == set(schemas.Progress.model_fields)


def test_an_answer_with_new_fields_is_read():
    assert models.ModelVersion.model_validate({"name": "offset", "version": "4", "new": 1}).version == "4"


@pytest.mark.parametrize(
    ("submission", "options"),
    [(operations.CLASSIFY, ClassifyOptions), (operations.LOCATE, LocateOptions), (operations.CLUSTER, ClusterOptions)],
)
def test_the_options_of_a_submission_are_those_of_the_contract(submission, options):
    form = DOCUMENT["paths"][submission.path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert submission.options is options
    assert (options.__optional_keys__ | {"many", "bundle"}) - {"idempotency_key"} | (set(form) - {"many"}) == set(form) | {"many"}
    assert set(form) - {"bundle", "many"} == options.__optional_keys__ - {"idempotency_key"}


def test_every_path_that_the_client_calls_exists():
    calls = set(
        re.findall(r'Request\("(\w+)", f?"([^"]+)"', (PACKAGE / "operations.py").read_text() + (PACKAGE / "progress.py").read_text())
    )
    known = {(method.upper(), re.sub(r"{\w+}", "{}", path)) for path, item in DOCUMENT["paths"].items() for method in item}
    used = {(method, re.sub(r"{_job_path\(\S+?\)}", "/jobs/{}", path)) for method, path in calls}
    used = {(method, re.sub(r"{[^}]+}", "{}", path)) for method, path in used}
    assert len(used) > 6
    assert used <= known


def test_the_client_with_awaited_calls_is_written_from_the_other():
    written = generate_async_client.render_async_client(generate_async_client.SOURCE.read_text())
    assert generate_async_client.TARGET.read_text() == written


def test_the_client_imports_its_own_packages_alone():
    """Nothing of app, workers, models or training: it is installed without them."""
    modules = {
        name.split(".")[0]
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", None) or ""])
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert modules - set(sys.stdlib_module_names) <= ALLOWED
    listed = subprocess.run(
        ["git", "grep", "-l", "seismic_atlas_client", "--", "app", "models", "workers", "training"], cwd=ROOT, check=False
    )
    assert listed.returncode == 1, "and the service does not import the client"


def test_the_extras_are_not_needed_and_the_command_says_how_to_install_them():
    """Rich is left out: httpx imports it where it is installed."""
    program = """
import sys, seismic_atlas_client
print([name for name in ("obspy", "numpy", "typer") if name in sys.modules])
sys.modules["typer"] = None
from seismic_atlas_client.__main__ import main
sys.exit(main(["--help"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(PACKAGE.parent)}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]"
    assert done.returncode == 2
    assert "pip install 'seismic-atlas-client[cli]'" in done.stderr
