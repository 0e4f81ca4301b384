"""Bundles read in a child process with limits on memory, CPU and time; a crash or a hang there is an error here."""

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
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import BinaryIO

import structlog

from models import errors
from models.errors import AtlasError, LimitExceeded, UnreadableWaveform
from workers.bundles.parse import EventRecords, ReadLimits, parse_bundle
from workers.bundles.protocol import RecordReceiver
from workers.bundles.sandbox_child import Parse, run_child
from workers.bundles.tempdirs import tempdir_prefix
from workers.queue.lifecycle import Interrupted
from workers.settings import Settings
from workers.storage.blobs import StoreUnreachable

Source = bytes | str | Path | Callable[[], BinaryIO]
"""A part's content: bytes, the path of a file, or what opens it for reading."""

_HARMLESS = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_LIBRARY_PATH|PYTHON\w+|(OMP|OPENBLAS|MKL|NUMBA)_\w+|COV\w+")
"""Variables that a parser may have."""

_MAX_TRACEBACK = 8_000

_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM, 255)
"""Exits that no bundle brings about: somebody's kill, the kernel's for want of memory, or (255) a lost server of children."""

REAP_S = 5.0
"""Seconds given to a process that was killed or has closed its end, to be gone."""


def parse_in_sandbox(
    parts: Sequence[tuple[str, Source]], settings: Settings, *, grouped: bool, parse: Parse = parse_bundle
) -> Generator[EventRecords]:
    """
    The events of a bundle, one after the other while they are parsed: a single one unless `grouped`.

    Raises LimitExceeded over any limit, the parser's own errors, UnreadableWaveform where the parser crashes, Interrupted where
    it was killed by others, and StoreUnreachable where a part's file has gone. The seconds that the caller takes between events
    do not count. `parse` is what runs in the child, by its importable name.
    """
    with _files(parts) as files, _child(files, settings, grouped, parse) as (child, connection):
        at: list[str | None] = [files[0][0] if len(files) == 1 else None]
        receiver = RecordReceiver(connection, settings.reader_wall_s, settings.max_samples)
        try:
            yield from _events(receiver, at)
        except TimeoutError as error:
            raise LimitExceeded(f"reading took longer than {settings.reader_wall_s:g} s", part=at[0]) from error
        except EOFError as error:
            raise _epitaph(child, settings, at[0]) from error
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableWaveform("what was read of it makes no sense: it is damaged, or made to mislead", part=at[0]) from error


def parse_event_in_sandbox(parts: Sequence[tuple[str, Source]], settings: Settings) -> EventRecords:
    """All parts as one event."""
    with closing(parse_in_sandbox(parts, settings, grouped=False)) as events:
        return next(events)


def start_sandbox_server() -> None:
    """Start the process that the children are forked from, so that the first bundle does not wait for its imports."""
    _context()


def _context() -> ForkServerContext:
    """
    Children are forked from a server that has imported the parsers and run nothing.

    The worker itself is no place to fork from: it has threads and models open (H22). The server ends with the worker.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["workers.bundles.sandbox_child"])
    with _bare_environment():
        ensure_running()
    return context


@contextmanager
def _bare_environment() -> Iterator[None]:
    """
    What is started meanwhile inherits nothing but harmless variables: the queue's password is none of a parser's business.

    For the process as a whole, so it is looked at first whether anything has to be started.
    """
    if _server_runs():
        yield
        return
    kept = dict(os.environ)
    for name in kept:
        if not _HARMLESS.fullmatch(name):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(kept)


def _server_runs() -> bool:
    """Whether the server of children is there and alive."""
    pid = getattr(forkserver._forkserver, "_forkserver_pid", None)  # nothing public tells
    try:
        return pid is not None and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return False


@contextmanager
def _child(
    files: Sequence[tuple[str, str]], settings: Settings, grouped: bool, parse: Parse
) -> Iterator[tuple[ForkServerProcess, socket.socket]]:
    """A running child and the connection to it; both are gone when the block ends."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            child = _context().Process(target=run_child, args=(theirs, files, _limits(settings), grouped, parse), daemon=True)
            try:
                child.start()
            except (OSError, EOFError) as error:
                raise Interrupted("the server of parsers was lost") from error
        try:
            yield child, ours
        finally:
            ours.close()
            child.kill()
            child.join(REAP_S)


def _events(receiver: RecordReceiver, at: list[str | None]) -> Iterator[EventRecords]:
    while True:
        message = receiver.message()
        match message["kind"]:
            case "event":
                yield receiver.event(message)
            case "at":
                at[0] = str(message["part"])
            case "error":
                raise _kind_of_error(message["code"])(str(message["detail"]), part=message["part"] or at[0])
            case "failed":
                structlog.get_logger("atlas").warning("the parser failed", part=at[0], trace=str(message["trace"])[:_MAX_TRACEBACK])
                raise UnreadableWaveform(f"it is damaged in a way that cannot be read ({message['detail']})", part=at[0])
            case "gone":
                raise StoreUnreachable("an upload is not to be opened any more", part=at[0])
            case "done":
                return
            case _:
                raise ValueError("a message of no known kind")


def _kind_of_error(code: str) -> type[AtlasError]:
    """The class in models.errors that has the code; raises KeyError."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AtlasError))
    return {kind.code: kind for kind in kinds}[code]


def _epitaph(child: ForkServerProcess, settings: Settings, part: str | None) -> AtlasError:
    """What the exit of a child that said nothing tells."""
    child.join(REAP_S)
    if child.exitcode == -signal.SIGXCPU:
        return LimitExceeded(f"reading took more than {settings.reader_cpu_s} s of CPU time", part=part)
    if child.exitcode in _FROM_OUTSIDE:
        return Interrupted(f"the reading was ended from outside ({_signal_name(child.exitcode)})", part=part)
    return UnreadableWaveform(f"it is damaged in a way that ended its reading ({_signal_name(child.exitcode)})", part=part)


def _signal_name(exitcode: int | None) -> str:
    return signal.Signals(-exitcode).name if exitcode is not None and exitcode < 0 else f"exit code {exitcode}"


def _limits(settings: Settings) -> ReadLimits:
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
    )


@contextmanager
def _files(parts: Sequence[tuple[str, Source]]) -> Iterator[list[tuple[str, str]]]:
    """The parts as files that the child opens; what is no file yet lies in a temporary folder meanwhile."""
    with tempfile.TemporaryDirectory(prefix=tempdir_prefix(os.getpid())) as folder:
        yield [(name, _file(source, f"{folder}/{number}")) for number, (name, source) in enumerate(parts)]


def _file(source: Source, path: str) -> str:
    """Paths are text here: names that are new with every job would stay in pathlib for good (`workers.storage.blobs`)."""
    if isinstance(source, str | Path):
        return os.path.realpath(source)
    with io.BytesIO(source) if isinstance(source, bytes) else source() as stream, open(path, "wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    return path
