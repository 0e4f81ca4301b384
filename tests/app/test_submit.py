import asyncio
import hashlib

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError

from app.submit import read_preference
from workers.queue.records import Records

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("path", "kind"), [("/events/classify", "classify"), ("/events/locate", "locate"), ("/anomalies/cluster", "cluster")]
)
async def test_a_submission_is_accepted_with_location_and_retry_after(client, files, path, kind):
    answer = await client.post(path, files=files)
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/jobs/{job['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert (job["kind"], job["status"], job["result"]) == (kind, "queued", None)
    assert job["links"] == {
        "self": f"/jobs/{job['id']}",
        "result": None,
        "events": f"/jobs/{job['id']}/events",
        "figures": [],
        "bundle": None,
    }


async def test_form_fields_take_precedence_over_query_parameters(client, files, worker):
    answer = await client.post(
        "/events/locate?seed=1&event_type=glacial", files=files, data={"seed": "2", "latitude": "18.5", "longitude": "96"}
    )
    options = worker.records.get(answer.json()["id"]).submission.options
    assert (options.seed, options.event_type, options.latitude, options.longitude) == (2, "glacial", 18.5, 96.0)


async def test_a_raw_body_is_a_bundle_of_one_part_with_its_name(client, worker, mseed):
    headers = {"Content-Type": "application/vnd.fdsn.mseed", "Content-Disposition": 'attachment; filename="a.mseed"'}
    answer = await client.post("/events/classify", content=mseed, headers=headers)
    (part,) = worker.records.get(answer.json()["id"]).submission.parts
    assert (part.name, part.size_bytes, part.digest) == ("a.mseed", 512, hashlib.sha256(mseed).hexdigest())
    assert worker.blobs.read_upload(part.digest) == mseed


async def test_a_raw_body_can_be_named_in_the_query(client, worker, mseed):
    answer = await client.post("/anomalies/cluster?name=anomaly_017.mseed", content=mseed)
    assert worker.records.get(answer.json()["id"]).submission.parts[0].name == "anomaly_017.mseed"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lattitude=3", "lattitude"),
        ("latitude=91&longitude=0", "latitude"),
        ("latitude=nan&longitude=0", "latitude"),
        ("latitude=10", "both"),
        ("k_min=9&k_max=3", "k_min"),
        ("seed=1&seed=2", "twice"),
        ("event_type=quake", "event_type"),
        ("fine_tune=perhaps", "fine_tune"),
    ],
)
async def test_invalid_options_are_named_in_the_problem(client, files, query, expected):
    answer = await client.post(f"/events/locate?{query}", files=files)
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/malformed-request"
    assert expected in answer.json()["detail"]


async def test_an_empty_option_counts_as_not_given(client, files):
    answer = await client.post("/events/locate", files=files, data={"latitude": "", "longitude": " ", "event_type": ""})
    assert answer.status_code == 202


async def _submitted_job(worker) -> str:
    while not worker.records.list_queued():
        await asyncio.sleep(0.01)
    (job_id,) = worker.records.list_queued()
    return job_id


async def test_a_job_that_ends_within_the_wait_is_answered_with_200_and_its_result(client, files, worker):
    request = asyncio.create_task(client.post("/events/classify", files=files, headers={"Prefer": "wait=10"}))
    worker.succeed(await _submitted_job(worker))
    answer = await request
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert "Retry-After" not in answer.headers
    assert answer.json()["status"] == "succeeded"
    assert answer.json()["result"]["event_type"] == "glacial"


async def test_a_job_that_fails_within_the_wait_is_a_finished_job_with_its_problem(client, files, worker):
    request = asyncio.create_task(client.post("/events/classify", files=files, headers={"Prefer": "wait=10"}))
    worker.fail(await _submitted_job(worker))
    answer = await request
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["problem"]["status"]) == ("failed", 422)


