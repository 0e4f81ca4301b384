"""Parsing of bundles in a child process with limits of memory, CPU and time; its crash or hang becomes an exception here."""

import io
import multiprocessing
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import BinaryIO

import structlog

from models import errors
from models.errors import AtlasError, LimitExceeded, UnreadableWaveform
from models.seismic.io.volume import WHOLE, TimeWindow
from workers.bundles.parse import EventRecords, ReadLimits, parse_bundle
from workers.bundles.protocol import RecordReceiver
from workers.bundles.sandbox_child import Parse, run_child
from workers.bundles.tempdirs import tempdir_prefix
from workers.queue.lifecycle import Interrupted
from workers.settings import Settings
from workers.storage.blobs import StoreUnreachable

Source = bytes | str | Path | Callable[[], BinaryIO]
"""Content of a part: bytes, the path of a file, or a function that opens it for reading."""

_ALLOWED_VARIABLES = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|PYTHON\w+|(OMP|OPENBLAS|MKL|NUMBA)_\w+|COV\w+")
"""Environment variables that the parsing process inherits; none of them holds a secret."""

_MAX_TRACEBACK = 8_000

_EXTERNAL_EXITS = (-signal.SIGKILL, -signal.SIGTERM, 255)
"""Exit codes that no bundle causes: killed by a user or by the kernel for lack of memory, or (255) the fork server was lost."""

REAP_S = 5.0
"""Seconds to wait for the end of a child that was killed or has closed its connection."""


def parse_in_sandbox(
    parts: Sequence[tuple[str, Source]],
    settings: Settings,
    *,
    grouped: bool,
    parse: Parse = parse_bundle,
    window: TimeWindow = WHOLE,
    horizontals: bool = False,
    report_loss: Callable[[str], None] = lambda _reason: None,
) -> Generator[EventRecords]:
    """
    Parse a bundle in a child process, yielding its events while they are parsed.

    Parameters
    ----------
    parts
        Names and contents of the uploaded files.
    settings
        Limits of the bundle and of the child process. The time that the caller takes between events does not count.
    grouped
        Parse many events; else all parts are one event.
    parse
        The function that runs in the child, which imports it by name.
    window
        Samples outside are not read.
    horizontals
        Read the horizontal components of many events, too; those of a single one always are.
    report_loss
        Called with the reason where the child was ended: `time`, `cpu`, `killed` from outside, or `crash`.

    Raises LimitExceeded over any limit, those on memory, CPU and wall-clock time of the child included, UnreadableWaveform where the child
    crashed or sent a malformed message, Interrupted where it was killed from outside, StoreUnreachable where the file of a part could not
    be opened, and the errors of `parse`.

    """
    limits = replace(read_limits(settings, window), horizontals=horizontals)
    with as_files(parts) as files, _start_child(files, limits, grouped, parse) as (child, connection):
        current: list[str | None] = [files[0][0] if len(files) == 1 else None]
        receiver = RecordReceiver(connection, settings.reader_wall_s, settings.max_samples)
        with _translate_errors(child, settings, current, report_loss):
            yield from _receive_events(receiver, current)


def parse_event_in_sandbox(
    parts: Sequence[tuple[str, Source]],
    settings: Settings,
    window: TimeWindow = WHOLE,
    report_loss: Callable[[str], None] = lambda _reason: None,
) -> EventRecords:
    """Parse all parts as one event, cut to a window, in a child process; raises what `parse_in_sandbox` raises."""
    with closing(parse_in_sandbox(parts, settings, grouped=False, window=window, report_loss=report_loss)) as events:
        return next(events)


def start_sandbox_server() -> None:
    """Start the fork server of the parsing children, so that the first bundle does not wait for its imports."""
    _fork_server_context()


def _fork_server_context() -> ForkServerContext:
    """
    Return the multiprocessing context whose fork server has imported the parsers and run nothing else.

    The worker itself must not fork, because it has threads and open models (hazard H22 of `docs/explanation/security.md`). The server ends
    with the worker.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workers.bundles.sandbox_child"])
    with _clean_environment():
        ensure_running()
    return context


@contextmanager
def _clean_environment() -> Iterator[None]:
    """
    Remove all but the allowed environment variables inside the block, so that the fork server inherits no password.

    This changes the environment of the whole process, so it is only done if the server has to be started.
    """
    if _is_server_running():
        yield
        return
    original = dict(os.environ)
    for name in original:
        if not _ALLOWED_VARIABLES.fullmatch(name):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(original)


def _is_server_running() -> bool:
    """Return whether the fork server is alive."""
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)  # there is no public accessor
    try:
        return pid is not None and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


@contextmanager
def _start_child(
    files: Sequence[tuple[str, str]], limits: ReadLimits, grouped: bool, parse: Parse
) -> Iterator[tuple[ForkServerProcess, socket.socket]]:
    """Start a parsing child and yield it with the connection to it; the block's end closes the connection and kills the child."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = _fork_server_context().Process(target=run_child, args=(theirs, files, limits, grouped, parse), daemon=True)
            try:
                child.start()
            except (OSError, EOFError) as error:
                raise Interrupted("the fork server of parsing processes was lost") from error
        try:
            yield child, ours
        finally:
            ours.close()
            child.kill()
            child.join(REAP_S)


