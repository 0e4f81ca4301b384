"""The files in docker/kubernetes: hardening, probes, drain, networks. `kubernetes-validate` checks them against the schemas (docs)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docker" / "kubernetes"
CUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")


def load(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def workloads() -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and pod template of every workload."""
    for path in FILES:
        for item in load(path):
            if item["kind"] in ("Deployment", "StatefulSet"):
                yield item["metadata"]["name"], item["spec"]["template"]["spec"]


WORKLOADS = dict(workloads())
SETTINGS = next(item["data"] for item in load(FOLDER / "base" / "config.yaml"))


@pytest.mark.parametrize("path", CUSTOMIZATIONS, ids=lambda path: path.parent.name)
def test_every_resource_of_a_customization_exists_and_every_file_is_one(path):
    listed = yaml.safe_load(path.read_text())["resources"]
    assert [name for name in listed if not (path.parent / name).exists()] == []
    assert {name.name for name in path.parent.glob("*.yaml")} - {"kustomization.yaml"} == {
        name for name in listed if name.endswith(".yaml")
    }


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_is_restricted(name):
    """As the pod security standard `restricted` asks, which the namespace enforces, and with a read-only root besides."""
    pod = WORKLOADS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        own = container["securityContext"]
        assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"], own["capabilities"]) == (False, True, {"drop": ["ALL"]})
        assert set(container["resources"]) == {"requests", "limits"}
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])


def test_the_api_drains_within_its_grace_period():
    """Readiness is asked at least twice while the API drains, and answers within its own limit of a second."""
    api = WORKLOADS["api"]
    probe = api["containers"][0]["readinessProbe"]
    assert probe["httpGet"]["path"] == "/health/ready"
    assert probe["timeoutSeconds"] > 1
    assert float(SETTINGS["ATLAS_DRAIN_S"]) >= 2 * probe["periodSeconds"] * probe["failureThreshold"]
    assert api["terminationGracePeriodSeconds"] > float(SETTINGS["ATLAS_DRAIN_S"]) + float(SETTINGS["ATLAS_SHUTDOWN_S"])


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_a_worker_finishes_or_returns_its_job_within_its_grace_period(name):
    assert WORKLOADS[name]["terminationGracePeriodSeconds"] > float(SETTINGS["ATLAS_JOB_GRACE_S"]) + 5


def test_no_file_holds_a_secret():
    """Secrets come from a Secret that is not in the repository."""
    for path in FILES:
        kinds = {item["kind"] for item in load(path)}
        assert "Secret" not in kinds
        assert not re.search(r"(PASSWORD|SECRET|KEY|REDIS_URL), value:", path.read_text())


def test_all_traffic_is_forbidden_but_what_is_listed():
    policies = {item["metadata"]["name"]: item["spec"] for item in load(FOLDER / "base" / "network.yaml")}
    assert policies["deny-all"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert set(policies) == {"deny-all", "names", "api", "clients", "queue"}
