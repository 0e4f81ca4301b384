"""Parsers that misbehave, for the child process to run by their importable names."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.parsing import EventRecords, ReadLimits, Report

Parts = Sequence[tuple[str, Path]]


def aborts(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Dies as a native library does."""
    report(parts[0][0])
    os.abort()
    yield EventRecords("never", (), ())


def hangs(parts: Parts, limits: ReadLimits, grouped: bool, report: Report) -> Iterator[EventRecords]:
    """Waits without using the processor, its process id in a file."""
    report(parts[0][0])
    (parts[0][1].parent / "pid.tmp").write_text(str(os.getpid()))
    (parts[0][1].parent / "pid.tmp").rename(parts[0][1].parent / "pid")
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
