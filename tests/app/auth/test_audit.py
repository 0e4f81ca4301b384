"""The audit log: each submission, download, cancellation and refused key is one line, without contents."""

import pytest
import structlog

from app.auth.keys import keys_path, read_keys, revoke_key
from workers.contracts import Status
from workers.storage.result_keys import figure_data_key, figure_key, result_key

pytestmark = pytest.mark.anyio


@pytest.fixture
def audited():
    """Lines of the audit log since the beginning of the test."""
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        yield lambda: [line for line in lines if line["event"] == "audit"]


async def test_submission_downloads_and_cancellation_are_audited(client, worker, files, make_key, audited):
    headers = make_key("lab")
    job = (await client.post("/events/classify", files=files, headers=headers)).json()["id"]
    [submission] = audited()
    assert (submission["action"], submission["job"], submission["kind"], submission["owner"]) == ("submission", job, "classify", "lab")
    assert submission["bytes"] > 500
    assert submission["request_id"]
    record = worker.begin(job)
    client._transport.app.state.service.blobs.put(figure_key(record, "section"), b"png")
    client._transport.app.state.service.blobs.put(figure_data_key(record, "section"), b"{}")
    client._transport.app.state.service.blobs.put(result_key(record, "csv"), b"a,b")
    worker.records.finish(job, 1, Status.SUCCEEDED, figures=["section"], formats=["csv"])
    await client.get(f"/jobs/{job}/figures/section.png", headers=headers)
    await client.get(f"/jobs/{job}/figures/section.json", headers=headers)
    await client.get(f"/jobs/{job}/result", params={"format": "csv"}, headers=headers)
    other = (await client.post("/events/locate", files=files, headers=headers)).json()["id"]
    await client.delete(f"/jobs/{other}", headers=headers)
    assert [(line["action"], line["job"], line.get("what")) for line in audited()[1:]] == [
        ("download", job, "figure section"),
        ("download", job, "data of figure section"),
        ("download", job, "result csv"),
        ("submission", other, None),
        ("cancellation", other, None),
    ]
    assert "event.mseed" not in str(audited())


async def test_a_job_that_is_not_ended_is_no_download(client, files, audited):
    job = (await client.post("/events/classify", files=files)).json()["id"]
    await client.get(f"/jobs/{job}")
    assert [line["action"] for line in audited()] == ["submission"]


async def test_refused_keys_are_audited_by_their_id_and_never_by_their_text(client, settings, make_key, audited):
    headers = make_key("lab")
    [key] = read_keys(keys_path(settings))
    revoke_key(keys_path(settings), key.id)
    wrong = {"X-API-Key": "atlas_guess_" + "x" * 43}
    for sent in (headers, wrong, {}):
        assert (await client.get("/jobs", headers=sent)).status_code == 401
    assert [(line["action"], line["key"]) for line in audited()] == [("key-refused", key.id), ("key-refused", "unknown")]
    assert headers["X-API-Key"] not in str(audited())
