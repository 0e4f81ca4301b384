"""Damage of the embedded queue's files, and restoring them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from workers.queue.connection import connect
from workers.queue.damage import read_damage
from workers.runtime.append_only_file import find_intact_bytes, repair_append_only_files
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings

KEYS = [f"key-{number}" for number in range(20)]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue folder with twenty keys, whose server has ended, and a snapshot of them."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("written"))
    with EmbeddedQueue(settings), connect(settings) as redis:
        for key in KEYS:
            redis.set(key, "x" * 100)
        redis.save()
    return settings.data_dir / "queue"


@pytest.fixture
def settings(written: Path, tmp_path: Path) -> Settings:
    """Settings of a copy of the written folder."""
    shutil.copytree(written, tmp_path / "queue", ignore=shutil.ignore_patterns("*.sock"))
    return Settings(data_dir=tmp_path)


def append_only_file(settings: Settings) -> Path:
    (path,) = (settings.data_dir / "queue" / "appendonlydir").glob("*.incr.aof")
    return path


def present_keys(settings: Settings) -> Iterator[str]:
    with EmbeddedQueue(settings), connect(settings) as redis:
        yield from (key for key in KEYS if redis.exists(key))


def test_an_intact_file_is_left_as_it_is(settings: Settings):
    path = append_only_file(settings)
    before = path.read_bytes()
    assert find_intact_bytes(path) == len(before)
    repair_append_only_files(path.parents[1])
    assert path.read_bytes() == before
    assert list(present_keys(settings)) == KEYS
    assert read_damage(path.parents[1]) is None


@pytest.mark.parametrize("ending", [b"*3\r\n$3\r\nSET\r\n$5\r\nkey-", b"*3\r\n$", bytes(500)], ids=["cut", "cut early", "zeros"])
def test_an_unfinished_last_write_is_cut_off_and_no_damage(settings: Settings, ending: bytes):
    path = append_only_file(settings)
    with path.open("ab") as file:
        file.write(ending)
    assert list(present_keys(settings)) == KEYS
    assert read_damage(path.parents[1]) is None


@pytest.mark.parametrize("change", [(b"$100\r\n", b"$999999\r\n"), (b"*3\r\n$3\r\nSET", b"?3\r\n$3\r\nSET")], ids=["length", "array"])
def test_damage_in_the_middle_is_recorded_and_a_copy_kept(settings: Settings, change: tuple[bytes, bytes]):
    """The server alone would take the first for an unfinished last write and lose what follows without a word."""
    path = append_only_file(settings)
    data = path.read_bytes()
    at = data.index(change[0], len(data) // 2)
    path.write_bytes(data[:at] + change[1] + data[at + len(change[0]) :])
    damaged = path.read_bytes()
    left = list(present_keys(settings))
    assert 5 < len(left) < 15
    assert left == KEYS[: len(left)]
    damage = read_damage(path.parents[1])
    assert damage is not None
    assert damage.lost_bytes > 100
    assert (path.parents[1] / damage.copy_in / path.name).read_bytes() == damaged


def test_a_snapshot_is_restored_as_the_base_of_an_append_only_file(written: Path, tmp_path: Path):
    """As docs/how-to/operate.md says."""
    folder = tmp_path / "queue" / "appendonlydir"
    folder.mkdir(parents=True)
    shutil.copy(written / "dump.rdb", folder / "appendonly.aof.1.base.rdb")
    (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.base.rdb seq 1 type b\n")
    settings = Settings(data_dir=tmp_path)
    assert list(present_keys(settings)) == KEYS
    with EmbeddedQueue(settings), connect(settings) as redis:
        assert isinstance(redis, Redis)
        redis.set("later", "1")
    with EmbeddedQueue(settings), connect(settings) as redis:
        assert redis.get("later") == b"1"
