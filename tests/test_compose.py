"""Hardening, networks and secrets of docker-compose.yml and of the Dockerfiles."""

from pathlib import Path

import pytest
import yaml

from workers.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILES = sorted(path for path in (ROOT / "docker").glob("Dockerfile.*") if path.suffix != ".dockerignore")


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_is_hardened(name):
    service = SERVICES[name]
    assert service["read_only"]
    assert service["init"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["tmpfs"], "a read-only container needs a temporary file system"


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_names_its_version_and_no_registry(name):
    repository, _, tag = SERVICES[name]["image"].partition(":")
    assert tag
    assert tag != "latest"
    assert "." not in repository.split("/")[0]


def test_only_the_api_is_published_and_by_default_on_loopback():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["${ATLAS_BIND:-127.0.0.1}:${ATLAS_PUBLISHED_PORT:-8000}:8000"]}


def test_only_the_api_mounts_the_keys():
    """The API listens on all addresses of its container, so it requires keys; no other service mounts the key file."""
    holders = {name for name, service in SERVICES.items() if any(volume.startswith("keys:") for volume in service.get("volumes", []))}
    assert holders == {"api"}
    assert SERVICES["api"]["environment"]["ATLAS_KEYS_FILE"].startswith("/var/lib/atlas/keys/")


def test_workers_queue_and_store_have_no_outbound_network():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] != ["inside"]} == {"api", "training"}


def test_the_queue_is_persistent_and_requires_a_password():
    queue = SERVICES["queue"]
    assert "--appendonly yes" in queue["command"][0]
    assert "--maxmemory-policy noeviction" in queue["command"][0]
    assert "/run/secrets/queue_password" in queue["healthcheck"]["test"][1]
    assert "environment" not in queue


def test_the_password_of_the_queue_is_a_secret_and_in_no_variable():
    """Variables of a container are shown by its engine; a secret is a file in it, of the name that the settings read."""
    assert COMPOSE["secrets"] == {"queue_password": {"file": "${ATLAS_SECRETS:-./secrets}/queue_password"}}
    for name in ("api", "worker", "worker-gpu"):
        assert SERVICES[name]["secrets"] == [{"source": "queue_password", "target": "atlas_queue_password"}]
        assert "@" not in SERVICES[name]["environment"]["REDIS_URL"]
    assert "queue_password" in Settings.model_fields
    assert SERVICES["queue"]["secrets"] == ["queue_password"]
    assert {name for name, service in SERVICES.items() if "secrets" in service} == {"api", "worker", "worker-gpu", "queue"}


def test_the_queue_user_may_run_no_scripts_and_no_dangerous_commands():
    """tests/security/test_hazards.py runs a whole job under these rules."""
    rules = SERVICES["queue"]["command"][0]
    assert "user default on >$$(cat /run/secrets/queue_password)" in rules
    assert {"-@scripting", "-@dangerous", "-@admin"} <= set(rules.split())


def test_one_number_scales_the_workers():
    assert SERVICES["worker"]["deploy"]["replicas"] == "${ATLAS_WORKER_REPLICAS:-2}"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_runs_unprivileged_and_installs_by_hash(path):
    text = path.read_text()
    assert "\nUSER 10001:10001\n" in text
    assert "HEALTHCHECK" in text
    assert text.count("--require-hashes") == 2


def test_the_api_image_omits_the_weights_and_has_the_explanations_of_problems():
    common = (ROOT / ".dockerignore").read_text()
    own = (ROOT / "docker" / "Dockerfile.api.dockerignore").read_text()
    assert own.startswith(common)
    rest = [line for line in own.removeprefix(common).splitlines() if not line.startswith("#")]
    assert rest == ["models/artifacts/**/model.onnx", "!docs/reference/problems.md"]


@pytest.mark.parametrize("name", ["worker", "worker-gpu", "training"])
def test_an_image_with_onnx_runtime_switches_its_reports_off(name):
    assert "ORT_DISABLE_TELEMETRY=1" in (ROOT / "docker" / f"Dockerfile.{name}").read_text()
