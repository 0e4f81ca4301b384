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
from workers.parsing import EventRecords, ReadLimits, Report
from workers.wire import Sender

Parse = Callable[[Sequence[tuple[str, Path]], ReadLimits, bool, Report], Iterator[EventRecords]]


def run(connection: socket.socket, parts: Sequence[tuple[str, Path]], limits: ReadLimits, grouped: bool, parse: Parse) -> None:
    """Parse and send; what goes wrong is sent too, and what cannot be sent the parent reads off the exit."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    threading.Thread(target=_follow_parent, daemon=True).start()
    confine(limits)
    sender = Sender(connection)
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
        except Exception as error:  # noqa: BLE001  # libraries raise anything on damaged input; the log tells which
            traceback.print_exc()
            sender.message("failed", detail=type(error).__name__)


def confine(limits: ReadLimits) -> None:
    """Lower this process's limits, for good."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _follow_parent() -> None:
    """End with the worker, also in the midst of waiting: nobody would kill this process then."""
    parent = parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
