"""Multipart bodies that no client library would send."""

import pytest

pytestmark = pytest.mark.anyio

TYPE = {"Content-Type": "multipart/form-data; boundary=frontier"}
WAVE = b"000001D " + bytes(504)


def part(headers: bytes, body: bytes = WAVE) -> bytes:
    return b"--frontier\r\n" + headers + b"\r\n\r\n" + body + b"\r\n"


def named(filename: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="bundle"; filename="' + filename + b'"'


END = b"--frontier--\r\n"
GOOD = part(named(b"a.mseed"))

REFUSED = {
    "a hundred thousand empty parts": (part(b'Content-Disposition: form-data; name="bundle"', b"") * 100_000 + END, 413),
    "a header without an end": (b"--frontier\r\nContent-Disposition: " + b"a" * 2**20, 400),
    "a header without a colon": (part(b"nonsense") + END, 400),
    "a disposition that is no form's": (part(b'Content-Disposition: attachment; name="bundle"') + END, 400),
    "a thousand headers": (part(named(b"a") + b"".join(b"\r\nX-%d: 1" % n for n in range(1000))) + END, 400),
    "a field of a megabyte": (part(b'Content-Disposition: form-data; name="seed"', b"1" * 2**20) + GOOD + END, 413),
    "a field with a name of a megabyte": (part(b'Content-Disposition: form-data; name="' + b"n" * 2**20 + b'"') + END, 400),
    "zero bytes for a field": (part(b'Content-Disposition: form-data; name="seed"', bytes(8)) + GOOD + END, 400),
    "bytes that are no text for a field": (part(b'Content-Disposition: form-data; name="seed"', b"\xff\xfe") + GOOD + END, 400),
    "only line feeds": ((GOOD + END).replace(b"\r\n", b"\n"), 400),
    "another boundary": ((GOOD + END).replace(b"frontier", b"elsewhere"), 400),
    "an end and no part": (END, 400),
    "cut in the boundary": ((GOOD + END)[:-6], 400),
    "a program": (part(named(b"run.exe"), b"MZ" + bytes(100)) + END, 415),
}

ACCEPTED = {
    "a name that leads out": (part(named(b"../../etc/passwd.mseed")), "passwd.mseed"),
    "a name of another system": (part(named(rb"C:\\Windows\\a.mseed")), "a.mseed"),
    "a name with a line end": (part(named(b"a%0d%0aX-Evil: 1.mseed")), "a%0d%0aX-Evil: 1.mseed"),
    "a name that is no text": (part(named(b"\xff\xfe.mseed")), None),
    "a name of a thousand letters": (part(named(b"n" * 1000 + b".mseed")), None),
    "a name in the extended form": (
        part(b"Content-Disposition: form-data; name=\"bundle\"; filename*=UTF-8''..%2F..%2Fa.mseed"),
        None,
    ),
    "a part that says it is encoded": (part(named(b"a.mseed") + b"\r\nContent-Transfer-Encoding: base64"), "a.mseed"),
    "a part that says it is a form": (part(named(b"a.mseed") + b"\r\nContent-Type: multipart/mixed; boundary=x"), "a.mseed"),
    "a preamble": (b"to whom it may concern\r\n" + GOOD, "a.mseed"),
}


@pytest.fixture
async def limited(make_client, settings):
    async with make_client(settings.model_copy(update={"max_parts": 500, "max_body_bytes": 32 * 2**20})) as client:
        yield client


@pytest.mark.parametrize("case", REFUSED)
async def test_a_hostile_form_is_refused_and_leaves_no_files(limited, tmp_path, case):
    body, status = REFUSED[case]
    answer = await limited.post("/events/classify", content=body, headers=TYPE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].isprintable()
    assert len(answer.content) < 2000, "the body is not repeated in the answer"
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("case", ACCEPTED)
async def test_an_unusual_form_is_accepted_with_a_safe_file_name(limited, worker, tmp_path, case):
    body, name = ACCEPTED[case]
    answer = await limited.post("/events/classify", content=body + END, headers=TYPE)
    if answer.status_code == 400:  # a preamble need not be understood
        assert case == "a preamble"
        return
    assert answer.status_code == 202
    (stored,) = worker.records.get(answer.json()["id"]).submission.parts
    assert name in (None, stored.name)
    assert stored.name.isprintable()
    assert "/" not in stored.name
    assert len(stored.name) <= 120
    assert worker.blobs.read_upload(stored.digest) == WAVE
    assert not (tmp_path / "passwd.mseed").exists()
