"""Processes of this machine from /proc (Linux): children, roles, memory and open files."""

import ctypes
import os
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def adopt_orphans(enabled: bool = True) -> None:
    """Make processes whose parent is killed children of this one, so that leftover processes can be found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(enabled))


def children(pid: int) -> list[int]:
    """Return the living children of a process; none if it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return [child for child in found if not is_dead(child)]


def tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    return [pid, *(descendant for child in children(pid) for descendant in tree(child))]


def parent(pid: int) -> int:
    """Return the id of a process's parent; 0 if it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def is_dead(pid: int) -> bool:
    """Return whether a process has ended (or is a zombie)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def command(pid: int) -> str:
    """Return the command line of a process; empty if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def role(pid: int) -> str:
    """Return the role of a process of the service, from its command line."""
    arguments = command(pid)
    if "forkserver" in arguments:
        return "parser" if "forkserver" in command(parent(pid)) else "parser server"
    for mark, name in (("valkey", "queue"), ("--one", "worker"), ("resource_tracker", "tracker")):
        if mark in arguments:
            return name
    return "api" if " app" in arguments else "supervisor" if " workers" in arguments else "other"


def resident_mib(pid: int) -> float:
    """Return the proportional set size of a process (shared memory divided among its users), MiB; 0 if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process and its descendants, seconds."""
    ticks = 0
    for one in tree(pid):
        with suppress(OSError):
            ticks += sum(int(word) for word in Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def open_files(pid: int) -> int:
    """Return the number of a process's open files; 0 if it has ended."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def describe_run() -> dict[str, object]:
    """Describe a measurement that ends now: commit, date, and the load average of the last 1, 5 and 15 minutes."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {"commit": commit, "date": datetime.now(UTC).date().isoformat(), "load": [round(load, 1) for load in os.getloadavg()]}


def left_over(earlier: Collection[int], within_s: float = 10.0) -> list[str]:
    """Return command lines of children that do not end in time, except earlier ones and Python's resource trackers."""
    deadline = time.monotonic() + within_s
    while True:
        left = [pid for pid in children(os.getpid()) if pid not in earlier and role(pid) != "tracker"]
        if not left or time.monotonic() > deadline:
            return [command(pid) for pid in left]
        time.sleep(0.05)


def exchange(one: Path, other: Path) -> None:
    """Exchange two paths atomically; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
