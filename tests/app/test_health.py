import pytest
from pydantic import SecretStr

pytestmark = pytest.mark.anyio


@pytest.fixture
async def away(client_of, settings, tmp_path):
    """A client of a service whose queue server is away."""
    async with client_of(settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/nobody.sock")})) as client:
        yield client


async def test_the_process_lives_without_anything(away):
    answer = await away.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


async def test_the_service_is_ready_with_a_queue_a_worker_and_its_models(client, hand):
    hand.live()
    answer = await client.get("/health/ready")
    state = answer.json()
    assert (answer.status_code, state["status"], state["workers"]) == (200, "ready", 1)
    assert state["execution_provider"] == "CPUExecutionProvider"
    assert set(state["models"]) == {"event_type", "offset", "depth", "force_azimuth", "families"}


def failed(answer) -> set[str]:
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.json()["type"] == "/problems/not-ready"
    assert "Retry-After" in answer.headers
    return {check["name"] for check in answer.json()["checks"] if not check["ok"]}


async def test_no_worker_is_not_ready(client):
    assert failed(await client.get("/health/ready")) == {"worker", "models"}


async def test_a_model_that_one_worker_has_not_verified_is_not_ready(client, hand):
    hand.live()
    hand.live(id="other", models={"offset": "1"})
    answer = await client.get("/health/ready")
    assert failed(answer) == {"models"}
    assert "event_type" in answer.json()["detail"]
    assert "offset" not in answer.json()["detail"]


async def test_a_queue_that_is_away_is_not_ready(away):
    assert failed(await away.get("/health/ready")) == {"queue", "worker", "models"}


async def test_metrics_count_requests_by_route_and_look_at_the_queue(client, hand, files):
    hand.live()
    for _ in range(2):
        job = (await client.post("/events/classify", files=files)).json()
    hand.begin(job["id"])
    await client.get(f"/jobs/{job['id']}")
    await client.get("/no/such/place")
    text = (await client.get("/metrics")).text
    assert 'atlas_http_requests_total{method="POST",route="/events/classify",status="202"} 2.0' in text
    assert 'atlas_http_requests_total{method="GET",route="/jobs/{job_id}",status="200"} 1.0' in text
    assert 'route="unmatched",status="404"' in text
    assert "/no/such/place" not in text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert [values[f"atlas_{name}"] for name in ("queue_up", "jobs_queued", "jobs_running", "workers")] == ["1.0"] * 4
    assert float(values["atlas_jobs_oldest_queued_seconds"]) >= 0
    assert float(values["atlas_http_received_bytes_total"]) > 2 * 512


async def test_metrics_are_there_when_the_queue_is_not(away):
    answer = await away.get("/metrics")
    assert answer.status_code == 200
    assert "atlas_queue_up 0.0" in answer.text
