"""Authentication and authorization over HTTP."""

import asyncio
import json

import pytest
import structlog

from app.auth.keys import keys_path, read_keys, revoke_key

pytestmark = pytest.mark.anyio

EVERYWHERE = "0.0.0.0"  # noqa: S104 -- nothing listens
FOREIGN = ("https://evil.example", "null", "http://localhost:3000", "http://[")
PUBLIC = ("/health/live", "/models", "/docs", "/", "/openapi.json")


@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}]
)
async def test_a_submission_without_a_valid_key_is_unauthorized(client, make_key, files, headers):
    make_key("lab")
    answer = await client.post("/events/classify", files=files, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
    assert "WWW-Authenticate" in answer.headers


async def test_a_key_may_come_as_a_bearer_token(client, make_key, files):
    headers = {"Authorization": f"Bearer {make_key('lab')['X-API-Key']}"}
    assert (await client.post("/events/classify", files=files, headers=headers)).status_code == 202


async def test_an_expired_or_revoked_key_is_unauthorized(client, make_key, files, settings):
    old, revoked = make_key("old", days=-1), make_key("lab")
    assert (await client.post("/events/classify", files=files, headers=old)).status_code == 401
    assert (await client.post("/events/classify", files=files, headers=revoked)).status_code == 202
    revoke_key(keys_path(settings), next(key.id for key in read_keys(keys_path(settings)) if key.owner == "lab"))
    assert (await client.post("/events/classify", files=files, headers=revoked)).status_code == 401


async def test_revoking_a_key_ends_its_streams_and_waits(client, make_key, files, settings, monkeypatch):
    monkeypatch.setattr("app.jobs.updates.REREAD_S", 0.1)
    headers = make_key("lab")
    job = (await client.post("/events/classify", files=files, headers=headers)).json()["links"]["self"]
    stream = asyncio.create_task(client.get(f"{job}/events", headers=headers))
    wait = asyncio.create_task(client.get(job, params={"wait": 100}, headers=headers))
    await asyncio.sleep(0.3)
    assert not stream.done()
    assert not wait.done()
    revoke_key(keys_path(settings), read_keys(keys_path(settings))[0].id)
    async with asyncio.timeout(3):
        assert "event: job" not in (await stream).text
        assert (await wait).status_code == 401


async def test_a_job_is_accessible_to_its_owner_only(client, make_key, files):
    owner, renewed, other = make_key("lab"), make_key("lab"), make_key("other", "submit", "read", "admin")
    job = (await client.post("/events/classify", files=files, headers=owner)).json()["links"]["self"]
    seen = [(await client.get(job, headers=headers)).status_code for headers in (owner, renewed, other, {})]
    assert seen == [200, 200, 404, 401]
    for path in ("", "/events", "/result", "/figures/section.png"):
        assert (await client.get(job + path, headers=other)).status_code == 404
    assert (await client.delete(job, headers=other)).status_code == 404
    assert (await client.delete(job, headers=owner)).status_code == 200


async def test_a_key_allows_its_scopes_only(client, make_key, files):
    submit, read, admin = (make_key("lab", scope) for scope in ("submit", "read", "admin"))
    job = (await client.post("/events/classify", files=files, headers=submit)).json()["links"]["self"]

    async def statuses(method, path, **body):
        return [(await client.request(method, path, headers=headers, **body)).status_code for headers in (read, submit, admin)]

    assert await statuses("GET", job) == [200, 403, 403]
    assert await statuses("GET", "/metrics") == [403, 403, 200]
    assert await statuses("POST", "/events/classify", files=files) == [403, 202, 403]
    assert await statuses("DELETE", job) == [403, 200, 403]


async def test_idempotency_keys_are_apart_for_each_owner(client, make_key, files):
    ids = set()
    for owner in ("lab", "other"):
        answer = await client.post("/events/classify", files=files, headers=make_key(owner) | {"Idempotency-Key": "one"})
        ids.add(answer.json()["id"])
    assert len(ids) == 2


async def test_endpoints_without_jobs_need_no_key(client, make_key):
    make_key("lab")
    assert [(await client.get(path)).status_code for path in PUBLIC] == [200] * len(PUBLIC)


async def test_an_unreadable_key_file_authenticates_nobody(client, make_key, files, settings):
    headers = make_key("lab")
    assert (await client.post("/events/classify", files=files, headers=headers)).status_code == 202
    keys_path(settings).write_text("{")
    answer = await client.post("/events/classify", files=files, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/keys-unreadable")
    assert str(settings.keys_file) not in answer.text


async def test_deleting_the_key_file_does_not_open_the_service(client, make_key, files, settings):
    headers = make_key("lab")
    assert (await client.post("/events/classify", files=files, headers=headers)).status_code == 202
    keys_path(settings).unlink()
    assert (await client.post("/events/classify", files=files)).status_code == 401


async def test_beyond_loopback_a_key_is_required_even_if_none_exists(make_client, settings, files):
    async with make_client(settings.model_copy(update={"host": EVERYWHERE})) as client:
        assert (await client.post("/events/classify", files=files)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        *({"Origin": origin} for origin in FOREIGN),
    ],
)
async def test_without_keys_a_foreign_page_is_forbidden(client, files, headers):
    answer = await client.post("/events/classify", files=files, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")


async def test_without_keys_the_page_of_the_service_is_answered(client, files):
    headers = {"Host": "127.0.0.1:8000", "Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}
    assert (await client.post("/events/classify", files=files, headers=headers)).status_code == 202


async def test_the_log_never_contains_the_secret_of_a_key(client, make_key, files):
    headers = make_key("lab")
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await client.post("/events/classify", files=files, headers=headers)
    assert headers["X-API-Key"] not in json.dumps(lines, default=str)


async def test_a_job_record_keeps_the_id_of_its_request(client, worker, files):
    answer = await client.post("/events/classify", files=files, headers={"X-Request-ID": "abc-1"})
    assert worker.records.get(answer.json()["id"]).request_id == "abc-1"
