"""What runs on this machine, read from /proc (Linux): who is whose child, how much memory and how many files each has."""

import ctypes
import os
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


def adopt_orphans(wanted: bool = True) -> None:
    """Processes whose parent is killed become children of this one, so that what is left over is seen."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def children(pid: int) -> list[int]:
    """Living children of a process; none where it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(word) for word in (task / "children").read_text().split()]
    return [child for child in found if not is_dead(child)]


def tree(pid: int) -> list[int]:
    """A process and all its descendants."""
    return [pid, *(descendant for child in children(pid) for descendant in tree(child))]


def parent(pid: int) -> int:
    """Its parent's id; 0 where it is gone."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def is_dead(pid: int) -> bool:
    """Whether it is gone, or nobody has yet asked how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def command(pid: int) -> str:
    """Its command line; empty where it is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def role(pid: int) -> str:
    """What a process of the service is, by its command line."""
    words = command(pid)
    if "forkserver" in words:
        return "parser" if "forkserver" in command(parent(pid)) else "parser server"
    for mark, name in (("valkey", "queue"), ("--one", "worker"), ("resource_tracker", "tracker")):
        if mark in words:
            return name
    return "api" if " app" in words else "supervisor" if " workers" in words else "other"


def resident_mib(pid: int) -> float:
    """Memory of its own and its share of what it shares (PSS), MiB; 0 where it is gone."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
    return 0.0


def open_files(pid: int) -> int:
    """How many descriptors it holds; 0 where it is gone."""
    with suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))
    return 0


def left_over(known: Collection[int], within_s: float = 10.0) -> list[str]:
    """Command lines of children of this process, known ones and Python's resource trackers excepted, that do not end in time."""
    deadline = time.monotonic() + within_s
    while True:
        left = [pid for pid in children(os.getpid()) if pid not in known and role(pid) != "tracker"]
        if not left or time.monotonic() > deadline:
            return [command(pid) for pid in left]
        time.sleep(0.05)


def exchange(one: Path, other: Path) -> None:
    """Two names change places at one moment; raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
