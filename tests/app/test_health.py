import errno
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from workers.contracts import Status
from workers.queue.damage import Damage, record_damage

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client_without_queue(make_client, settings, tmp_path):
    """A client of a service whose queue server does not run."""
    async with make_client(settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/nobody.sock")})) as client:
        yield client


async def test_liveness_needs_no_queue(client_without_queue):
    answer = await client_without_queue.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_queue_worker_and_models_make_the_service_ready(client, worker):
    worker.beat()
    answer = await client.get("/health/ready")
    state = answer.json()
    assert (answer.status_code, state["status"], state["workers"]) == (200, "ready", 1)
    assert state["execution_provider"] == "CPUExecutionProvider"
    assert set(state["models"]) == {"event_type", "offset", "depth", "force_azimuth", "families"}


def failed_checks(answer) -> set[str]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "/problems/not-ready"
    assert "Retry-After" in answer.headers
    return {check["name"] for check in answer.json()["checks"] if not check["ok"]}


async def test_without_a_worker_the_service_is_not_ready(client):
    assert failed_checks(await client.get("/health/ready")) == {"worker", "models"}


async def test_a_worker_that_still_compiles_its_kernels_does_not_make_the_service_ready(client, worker):
    worker.beat(warm=False)
    answer = await client.get("/health/ready")
    assert failed_checks(answer) == {"worker"}
    assert "compiling" in answer.json()["detail"]
    worker.beat(id="other", warm=True)
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_model_that_one_worker_has_not_verified_makes_the_service_not_ready(client, worker):
    worker.beat()
    worker.beat(id="other", models={"offset": "1"})
    answer = await client.get("/health/ready")
    assert failed_checks(answer) == {"models"}
    assert "event_type" in answer.json()["detail"]
    assert "offset" not in answer.json()["detail"]


async def test_without_the_queue_the_service_is_not_ready(client_without_queue):
    assert failed_checks(await client_without_queue.get("/health/ready")) == {"queue", "worker", "models"}


async def test_a_store_that_cannot_be_written_makes_the_service_not_ready(client, worker, tmp_path):
    worker.beat()
    (tmp_path / "blobs").write_text("a file in place of the folder")
    assert failed_checks(await client.get("/health/ready")) == {"store"}


async def test_a_full_store_makes_the_service_not_ready(client, worker, monkeypatch):
    worker.beat()

    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr("workers.storage.blobs._sync", fail)
    answer = await client.get("/health/ready")
    assert failed_checks(answer) == {"store"}
    assert "full" in answer.json()["detail"]


async def test_damage_of_the_queues_file_makes_the_service_not_ready_until_its_record_is_removed(client, worker, settings):
    worker.beat()
    folder = settings.data_dir / "queue"
    damage = Damage(found_at=datetime.now(UTC), file="a.aof", offset=10, lost_bytes=1234, copy_in="damaged-1")
    record_damage(folder, damage)
    answer = await client.get("/health/ready")
    (folder / "damage.json").unlink()
    assert failed_checks(answer) == {"queue-file"}
    assert "1234 bytes" in answer.json()["detail"]
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_record_of_damage_that_cannot_be_read_counts_as_damage(client, worker, settings):
    """A full disk may have left it empty."""
    worker.beat()
    record = settings.data_dir / "queue" / "damage.json"
    record.touch()
    answer = await client.get("/health/ready")
    record.unlink()
    assert failed_checks(answer) == {"queue-file"}


async def test_a_service_that_cannot_read_its_keys_is_not_ready(client, worker, settings):
    """It answers 503 to everybody, so a load balancer is to ask another machine."""
    worker.beat()
    settings.keys_file.write_text("{")
    assert failed_checks(await client.get("/health/ready")) == {"keys"}
    settings.keys_file.unlink()
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_service_that_shuts_down_is_not_ready(client, worker):
    worker.beat()
    client._transport.app.state.service.readiness.draining = True
    assert failed_checks(await client.get("/health/ready")) == {"shutdown"}


async def test_metrics_count_requests_by_route_and_read_the_queue(client, worker, files):
    worker.beat()
    for _ in range(2):
        job = (await client.post("/events/classify", files=files)).json()
    worker.begin(job["id"])
    await client.get(f"/jobs/{job['id']}")
    await client.get("/no/such/path")
    text = (await client.get("/metrics")).text
    assert 'atlas_http_requests_total{method="POST",route="/events/classify",status="202"} 2.0' in text
    assert 'atlas_http_requests_total{method="GET",route="/jobs/{job_id}",status="200"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "/no/such/path" not in text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert [values[f"atlas_{name}"] for name in ("queue_up", "jobs_queued", "jobs_running", "workers")] == ["1.0"] * 4
    assert float(values["atlas_jobs_oldest_queued_seconds"]) >= 0
    assert float(values["atlas_http_received_bytes_total"]) > 2 * 512


async def test_metrics_of_jobs_and_workers_come_from_the_queue_server(client, worker, files):
    worker.beat()
    job = (await client.post("/events/classify", files=files)).json()
    worker.begin(job["id"])
    worker.records.finish(job["id"], 1, Status.SUCCEEDED)
    statistics = worker.records.statistics
    statistics.add_seconds("classify", {("wait", ""): 0.2, ("run", ""): 2.0, ("stage", "draw"): 0.5})
    statistics.add_seconds("classify", {("stage", "draw"): 2000.0})
    statistics.count_lost_parser("cpu")
    lines = set((await client.get("/metrics")).text.splitlines())
    assert {
        'atlas_jobs_ended_total{kind="classify",problem="",status="succeeded"} 1.0',
        'atlas_lost_parsers_total{reason="cpu"} 1.0',
        'atlas_job_wait_seconds_bucket{kind="classify",le="0.1"} 0.0',
        'atlas_job_wait_seconds_bucket{kind="classify",le="0.3"} 1.0',
        'atlas_job_run_seconds_sum{kind="classify"} 2.0',
        'atlas_job_stage_seconds_bucket{kind="classify",le="1000.0",stage="draw"} 1.0',
        'atlas_job_stage_seconds_bucket{kind="classify",le="+Inf",stage="draw"} 2.0',
        'atlas_job_stage_seconds_count{kind="classify",stage="draw"} 2.0',
    } <= lines
    names = {line.split("{")[0].split(" ")[0] for line in lines if not line.startswith("#")}
    assert {"atlas_models", "atlas_worker_memory_bytes", "atlas_worker_cpu_seconds", "process_resident_memory_bytes"} <= names


async def test_bytes_in_the_queue_server_that_are_no_text_are_left_out(client, worker):
    worker.beat()
    worker.redis.sadd("atlas:workers", b"\xff")
    worker.redis.zadd("atlas:queued", {b"\xff": 1.0})
    worker.redis.hset("atlas:running", b"\xff", b"\xff")
    worker.redis.set("atlas:worker:odd", "{}")
    worker.redis.sadd("atlas:workers", "odd")
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert "atlas_workers 1.0" in answer.text
    assert (await client.get("/health/ready")).status_code == 200


async def test_metrics_are_served_without_the_queue(client_without_queue):
    answer = await client_without_queue.get("/metrics")
    assert answer.status_code == 200
    assert "atlas_queue_up 0.0" in answer.text
