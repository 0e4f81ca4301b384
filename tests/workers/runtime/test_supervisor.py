"""Supervision goes on, whatever becomes of one of its duties; what it does for workers is in tests/end_to_end and tests/faults."""

import errno
import threading

import pytest

from workers.runtime.supervisor import Supervisor
from workers.settings import Settings


def test_a_duty_that_fails_does_not_end_supervision(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """A full disk makes starting the queue server fail with an OSError: jobs must be swept all the same, and it is tried again."""
    supervisor, swept, tried = Supervisor(settings.model_copy(update={"workers": 0}), embedded=False), threading.Event(), []
    again = threading.Event()

    def failing() -> None:
        tried.append(1)
        if len(tried) > 1:
            again.set()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(supervisor, "_keep_queue", failing)
    monkeypatch.setattr(supervisor, "_sweep", swept.set)
    with supervisor:
        assert again.wait(20)
        assert swept.wait(20)
