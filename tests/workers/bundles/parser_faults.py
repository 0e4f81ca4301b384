"""Misbehaving parsers, which the child process imports by name."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from workers.bundles.parse import EventRecords, ReadLimits, ReportFile

Parts = Sequence[tuple[str, Path]]


def abort(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Abort, as a crashing native library does."""
    report(parts[0][0])
    os.abort()
    yield EventRecords("never", (), ())


def kill_itself(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Kill this process, as the kernel does when it is out of memory."""
    report(parts[0][0])
    os.kill(os.getpid(), signal.SIGKILL)
    yield EventRecords("never", (), ())


def kill_its_server(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Kill the fork server, which would report the exit code, then this process."""
    report(parts[0][0])
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    yield EventRecords("never", (), ())


def hang(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Sleep, with the process id in the name of an empty file (the child cannot write into files)."""
    report(parts[0][0])
    (parts[0][1].parent / f"pid-{os.getpid()}").touch()
    time.sleep(1000)
    yield EventRecords("never", (), ())


def spin(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Loop without end."""
    report(parts[0][0])
    while True:
        pass
    yield EventRecords("never", (), ())


def exhaust_memory(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Allocate more memory than the limit."""
    yield EventRecords("big", (), ()) if bytearray(limits.memory_bytes) else EventRecords("never", (), ())


def raise_unexpectedly(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Raise an exception that no code expects, after a first event."""
    yield EventRecords("first", (), ())
    report(parts[0][0])
    raise ZeroDivisionError


def send_garbage(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Write bytes to the connection that are not a message."""
    report(parts[0][0])
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff\xff\xff\xff")
        except OSError:
            continue
    yield EventRecords("never", (), ())


def yield_empty_events(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Yield many events without records."""
    for number in range(1000):
        yield EventRecords(str(number), (), ())


def report_environment(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Yield events named after the environment, now and at the start of the process."""
    yield EventRecords("\n".join(f"{name}={value}" for name, value in os.environ.items()), (), ())
    yield EventRecords(Path("/proc/self/environ").read_text(), (), ())


def write_files(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Write to standard error and to a file."""
    os.write(2, b"forged\n")
    try:
        (parts[0][1].parent / "dropped").write_bytes(b"x")
    except OSError as error:
        yield EventRecords(type(error).__name__, (), ())


def raise_log_forgery(parts: Parts, limits: ReadLimits, grouped: bool, report: ReportFile) -> Iterator[EventRecords]:
    """Raise an exception whose text looks like a log line."""
    yield EventRecords("first", (), ())
    raise RuntimeError('header\n{"event": "forged"}')
