import asyncio

import pytest

from app.auth.rate_limits import WINDOW_S, seconds_until_allowed, window_usage

pytestmark = pytest.mark.anyio


def limited(settings, **limits):
    return settings.model_copy(update=limits)


async def test_every_answer_states_the_remaining_quota(client, make_key, files, settings):
    headers = make_key("lab")
    first = await client.post("/events/classify", files=files, headers=headers)
    second = await client.get(first.headers["Location"], headers=headers)
    assert first.headers["RateLimit-Policy"] == f'"submissions";q={settings.max_submissions_per_minute};w=60'
    assert first.headers["RateLimit"].startswith(f'"submissions";r={settings.max_submissions_per_minute - 1};t=')
    assert second.headers["RateLimit"].startswith('"requests";r=')


async def test_submissions_over_the_quota_are_refused_with_retry_after(make_client, make_key, files, settings):
    headers, other = make_key("lab"), make_key("other")
    async with make_client(limited(settings, max_submissions_per_minute=2)) as client:
        answers = [await client.post("/events/classify", files=files, headers=headers) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        refused = answers[-1]
        assert refused.json()["type"] == "/problems/too-many-requests"
        assert 1 <= int(refused.headers["Retry-After"]) <= 2 * WINDOW_S
        assert refused.headers["RateLimit"].startswith('"submissions";r=0;t=')
        assert (await client.get(answers[0].headers["Location"], headers=headers)).status_code == 200, "reading has a quota of its own"
        assert (await client.post("/events/classify", files=files, headers=other)).status_code == 202, (
            "other owners have quotas of their own"
        )


async def test_two_keys_of_an_owner_share_one_quota(make_client, make_key, files, settings):
    async with make_client(limited(settings, max_submissions_per_minute=1)) as client:
        answers = [await client.post("/events/classify", files=files, headers=make_key("lab")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 429]


async def test_two_api_processes_share_the_counters(make_client, make_key, files, settings):
    settings, headers = limited(settings, max_submissions_per_minute=1), make_key("lab")
    async with make_client(settings) as one, make_client(settings) as two:
        answers = [await client.post("/events/classify", files=files, headers=headers) for client in (one, two)]
    assert [answer.status_code for answer in answers] == [202, 429]


async def test_unfinished_jobs_of_an_owner_are_limited_until_one_ends(make_client, make_key, files, settings, worker):
    headers = make_key("lab")
    async with make_client(limited(settings, max_unfinished_jobs=1)) as client:
        first = (await client.post("/events/classify", files=files, headers=headers)).json()["id"]
        refused = await client.post("/events/classify", files=files, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-jobs")
        assert int(refused.headers["Retry-After"]) >= 1
        worker.succeed(first)
        assert (await client.post("/events/classify", files=files, headers=headers)).status_code == 202


async def test_concurrent_requests_are_limited_including_waits(make_client, make_key, files, settings):
    headers = make_key("lab")
    async with make_client(limited(settings, max_requests_at_once=3)) as client:
        job = (await client.post("/events/classify", files=files, headers=headers)).json()["links"]["self"]
        answers = await asyncio.gather(*(client.get(f"{job}?wait=2", headers=headers) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 429, 429]
        assert {answer.headers.get("Retry-After") for answer in answers} == {None, "1"}
        assert (await client.get(job, headers=headers)).status_code == 200, "answered requests do not count"


async def test_without_keys_nothing_is_limited(make_client, files, settings):
    async with make_client(limited(settings, max_submissions_per_minute=1, max_unfinished_jobs=1, max_requests_at_once=1)) as client:
        answers = [await client.post("/events/classify", files=files) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert "RateLimit" not in answers[0].headers


@pytest.mark.parametrize(("before", "count", "elapsed_s"), [(100, 0, 10), (0, 100, 30), (60, 50, 59), (100, 30, 0), (1000, 99, 1)])
def test_one_more_request_is_allowed_after_the_stated_wait(before, count, elapsed_s):
    """And 1.5 s earlier it is not, unless the wait is the shortest possible."""

    def within(later_s):
        passed = elapsed_s + later_s
        return window_usage(before, count + 1, passed) <= 100 if passed < WINDOW_S else window_usage(count, 1, passed - WINDOW_S) <= 100

    wait = seconds_until_allowed(before, count, elapsed_s, 100)
    assert within(wait)
    assert wait <= 1 or not within(wait - 1.5)
