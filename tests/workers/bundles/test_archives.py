"""Files of archives, hostile archives above all."""

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from models.errors import LimitExceeded, UnreadableArchive
from tests.support import recordings
from workers.bundles.archives import Budget, gunzip, gunzip_head, walk_tar, walk_zip

ESCAPES = ["../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"]


@pytest.fixture
def budget() -> Budget:
    return Budget(max_files=10, max_bytes=50 * 2**20, max_ratio=200.0)


def zip_of(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in members:
            archive.writestr(info, data)
    return path


def tar_of(*members: tarfile.TarInfo) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for info in members:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return stream.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


def test_files_of_a_zip_and_a_tar_are_listed(tmp_path: Path, budget: Budget) -> None:
    files = {"a_dot_mseed": b"one", "folder__b_dot_mseed": b"two" * 2000}
    (tmp_path / "a.zip").write_bytes(recordings.zipped(**files))
    for entries in (walk_zip(tmp_path / "a.zip", "a", budget), walk_tar(recordings.tarred(**files), "a", budget)):
        listed = list(entries)
        assert [str(entry.path) for entry in listed] == ["a.mseed", "folder/b.mseed"]
        assert listed[0].head == b"one"
        assert listed[1].load() == b"two" * 2000


@pytest.mark.parametrize("name", ESCAPES)
def test_paths_outside_the_archive_are_refused(tmp_path: Path, budget: Budget, name: str) -> None:
    with pytest.raises(UnreadableArchive, match="points outside"):
        list(walk_zip(zip_of(tmp_path / "a.zip", (name, b"x")), "a.zip", budget))
    with pytest.raises(UnreadableArchive, match="points outside"):
        list(walk_tar(tar_of(member(name)), "a.tar", budget))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_links_and_devices_in_a_tar_are_refused(budget: Budget, kind: bytes) -> None:
    with pytest.raises(UnreadableArchive, match="'inner' is a link") as caught:
        list(walk_tar(tar_of(member("inner", kind, target="/etc/passwd")), "a.tar", budget))
    assert caught.value.part == "a.tar"


def test_links_in_a_zip_are_refused(tmp_path: Path, budget: Budget) -> None:
    info = zipfile.ZipInfo("inner")
    info.external_attr = 0o120777 << 16
    with pytest.raises(UnreadableArchive, match="'inner' is a link"):
        list(walk_zip(zip_of(tmp_path / "a.zip", (info, b"/etc/passwd")), "a.zip", budget))


def test_encryption_and_other_compression_than_deflate_are_refused(tmp_path: Path, budget: Budget) -> None:
    path = zip_of(tmp_path / "a.zip", ("x", b"y" * 100))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UnreadableArchive, match="encrypted"):
        list(walk_zip(path, "a.zip", budget))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x", b"y" * 100)
    with pytest.raises(UnreadableArchive, match="deflate"):
        list(walk_zip(path, "a.zip", budget))


def test_a_zip_bomb_is_refused_by_its_declared_sizes(tmp_path: Path, budget: Budget) -> None:
    with pytest.raises(LimitExceeded, match="200 times"):
        next(walk_zip(zip_of(tmp_path / "a.zip", ("x", bytes(40 * 2**20))), "a.zip", budget))
    with pytest.raises(LimitExceeded, match="unpacks to more"):
        next(walk_zip(zip_of(tmp_path / "a.zip", ("x", bytes(60 * 2**20))), "a.zip", budget))


def test_a_zip_that_declares_a_smaller_size_is_damaged(tmp_path: Path, budget: Budget) -> None:
    path = zip_of(tmp_path / "a.zip", ("x", bytes(8 * 2**20)))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(UnreadableArchive, match="damaged"):
        next(walk_zip(path, "a.zip", budget)).load()


def test_a_gzip_bomb_is_stopped_while_it_unpacks(budget: Budget) -> None:
    bomb = recordings.gzipped(bytes(45 * 2**20))
    with pytest.raises(LimitExceeded, match="200 times"):
        gunzip(bomb, "a.gz", budget)
    with pytest.raises(LimitExceeded, match="unpacks to more"):
        gunzip(bomb, "a.gz", Budget(1, 2**21, 1e6))


def test_the_expansion_of_small_files_is_not_limited(budget: Budget) -> None:
    assert gunzip(recordings.gzipped(bytes(900_000)), "a.gz", budget) == bytes(900_000)


def test_files_and_bytes_are_counted_over_all_archives(tmp_path: Path, budget: Budget) -> None:
    six = {f"f{number}": b"x" for number in range(6)}
    assert len(list(walk_tar(recordings.tarred(**six), "a.tar", budget))) == 6
    with pytest.raises(LimitExceeded, match="more than 10 files"):
        list(walk_tar(recordings.tarred(**six), "b.tar", budget))
    small = Budget(10, 1500, 200.0)
    entries = list(walk_tar(recordings.tarred(a=bytes(1000), b=bytes(1000)), "a.tar", small))
    entries[0].load()
    with pytest.raises(LimitExceeded, match="more than 1,500 bytes"):
        entries[1].load()


@pytest.mark.parametrize("cut", [10, 60, -30])
def test_damaged_archives_are_unreadable(tmp_path: Path, budget: Budget, cut: int) -> None:
    (tmp_path / "a.zip").write_bytes(recordings.zipped(a=b"x" * 1000)[:cut])
    with pytest.raises(UnreadableArchive):
        list(walk_zip(tmp_path / "a.zip", "a", budget))
    with pytest.raises(UnreadableArchive) as caught:
        gunzip(recordings.gzipped(bytes(range(256)) * 20)[:cut], "a", budget)
    assert caught.value.part == "a"


def test_an_archive_that_cannot_be_opened_is_named_by_its_part_and_not_its_path(tmp_path: Path, budget: Budget) -> None:
    with pytest.raises(UnreadableArchive) as caught:
        list(walk_zip(tmp_path / "gone", "part-a", budget))
    assert str(tmp_path) not in caught.value.detail
    assert "part-a" in caught.value.detail


def test_a_tar_with_a_broken_header_is_unreadable(budget: Budget) -> None:
    with pytest.raises(UnreadableArchive):
        list(walk_tar(recordings.tarred(a=b"x" * 1000)[:300], "a", budget))


def test_the_head_of_a_gzip_needs_only_its_first_bytes() -> None:
    assert gunzip_head(recordings.gzipped(b"MS\x03" + bytes(100_000))[:50]).startswith(b"MS\x03")
    assert gunzip_head(b"\x1f\x8bnonsense") == b""
