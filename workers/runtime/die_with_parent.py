"""
Run a command that ends with its parent process: `python -I -S die_with_parent.py PARENT_PID COMMAND ...`.

The kernel sends the command SIGTERM when the parent ends, even if the parent is killed (Linux; no signal elsewhere). This is a
program of its own because the request (prctl) must be made after the fork and survives the exec, and running Python between
fork and exec is unsafe in a process with threads. For the kernel the parent is the thread that started the command, so start
it from a thread that lives as long as the process.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Request SIGTERM on the parent's end, then replace this process by the command; raises SystemExit if the parent has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the parent process has ended")
    os.execv(command[0], command)  # noqa: S606 -- deliberately without a shell


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
