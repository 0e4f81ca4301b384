"""The embedded queue server: durable, private, one a data folder."""

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from workers.queue.connection import connect, queue_socket
from workers.runtime.embedded_queue import DataFolderInUse, EmbeddedQueue, EmbeddedQueueFailed, _find_binary
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
HOST_OF_A_SERVER = """
import os, sys
from pathlib import Path
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.settings import Settings
queue = EmbeddedQueue(Settings(data_dir=Path(sys.argv[1])))
queue.start()
print(queue._process.pid, flush=True)
sys.stdin.read()
"""


def test_a_write_survives_a_kill_of_the_server(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    client = connect(settings)
    queue = EmbeddedQueue(settings)
    with queue:
        client.set("key", "kept")
        assert queue._process is not None
        queue._process.kill()
        queue._process.wait()
        assert not queue.is_running()
    with EmbeddedQueue(settings):
        assert client.get("key") == b"kept"
    client.close()


def test_the_server_is_reachable_for_its_user_only(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    client = connect(settings)
    with EmbeddedQueue(settings):
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert stat.S_IMODE(queue_socket(settings).stat().st_mode) == 0o700
        assert stat.S_IMODE(queue_socket(settings).parent.stat().st_mode) == 0o700
    client.close()


def test_a_deep_data_folder_works(tmp_path: Path):
    settings = Settings(data_dir=tmp_path / ("deep" * 30))
    client = connect(settings)
    with EmbeddedQueue(settings):
        assert client.ping()
    client.close()
    queue_socket(settings).parent.rmdir()


def test_a_second_instance_on_the_same_folder_is_refused(tmp_path: Path):
    settings = Settings(data_dir=tmp_path)
    with EmbeddedQueue(settings):
        second = EmbeddedQueue(settings)
        with pytest.raises(DataFolderInUse):
            second.start()
        second.stop()
    with EmbeddedQueue(settings):
        pass


def test_a_server_that_cannot_start_raises(tmp_path: Path):
    """The server's append-only folder exists as a file."""
    folder = tmp_path / "queue"
    folder.mkdir()
    (folder / "appendonlydir").write_bytes(b"")
    with pytest.raises(EmbeddedQueueFailed, match=r"\d+ MiB are free"):
        EmbeddedQueue(Settings(data_dir=tmp_path)).start()


def test_a_server_of_the_system_is_run_in_place_of_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "bin" / "valkey-server"
    program.parent.mkdir()
    shutil.copy(_find_binary(Settings()), program)
    monkeypatch.setenv("PATH", str(program.parent))
    settings = Settings(data_dir=tmp_path, queue_binary=Path("valkey-server"))
    with EmbeddedQueue(settings), connect(settings) as redis:
        assert redis.info("server")["executable"] == str(program)


def test_a_server_of_the_system_is_called_by_its_own_name(tmp_path: Path):
    """On Debian `redis-server` is a link to `redis-check-rdb`: one program, which looks at the name that it was called by."""
    program, link = tmp_path / "redis-check-rdb", tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    link.symlink_to(program)
    assert _find_binary(Settings(queue_binary=link)) == link


def test_a_server_of_the_system_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(EmbeddedQueueFailed, match="no-such-server"):
        EmbeddedQueue(Settings(data_dir=tmp_path, queue_binary=Path("no-such-server"))).start()


def test_the_server_ends_with_a_killed_parent(tmp_path: Path):
    host = subprocess.Popen(
        [sys.executable, "-c", HOST_OF_A_SERVER, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    assert host.stdin is not None
    server = os.pidfd_open(int(host.stdout.readline()))
    host.send_signal(signal.SIGKILL)
    host.wait()
    host.stdin.close()
    host.stdout.close()
    assert has_ended(server, 5.0)
    with EmbeddedQueue(Settings(data_dir=tmp_path)):
        pass


def has_ended(pidfd: int, within_s: float) -> bool:
    """Whether the process ends within that time."""
    try:
        return bool(select.select([pidfd], [], [], within_s)[0])
    finally:
        os.close(pidfd)
