"""The start of a worker process."""

import subprocess
import sys
from pathlib import Path

from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from workers.runtime.worker import wait_for_queue

ROOT = Path(__file__).resolve().parents[3]

TERMINATED_IN_A_CALLBACK = """
import ctypes, os, signal, time
from unittest.mock import Mock
from workers.runtime.worker import end_at_sigterm

heartbeat = Mock()
heartbeat.stop = lambda: print("no heartbeat any more", flush=True)
end_at_sigterm(heartbeat, "w")
ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGTERM))()
time.sleep(50)
"""


class AwayAtFirst:
    """A client of a queue server that answers the third ping."""

    def __init__(self) -> None:
        self.pings = 0

    def ping(self) -> bool:  # noqa: D102
        self.pings += 1
        if self.pings < 3:
            raise RedisConnectionError("refused")
        return True


def test_a_worker_waits_for_the_queue_server_and_says_so_once():
    redis = AwayAtFirst()
    with capture_logs() as logs:
        wait_for_queue(redis, pause_s=0.0)
    assert redis.pings == 3
    assert [line["event"] for line in logs] == ["the queue server does not answer, waiting for it", "the queue server answers again"]


def test_sigterm_ends_a_worker_that_is_loading_compiled_code():
    """An exception that a signal raises in a callback of such code is printed and lost."""
    process = subprocess.run(
        [sys.executable, "-c", TERMINATED_IN_A_CALLBACK], cwd=ROOT, check=False, capture_output=True, text=True, timeout=40
    )
    assert process.returncode == 0
    assert process.stdout.startswith("no heartbeat any more\n")
    assert "Traceback" not in process.stderr
