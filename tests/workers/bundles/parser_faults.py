"""Parsers that misbehave, for the child process to run by their importable names."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.bundles.parse import EventRecords, ReadLimits, Report

Parts = Sequence[tuple[str, Path]]


def aborts(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Dies as a native library does."""
    report(parts[0][0])
    os.abort()
    yield EventRecords("never", (), ())


def is_killed(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Dies as a process does that the kernel has no memory for."""
    report(parts[0][0])
    os.kill(os.getpid(), signal.SIGKILL)
    yield EventRecords("never", (), ())


def loses_its_server(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Goes with the process that it was forked from, which would have told how it ended."""
    report(parts[0][0])
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    yield EventRecords("never", (), ())


def hangs(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Waits without using the processor, its process id in the name of a file (into files it cannot write)."""
    report(parts[0][0])
    (parts[0][1].parent / f"pid-{os.getpid()}").touch()
    time.sleep(1000)
    yield EventRecords("never", (), ())


def spins(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Uses the processor for ever."""
    report(parts[0][0])
    while True:
        pass
    yield EventRecords("never", (), ())


def devours(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Asks for more memory than there may be."""
    yield EventRecords("big", (), ()) if bytearray(limits.memory_bytes) else EventRecords("never", (), ())


def stumbles(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Raises what nobody thought of, after a first event."""
    yield EventRecords("first", (), ())
    report(parts[0][0])
    raise ZeroDivisionError


def lies(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Sends what is no message: the report's text is the only thing a parser can put on the wire."""
    report(parts[0][0])
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff\xff\xff\xff")
        except OSError:
            continue
    yield EventRecords("never", (), ())


def works(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Yields many events without data."""
    for number in range(1000):
        yield EventRecords(str(number), (), ())


def looks_around(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Names its events after all that its environment holds, now and when its process began."""
    yield EventRecords("\n".join(f"{name}={value}" for name, value in os.environ.items()), (), ())
    yield EventRecords(Path("/proc/self/environ").read_text(), (), ())


def writes(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Writes to the disk, and to where the log goes."""
    os.write(2, b"forged\n")
    try:
        (parts[0][1].parent / "dropped").write_bytes(b"x")
    except OSError as error:
        yield EventRecords(type(error).__name__, (), ())


def raises_forgery(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Its error holds what it read, and that looks like a line of the log."""
    yield EventRecords("first", (), ())
    raise RuntimeError('header\n{"event": "forged"}')
