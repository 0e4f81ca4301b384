"""Supervision continues after an exception in one of its steps; restarts of workers are tested in tests/end_to_end and tests/faults."""

import errno
import threading

import pytest

from workers.runtime.supervisor import Supervisor
from workers.settings import Settings


def test_an_exception_in_one_step_does_not_end_supervision(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """On a full disk the queue server cannot start (OSError): jobs are swept all the same, and the start is repeated."""
    supervisor, sweep, attempts = Supervisor(settings.model_copy(update={"workers": 0}), embedded=False), threading.Event(), []
    again = threading.Event()

    def failing() -> None:
        attempts.append(1)
        if len(attempts) > 1:
            again.set()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(supervisor, "_check_queue", failing)
    monkeypatch.setattr(supervisor, "_sweep", sweep.set)
    with supervisor:
        assert again.wait(20)
        assert sweep.wait(20)
