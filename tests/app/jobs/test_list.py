"""Lists of jobs: own jobs only, newest first, filtered, in pages."""

import pytest

pytestmark = pytest.mark.anyio


async def submit(client, files, path="/events/classify", headers=None) -> str:
    return (await client.post(path, files=files, headers=headers)).json()["id"]


async def read_all(client, query: str = "", headers=None) -> list[str]:
    """Follow the cursor to the end."""
    ids, cursor = [], ""
    while cursor is not None:
        page = (await client.get(f"/jobs?{query}{f'&cursor={cursor}' if cursor else ''}", headers=headers)).json()
        ids += [job["id"] for job in page["jobs"]]
        cursor = page["next"]
    return ids


async def test_jobs_are_listed_newest_first_without_their_results(client, worker, files):
    jobs = [await submit(client, files) for _ in range(3)]
    worker.succeed(jobs[1], {"quakeml": b"<q/>"})
    listed = (await client.get("/jobs")).json()
    assert [job["id"] for job in listed["jobs"]] == jobs[::-1]
    assert listed["next"] is None
    middle = listed["jobs"][1]
    assert (middle["status"], middle["parts"], middle["formats"]) == ("succeeded", ["event.mseed"], ["json", "quakeml"])
    assert middle["links"]["bundle"] == f"/jobs/{jobs[1]}/bundle.zip"
    assert "result" not in middle


async def test_pages_follow_each_other_without_gaps_or_repetitions(client, files):
    jobs = [await submit(client, files) for _ in range(5)]
    assert await read_all(client, "limit=2") == jobs[::-1]


async def test_lists_are_filtered_by_kind_and_status(client, worker, files):
    first, second = await submit(client, files), await submit(client, files, "/events/locate")
    worker.fail(first)
    assert await read_all(client, "kind=locate") == [second]
    assert await read_all(client, "status=failed") == [first]
    assert await read_all(client, "kind=locate&status=failed") == []


async def test_an_owner_sees_own_jobs_only(client, files, make_key):
    ana, ben = make_key("ana"), make_key("ben")
    job = await submit(client, files, headers=ana)
    assert await read_all(client, headers=ana) == [job]
    assert await read_all(client, headers=ben) == []


async def test_expired_jobs_are_not_listed_and_leave_the_index(client, worker, files):
    jobs = [await submit(client, files) for _ in range(2)]
    worker.redis.delete(f"atlas:job:{jobs[0]}")
    assert await read_all(client) == [jobs[1]]
    worker.records.forget_jobs([jobs[0]])
    assert worker.redis.zcard("atlas:owner-jobs:") == 1


async def test_a_malformed_query_is_refused(client):
    for query in ("cursor=x", "cursor=1~", "limit=0", "limit=500", "kind=guess", "status=lost"):
        assert (query, (await client.get(f"/jobs?{query}")).status_code) == (query, 400)
