"""A command that ends with its parent process."""

import os
import select
import subprocess
import sys

from workers.runtime import die_with_parent

CHILD = "import sys, time; print('here', flush=True); time.sleep(600)"
PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", {die_with_parent.__file__!r}, str(os.getpid()), sys.executable, "-c", {CHILD!r}])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_the_command_ends_when_its_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        assert parent.stdout.readline() == "here\n"
        parent.kill()
        assert select.select([child], [], [], 10.0)[0]
        os.close(child)


def test_a_command_whose_parent_has_ended_is_not_started():
    strangers = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getppid()), sys.executable, "-c", CHILD]
    ended = subprocess.run(strangers, capture_output=True, text=True, timeout=30.0, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
