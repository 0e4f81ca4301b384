"""Hostile bundles, generated for each run; each is a list of parts (name, bytes)."""

import gzip
import io
import struct
import tarfile
import zipfile
from typing import NamedTuple

import numpy as np

from tests.support import recordings

Parts = list[tuple[str, bytes]]
Z = "XX.AAA.00.LHZ"


class Hostile(NamedTuple):
    """A bundle, the error that refuses it and a part of its text; if there is no error, `expected_text` is the code of a data issue."""

    hazard: str
    parts: Parts
    error: str | None
    expected_text: str


def pickled(target: str) -> bytes:
    """Return a pickle that creates a file, with the bytes by which ObsPy recognizes its own pickles."""
    return b"cposix\nsystem\n(S'touch " + target.encode() + b"'\ntR." + b"obspy.core.stream"


def hostile(target: str) -> dict[str, Hostile]:
    """Return all hostile bundles by name."""
    wave = recordings.miniseed((Z, 0.0, 1.0, recordings.wave()))
    return {
        **_programs(wave, target),
        **_bombs(wave),
        **_archives(wave),
        **_metadata(wave),
        **_headers(wave),
    }


def _programs(wave: bytes, target: str) -> dict[str, Hostile]:
    evil = pickled(target)
    return {
        "pickle as miniSEED": Hostile("H1", [("a.mseed", evil)], "UnreadableWaveform", "no readable miniSEED"),
        "pickle behind a record": Hostile("H1", [("a.mseed", wave + evil)], None, "skipped-bytes"),
        "pickle in an archive": Hostile("H1", [("a.zip", zipped({"a.mseed": evil}))], "UnreadableWaveform", "no readable miniSEED"),
        "address for a name": Hostile("H2", [("http://127.0.0.1:1/a.mseed", b"http://127.0.0.1:1/a")], "UnreadableWaveform", "no readable"),
        "glob for a name": Hostile("H2", [("/etc/*.mseed", b"x")], "UnreadableWaveform", "no readable"),
    }


def _bombs(wave: bytes) -> dict[str, Hostile]:
    ten = recordings.wave(10)
    day = 86_400.0
    zeros = np.zeros(1_000_000, np.int32)
    steim = recordings.miniseed((Z, 0.0, 1000.0, zeros), reclen=4096)
    return {
        "gap bomb": Hostile(
            "H3", [("a.mseed", recordings.miniseed((Z, 0, 1.0, ten), (Z, 300 * day, 1.0, ten)))], "LimitExceeded", "at most"
        ),
        "Steim bomb": Hostile("H4", [("a.mseed", steim)] * 3, "LimitExceeded", "samples in the bundle"),
        "gzip bomb": Hostile("H4", [("a.gz", gzip.compress(bytes(8 * 2**20), 9))], "LimitExceeded", "expands more than"),
        "gzip of Steim": Hostile("H4", [("a.gz", gzip.compress(steim, 9))] * 3, "LimitExceeded", ""),
        "zip bomb": Hostile("H11", [("a.zip", zipped({"a.mseed": bytes(8 * 2**20)}))], "LimitExceeded", "expands more than"),
        "zip that lies of its size": Hostile("H11", [("a.zip", shrunk_zip(wave))], "UnreadableArchive", "damaged"),
        "gzip bomb in a tar": Hostile(
            "H11", [("a.tar", tarred({"a.mseed.gz": gzip.compress(bytes(8 * 2**20), 9)}))], "LimitExceeded", "expands more than"
        ),
        "segments": Hostile("H9", [("a.mseed", _segments())], "LimitExceeded", "segments"),
    }


def _archives(wave: bytes) -> dict[str, Hostile]:
    link, hard, device = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE
    names = {
        "../a.mseed": "..",
        "/etc/cron.d/a.mseed": "absolute",
        "a/../../b.mseed": "dotted",
        "C:\\a.mseed": "drive",
        "..\\a.mseed": "backslash",
    }
    found = {
        f"zip leading out ({how})": Hostile("H11", [("a.zip", zipped({name: wave}))], "UnreadableArchive", "points outside")
        for name, how in names.items()
    }
    found |= {
        f"tar leading out ({how})": Hostile("H11", [("a.tar", tarred({name: wave}))], "UnreadableArchive", "points outside")
        for name, how in names.items()
    }
    for how, kind in (("symbolic link", link), ("hard link", hard), ("device", device), ("pipe", tarfile.FIFOTYPE)):
        found[f"tar with a {how}"] = Hostile("H11", [("a.tar", tarred({"a.mseed": wave}, kind))], "UnreadableArchive", "link")
    return found | {
        "zip in a zip": Hostile(
            "H11", [("a.zip", zipped({"b.zip": zipped({"a.mseed": wave})}))], "UnreadableArchive", "archive in an archive"
        ),
        "tar in a tar.gz": Hostile(
            "H11", [("a.tgz", gzip.compress(tarred({"b.tar": tarred({"a.mseed": wave})})))], "UnreadableArchive", "archive in an archive"
        ),
        "gzip in a gzip": Hostile("H11", [("a.gz", gzip.compress(gzip.compress(wave)))], "UnreadableArchive", "archive in an archive"),
        "zip with a link": Hostile("H11", [("a.zip", linked_zip())], "UnreadableArchive", "link"),
        "zip of too many files": Hostile("H11", [("a.zip", zipped({f"{n}.mseed": b"x" for n in range(300)}))], "LimitExceeded", "files"),
    }