async def test_a_wait_that_times_out_is_answered_with_202(client, files):
    answer = await client.post("/events/classify", files=files, headers={"Prefer": "respond-async, wait=1"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=1")


@pytest.mark.parametrize(
    ("headers", "wait_s", "applied"),
    [
        ([], 0, None),
        (["wait=7"], 7, "wait=7"),
        (["respond-async", 'Wait="7"'], 7, "wait=7"),
        (["wait=500"], 120, "wait=120"),
        (["respond-async"], 0, "respond-async"),
        (["wait=soon, return=minimal"], 0, None),
        (["wait=-3"], 0, None),
    ],
)
def test_valid_preferences_are_applied_and_others_ignored(headers, wait_s, applied):
    preference = read_preference(headers, 120.0)
    assert (preference.wait_s, preference.applied) == (wait_s, applied)


async def test_the_same_key_and_submission_get_the_same_job(client, files, worker):
    headers = {"Idempotency-Key": "one"}
    answers = [await client.post("/events/classify", files=files, headers=headers) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert len(worker.records.list_queued()) == 1


async def test_the_same_key_for_another_body_is_refused(client, files, mseed):
    headers = {"Idempotency-Key": "one"}
    await client.post("/events/classify", files=files, headers=headers)
    answer = await client.post("/events/classify", files={"bundle": ("event.mseed", mseed + mseed)}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_the_same_key_at_another_endpoint_is_another_key(client, files):
    headers = {"Idempotency-Key": "one"}
    answers = [await client.post(path, files=files, headers=headers) for path in ("/events/classify", "/events/locate")]
    assert [answer.status_code for answer in answers] == [202, 202]


async def slow_submission(client, mseed, headers) -> tuple[asyncio.Task, asyncio.Event]:
    """Return a submission whose body has begun to arrive, and an event that completes it."""
    receiving, go_on = asyncio.Event(), asyncio.Event()

    async def body():
        yield mseed
        receiving.set()
        await go_on.wait()

    slow = asyncio.create_task(client.post("/events/classify", content=body(), headers=headers))
    await receiving.wait()
    return slow, go_on


async def test_an_idempotency_key_is_in_flight_while_its_request_is_received(client, files, mseed):
    headers = {"Idempotency-Key": "one"}
    slow, go_on = await slow_submission(client, mseed, headers)
    answer = await client.post("/events/classify", files=files, headers=headers)
    go_on.set()
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/idempotency-key-in-flight")
    assert "Retry-After" in answer.headers
    assert (await slow).status_code == 202


async def test_a_refused_submission_releases_its_idempotency_key(client, files):
    headers = {"Idempotency-Key": "one"}
    refused = await client.post("/events/classify", files={"bundle": ("empty.mseed", b"")}, headers=headers)
    accepted = await client.post("/events/classify", files=files, headers=headers)
    assert (refused.status_code, accepted.status_code) == (400, 202)


async def test_a_queue_lost_after_a_job_was_assigned_leaves_one_job_for_the_key(client, files, worker, monkeypatch):
    """The record may exist although its creation seemed to fail: the retry must get that job and not create a second one."""
    headers, create = {"Idempotency-Key": "one"}, Records.create

    def create_and_lose(*arguments):
        create(*arguments)
        raise RedisConnectionError

    with monkeypatch.context() as lost:
        lost.setattr(Records, "create", create_and_lose)
        refused = await client.post("/events/classify", files=files, headers=headers)
    accepted = await client.post("/events/classify", files=files, headers=headers)
    assert (refused.status_code, accepted.status_code) == (503, 202)
    assert set(worker.records.list_queued()) == {accepted.json()["id"]}


async def test_an_expired_claim_yields_to_the_request_that_took_the_key(client, files, mseed, worker):
    """A claim expires if the queue server is away for longer than its lifetime; then only one of two requests may create a job."""
    headers = {"Idempotency-Key": "one"}
    slow, go_on = await slow_submission(client, mseed, headers)
    [claim] = worker.redis.keys("atlas:idempotency:*")
    worker.redis.delete(claim)
    quick = await client.post("/events/classify", files=files, headers=headers)
    go_on.set()
    late = await slow
    assert (quick.status_code, late.status_code) == (202, 409)
    assert set(worker.records.list_queued()) == {quick.json()["id"]}


@pytest.mark.parametrize("key", ["", "a\tb", "x" * 256])
async def test_an_invalid_idempotency_key_is_a_malformed_request(client, files, key):
    answer = await client.post("/events/classify", files=files, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


async def test_a_full_queue_answers_503_with_retry_after(make_client, settings, files):
    async with make_client(settings.model_copy(update={"max_queued": 1})) as client:
        answers = [await client.post("/events/classify", files=files) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 503]
    assert answers[1].json()["type"] == "/problems/queue-full"
    assert int(answers[1].headers["Retry-After"]) >= 1


async def test_an_unreachable_queue_is_reported_before_the_body_is_read(make_client, settings, tmp_path):
    def body():
        pytest.fail("the body was read")
        yield b""

    without_queue = settings.model_copy(update={"redis_url": SecretStr(f"unix://{tmp_path}/nobody.sock")})
    async with make_client(without_queue) as client:
        answer = await client.post("/events/classify", content=b"x" * 10)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/queue-unreachable")
    assert "nobody" not in answer.text
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_callback_is_accepted_where_the_service_can_sign_it(make_client, settings, files):
    url = "https://receiver.example/hook"
    async with make_client(settings) as client:
        refused = await client.post("/events/classify", files=files, data={"callback_url": url})
        assert (await client.get("/callbacks/secret")).json()["type"] == "/problems/no-callbacks"
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/refused-callback")
    async with make_client(settings.model_copy(update={"callback_secret": SecretStr("secret")})) as client:
        assert (await client.post("/events/classify", files=files, data={"callback_url": url})).status_code == 202
        longest = f"{url}?token=".ljust(2000, "x")
        assert (await client.post("/events/classify", files=files, data={"callback_url": longest})).status_code == 202
        private = await client.post("/events/classify", files=files, data={"callback_url": "http://169.254.169.254/latest"})
        assert (await client.get("/callbacks/secret")).json()["secret"].startswith("whsec_")
    assert (private.status_code, private.json()["type"]) == (400, "/problems/refused-callback")
