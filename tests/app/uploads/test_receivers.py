import pytest

from app.uploads.receivers import MAX_NAME, FormReceiver, display_name
from models.errors import LimitExceeded
from workers.storage.blobs import BlobStore
from workers.storage.upload_transaction import UploadTransaction


def form(parts: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="bundle"; filename="a.mseed"\r\n\r\nx\r\n'
    return part * parts + b"--b--\r\n"


def test_too_many_parts_are_refused_before_one_is_stored(tmp_path):
    receiver = FormReceiver(UploadTransaction(BlobStore(tmp_path.as_uri())), b"b", max_parts=10)
    with pytest.raises(LimitExceeded):
        receiver.feed(form(11))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_as_many_parts_as_allowed_are_stored(tmp_path):
    receiver = FormReceiver(UploadTransaction(BlobStore(tmp_path.as_uri())), b"b", max_parts=10)
    receiver.feed(form(10))
    receiver.finish()
    assert len(receiver.parts) == 10


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("event.mseed", "event.mseed"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\event.mseed", "event.mseed"),
        ("a\nb\x00c\u202e.mseed", "a_b_c_.mseed"),
        ("Erdbeben-Ätna.mseed", "Erdbeben-Ätna.mseed"),
        ("", "part_3"),
        ("..", "part_3"),
        ("folder/", "folder"),
        (" / ", "part_3"),
    ],
)
def test_a_file_name_is_reduced_to_its_last_printable_component(raw, expected):
    assert display_name(raw, 3) == expected


def test_a_long_name_is_cut_and_keeps_its_suffix():
    name = display_name("x" * 500 + ".tar.gz", 1)
    assert len(name) == MAX_NAME
    assert name.endswith("x.gz")


def test_a_long_name_without_a_suffix_is_cut():
    assert display_name("x" * 500, 1) == "x" * MAX_NAME
