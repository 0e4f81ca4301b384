import io
import tarfile

import pytest

from app.uploads.sniffing import may_be_accepted


def a_tar() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as opened:
        opened.addfile(tarfile.TarInfo("a.mseed"))
    return archive.getvalue()[:512]


@pytest.mark.parametrize(
    "head",
    [
        b"000001D " + bytes(40),
        b"000001M\0" + bytes(40),
        b"      Q " + bytes(40),
        b"000001D ",
        b"000001V 010009",
        bytes(1024) + b"000001D " + bytes(40),
        bytes(512),
        b"MS\x03",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b\x08",
        a_tar(),
        b"<?xml",
        b"  \n<FDSNStationXML",
        "\ufeff<?xml".encode("utf-16-le"),
        b"Network,Station,Latitude,Longitude\n",
    ],
)
def test_an_accepted_format_is_recognized_by_its_first_bytes(head):
    assert may_be_accepted("upload", head)


@pytest.mark.parametrize("head", [b"", b"%PDF", b"\x89PNG\r\n", b"hello", b"{}", b"000001X " + bytes(40), b"PK\x01\x02", b"Rar!"])
def test_other_first_bytes_are_not_recognized(head):
    assert not may_be_accepted("upload", head)


@pytest.mark.parametrize(
    "name", ["a.mseed", "A.MSEED", "a.miniseed", "a.mseed3", "a.ms3", "a.seed", "a.xml", "stations.csv", "a.tar.gz", "a.tgz"]
)
def test_a_file_with_a_known_suffix_is_accepted(name):
    assert may_be_accepted(name, b"hello")


def test_a_raw_body_with_a_known_media_type_is_accepted():
    assert may_be_accepted("bundle", b"hello", "application/vnd.fdsn.mseed")