def _receive_events(receiver: RecordReceiver, current: list[str | None]) -> Iterator[EventRecords]:
    """Yield the events that the child sends, and keep in `current` [1] the label of the file that it parses."""
    while True:
        message = receiver.receive_message()
        match message["kind"]:
            case "event":
                yield receiver.receive_event(message)
            case "part":
                current[0] = str(message["part"])
            case "error":
                raise _error_class(message["code"])(str(message["detail"]), part=message["part"] or current[0])
            case "failed":
                structlog.get_logger("atlas").warning("the parser failed", part=current[0], trace=str(message["trace"])[:_MAX_TRACEBACK])
                raise UnreadableWaveform(f"the file is damaged, the parser failed ({message['detail']})", part=current[0])
            case "missing":
                raise StoreUnreachable("an upload could not be opened", part=current[0])
            case "done":
                return
            case _:
                raise ValueError("unknown kind of message")


@contextmanager
def _translate_errors(
    child: ForkServerProcess, settings: Settings, current: list[str | None], report_loss: Callable[[str], None]
) -> Iterator[None]:
    """Raise the errors of receiving from a child as errors of the bundle, with the label in `current` [1], and report a lost child."""
    try:
        yield
    except TimeoutError as error:
        report_loss("time")
        raise LimitExceeded(f"parsing took longer than {settings.reader_wall_s:g} s", part=current[0]) from error
    except EOFError as error:
        raise _error_from_exit(child, settings, current[0], report_loss) from error
    except (ValueError, KeyError, TypeError) as error:
        detail = "the parser returned a malformed result: the file is damaged, or crafted to attack the parser"
        raise UnreadableWaveform(detail, part=current[0]) from error


def _error_class(code: str) -> type[AtlasError]:
    """Return the class in models.errors with that code; raises KeyError."""
    classes = (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AtlasError))
    return {kind.code: kind for kind in classes}[code]


def _error_from_exit(child: ForkServerProcess, settings: Settings, part: str | None, report_loss: Callable[[str], None]) -> AtlasError:
    """Derive the error of a child that ended without a message from its exit code, and report its loss."""
    child.join(REAP_S)
    if child.exitcode == -signal.SIGXCPU:
        report_loss("cpu")
        return LimitExceeded(f"parsing took more than {settings.reader_cpu_s} s of CPU time", part=part)
    if child.exitcode in _EXTERNAL_EXITS:
        report_loss("killed")
        return Interrupted(f"the parsing process was killed from outside ({_signal_name(child.exitcode)})", part=part)
    report_loss("crash")
    return UnreadableWaveform(f"the file is damaged, the parser crashed ({_signal_name(child.exitcode)})", part=part)


def _signal_name(exitcode: int | None) -> str:
    return signal.Signals(-exitcode).name if exitcode is not None and exitcode < 0 else f"exit code {exitcode}"


def read_limits(settings: Settings, window: TimeWindow = WHOLE) -> ReadLimits:
    """Return the limits of a bundle and of the parsing process from the settings, and the window to read."""
    return ReadLimits(
        max_files=settings.max_files,
        max_unpacked_bytes=settings.max_unpacked_bytes,
        max_expansion_ratio=settings.max_expansion_ratio,
        max_events=settings.max_events,
        max_traces=settings.max_traces,
        max_segments=settings.max_segments,
        max_samples=settings.max_samples,
        max_span_s=settings.max_span_s,
        max_metadata_bytes=settings.max_metadata_bytes,
        memory_bytes=settings.reader_memory_bytes,
        cpu_s=settings.reader_cpu_s,
        window=window,
    )


@contextmanager
def as_files(parts: Sequence[tuple[str, Source]]) -> Iterator[list[tuple[str, str]]]:
    """Yield the parts' names with paths of local files; other sources are copied to a temporary folder during the block."""
    with tempfile.TemporaryDirectory(prefix=tempdir_prefix(os.getpid())) as folder:
        yield [(name, _as_file(source, f"{folder}/{number}")) for number, (name, source) in enumerate(parts)]


def _as_file(source: Source, path: str) -> str:
    """Return the path of a local file with the content. Paths are strings: pathlib interns names, and Python 3.12 never frees them."""
    if isinstance(source, str | Path):
        return os.path.realpath(source)
    with io.BytesIO(source) if isinstance(source, bytes) else source() as stream, open(path, "wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    return path
