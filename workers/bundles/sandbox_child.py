"""The process that parses one bundle of untrusted bytes, under resource limits, and sends its events to the parent."""

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
from workers.bundles.parse import EventRecords, ReadLimits, ReportFile
from workers.bundles.protocol import RecordSender

Parse = Callable[[Sequence[tuple[str, Path]], ReadLimits, bool, ReportFile], Iterator[EventRecords]]


def run_child(connection: socket.socket, files: Sequence[tuple[str, str]], limits: ReadLimits, grouped: bool, parse: Parse) -> None:
    """
    Parse a bundle and send its events, or the error that ends the parsing, over the connection.

    Parameters
    ----------
    connection
        Socket to the parent; closed at the end.
    files
        Names and paths of the uploaded files.
    limits
        Limits of the bundle and of this process.
    grouped, parse
        As in `sandbox.parse_in_sandbox`.

    """
    parts = [(name, Path(path)) for name, path in files]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is sent to the whole process group; the parent decides
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    set_resource_limits(limits)
    _discard_output()
    sender = RecordSender(connection)
    with contextlib.suppress(ConnectionError), connection:  # the parent may have stopped early
        try:
            for event in parse(parts, limits, grouped, lambda part: sender.send_message("part", part=part)):
                sender.send_event(event)
            sender.send_message("done")
        except AtlasError as error:
            sender.send_message("error", code=error.code, detail=error.detail, part=error.part)
        except MemoryError:
            detail = f"parsing needs more than {limits.memory_bytes // 2**20} MiB of memory"
            sender.send_message("error", code=LimitExceeded.code, detail=detail, part=None)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  # parsers raise any exception on damaged input; the parent logs the traceback
            kind = "missing" if _is_missing_upload(error, parts) else "failed"
            sender.send_message(kind, detail=type(error).__name__, trace="".join(traceback.format_exception(error)))


def _is_missing_upload(error: Exception, parts: Sequence[tuple[str, Path]]) -> bool:
    """Return whether the error is an uploaded file that could not be opened, for which its content is not to blame."""
    return isinstance(error, OSError) and error.filename is not None and Path(error.filename) in [path for _, path in parts]


def set_resource_limits(limits: ReadLimits) -> None:
    """Limit this process's memory and CPU time irrevocably, and forbid writing files and core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _discard_output() -> None:
    """
    Redirect standard output and error to /dev/null.

    Native libraries print header bytes, which could forge log lines (hazard H26 of `docs/explanation/security.md`).
    """
    with open(os.devnull, "r+b", buffering=0) as devnull:  # a descriptor is needed, not a path
        for descriptor in (1, 2):
            os.dup2(devnull.fileno(), descriptor)


def _exit_with_parent() -> None:
    """End this process when the worker ends, which could not kill it any more."""
    parent = parent_process()
    if parent:
        wait([parent.sentinel])
        os._exit(1)
