"""HEAD, compression, conditional requests, content negotiation, CORS, Allow, and explanations of problems."""

import io
import json
import zipfile

import pytest

from app.responses.negotiation import choose_media_type

pytestmark = pytest.mark.anyio

XML = b"<quakeml>" + b"x" * 4000 + b"</quakeml>"
PAGE = "https://seismology.example"


@pytest.fixture
async def job_id(client, worker, files) -> str:
    """A finished job with a result in JSON and QuakeML, and a figure."""
    job = (await client.post("/events/classify", files=files)).json()["id"]
    worker.succeed(job, {"quakeml": XML})
    return job


async def test_head_has_the_headers_of_get_and_no_body(client):
    for path in ("/", "/docs", "/models", "/health/live", "/openapi.json", "/static/page.css", "/problems/queue-full"):
        got, head = await client.get(path), await client.head(path)
        assert (path, got.status_code, head.status_code, head.content) == (path, 200, 200, b"")
        assert head.headers["Content-Type"] == got.headers["Content-Type"]
        assert head.headers.get("Content-Length") == got.headers.get("Content-Length")


async def test_head_is_answered_for_everything_of_a_job(client, job_id):
    for path in ("", "/result", "/figures/section.png", "/bundle.zip", "/events"):
        head = await client.head(f"/jobs/{job_id}{path}")
        assert (path, head.status_code, head.content) == (path, 200, b"")


async def test_head_of_a_running_jobs_events_ends_at_once(client, worker, files):
    job = (await client.post("/events/classify", files=files)).json()["id"]
    worker.begin(job)
    head = await client.head(f"/jobs/{job}/events")
    assert (head.status_code, head.headers["Content-Type"].split(";")[0]) == (200, "text/event-stream")


async def test_large_text_is_compressed_where_the_client_accepts_it_and_figures_are_not(client, job_id):
    plain = await client.get(f"/jobs/{job_id}/result?format=quakeml", headers={"Accept-Encoding": "identity"})
    packed = await client.get(f"/jobs/{job_id}/result?format=quakeml", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.content == packed.content == XML
    assert "Content-Encoding" not in (await client.get(f"/jobs/{job_id}/figures/section.png")).headers


async def test_what_does_not_change_is_not_sent_twice(client, job_id):
    results = ("result", "result?format=quakeml", "figures/section.png", "bundle.zip")
    for path in (*(f"/jobs/{job_id}/{name}" for name in results), "/models"):
        first = await client.get(path)
        tag = first.headers["ETag"]
        again = await client.get(path, headers={"If-None-Match": f'"other", {tag}'})
        assert (path, again.status_code, again.content, again.headers["ETag"]) == (path, 304, b"", tag)
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_formats_have_different_tags(client, job_id):
    tags = {(await client.get(f"/jobs/{job_id}/result?format={name}")).headers["ETag"] for name in ("json", "quakeml")}
    assert len(tags) == 2


ACCEPTED = [
    ("", "application/json"),
    ("*/*", "application/json"),
    ("application/xml", "application/xml"),
    ("application/json;q=0.1, application/xml;q=0.9", "application/xml"),
    ("text/html, */*;q=0.8", "application/json"),
]
"""Accept headers, and the media type that each chooses."""


async def test_the_accept_header_chooses_the_format_of_a_result(client, job_id):
    for accept, media_type in ACCEPTED:
        answer = await client.get(f"/jobs/{job_id}/result", headers={"Accept": accept})
        assert (accept, answer.headers["Content-Type"].split(";")[0]) == (accept, media_type)
        assert answer.headers["Vary"].startswith("Accept")


async def test_a_format_that_does_not_exist_is_not_acceptable(client, job_id):
    answer = await client.get(f"/jobs/{job_id}/result", headers={"Accept": "image/png"})
    assert (answer.status_code, answer.json()["type"]) == (406, "/problems/not-acceptable")
    assert "application/json, application/xml" in answer.json()["detail"]
    assert (await client.get(f"/jobs/{job_id}/result?format=quakeml", headers={"Accept": "image/png"})).status_code == 200


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [("text/*;q=0.5, text/csv;q=0", None), ("text/*", "text/csv"), ("a/b", None), ("text/csv;q=high", "text/csv"), (",", "a/a")],
)
def test_the_most_specific_range_decides(accept, chosen):
    assert choose_media_type(accept, ["a/a", "text/csv"]) == chosen


async def test_everything_of_a_job_is_in_its_archive(client, job_id, mseed):
    answer = await client.get(f"/jobs/{job_id}/bundle.zip")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="classify-{job_id[:8]}.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert set(files) == {"job.json", "result.json", "result.xml", "figures/section.png", "inputs/0001_event.mseed"}
    assert (files["result.xml"], files["inputs/0001_event.mseed"]) == (XML, mseed)
    result = json.loads(files["job.json"])["result"]
    assert (result["kind"], result | json.loads(files["result.json"])) == ("classify", result)


async def test_the_archive_of_a_failed_job_holds_its_problem_and_uploads(client, worker, files):
    job = (await client.post("/events/classify", files=files)).json()["id"]
    assert (await client.get(f"/jobs/{job}/bundle.zip")).status_code == 409
    worker.fail(job)
    with zipfile.ZipFile(io.BytesIO((await client.get(f"/jobs/{job}/bundle.zip")).content)) as archive:
        assert archive.namelist() == ["job.json", "inputs/0001_event.mseed"]
        assert json.loads(archive.read("job.json"))["problem"]["status"] == 422


async def test_a_problem_is_explained_as_json_and_as_a_page(client):
    explained = (await client.get("/problems/too-few-stations")).json()
    assert (explained["type"], explained["status"], explained["retryable"]) == ("/problems/too-few-stations", 422, False)
    assert "StationXML" in explained["advice"]
    page = await client.get("/problems/too-few-stations", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Too few stations" in page.text


async def test_the_type_of_every_error_leads_to_its_explanation(client):
    refused = await client.get("/jobs/none")
    for path in (refused.json()["type"], (await client.get("/nothing")).json()["type"], "/problems/bad-cursor"):
        assert (await client.get(path)).json()["type"] == path
    assert (await client.get("/problems/unheard-of")).json()["type"] == "/problems/unknown-problem"


async def test_a_method_that_is_not_allowed_names_all_that_are(client, job_id):
    assert (await client.put(f"/jobs/{job_id}")).headers["Allow"] == "DELETE, GET, HEAD"
    refused = await client.get("/events/locate")
    assert refused.headers["Allow"] == "POST"
    assert refused.json()["detail"] == "this resource answers POST; /docs lists the endpoints"


async def test_a_time_that_is_none_is_answered_by_an_example_and_not_repeated(client, files):
    detail = (await client.post("/events/locate", files=files, data={"starttime": "yesterday"})).json()["detail"]
    assert detail == "starttime: not a time; write ISO 8601 in UTC, as in 2013-05-24T05:40:00"


async def test_pages_of_other_origins_may_call_only_where_the_operator_allows_them(make_client, settings, make_key):
    key = make_key("ana")
    preflight = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    async with make_client(settings.model_copy(update={"cors_origins": f"https://a.example, {PAGE}"})) as open_client:
        asked = await open_client.options("/events/locate", headers=preflight)
        answer = await open_client.get("/jobs", headers={"Origin": PAGE, **key})
        other = await open_client.get("/jobs", headers={"Origin": "https://evil.example", **key})
    assert (asked.status_code, asked.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Origin" not in other.headers
    async with make_client(settings) as closed_client:
        assert "Access-Control-Allow-Origin" not in (await closed_client.get("/jobs", headers={"Origin": PAGE, **key})).headers
