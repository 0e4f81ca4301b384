"""The HTTP contract, stated independently of code and openapi.json, so that a name removed from both is noticed."""

import json
from pathlib import Path

import pytest

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "openapi.json").read_text())
SUBMISSIONS = {
    "/events/classify": {"bundle", "latitude", "longitude", "starttime", "endtime", "callback_url", "model_version", "seed"},
    "/events/locate": {
        "bundle",
        "latitude",
        "longitude",
        "event_type",
        "starttime",
        "endtime",
        "many",
        "callback_url",
        "model_version",
        "seed",
    },
    "/anomalies/cluster": {"bundle", "k_min", "k_max", "fine_tune", "callback_url", "model_version", "seed"},
}
MEMBERS = {
    "Job": "id kind status stage progress created_at started_at finished_at result problem warnings links",
    "Links": "self result events figures",
    "DataWarning": "trace code detail",
    "ClassifyResult": "event_type probabilities reference_point traces_used model out_of_distribution",
    "ReferencePoint": "latitude longitude source",
    "ModelVersion": "name version",
    "LocateResult": "event_type epicenter origin_time origin_time_uncertainty_s depth_km depth_uncertainty_km force_azimuth_deg "
    "force_azimuth_uncertainty_deg force_azimuth_ambiguous offsets azimuthal_gap_deg models",
    "Epicenter": "latitude longitude horizontal_uncertainty_km ellipse",
    "Ellipse": "semi_major_km semi_minor_km azimuth_deg confidence_level",
    "DistanceEstimate": "trace distance_deg distance_uncertainty_deg residual_deg used",
    "ClusterResult": "k structure_found assignments selection clusters model fine_tuned",
    "Assignment": "event cluster confidence",
    "Selection": "k loss stability silhouette",
    "Cluster": "cluster size representatives",
    "Problem": "type title status detail parts",
    "PartProblem": "name code detail",
}
STATUSES = {
    ("/jobs/{job_id}", "get"): {"200", "404"},
    ("/jobs/{job_id}", "delete"): {"200", "202", "404", "409"},
    ("/jobs/{job_id}/events", "get"): {"200", "404"},
    ("/jobs/{job_id}/figures/{name}.png", "get"): {"200", "404"},
    ("/jobs/{job_id}/result", "get"): {"200", "404", "409", "413", "422"},
    ("/models/{name}", "get"): {"200", "404"},
    ("/health/ready", "get"): {"200", "503"},
}


@pytest.mark.parametrize("name", MEMBERS)
def test_a_response_field_keeps_its_name(name):
    assert set(MEMBERS[name].split()) <= set(DOCUMENT["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize("path", SUBMISSIONS)
def test_a_submission_keeps_its_fields_headers_and_statuses(path):
    operation = DOCUMENT["paths"][path]["post"]
    content = operation["requestBody"]["content"]
    form = content["multipart/form-data"]["schema"]
    parameters = {(parameter["in"], parameter["name"]) for parameter in operation["parameters"]}
    assert set(form["properties"]) == SUBMISSIONS[path]
    assert form["properties"]["bundle"]["type"] == "array"
    assert {"multipart/form-data", "application/vnd.fdsn.mseed", "application/zip"} <= set(content)
    assert {("header", "Prefer"), ("header", "Idempotency-Key")} <= parameters
    assert {("query", name) for name in SUBMISSIONS[path] - {"bundle"}} <= parameters
    assert {"200", "202", "400", "401", "403", "409", "413", "415", "422", "429", "503"} <= set(operation["responses"])
    assert {"Location", "Retry-After"} <= set(operation["responses"]["202"]["headers"])
    assert {"APIKeyHeader": []} in operation["security"]


def test_the_default_range_of_families_is_two_to_twelve():
    form = DOCUMENT["paths"]["/anomalies/cluster"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert [form[name]["default"] for name in ("k_min", "k_max", "fine_tune")] == [2, 12, False]


def test_a_job_has_one_of_five_states():
    assert DOCUMENT["components"]["schemas"]["Status"]["enum"] == ["queued", "running", "succeeded", "failed", "canceled"]


@pytest.mark.parametrize(("path", "method"), STATUSES)
def test_an_operation_documents_its_agreed_statuses(path, method):
    assert STATUSES[path, method] <= set(DOCUMENT["paths"][path][method]["responses"])
