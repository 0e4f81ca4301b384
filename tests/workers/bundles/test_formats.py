"""Recognition of file formats by content, then by name."""

import struct

import pytest

from workers.bundles.formats import FileKind, classify_file, describe_unsupported, sniff_format

WAVE = b"000001D " + bytes(504)
SAC_HEADER = struct.pack("<70f", *[-12345.0] * 70) + struct.pack("<40i", *[-12345] * 6, 6, *[-12345] * 28, 1, *[0] * 4) + b"-12345  " * 24
TABLE = b"network,station,latitude,longitude,elevation\n"


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("x", b"MS\x03rest", FileKind.WAVEFORM),
        ("x", WAVE, FileKind.WAVEFORM),
        ("x", b"000001V 010009", FileKind.SEED),
        ("x", bytes(1024) + WAVE, FileKind.WAVEFORM),
        ("x.mseed", b"\x80\x04garbage", FileKind.WAVEFORM),
        ("x", b'<?xml version="1.0"?>\n<FDSNStationXML xmlns="">', FileKind.STATIONXML),
        ("x.csv", b'<?xml version="1.0"?>\n<FDSNStationXML xmlns="">', FileKind.STATIONXML),
        ("x", b"\xef\xbb\xbfNetwork,Station,Latitude,Longitude", FileKind.STATIONS_CSV),
        ("x.csv", b"a,b", FileKind.STATIONS_CSV),
        ("x.mseed", TABLE, FileKind.STATIONS_CSV),
        ("x", b"000001V 0100094 2.4121970", FileKind.SEED),
        ("RESP.IU.ANMO.00.BHZ", b"#\t\t<< a comment >>\r\n#\r\nB050F03     Station:     ANMO\r\n", FileKind.RESP),
        ("x", b"* *****\n* NETWORK   (KNETWK): IU\n", FileKind.SAC_POLES_ZEROS),
        ("x", b"ZEROS 3\nPOLES 2\n", FileKind.SAC_POLES_ZEROS),
        ("x.xml", b'<?xml version="1.0"?><seiscomp xmlns="", version="0.13">', FileKind.SEISCOMP),
        ("x", b"#Network | Station | Latitude | Longitude | Elevation\n", FileKind.STATIONS_CSV),
        ("x.SAC", b"damaged", FileKind.SAC),
        ("x", SAC_HEADER, FileKind.SAC),
        ("x", b"\x80\x04\x95" + bytes(700), None),
        ("x.xml", b"<quakeml>", FileKind.STATIONXML),
        ("x.txt", b"hello", None),
        ("x", b"", None),
        ("x.png", b"\x89PNG\r\n", None),
    ],
)
def test_content_takes_precedence_over_the_name(name: str, head: bytes, kind: FileKind | None) -> None:
    assert classify_file(name, head) is kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"PK\x03\x04", FileKind.ZIP),
        (b"PK\x05\x06", FileKind.ZIP),
        (bytes(257) + b"ustar", FileKind.TAR),
        (b"\x1f\x8b\x08", FileKind.GZIP),
        (b"<quakeml>", FileKind.XML),
        ("\ufeff<?xml".encode("utf-16-le"), FileKind.STATIONXML),
        (bytes(512), FileKind.WAVEFORM),
        (b"Rar!", None),
    ],
)
def test_archives_xml_and_zero_bytes_are_recognized_by_content_alone(head: bytes, kind: FileKind | None) -> None:
    assert sniff_format(head) is kind


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "head",
    [
        b"*" + 2000 * b"\n" + b"x",
        b"#" + 2000 * b" \n" + b"x",
        b"#\n" + 4000 * b"\n",
        b"* *" + 2000 * b" *",
        b".".join(6 * [600 * b"1"]) + b"-12345",
        b"1.5" + 3000 * b" " + b"x-12345",
        4000 * b" " + b"<",
        4000 * b"\0" + b"x",
    ],
)
def test_no_first_bytes_keep_the_recognition_busy(head: bytes) -> None:
    """The API process recognizes uploads too: what took exponential time there stopped the service with sixty bytes."""
    for _ in range(10):
        sniff_format(head)
        classify_file("x", head)
        describe_unsupported(head)