def _metadata(wave: bytes) -> dict[str, Hostile]:
    """With a good waveform beside it, which is read all the same."""
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><FDSNStationXML>&e;</FDSNStationXML>'
    laughs = b'<!ENTITY a0 "ha">' + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12))
    laughing = b"<?xml version='1.0'?><!DOCTYPE x [" + laughs + b"]><FDSNStationXML>&a11;</FDSNStationXML>"
    deep = b"<FDSNStationXML>" + b"<a>" * 100_000
    found = {"XML entity": entity, "billion laughs": laughing, "XML without a floor": deep, "XML of nothing": b"<FDSNStationXML/>"}
    tables = {
        "table with a giant line": b"network,station,latitude,longitude\n" + b"A" * 5_000_000,
        "table of NaN and Inf": b"network,station,latitude,longitude\nXX,AAA,nan,inf\nXX,BBB,1e999,-1e999\n",
        "table of zero bytes": b"network,station,latitude,longitude\n" + bytes(10_000),
    }
    return {
        **{name: Hostile("H10", [("a.mseed", wave), ("s.xml", data)], None, "unreadable-metadata") for name, data in found.items()},
        **{name: Hostile("H6", [("a.mseed", wave), ("s.csv", data)], None, "unreadable-metadata") for name, data in tables.items()},
    }


def _headers(wave: bytes) -> dict[str, Hostile]:
    nothing = np.full(600, np.nan)
    infinite = np.where(np.arange(600) % 2, np.inf, -np.inf)
    third = recordings.miniseed((Z, 0.0, 1.0, recordings.wave()), version=3)
    giant = bytearray(third)
    struct.pack_into("<H", giant, 34, 65_535)  # length of the extra headers
    long = bytearray(third)
    struct.pack_into("<I", long, 36, 2**31 - 1)  # length of the data
    return {
        "NaN": Hostile("H6", [("a.mseed", recordings.miniseed((Z, 0.0, 1.0, nothing)))], "NoUsableTrace", ""),
        "Inf": Hostile("H6", [("a.mseed", recordings.miniseed((Z, 0.0, 1.0, infinite)))], "NoUsableTrace", ""),
        "absurd rate": Hostile("H6", [("a.mseed", recordings.miniseed((Z, 0.0, 1e6, recordings.wave())))], "NoUsableTrace", "Hz"),
        "absurd time": Hostile("H6", [("a.mseed", recordings.miniseed((Z, 5e9, 1.0, recordings.wave())))], "NoUsableTrace", "2100"),
        "giant extra header": Hostile("H5", [("a.mseed", bytes(giant))], None, "skipped-bytes"),
        "giant payload": Hostile("H5", [("a.mseed", bytes(long))], None, "skipped-bytes"),
        "all samples that there can be": Hostile("H5", [("a.mseed", _counted(wave, 0xFFFF))], "LimitExceeded", "at most"),
        "more samples than data": Hostile("H5", [("a.mseed", _counted(wave, 5000))], "NoUsableTrace", "damaged records"),
        "no samples": Hostile("H5", [("a.mseed", _counted(wave, 0))], "NoUsableTrace", "without samples"),
        "zero blocks before data": Hostile("H8", [("a.mseed", bytes(512) * 8 + wave)], None, "skipped-bytes"),
        "countless tiny records": Hostile("H9", [("a.mseed", _tiny(40_000))], "LimitExceeded", "parsing took"),
        "full SEED": Hostile("H7", [("a.seed", b"000001V 0100" + b" " * 500 + wave)], None, "skipped-bytes"),
        "codes that forge a log line": Hostile("H26", [("a.mseed", _coded(wave, b"A\n\x1b["))], "NoUsableTrace", "without proper"),
    }


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive with exactly these names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return stream.getvalue()


def linked_zip() -> bytes:
    """A zip with a symbolic link to /etc/passwd."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        info = zipfile.ZipInfo("a.mseed")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def shrunk_zip(wave: bytes) -> bytes:
    """A zip whose directory states a hundredth of what is in it."""
    data = bytearray(zipped({"a.mseed": wave * 200}))
    central = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, central + 24, len(wave) * 2)
    return bytes(data)


def tarred(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """A tar archive with exactly these names, of one kind of member."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            info.size = len(data) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _segments() -> bytes:
    """A record each, an hour's worth of gaps between."""
    one = recordings.miniseed((Z, 0.0, 1.0, recordings.wave(2)), reclen=128)
    records = []
    for number in range(400):
        record = bytearray(one)
        struct.pack_into(">HHBBBBH", record, 20, 2010, 1, number // 60 % 24, number % 60, 0, 0, 0)
        records.append(bytes(record))
    return b"".join(records)


def _tiny(count: int) -> bytes:
    """Records of miniSEED 3 with no samples and an empty source id: 40 bytes each, checksum and all."""
    header = bytearray(struct.pack("<2sBBIHHBBBBdIIBBHI", b"MS", 3, 0, 0, 2010, 1, 0, 0, 0, 0, 1.0, 0, 0, 1, 0, 0, 0))
    struct.pack_into("<I", header, 28, crc32c(bytes(header)))
    good = recordings.miniseed((Z, 0.0, 1.0, recordings.wave()), version=3)
    return good + bytes(header) * count


def crc32c(data: bytes) -> int:
    """The checksum of miniSEED 3 (Castagnoli), bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def _counted(wave: bytes, count: int) -> bytes:
    """The first record, with another number of samples in its header."""
    record = bytearray(wave[:512])
    struct.pack_into(">H", record, 30, count)
    return bytes(record)


def _coded(wave: bytes, station: bytes) -> bytes:
    """Every record with another station code."""
    data = bytearray(wave)
    for start in range(0, len(data), 512):
        data[start + 8 : start + 13] = station.ljust(5)
    return bytes(data)
