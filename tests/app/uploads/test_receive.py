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


async def test_every_bundle_part_is_kept_in_order_with_its_bytes(client, hand, mseed):
    answer = await post(client, form(file_part(mseed, b"a.mseed"), file_part(b"x" * 3_000_000, b"b.mseed"), file_part(b"", b"c.csv")))
    parts = hand.records.get(answer.json()["id"]).submission.parts
    assert [(part.name, part.size_bytes) for part in parts] == [("a.mseed", 512), ("b.mseed", 3_000_000), ("c.csv", 0)]
    assert hand.blobs.read_upload(parts[1].digest) == b"x" * 3_000_000


async def test_bytes_that_look_like_a_boundary_are_data(client, hand, mseed):
    data = mseed + b"\r\n--frontie\r\n--frontierX"
    answer = await post(client, form(file_part(data)))
    assert hand.blobs.read_upload(hand.records.get(answer.json()["id"]).submission.parts[0].digest) == data


async def test_a_body_in_chunks_of_any_size_reads_the_same(client, hand, mseed):
    async def dribble():
        for byte in form(file_part(mseed)):
            yield bytes([byte])

    answer = await post(client, dribble())
    assert hand.blobs.read_upload(hand.records.get(answer.json()["id"]).submission.parts[0].digest) == mseed


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
async def test_a_malformed_form_is_refused_and_leaves_nothing(client, hand, tmp_path, body, content_type):
    answer = await post(client, body, content_type)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["type"] == "/problems/malformed-request"
    assert not hand.records.queued_jobs()
    assert not list((tmp_path / "blobs").glob("incoming/*"))


@pytest.mark.parametrize(
    "body", [form(file_part(b"")), form(file_part(b"", b"")), form(), form(b'Content-Disposition: form-data; name="seed"\r\n\r\n1')]
)
async def test_an_upload_without_a_byte_is_empty(client, body):
    answer = await post(client, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/empty-upload")


async def test_a_raw_body_without_a_byte_is_empty(client):
    answer = await post(client, b"", "application/zip")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/empty-upload")


async def test_more_parts_than_allowed_are_over_the_limit(client_of, settings):
    async with client_of(settings.model_copy(update={"max_parts": 3})) as client:
        answer = await post(client, form(*[file_part(b"000001D ")] * 4))
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/limit-exceeded")


async def test_a_field_longer_than_any_option_is_over_the_limit(client):
    answer = await post(client, form(b'Content-Disposition: form-data; name="seed"\r\n\r\n' + b"1" * 2000))
    assert answer.status_code == 413


async def test_an_announced_length_over_the_limit_is_refused_unread(client_of, settings):
    read = []

    async def body():
        read.append(1)
        yield b"x"

    async with client_of(settings.model_copy(update={"max_body_bytes": 1000})) as client:
        answer = await client.post(CLASSIFY, content=body(), headers={"Content-Length": "1001", "Content-Type": "application/zip"})
    assert (answer.status_code, answer.json()["type"], read) == (413, "/problems/limit-exceeded", [])
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_a_body_that_grows_over_the_limit_is_stopped_in_the_middle(client_of, settings, tmp_path):
    sent = []

    async def endless():
        while len(sent) < 1000:
            sent.append(1)
            yield b"x" * 100_000

    async with client_of(settings.model_copy(update={"max_body_bytes": 1_000_000})) as client:
        answer = await post(client, endless(), "application/vnd.fdsn.mseed")
    assert answer.status_code == 413
    assert len(sent) == 11
    assert not list((tmp_path / "blobs").glob("incoming/*"))


async def test_an_upload_of_nothing_accepted_is_unsupported_part_by_part(client):
    answer = await post(client, form(file_part(b"\x89PNG\r\n\x1a\n", b"photo.png"), file_part(b"%PDF-1.7", b"paper.pdf")))
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-part")
    assert [part["name"] for part in answer.json()["parts"]] == ["photo.png", "paper.pdf"]


async def test_one_readable_part_is_enough_for_the_reader_to_judge(client, mseed):
    answer = await post(client, form(file_part(b"\x89PNG\r\n\x1a\n", b"photo.png"), file_part(mseed, b"a")))
    assert answer.status_code == 202


async def test_a_raw_body_of_nothing_accepted_is_unsupported(client):
    answer = await post(client, b'{"event": 1}', "application/json")
    assert (answer.status_code, answer.json()["parts"][0]["name"]) == (415, "bundle")


@pytest.mark.parametrize("kind", ["zip", "gzip", "mseed3", "xml", "csv"])
async def test_a_raw_body_of_an_accepted_kind_needs_no_label(client, kind):
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


async def test_a_client_that_goes_in_the_middle_leaves_nothing(settings, hand, tmp_path, mseed):
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
    assert not hand.records.queued_jobs()
    assert not list((tmp_path / "blobs").glob("incoming/*"))


async def test_a_body_that_comes_drop_by_drop_is_not_waited_for(client_of, settings, tmp_path):
    async def drops():
        yield b"000001D "
        await asyncio.Event().wait()

    async with client_of(settings.model_copy(update={"max_body_s": 0.5})) as client:
        answer = await client.post("/events/classify", content=drops())
    assert (answer.status_code, answer.json()["type"]) == (408, "/problems/body-too-slow")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("refused", [{"data": {"k_min": "9", "k_max": "3"}}, {"params": {"name": "x"}, "data": {"latitude": "1"}}])
async def test_an_upload_that_is_refused_in_the_end_leaves_nothing(client, tmp_path, files, refused):
    assert (await client.post(CLASSIFY, files=files, **refused)).status_code == 400
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


async def test_parts_of_no_accepted_kind_leave_nothing(client, tmp_path):
    assert (await client.post(CLASSIFY, files={"bundle": ("a.exe", b"MZ" + bytes(100))})).status_code == 415
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []
