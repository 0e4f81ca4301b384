import asyncio
import json

import pytest

pytestmark = pytest.mark.anyio

QUAKEML = b"<quakeml/>"


@pytest.fixture
async def job_id(client, files) -> str:
    return (await client.post("/events/classify", files=files)).json()["id"]


def events(text: str) -> list[tuple[str, dict]]:
    """Parse an event stream into names and data; comments are skipped."""
    blocks = [dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")) for block in text.split("\n\n") if block]
    return [(block["event"], json.loads(block["data"])) for block in blocks if block]


async def test_a_finished_job_carries_result_links_and_formats(client, worker, job_id):
    worker.succeed(job_id, {"quakeml": QUAKEML})
    job = (await client.get(f"/jobs/{job_id}")).json()
    assert (job["status"], job["progress"], job["problem"]) == ("succeeded", 1.0, None)
    assert job["result"]["probabilities"] == {"earthquake": 0.03, "glacial": 0.96, "other": 0.01}
    assert job["formats"] == ["json", "quakeml"]
    assert job["links"]["result"] == f"/jobs/{job_id}/result"
    assert job["links"]["figures"] == [f"/jobs/{job_id}/figures/section.png"]
    assert job["started_at"] is not None
    assert job["finished_at"] is not None


async def test_links_lie_below_the_prefix_of_a_proxy(make_client, settings, files):
    async with make_client(settings) as client:
        client._transport.root_path = "/atlas"
        answer = await client.post("/atlas/events/classify", files=files)
    assert answer.headers["Location"].startswith("/atlas/jobs/")


@pytest.mark.parametrize("path", ["", "/events", "/result", "/figures/section.png"])
@pytest.mark.parametrize("job", ["0" * 32, "no-such", "..%2f..%2fetc", "*"])
async def test_every_endpoint_of_an_unknown_job_answers_404(client, job, path):
    answer = await client.get(f"/jobs/{job}{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


async def test_a_long_poll_ends_when_the_job_does(client, worker, job_id):
    request = asyncio.create_task(client.get(f"/jobs/{job_id}?wait=15"))
    record = worker.begin(job_id)
    worker.records.advance(job_id, record.attempt, "render", 0.3)
    worker.records.request_cancel(job_id)
    worker.records.finish(job_id, record.attempt, status=record.status.CANCELED)
    answer = await request
    assert (answer.status_code, answer.json()["status"], answer.json()["stage"]) == (200, "canceled", "render")


async def test_a_long_poll_that_times_out_returns_the_current_status(client, worker, job_id):
    worker.begin(job_id)
    answer = await client.get(f"/jobs/{job_id}?wait=0.05")
    assert (answer.status_code, answer.json()["status"]) == (200, "running")


@pytest.mark.parametrize("wait", ["-1", "soon", "nan"])
async def test_an_invalid_wait_is_a_malformed_request(client, job_id, wait):
    assert (await client.get(f"/jobs/{job_id}?wait={wait}")).status_code == 400


async def test_a_queued_job_is_canceled_at_once(client, job_id):
    answer = await client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")


async def test_canceling_a_running_job_requests_its_cancellation(client, worker, job_id):
    worker.begin(job_id)
    answer = await client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert worker.records.get(job_id).cancel_requested


async def test_an_ended_job_cannot_be_canceled(client, worker, job_id):
    worker.succeed(job_id)
    answer = await client.delete(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-ended")


async def test_the_event_stream_reports_each_stage_and_ends_with_the_job(client, worker, job_id):
    followed = asyncio.create_task(client.get(f"/jobs/{job_id}/events"))
    await asyncio.sleep(0)
    worker.begin(job_id)
    await asyncio.to_thread(_run_until_failure, worker, job_id)
    answer = await followed
    stream = events(answer.text)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert {name for name, _ in stream[:-1]} <= {"progress"}
    assert [state["progress"] for _, state in stream] == sorted(state["progress"] for _, state in stream)
    assert (stream[-1][0], stream[-1][1]["status"]) == ("job", "failed")


def _run_until_failure(worker, job_id: str) -> None:
    record = worker.records.get(job_id)
    for step in range(1, 4):
        worker.records.advance(job_id, record.attempt, f"step {step}", step / 4)
    worker.records.finish(job_id, record.attempt, record.status.FAILED)


async def test_the_event_stream_of_a_finished_job_holds_the_job_only(client, worker, job_id):
    worker.succeed(job_id)
    stream = events((await client.get(f"/jobs/{job_id}/events")).text)
    assert [name for name, _ in stream] == ["job"]
    assert stream[0][1]["result"]["event_type"] == "glacial"


async def test_a_figure_is_served_as_png(client, worker, job_id):
    worker.succeed(job_id)
    answer = await client.get(f"/jobs/{job_id}/figures/section.png")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")


async def test_an_unknown_figure_answers_404(client, worker, job_id):
    worker.succeed(job_id)
    answer = await client.get(f"/jobs/{job_id}/figures/map.png")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-figure")
    assert "section" in answer.json()["detail"]


async def test_the_data_of_a_figure_are_served_as_json_and_compressed(client, worker, job_id):
    data = b'{"bands":[' + b" " * 5000 + b"]}"
    worker.succeed(job_id, figure_data={"section": data})
    answer = await client.get(f"/jobs/{job_id}/figures/section.json")
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "application/json", data)
    assert answer.headers["Content-Encoding"] == "gzip"
    again = await client.get(f"/jobs/{job_id}/figures/section.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["section", "map", "families", "waveform_fit", "..%2fresult"])
async def test_a_figure_without_data_answers_404(client, worker, job_id, name):
    worker.succeed(job_id)  # as a worker of a release before did
    answer = await client.get(f"/jobs/{job_id}/figures/{name}.json")
    assert answer.status_code == 404
    assert answer.json()["type"] in ("/problems/unknown-figure", "/problems/not-found")


@pytest.mark.parametrize(
    ("query", "media_type", "body"),
    [
        ("", "application/json", b'{"event_type"'),
        ("?format=json", "application/json", b'{"event_type"'),
        ("?format=quakeml", "application/xml", QUAKEML),
    ],
)
async def test_the_result_is_served_in_each_of_its_formats(client, worker, job_id, query, media_type, body):
    worker.succeed(job_id, {"quakeml": QUAKEML})
    answer = await client.get(f"/jobs/{job_id}/result{query}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(media_type)
    assert answer.content.startswith(body)


@pytest.mark.parametrize("wanted", ["csv", "pdf", "../json", ""])
async def test_an_unavailable_format_answers_404(client, worker, job_id, wanted):
    worker.succeed(job_id, {"quakeml": QUAKEML})
    answer = await client.get(f"/jobs/{job_id}/result", params={"format": wanted})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-format")
    assert "json, quakeml" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["result", "figures/section.png"])
async def test_an_unfinished_job_has_neither_result_nor_figures(client, job_id, path):
    answer = await client.get(f"/jobs/{job_id}/{path}")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/not-finished")


async def test_the_result_of_a_failed_job_is_its_problem(client, worker, job_id):
    worker.fail(job_id)
    answer = await client.get(f"/jobs/{job_id}/result")
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["type"] == "/problems/no-usable-trace"


async def test_a_canceled_job_has_no_result(client, job_id):
    await client.delete(f"/jobs/{job_id}")
    answer = await client.get(f"/jobs/{job_id}/result")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/canceled")


async def test_an_expired_result_answers_404(client, worker, job_id):
    worker.succeed(job_id)
    worker.blobs.delete(f"results/{job_id}")
    answers = [await client.get(f"/jobs/{job_id}{path}") for path in ("", "/result", "/figures/section.png")]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert {answer.json()["type"] for answer in answers} == {"/problems/blob-missing"}
