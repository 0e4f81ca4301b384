"""
Run a command that ends when its parent does: `python -I -S tied.py PARENT_PID COMMAND ...`.

The kernel sends it SIGTERM (Linux; elsewhere nothing is sent), also when the parent is killed. An own program because the
wish must be stated after the fork and survives the exec, and Python code between the two is unsafe beside threads.
The kernel's "parent" is the thread that started it: start from one that lives as long as the process.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Become the command, unless the parent has gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")
    os.execv(command[0], command)  # noqa: S606 -- no shell is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
