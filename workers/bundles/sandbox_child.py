"""The process that parses untrusted bytes: few resources, one bundle, then it is gone."""

import contextlib
import os
import resource
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from models.errors import AtlasError, LimitExceeded
from workers.bundles.parse import EventRecords, ReadLimits, Report
from workers.bundles.protocol import RecordSender

Parse = Callable[[Sequence[tuple[str, Path]], ReadLimits, bool, Report], Iterator[EventRecords]]


def run_child(connection: socket.socket, files: Sequence[tuple[str, str]], limits: ReadLimits, grouped: bool, parse: Parse) -> None:
    """Parse and send; what goes wrong is sent too, and what cannot be sent the parent reads off the exit."""
    parts = [(name, Path(path)) for name, path in files]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_follow_parent, daemon=True).start()
    confine(limits)
    _silence()
    sender = RecordSender(connection)
    with contextlib.suppress(ConnectionError), connection:  # a parent that has gone wants nothing more
        try:
            for event in parse(parts, limits, grouped, lambda part: sender.message("at", part=part)):
                sender.event(event)
            sender.message("done")
        except AtlasError as error:
            sender.message("error", code=error.code, detail=error.detail, part=error.part)
        except MemoryError:
            detail = f"reading needs more than {limits.memory_bytes // 2**20} MiB of memory"
            sender.message("error", code=LimitExceeded.code, detail=detail, part=None)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # libraries raise anything on damaged input; the parent's log tells which
            kind = "gone" if _is_gone(error, parts) else "failed"
            sender.message(kind, detail=type(error).__name__, trace="".join(traceback.format_exception(error)))


def _is_gone(error: Exception, parts: Sequence[tuple[str, Path]]) -> bool:
    """Whether it is an upload's file that could not be opened, which says nothing of what is in it."""
    return isinstance(error, OSError) and error.filename is not None and Path(error.filename) in [path for _, path in parts]


def confine(limits: ReadLimits) -> None:
    """Lower this process's limits, for good."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it has nothing to write


def _silence() -> None:
    """Native libraries print what they find in headers: it must not stand in the log as if it were ours (H26)."""
    with open(os.devnull, "r+b", buffering=0) as nowhere:  # a descriptor is wanted, not a path
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)


def _follow_parent() -> None:
    """End with the worker, also in the midst of waiting: nobody would kill this process then."""
    parent = parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
