import asyncio
import gzip
import io
import zipfile

import pytest

from app.main import create_app

pytestmark = pytest.mark.anyio

BOUNDARY = "frontier"
CLASSIFY = "/events/classify"


def form(*parts: bytes, end: bytes = b"--frontier--\r\n") -> bytes:
    return b"".join(b"--frontier\r\n" + part + b"\r\n" for part in parts) + end


def file_part(data: bytes, filename: bytes = b"a.mseed", extra: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="bundle"; filename="' + filename + b'"\r\n' + extra + b"\r\n" + data


async def post(client, body, content_type=f"multipart/form-data; boundary={BOUNDARY}"):
    return await client.post(CLASSIFY, content=body, headers={"Content-Type": content_type})


async def test_every_bundle_part_is_stored_in_order(client, worker, mseed):
    answer = await post(client, form(file_part(mseed, b"a.mseed"), file_part(b"x" * 3_000_000, b"b.mseed"), file_part(b"", b"c.csv")))
    parts = worker.records.get(answer.json()["id"]).submission.parts
    assert [(part.name, part.size_bytes) for part in parts] == [("a.mseed", 512), ("b.mseed", 3_000_000), ("c.csv", 0)]
    assert worker.blobs.read_upload(parts[1].digest) == b"x" * 3_000_000


async def test_bytes_similar_to_the_boundary_are_data(client, worker, mseed):
    data = mseed + b"\r\n--frontie\r\n--frontierX"
    answer = await post(client, form(file_part(data)))
    assert worker.blobs.read_upload(worker.records.get(answer.json()["id"]).submission.parts[0].digest) == data


async def test_a_body_in_single_bytes_is_received_unchanged(client, worker, mseed):
    async def send_bytes():
        for byte in form(file_part(mseed)):
            yield bytes([byte])

    answer = await post(client, send_bytes())
    assert worker.blobs.read_upload(worker.records.get(answer.json()["id"]).submission.parts[0].digest) == mseed


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (form(file_part(b"000001D ")), "multipart/form-data"),
        (form(file_part(b"000001D ")), "multipart/form-data; boundary="),
        (form(file_part(b"000001D ")), f"multipart/form-data; boundary={'b' * 300}"),
        (form(file_part(b"000001D "), end=b""), "multipart/form-data; boundary=frontier"),
        (form(file_part(b"000001D "))[:-30], "multipart/form-data; boundary=frontier"),
        (b"nothing of the kind", "multipart/form-data; boundary=frontier"),
        (b"", "multipart/form-data; boundary=frontier"),
        (form(b"Content-Disposition: form-data\r\n\r\nx"), "multipart/form-data; boundary=frontier"),
        (form(b"Content-Type: text/plain\r\n\r\nx"), "multipart/form-data; boundary=frontier"),
        (form(file_part(b"x", extra=b"X-Long: " + b"a" * 10_000 + b"\r\n")), "multipart/form-data; boundary=frontier"),
        (form(file_part(b"x", extra=b"".join(b"X-%d: y\r\n" % number for number in range(100)))), "multipart/form-data; boundary=frontier"),
        (
            form(file_part(b"000001D "), b'Content-Disposition: form-data; name="colour"\r\n\r\nred'),
            "multipart/form-data; boundary=frontier",
        ),
        (form(*[b'Content-Disposition: form-data; name="seed"\r\n\r\n1'] * 2), "multipart/form-data; boundary=frontier"),
    ],
    ids=[
        "no boundary",
        "empty boundary",
        "endless boundary",
        "no end",
        "truncated",
        "no multipart",
        "no body",
        "no name",
        "no disposition",
        "huge header",
        "many headers",
        "unknown field",
        "field twice",
    ],
)
async def test_a_malformed_form_is_refused_and_leaves_no_files(client, worker, tmp_path, body, content_type):
    answer = await post(client, body, content_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "/problems/malformed-request"
    assert not worker.records.list_queued()
    assert not list((tmp_path / "blobs").glob("incoming/*"))


@pytest.mark.parametrize(
    "body", [form(file_part(b"")), form(file_part(b"", b"")), form(), form(b'Content-Disposition: form-data; name="seed"\r\n\r\n1')]
)
async def test_an_upload_without_bytes_is_refused_as_empty(client, body):
    answer = await post(client, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/empty-upload")


async def test_a_raw_body_without_bytes_is_refused_as_empty(client):
    answer = await post(client, b"", "application/zip")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/empty-upload")


async def test_too_many_parts_exceed_the_limit(make_client, settings):
    async with make_client(settings.model_copy(update={"max_parts": 3})) as client:
        answer = await post(client, form(*[file_part(b"000001D ")] * 4))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/limit-exceeded")


async def test_a_field_longer_than_any_option_exceeds_the_limit(client):
    answer = await post(client, form(b'Content-Disposition: form-data; name="seed"\r\n\r\n' + b"1" * 8001))
    assert answer.status_code == 413


async def test_a_content_length_over_the_limit_is_refused_unread(make_client, settings):
    read = []

    async def body():
        read.append(1)
        yield b"x"

    async with make_client(settings.model_copy(update={"max_body_bytes": 1000})) as client:
        answer = await client.post(CLASSIFY, content=body(), headers={"Content-Length": "1001", "Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["type"], read) == (413, "/problems/limit-exceeded", [])
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_body_that_grows_over_the_limit_is_cut_off(make_client, settings, tmp_path):
    sent = []

    async def endless():
        while len(sent) < 1000:
            sent.append(1)
            yield b"x" * 100_000

    async with make_client(settings.model_copy(update={"max_body_bytes": 1_000_000})) as client:
        answer = await post(client, endless(), "application/vnd.fdsn.mseed")
    assert answer.status_code == 413
    assert len(sent) == 11
    assert not list((tmp_path / "blobs").glob("incoming/*"))


async def test_an_upload_without_an_accepted_format_lists_its_parts(client):
    answer = await post(client, form(file_part(b"\x89PNG\r\n\x1a\n", b"photo.png"), file_part(b"%PDF-1.7", b"paper.pdf")))
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-part")
    found = {part["name"]: part["detail"] for part in answer.json()["parts"]}
    assert list(found) == ["photo.png", "paper.pdf"]
    assert found["photo.png"].startswith("is a PNG picture")
    assert found["paper.pdf"].startswith("is a PDF document")


async def test_an_upload_of_empty_files_names_one(client):
    answer = await post(client, form(file_part(b"", b"empty.mseed")))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/empty-upload")
    assert "empty.mseed" in answer.json()["detail"]


async def test_one_part_of_an_accepted_format_is_enough(client, mseed):
    answer = await post(client, form(file_part(b"\x89PNG\r\n\x1a\n", b"photo.png"), file_part(mseed, b"a")))
    assert answer.status_code == 202


async def test_a_raw_body_of_another_format_is_unsupported(client):
    answer = await post(client, b'{"event": 1}', "application/json")
    assert (answer.status_code, answer.json()["parts"][0]["name"]) == (415, "bundle")


@pytest.mark.parametrize("kind", ["zip", "gzip", "mseed3", "xml", "csv"])
async def test_a_raw_body_of_an_accepted_format_needs_no_media_type(client, kind):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("a.mseed", b"x")
    bodies = {
        "zip": archive.getvalue(),
        "gzip": gzip.compress(b"x"),
        "mseed3": b"MS\x03" + bytes(60),
        "xml": b"\xef\xbb\xbf<?xml version='1.0'?><FDSNStationXML/>",
        "csv": b"network,station,latitude,longitude,elevation\nIU,ANMO,34.9,-106.5,1820\n",
    }
    answer = await post(client, bodies[kind], "application/octet-stream")
    assert answer.status_code == 202


async def test_a_client_that_disconnects_leaves_no_files(settings, worker, tmp_path, mseed):
    app, sent = create_app(settings), []
    messages = iter([{"type": "http.request", "body": form(file_part(mseed))[:200], "more_body": True}, {"type": "http.disconnect"}])
    scope = {"type": "http", "method": "POST", "path": CLASSIFY, "query_string": b"", "http_version": "1.1", "scheme": "http"}

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    async with app.router.lifespan_context(app):
        await app(
            {**scope, "headers": [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=frontier")]}, receive, send
        )
    assert sent == []
    assert not worker.records.list_queued()
    assert not list((tmp_path / "blobs").glob("incoming/*"))


@pytest.mark.parametrize("limit", ["max_body_s", "max_pause_s"])
async def test_a_slow_body_times_out(make_client, settings, tmp_path, limit):
    async def stall():
        yield b"000001D "
        await asyncio.Event().wait()

    async with make_client(settings.model_copy(update={limit: 0.3})) as client:
        answer = await client.post("/events/classify", content=stall())
    assert (answer.status_code, answer.json()["type"]) == (408, "/problems/body-too-slow")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_a_request_with_too_many_header_lines_is_refused(client):
    answer = await client.get("/health/live", headers={f"X-{number}": "1" for number in range(100)})
    assert (answer.status_code, answer.json()["type"]) == (431, "/problems/head-too-large")


@pytest.mark.parametrize("refused", [{"data": {"k_min": "9", "k_max": "3"}}, {"params": {"name": "x"}, "data": {"latitude": "1"}}])
async def test_an_upload_with_invalid_options_leaves_no_files(client, tmp_path, files, refused):
    assert (await client.post(CLASSIFY, files=files, **refused)).status_code == 400
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_unsupported_parts_leave_no_files(client, tmp_path):
    assert (await client.post(CLASSIFY, files={"bundle": ("a.exe", b"MZ" + bytes(100))})).status_code == 415
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
